//! Numbers and times as people write them, in their language.

use super::language::Language;
use jiff::Timestamp;

/// `1.2 MB`, `1,2 МБ`: in powers of 1000.
pub fn size(language: Language, bytes: u64) -> String {
    let (units, point) = match language {
        Language::English => (["B", "kB", "MB", "GB", "TB", "PB"], "."),
        Language::Russian => (["Б", "кБ", "МБ", "ГБ", "ТБ", "ПБ"], ","),
    };
    if bytes < 1000 {
        return format!("{bytes}\u{a0}{}", units[0]);
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 1;
    // 999.95 would be shown as 1000.0
    while value >= 999.95 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1}\u{a0}{}", units[unit]).replace('.', point)
}

/// `12,345`, `12 345`.
pub fn count(language: Language, number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(if language == Language::English { ',' } else { '\u{a0}' });
        }
        text.push(digit);
    }
    text
}

/// How old something is; both times are RFC 3339. One that cannot be read is shown as it stands.
pub fn ago(language: Language, now: &str, then: &str) -> String {
    let (Ok(at), Ok(since)) = (now.parse::<Timestamp>(), then.parse::<Timestamp>()) else { return then.to_owned() };
    let words = language.words();
    let seconds = at.as_second() - since.as_second();
    let (number, unit) = match seconds {
        ..10 => return words.just_now.to_owned(),
        10..60 => (seconds, words.seconds),
        60..3600 => (seconds / 60, words.minutes),
        3600..172_800 => (seconds / 3600, words.hours),
        _ => (seconds / 86_400, words.days),
    };
    format!("{number}\u{a0}{unit}\u{a0}{}", words.ago)
}

/// `2026-11-23 07:15`, of an RFC 3339 time; the zone is UTC and is said beside it.
pub fn minute(time: &str) -> String {
    time.get(..16).map_or_else(|| time.to_owned(), |minute| minute.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Russian};

    #[test]
    fn numbers_and_times_of_both_languages() {
        assert_eq!(size(English, 1_234_567), "1.2\u{a0}MB");
        assert_eq!(size(Russian, 1_234_567), "1,2\u{a0}МБ");
        assert_eq!((size(English, 0), size(Russian, 999_950)), ("0\u{a0}B".into(), "1,0\u{a0}МБ".into()));
        assert_eq!((count(English, 12_345), count(Russian, 12_345)), ("12,345".into(), "12\u{a0}345".into()));
        let ago = |then| ago(Russian, "2026-11-23T12:00:00Z", then);
        assert_eq!(ago("2026-11-23T11:58:00Z"), "2\u{a0}мин\u{a0}назад");
        assert_eq!(ago("2026-11-23T11:59:58Z"), "только что");
        assert_eq!(ago("nonsense"), "nonsense");
        assert_eq!(minute("2026-11-23T07:15:26.123Z"), "2026-11-23 07:15");
    }
}
