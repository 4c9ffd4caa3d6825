//! Numbers and times as people read them.

use jiff::Timestamp;
use std::borrow::Cow;

/// `1.2 MB`, in powers of 1000.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // 999.95 would be printed as 1000.0
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `12,345 rows`.
pub fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

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

fn breaks(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends_the_line = matches!(c, '\u{2028}' | '\u{2029}');
    turns || ends_the_line || c.is_control() && c != '\n' && c != '\t'
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
    fn sizes_have_one_decimal_and_never_a_thousand() {
        let shown = [0, 999, 1000, 1_250_000, 999_949, 999_950, 999_999_999, u64::MAX].map(size);
        insta::assert_snapshot!(shown.join(" | "), @"0 B | 999 B | 1.0 kB | 1.2 MB | 999.9 kB | 1.0 MB | 1.0 GB | 18446.7 PB");
    }

    #[test]
    fn counts_have_commas() {
        insta::assert_snapshot!([0, 999, 1000, 12_345, 1_234_567, u64::MAX].map(count).join(" | "), @"0 | 999 | 1,000 | 12,345 | 1,234,567 | 18,446,744,073,709,551,615");
        assert_eq!([0, 1, 2000].map(|n| plural(n, "row")), ["0 rows", "1 row", "2,000 rows"]);
    }

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
