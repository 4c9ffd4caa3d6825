//! How often. cron starts again at each full hour and each midnight, so that only what divides them comes regularly.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;

/// The time between two backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Every {
    minutes: u32,
}

/// cron cannot do that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotThatOften(String);

impl fmt::Display for NotThatOften {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |unit: &str, whole: u32| {
            let numbers = (1..whole).filter(|n| whole.is_multiple_of(*n)).map(|n| format!("{n}{unit}"));
            numbers.collect::<Vec<_>>().join(" ")
        };
        write!(f, "cron cannot do {:?} regularly; it can do {}, {}, 1d", self.0, list("m", HOUR), list("h", 24))
    }
}

impl std::error::Error for NotThatOften {}

impl Every {
    pub const HOUR: Self = Self { minutes: HOUR };

    pub fn seconds(self) -> i64 {
        i64::from(self.minutes) * 60
    }

    /// The five fields of cron. `spread` is any number that is the project's own: not everybody's backups begin at the
    /// same minute. Once a day is at noon, when the machines that people work at are on.
    pub fn cron(self, spread: u32) -> String {
        match self.minutes {
            1 => "* * * * *".to_owned(),
            DAY => format!("{} 12 * * *", spread % HOUR),
            HOUR => format!("{} * * * *", spread % HOUR),
            minutes if minutes < HOUR && spread.is_multiple_of(minutes) => format!("*/{minutes} * * * *"),
            minutes if minutes < HOUR => format!("{}-59/{minutes} * * * *", spread % minutes),
            minutes => format!("{} */{} * * *", spread % HOUR, minutes / HOUR),
        }
    }

    /// The same as systemd says it, in the time of the machine.
    pub fn calendar(self, spread: u32) -> String {
        match self.minutes {
            DAY => format!("*-*-* 12:{:02}:00", spread % HOUR),
            minutes if minutes < HOUR => format!("*-*-* *:{:02}/{minutes}:00", spread % minutes),
            HOUR => format!("*-*-* *:{:02}:00", spread % HOUR),
            minutes => format!("*-*-* 00/{}:{:02}:00", minutes / HOUR, spread % HOUR),
        }
    }
}

impl FromStr for Every {
    type Err = NotThatOften;

    fn from_str(text: &str) -> Result<Self, NotThatOften> {
        let refused = || NotThatOften(text.to_owned());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u32 = number.parse().map_err(|_| refused())?;
        let factor = match unit {
            "m" | "min" => 1,
            "h" => HOUR,
            "d" => DAY,
            _ => return Err(refused()),
        };
        let minutes = number.checked_mul(factor).filter(|minutes| *minutes > 0).ok_or_else(refused)?;
        let regular = if minutes < HOUR { HOUR % minutes } else { minutes % HOUR + DAY % minutes };
        if regular == 0 && minutes <= DAY { Ok(Self { minutes }) } else { Err(refused()) }
    }
}

impl TryFrom<String> for Every {
    type Error = NotThatOften;

    fn try_from(text: String) -> Result<Self, NotThatOften> {
        text.parse()
    }
}

impl From<Every> for String {
    fn from(every: Every) -> Self {
        every.to_string()
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            DAY => f.write_str("1d"),
            minutes if minutes < HOUR => write!(f, "{minutes}m"),
            minutes => write!(f, "{}h", minutes / HOUR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cron_can_do() {
        let said = |text: &str| match text.parse::<Every>() {
            Ok(every) => format!("{every}: {} | {}", every.cron(1_000_017), every.calendar(1_000_017)),
            Err(error) => error.to_string(),
        };
        let words = ["1m", "15m", "30min", "60m", "1h", "6h", "24h", "1d"];
        insta::assert_snapshot!(words.map(said).join("\n"), @r"
        1m: * * * * * | *-*-* *:00/1:00
        15m: 12-59/15 * * * * | *-*-* *:12/15:00
        30m: 27-59/30 * * * * | *-*-* *:27/30:00
        1h: 57 * * * * | *-*-* *:57:00
        1h: 57 * * * * | *-*-* *:57:00
        6h: 57 */6 * * * | *-*-* 00/6:57:00
        1d: 57 12 * * * | *-*-* 12:57:00
        1d: 57 12 * * * | *-*-* 12:57:00
        ");
        assert_eq!("15m".parse::<Every>().unwrap().cron(45), "*/15 * * * *");
        assert_eq!(Every::HOUR, "1h".parse().unwrap());
        for text in [
            "7m",
            "45m",
            "90m",
            "5h",
            "2d",
            "48h",
            "0m",
            "0h",
            "",
            "h",
            "1",
            "-1h",
            "1.5h",
            "1w",
            "99999999999h",
            "4294967295d",
            "1H",
        ] {
            let error = text.parse::<Every>().unwrap_err().to_string();
            assert!(error.contains(" 15m ") && error.contains(" 12h, 1d"), "{text}: {error}");
        }
        insta::assert_snapshot!(said("45m"), @r#"cron cannot do "45m" regularly; it can do 1m 2m 3m 4m 5m 6m 10m 12m 15m 20m 30m, 1h 2h 3h 4h 6h 8h 12h, 1d"#);
    }
}
