//! Figures and foreign text as people read them.

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

/// `12 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`.
pub fn seconds(seconds: f64) -> String {
    // also what is no number
    if !seconds.is_finite() || seconds < 0.001 {
        return "under 1 ms".to_owned();
    }
    let whole = seconds.round();
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", s * 1000.0),
        s if s < 59.95 => format!("{s:.1} s"),
        _ if whole < 3600.0 => format!("{:.0} min {:.0} s", (whole / 60.0).floor(), whole % 60.0),
        _ => format!("{:.0} h {:.0} min", (whole / 3600.0).floor(), (whole % 3600.0 / 60.0).floor()),
    }
}

/// Characters that make a line look like another one: control characters but newline and tab, those that turn the
/// direction of what follows, and those that end a line elsewhere.
pub fn breaks(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends_the_line = matches!(c, '\u{2028}' | '\u{2029}');
    turns || ends_the_line || c.is_control() && c != '\n' && c != '\t'
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
    fn times_have_two_units_at_most() {
        let shown = [f64::NAN, 0.0, 0.0123, 0.9994, 0.9996, 59.94, 59.96, 200.9, 3599.9, 7530.0].map(seconds);
        insta::assert_snapshot!(shown.join(" | "), @"under 1 ms | under 1 ms | 12 ms | 999 ms | 1.0 s | 59.9 s | 1 min 0 s | 3 min 21 s | 1 h 0 min | 2 h 5 min");
    }
}
