//! `.env` files exactly as Prisma reads them: the grammar of Node's `dotenv` and Prisma's own `${NAME}` expansion.
//!
//! The `dotenvy` crate differs where it hurts: it expands `$word` inside an unquoted password and gives up at a line
//! that `dotenv` passes over. Reading another URL than Prisma does would mean backing up another database.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Names and values, of the process or of a file.
pub type Variables = BTreeMap<String, String>;

/// How deep `${A}` may lead to `${B}` before it is taken for a circle.
const DEPTH: u32 = 16;
/// How many variables one value may lead to: ten lines of ten references each would else take for ever.
const EXPANSIONS: u32 = 500;
/// A value that has grown beyond so many bytes grows no more.
const LONGEST: usize = 64 << 10;

/// The names and raw values of a `.env` file; lines that are none are passed over, the last of equal names wins.
pub fn parse(text: &str) -> Variables {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut variables = Variables::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (found, after) = line(rest);
        if let Some((name, value)) = found {
            variables.insert(name.to_owned(), value);
        }
        rest = after;
    }
    variables
}

/// Adds a file's variables to an environment: what is there already wins, `${NAME}` is expanded.
pub fn load(environment: &mut Variables, text: &str) {
    let mut parsed = parse(text);
    for name in parsed.keys().cloned().collect::<Vec<_>>() {
        let raw = environment.get(&name).unwrap_or(&parsed[&name]).clone();
        let mut left = EXPANSIONS;
        let value = expand(&raw, environment, &parsed, DEPTH, &mut left);
        parsed.insert(name, value);
    }
    environment.extend(parsed);
}

/// The variables of one file, expanded; none where it cannot be read.
pub fn read(file: &Path) -> Variables {
    let mut variables = Variables::new();
    load(&mut variables, &fs::read_to_string(file).unwrap_or_default());
    variables
}

/// One assignment at the beginning of `text`, and the text behind it; without an assignment the next line.
fn line(text: &str) -> (Option<(&str, String)>, &str) {
    let next_line = || text.find('\n').map_or("", |end| &text[end + 1..]);
    let Some((name, value)) = assignment(text) else { return (None, next_line()) };
    // a quoted value may begin on the next line and go on over several
    if let Some((quoted, rest)) = quoted(value) {
        return (Some((name, quoted)), rest);
    }
    let end = value.find('\n').unwrap_or(value.len());
    let plain = value[..end].split('#').next().unwrap_or_default();
    (Some((name, unquote(plain.trim()))), value.get(end + 1..).unwrap_or_default())
}

/// `export NAME =` or `NAME: ` at the beginning of a line: the name and everything behind.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let start = text.trim_start_matches([' ', '\t']);
    let exported = start.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    [exported.map(|rest| rest.trim_start_matches([' ', '\t'])), Some(start)].into_iter().flatten().find_map(|text| {
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))?;
        let (name, rest) = text.split_at(end);
        if name.is_empty() {
            return None;
        }
        let value = match rest.trim_start().strip_prefix('=') {
            Some(value) => value,
            None => rest.strip_prefix(':').filter(|value| value.starts_with([' ', '\t', '\n']))?,
        };
        Some((name, value))
    })
}

/// A value in quotes with nothing but a comment behind it, and the text after its line.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let inside = &text[1..];
    // the first bare quote closes; escaped ones before it only where nothing else can
    let mut closing: Vec<usize> = Vec::new();
    for (at, _) in inside.match_indices(quote) {
        closing.push(at);
        if !inside[..at].ends_with('\\') {
            break;
        }
    }
    closing.into_iter().rev().find_map(|at| {
        let behind = &inside[at + 1..];
        let end = behind.find('\n').unwrap_or(behind.len());
        let tail = behind[..end].trim_start();
        (tail.is_empty() || tail.starts_with('#'))
            .then(|| (unquote(&text[..at + 2]), behind.get(end + 1..).unwrap_or_default()))
    })
}

fn unquote(value: &str) -> String {
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
    let bare = quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value);
    if quote == Some('"') { bare.replace("\\n", "\n").replace("\\r", "\r") } else { bare.to_owned() }
}

/// Replaces `${NAME}`; a backslash before the dollar keeps it. `$NAME` without braces is no variable for Prisma.
fn expand(text: &str, environment: &Variables, file: &Variables, depth: u32, left: &mut u32) -> String {
    let mut result = text.to_owned();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let inside = &rest[start + 2..];
        let end = inside.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let Some(end) = end.filter(|end| inside[*end..].starts_with('}')) else {
            rest = inside;
            continue;
        };
        let (name, reference) = (&inside[..end], &rest[start..start + end + 3]);
        if rest[..start].ends_with('\\') {
            result = result.replacen(&format!("\\{reference}"), reference, 1);
        } else {
            let value = environment
                .get(name)
                .or_else(|| file.get(name))
                .filter(|_| depth > 0 && *left > 0 && result.len() < LONGEST);
            *left = left.saturating_sub(1);
            let value = value.map(|value| expand(value, environment, file, depth - 1, left)).unwrap_or_default();
            result = replace_as_javascript(&result, reference, &value);
        }
        rest = &inside[end + 1..];
    }
    result
}

/// Prisma replaces by `String.replace`, for which `$$`, `$&`, `` $` `` and `$'` in the new text mean something: a
/// password `a$$b` behind `${PASSWORD}` arrives as `a$b`.
fn replace_as_javascript(text: &str, old: &str, new: &str) -> String {
    let Some((before, after)) = text.split_once(old) else { return text.to_owned() };
    let mut result = before.to_owned();
    let mut chars = new.chars().peekable();
    while let Some(c) = chars.next() {
        // each of them may bring in all of the text again
        let special = match chars.peek().filter(|_| c == '$' && result.len() < LONGEST) {
            Some('$') => "$",
            Some('&') => old,
            Some('`') => before,
            Some('\'') => after,
            _ => {
                result.push(c);
                continue;
            }
        };
        chars.next();
        result.push_str(special);
    }
    result + after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<String> {
        parse(text).remove("A")
    }

    /// Found by fuzzing: each "$`" brings in everything before it.
    #[test]
    fn a_value_does_not_grow_for_ever() {
        let text = format!(
            "B={}\nA={}${{B}}\nC=${{A}}${{A}}${{A}}\nD={}${{C}}",
            "$`".repeat(30_000),
            "x".repeat(60_000),
            "${C}".repeat(9)
        );
        let mut variables = Variables::new();
        load(&mut variables, &text);
        assert!(variables.values().all(|value| value.len() < 8 * LONGEST), "{:?}", variables.values().map(String::len));
    }

    #[test]
    fn reads_what_dotenv_reads() {
        for (text, value) in [
            ("A=b", Some("b")),
            ("A\n = b", Some("b")),
            ("  export A = b  # why", Some("b")),
            ("A=pa$word#x", Some("pa$word")),
            ("A='pa#word' # c", Some("pa#word")),
            ("A=\"a\\nb\"", Some("a\nb")),
            ("A='a\\nb'", Some("a\\nb")),
            ("A=`it's \"so\"`", Some("it's \"so\"")),
            ("A=\"two\nlines\"\nB=1", Some("two\nlines")),
            ("A=\"unterminated", Some("\"unterminated")),
            ("A=\"x\" y", Some("\"x\" y")),
            ("A: b", Some("b")),
            ("A:b", None),
            ("A=", Some("")),
            ("A", None),
            ("# A=b", None),
            ("not a line\nA=b=c\r\nB=2", Some("b=c")),
            ("A=1\nA=2", Some("2")),
            ("\u{feff}A=b", Some("b")),
        ] {
            assert_eq!(one(text).as_deref(), value, "{text:?}");
        }
    }

    #[test]
    fn a_dollar_behind_a_variable_is_what_javascript_makes_of_it() {
        let mut environment = Variables::new();
        load(&mut environment, "P='a$$b'\nURL=u:${P}@h\nQ=\"x$'\"\nR=${Q}!");
        assert_eq!((environment["URL"].as_str(), environment["P"].as_str()), ("u:a$b@h", "a$$b"));
        assert_eq!(environment["R"], "x!!");
    }

    #[test]
    fn expands_braces_only_and_the_environment_wins() {
        let mut environment = Variables::from([("HOST".into(), "real".into()), ("A".into(), "mine".into())]);
        load(
            &mut environment,
            "A=file\nHOST=file\nURL=postgresql://u:p$x@${HOST}/${DB}\nDB=shop\nKEPT=\\${DB}\nLOOP=${LOOP}",
        );
        assert_eq!(environment["URL"], "postgresql://u:p$x@real/shop");
        assert_eq!((environment["A"].as_str(), environment["HOST"].as_str()), ("mine", "real"));
        assert_eq!((environment["KEPT"].as_str(), environment["LOOP"].as_str()), ("${DB}", ""));
    }

    #[test]
    fn what_leads_to_everything_ends() {
        let lines: Vec<String> = (0..12).map(|n| format!("V{n}={}", format!("${{V{}}}", n + 1).repeat(10))).collect();
        let mut environment = Variables::new();
        load(&mut environment, &format!("{}\nV12=x", lines.join("\n")));
        assert_eq!((environment["V11"].as_str(), environment["V10"].len()), ("xxxxxxxxxx", 100));
    }
}
