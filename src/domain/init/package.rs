//! `package.json`: its scripts call safemigrate where they called Prisma. Everything else stays byte for byte.

use super::json::{Member, is_json, members, replace_in};
use super::record::{Record, Rewritten};
use super::script;
use std::collections::BTreeMap;
use std::ops::Range;

/// The script that is added where none runs `safemigrate dev`.
pub const ADDED: (&str, &str) = ("db:migrate", "safemigrate dev");

/// What the scripts become.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guarded {
    pub text: String,
    /// What was changed, by the script's name.
    pub scripts: BTreeMap<String, Rewritten>,
    /// There were no `scripts` at all.
    pub scripts_made: bool,
    /// The first script that runs `safemigrate dev` now.
    pub dev: Option<String>,
    /// Scripts that call Prisma in a way that was left alone: the name, and the call.
    pub left: Vec<(String, String)>,
}

/// Lets the scripts of `text` call safemigrate. `None` where the text is no JSON object, or `scripts` is none.
pub fn guarded(text: &str) -> Option<Guarded> {
    let file = File::read(text)?;
    let mut guarded = Guarded { text: text.to_owned(), ..Guarded::default() };
    let scripts = file.scripts()?;
    for script in scripts.iter().rev() {
        let Ok(line) = serde_json::from_str::<String>(&text[script.value.clone()]) else { continue };
        let reading = script::read(&line);
        guarded.left.extend(reading.left.into_iter().map(|call| (script.name.clone(), call)));
        let now = script::edited(&line, &reading.edits);
        if script::runs_dev(&now) {
            guarded.dev = Some(script.name.clone());
        }
        if !reading.edits.is_empty() {
            let literal = rewritten(&text[script.value.clone()], &line, &now)?;
            guarded.text.replace_range(script.value.clone(), &literal);
            guarded.scripts.insert(script.name.clone(), Rewritten { was: Some(line), now });
        }
    }
    guarded.left.reverse();
    let (name, now) = ADDED;
    if guarded.dev.is_none() && scripts.iter().all(|script| script.name != name) {
        guarded.scripts_made = file.member("scripts").is_none();
        guarded.text = added(&guarded.text, name, now)?;
        guarded.dev = Some(name.to_owned());
        guarded.scripts.insert(name.to_owned(), Rewritten { was: None, now: now.to_owned() });
    }
    Some(guarded)
}

/// What taking back came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenBack {
    pub text: String,
    /// Scripts that are not any more what we made of them: they stay.
    pub kept: Vec<String>,
}

/// Takes back what the record says, as far as it still stands there. `None` as for `guarded`.
pub fn taken_back(text: &str, record: &Record) -> Option<TakenBack> {
    let mut back = TakenBack { text: text.to_owned(), ..TakenBack::default() };
    for (name, script) in &record.scripts {
        let file = File::read(&back.text)?;
        let scripts = file.scripts()?;
        let Some(at) = scripts.iter().position(|found| found.name == *name) else { continue };
        let value = scripts[at].value.clone();
        let line = serde_json::from_str::<String>(&back.text[value.clone()]).unwrap_or_default();
        match &script.was {
            _ if Some(&line) == script.was.as_ref() => {}
            _ if line != script.now => back.kept.push(name.clone()),
            Some(was) => {
                let literal = rewritten(&back.text[value.clone()], &line, was)?;
                back.text.replace_range(value, &literal);
            }
            None => {
                let object = file.member("scripts").map_or(0..0, |member| member.value.clone());
                back.text = removed(&back.text, object, &scripts, at);
            }
        }
    }
    let file = File::read(&back.text)?;
    if record.scripts_made
        && file.scripts()?.is_empty()
        && let Some(at) = file.members.iter().position(|member| member.name == "scripts")
    {
        back.text = removed(&back.text, file.object, &file.members, at);
    }
    Some(back)
}

/// The members of the file's object. A byte order mark stays where it is.
struct File<'a> {
    text: &'a str,
    object: Range<usize>,
    members: Vec<Member>,
}

impl<'a> File<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let start = text.len() - text.trim_start_matches('\u{feff}').len();
        let object = start..text.len();
        if !is_json(&text[object.clone()]) {
            return None;
        }
        let members = members(text, object.clone())?;
        Some(Self { text, object, members })
    }

    /// The last of its name: the one that counts.
    fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().rfind(|member| member.name == name)
    }

    fn scripts(&self) -> Option<Vec<Member>> {
        self.member("scripts").map_or(Some(Vec::new()), |scripts| members(self.text, scripts.value.clone()))
    }
}

/// The literal of `line`, written as it is, with what is other in `now` put in.
fn rewritten(literal: &str, line: &str, now: &str) -> Option<String> {
    let same = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>()
    };
    let front = same(&mut line.chars(), &mut now.chars());
    let back = same(&mut line[front..].chars().rev(), &mut now[front..].chars().rev());
    replace_in(literal, front..line.len() - back, &now[front..now.len() - back])
}

/// The text with one script more, written as those around it.
fn added(text: &str, name: &str, line: &str) -> Option<String> {
    let file = File::read(text)?;
    let entry = |gap: &str| format!("{}{gap}{}", serde_json::Value::from(name), serde_json::Value::from(line));
    // as the file's own first entry is set: `{`, what stands before the key, the key, what stands before the value
    let first = file.members.first();
    let brace = file.object.start + text[file.object.clone()].find('{')?;
    let outer = first.map_or("\n  ", |first| &text[brace + 1..first.key.start]);
    let gap = first.map_or(": ", |first| &text[first.key.end..first.value.start]);
    let (line_end, indent) = outer
        .rsplit_once('\n')
        .map_or(("", ""), |(before, indent)| (if before.ends_with('\r') { "\r\n" } else { "\n" }, indent));
    let inner = format!("{line_end}{indent}{indent}");
    let object = format!("{{{inner}{}{line_end}{indent}}}", entry(gap));
    let mut text = text.to_owned();
    let Some(scripts) = file.member("scripts") else {
        match file.members.last() {
            Some(last) => text.insert_str(last.value.end, &format!(",{outer}\"scripts\"{gap}{object}")),
            None => text.replace_range(
                brace..file.object.start + file.text[file.object.clone()].trim_end().len(),
                &format!("{{{outer}\"scripts\"{gap}{object}\n}}"),
            ),
        }
        return Some(text);
    };
    let listed = members(&text, scripts.value.clone())?;
    match (listed.first(), listed.last()) {
        (Some(first), Some(last)) => {
            let before = &file.text[scripts.value.start + 1..first.key.start];
            let gap = &file.text[first.key.end..first.value.start];
            text.insert_str(last.value.end, &format!(",{before}{}", entry(gap)));
        }
        _ => text.replace_range(scripts.value.clone(), &object),
    }
    Some(text)
}

/// The text without one of the members of `object`; the comma before it goes, too, or behind it where it is the first.
fn removed(text: &str, object: Range<usize>, members: &[Member], at: usize) -> String {
    let before = at.checked_sub(1).and_then(|before| members.get(before));
    let (place, with) = match (before, members.get(at + 1)) {
        (Some(before), _) => (before.value.end..members[at].value.end, ""),
        (None, Some(next)) => (members[at].key.start..next.key.start, ""),
        (None, None) => (object.start..object.start + text[object].trim_end().len(), "{}"),
    };
    format!("{}{with}{}", &text[..place.start], &text[place.end..])
}

#[cfg(test)]
mod tests;
