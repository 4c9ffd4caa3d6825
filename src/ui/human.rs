//! Numbers and times as people read them.

use crate::domain::figures::breaks;
use jiff::Timestamp;
use std::borrow::Cow;

/// `3 min ago`; both times are RFC 3339. A time that cannot be read is shown as it stands.
pub fn ago(now: &str, then: &str) -> String {
    let (Ok(at), Ok(since)) = (now.parse::<Timestamp>(), then.parse::<Timestamp>()) else { return then.to_owned() };
    let seconds = at.as_second() - since.as_second();
    match seconds {
        ..0 => "in the future".to_owned(),
        0..10 => "just now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..172_800 => "1 day ago".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// Makes names from a database harmless for the terminal: control characters (an escape code in a table's name) and
/// those that turn the direction of what follows become `\u{…}`; lines, tabs and our own colours stay.
pub(super) fn tame(text: &str) -> Cow<'_, str> {
    if !text.contains(breaks) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut color = PLAIN;
    while let Some(first) = rest.chars().next() {
        let code = color_code(rest);
        let (piece, after) = rest.split_at(code.map_or(first.len_utf8(), str::len));
        if code.is_none() && breaks(first) {
            out.extend(first.escape_unicode());
        } else {
            out.push_str(piece);
        }
        color = code.unwrap_or(color);
        rest = after;
    }
    if color != PLAIN {
        // not of ours: a name that ends in a colour
        out.push_str(PLAIN);
    }
    Cow::Owned(out)
}

/// A name or a cell that stays on its line.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t']) { text.replace('\n', "\\n").replace('\t', "\\t").into() } else { text.into() }
}

/// The same as `tame` for a JSON text, where such characters stand inside of strings only and mean the same when they are escaped.
pub(super) fn tame_json(json: &str) -> Cow<'_, str> {
    if !json.contains(breaks) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if breaks(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    Cow::Owned(out)
}

const PLAIN: &str = "\x1b[0m";

/// A colour code at the beginning, if `Style` paints with it: others conceal, blink or reverse.
fn color_code(text: &str) -> Option<&'static str> {
    const OURS: [&str; 7] = [PLAIN, "\x1b[1m", "\x1b[2m", "\x1b[31;1m", "\x1b[32m", "\x1b[33m", "\x1b[36m"];
    OURS.into_iter().find(|code| text.starts_with(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_round() {
        let then = "2026-11-03T12:00:00Z";
        let nows = [
            "2026-11-03T11:59:58Z",
            "2026-11-03T12:00:09Z",
            "2026-11-03T12:00:59Z",
            "2026-11-03T13:03:30+01:00",
            "2026-11-03T14:59:00Z",
            "2026-11-04T12:00:00Z",
            "2027-11-03T12:00:00Z",
        ];
        insta::assert_snapshot!(nows.map(|now| ago(now, then)).join(" | "), @"in the future | just now | 59 s ago | 3 min ago | 2 h ago | 1 day ago | 365 days ago");
        assert_eq!(ago("now", "nonsense"), "nonsense");
    }

    #[test]
    fn hostile_names_do_not_reach_the_terminal() {
        assert_eq!(tame("a\x1b[32mb\x1b[0m\nc"), "a\x1b[32mb\x1b[0m\nc");
        assert_eq!(tame("a\x1b[2Jb\rc\u{9b}d\x1b"), "a\\u{1b}[2Jb\\u{d}c\\u{9b}d\\u{1b}");
        assert_eq!(tame("é\t\u{7f}"), "é\t\\u{7f}");
        assert_eq!(tame("\x1b[8mhidden\u{202e}txt.exe"), "\\u{1b}[8mhidden\\u{202e}txt.exe");
        assert_eq!(tame("red \x1b[31;1mfrom here"), "red \x1b[31;1mfrom here\x1b[0m");
        assert_eq!(tame_json("{\"a\":\"\u{9b}\u{202e}שלום\"}"), "{\"a\":\"\\u009b\\u202eשלום\"}");
    }
}
