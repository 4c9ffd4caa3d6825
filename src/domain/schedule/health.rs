//! Is the schedule doing what it is there for? One judgement for the terminal and for the page.

use super::{Every, Outcome, Runner};
use std::fmt;

/// What the judgement is made of. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub runner: Runner,
    pub every: Every,
    pub installed: i64,
    /// When the newest good scheduled backup was taken.
    pub good: Option<i64>,
    pub last: Option<Last>,
    pub now: i64,
}

/// The last attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    pub at: i64,
    pub outcome: Outcome,
    pub why: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Good,
    Late(Late),
}

/// There should be a newer backup. Prints as one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Seconds since the last good scheduled backup; `None` where there is none.
    pub age: Option<i64>,
    pub because: Because,
}

/// Why there is none. Times are seconds ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    Failed {
        ago: i64,
        why: String,
    },
    Skipped {
        ago: i64,
        why: String,
    },
    /// It began and was never heard of again.
    NeverEnded {
        ago: i64,
    },
    AtWork {
        ago: i64,
    },
    /// Nothing was tried: whose task that is, and for how long.
    NotRun {
        runner: Runner,
        silent: i64,
    },
    /// It was taken, and is not in the store any more.
    Gone,
}

/// Beyond two intervals: cron looks at its clock once a minute, a backup takes its time, and another command may be waited for.
const GRACE: i64 = 90;
/// A clock that was wrong by more than that says nothing about today.
const FUTURE: i64 = 300;

/// A schedule is good as long as the newest backup is younger than two intervals and the last attempt did not fail.
/// What was before the installation does not count: then nothing was due.
pub fn judge(known: &Known) -> Health {
    let now = known.now;
    let believable = |at: &i64| *at <= now + FUTURE;
    let good = known.good.filter(believable);
    let last = known.last.as_ref().filter(|last| believable(&last.at) && last.at >= known.installed);
    let patience = 2 * known.every.seconds() + GRACE;
    let age = good.map(|at| (now - at).max(0));
    let late = |because| Health::Late(Late { age, because });
    let why = |last: &Last| last.why.clone().unwrap_or_else(|| "it is not known why".to_owned());
    if let Some(last) = last.filter(|last| last.outcome == Outcome::Failed) {
        return late(Because::Failed { ago: (now - last.at).max(0), why: why(last) });
    }
    let installed = Some(known.installed).filter(believable).unwrap_or(i64::MIN);
    if now.saturating_sub(good.unwrap_or(i64::MIN).max(installed)) <= patience {
        return Health::Good;
    }
    let recent = last.filter(|last| now - last.at <= patience);
    let Some(last) = recent else {
        let heard = last.map(|last| last.at).max(good.filter(|at| *at >= installed)).unwrap_or(installed);
        let silent = if heard == i64::MIN { age.unwrap_or(0) } else { now - heard };
        if let Some(last) = last.filter(|last| last.outcome == Outcome::Started) {
            return late(Because::NeverEnded { ago: now - last.at });
        }
        return late(Because::NotRun { runner: known.runner, silent });
    };
    let ago = (now - last.at).max(0);
    late(match last.outcome {
        Outcome::Started if ago <= known.every.seconds() => Because::AtWork { ago },
        Outcome::Started => Because::NeverEnded { ago },
        Outcome::Skipped | Outcome::Failed => Because::Skipped { ago, why: why(last) },
        Outcome::Done => Because::Gone,
    })
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.age {
            Some(age) => write!(f, "The last good scheduled backup is {} old, because {}", duration(age), self.because),
            None => write!(f, "There is no scheduled backup, because {}", self.because),
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { ago, why } => write!(f, "the attempt {} ago failed: {why}", duration(*ago)),
            Self::Skipped { ago, why } => write!(f, "the attempt {} ago was skipped: {why}", duration(*ago)),
            Self::NeverEnded { ago } => write!(f, "the attempt {} ago was ended before it was done", duration(*ago)),
            Self::AtWork { ago } => write!(f, "the attempt that began {} ago is still at work", duration(*ago)),
            Self::NotRun { runner, silent } => write!(f, "{runner} has not run it for {}", duration(*silent)),
            Self::Gone => f.write_str("the last one is not in the store any more"),
        }
    }
}

/// `26 hours`, in the unit that tells most.
fn duration(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..259_200 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;
    /// Hourly, installed two days ago, now.
    fn known(good: Option<i64>, last: Option<(i64, Outcome, &str)>) -> Known {
        let now = 1_800_000_000;
        let last = last.map(|(ago, outcome, why)| Last {
            at: now - ago,
            outcome,
            why: (!why.is_empty()).then(|| why.to_owned()),
        });
        Known {
            runner: Runner::Cron,
            every: Every::HOUR,
            installed: now - 48 * HOUR,
            good: good.map(|ago| now - ago),
            last,
            now,
        }
    }

    fn says(known: &Known) -> String {
        match judge(known) {
            Health::Good => "good".to_owned(),
            Health::Late(late) => late.to_string(),
        }
    }

    #[test]
    fn what_is_said_when() {
        use Outcome::{Done, Failed, Skipped, Started};
        let cases = [
            known(Some(600), Some((600, Done, ""))),
            known(Some(2 * HOUR), Some((2 * HOUR, Done, ""))),
            known(Some(HOUR), Some((60, Skipped, "`dev` is at work"))),
            known(Some(HOUR), Some((60, Started, ""))),
            known(Some(HOUR), Some((60, Failed, "The server does not answer"))),
            known(Some(26 * HOUR), Some((600, Failed, "The server does not answer"))),
            known(Some(26 * HOUR), Some((600, Skipped, "`dev` is at work"))),
            known(Some(26 * HOUR), Some((600, Started, ""))),
            known(Some(26 * HOUR), Some((90 * 60, Started, ""))),
            known(Some(26 * HOUR), Some((25 * HOUR, Started, ""))),
            known(Some(26 * HOUR), Some((26 * HOUR, Done, ""))),
            known(Some(26 * HOUR), Some((3 * HOUR, Skipped, "x"))),
            known(Some(26 * HOUR), None),
            known(None, Some((600, Done, ""))),
            known(None, Some((600, Failed, "pg_dump is missing"))),
            known(None, None),
        ];
        insta::assert_snapshot!(cases.iter().map(says).collect::<Vec<_>>().join("\n"), @r"
        good
        good
        good
        good
        The last good scheduled backup is 60 minutes old, because the attempt 60 seconds ago failed: The server does not answer
        The last good scheduled backup is 26 hours old, because the attempt 10 minutes ago failed: The server does not answer
        The last good scheduled backup is 26 hours old, because the attempt 10 minutes ago was skipped: `dev` is at work
        The last good scheduled backup is 26 hours old, because the attempt that began 10 minutes ago is still at work
        The last good scheduled backup is 26 hours old, because the attempt 90 minutes ago was ended before it was done
        The last good scheduled backup is 26 hours old, because the attempt 25 hours ago was ended before it was done
        The last good scheduled backup is 26 hours old, because cron has not run it for 26 hours
        The last good scheduled backup is 26 hours old, because cron has not run it for 3 hours
        The last good scheduled backup is 26 hours old, because cron has not run it for 26 hours
        There is no scheduled backup, because the last one is not in the store any more
        There is no scheduled backup, because the attempt 10 minutes ago failed: pg_dump is missing
        There is no scheduled backup, because cron has not run it for 48 hours
        ");
    }

    #[test]
    fn the_limit_is_two_intervals() {
        let mut at = known(Some(2 * HOUR + GRACE), None);
        assert_eq!(says(&at), "good");
        at.good = Some(at.now - 2 * HOUR - GRACE - 1);
        assert!(says(&at).ends_with("cron has not run it for 2 hours"), "{}", says(&at));
        at.every = "6h".parse().unwrap();
        assert_eq!(says(&at), "good");
    }

    #[test]
    fn nothing_was_due_before_it_was_installed() {
        let mut new = known(None, Some((5 * HOUR, Outcome::Failed, "long ago")));
        new.installed = new.now - 60;
        assert_eq!(says(&new), "good");
        new.good = Some(new.now - 400 * HOUR);
        assert_eq!(says(&new), "good");
        new.installed = new.now - 3 * HOUR;
        assert!(says(&new).ends_with("16 days old, because cron has not run it for 3 hours"), "{}", says(&new));
    }

    /// A clock that was in the year 2030 once must not keep us quiet until then.
    #[test]
    fn times_to_come_are_not_believed() {
        let mut later = known(Some(-900 * HOUR), Some((-900 * HOUR, Outcome::Done, "")));
        assert_eq!(says(&later), "There is no scheduled backup, because cron has not run it for 48 hours");
        later.installed = later.now + 900 * HOUR;
        assert!(says(&later).starts_with("There is no scheduled backup"), "{}", says(&later));
        assert_eq!(says(&known(Some(-20), Some((-20, Outcome::Done, "")))), "good");
    }
}
