//! What `init` did, kept in `safemigrate.toml` so that it can be taken back, by anybody who has the project.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[init]` of `safemigrate.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    pub ignore: Option<Ignored>,
    /// `package.json` had no `scripts` before.
    pub scripts_made: bool,
    /// The git hook was installed.
    pub hook: bool,
    pub scripts: BTreeMap<String, Rewritten>,
}

/// A line that was added to a `.gitignore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ignored {
    /// Seen from the project.
    pub file: String,
    pub line: String,
}

/// A script before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewritten {
    /// `None`: there was none.
    pub was: Option<String>,
    pub now: String,
}

/// The line above the section, which goes with it.
const HEADING: &str = "# What `safemigrate init` changed, for `safemigrate init --undo`.";

/// A new `safemigrate.toml`, every setting in a comment.
pub const NEW_FILE: &str = "\
# Settings of safemigrate; every line is optional.
# [store]
# path = \".safemigrate\"                 # where the backups are
# [retention]
# keep = 10                             # backups of each kind that stay
# [guard]
# production = [\"*.prod.example.com\"]   # never reset: host, host/database or database
# development = [\"db.dev.example.com\"]  # yours to reset
";

impl Record {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The file with this record in it, and no other; an empty record takes no place.
    pub fn written_into(&self, file: &str) -> String {
        let line_end = if file.contains("\r\n") { "\r\n" } else { "\n" };
        let without = without(file);
        if self.is_empty() {
            return without;
        }
        let gap = match without.as_str() {
            "" => "",
            text if text.ends_with('\n') => line_end,
            _ => &line_end.repeat(2),
        };
        format!("{without}{gap}{}", self.section().replace('\n', line_end))
    }

    fn section(&self) -> String {
        let mut text = format!("{HEADING}\n[init]\n");
        if let Some(ignore) = &self.ignore {
            text.push_str(&format!(
                "ignore = {{ file = {}, line = {} }}\n",
                quoted(&ignore.file),
                quoted(&ignore.line)
            ));
        }
        for (key, _) in [("hook", self.hook), ("scripts_made", self.scripts_made)].iter().filter(|(_, is)| *is) {
            text.push_str(&format!("{key} = true\n"));
        }
        if !self.scripts.is_empty() {
            text.push_str("[init.scripts]\n");
        }
        for (name, script) in &self.scripts {
            let was = script.was.as_ref().map(|was| format!("was = {}, ", quoted(was))).unwrap_or_default();
            text.push_str(&format!("{} = {{ {was}now = {} }}\n", quoted(name), quoted(&script.now)));
        }
        text
    }
}

/// On one line, whatever stands in it: what JSON escapes, TOML escapes the same way, and one character more.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// The file without our section and the line before it.
fn without(file: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in file.split_inclusive('\n') {
        let trimmed = line.trim();
        if trimmed == HEADING || trimmed == "[init]" || trimmed.starts_with("[init.") {
            if !inside && kept.last().is_some_and(|last| last.trim().is_empty()) {
                kept.pop();
            }
            inside = true;
        } else if trimmed.starts_with('[') || trimmed.starts_with('#') {
            inside = false;
        }
        if !inside {
            kept.push(line);
        }
    }
    kept.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        init: Record,
    }

    fn record() -> Record {
        let script = |was: Option<&str>, now: &str| Rewritten { was: was.map(str::to_owned), now: now.to_owned() };
        Record {
            ignore: Some(Ignored { file: "../../.gitignore".to_owned(), line: ".safemigrate/".to_owned() }),
            hook: true,
            scripts_made: false,
            scripts: BTreeMap::from([
                ("db:migrate".to_owned(), script(None, "safemigrate dev")),
                ("x \"y\"".to_owned(), script(Some("a 'b' \"c\" \\ \n ü && prisma migrate dev"), "n")),
            ]),
        }
    }

    #[test]
    fn it_comes_back_as_it_was_written_and_goes_without_a_trace() {
        for file in ["", NEW_FILE, "[guard]\nproduction = [\"x\"]", "a = 1\n\n", "# x\r\n[store]\r\npath = \"y\"\r\n"] {
            let written = record().written_into(file);
            assert_eq!(toml::from_str::<File>(&written).unwrap().init, record(), "{written}");
            assert_eq!(record().written_into(&written), written);
            assert_eq!(written.matches('\n').count() == written.matches("\r\n").count(), file.contains('\r'));
            let gone = Record::default().written_into(&written);
            assert_eq!(gone.trim_end(), file.trim_end(), "{written}");
        }
    }

    #[test]
    fn what_was_added_behind_it_stays() {
        let file = format!("{}[guard]\nproduction = [\"x\"]\n", record().written_into("[retention]\nkeep = 3\n"));
        assert_eq!(Record::default().written_into(&file), "[retention]\nkeep = 3\n[guard]\nproduction = [\"x\"]\n");
    }
}
