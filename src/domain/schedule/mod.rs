//! Backups that nobody has to remember: how often, by whom they are started, what became of them.

pub mod crontab;
mod every;
mod health;
pub mod units;

pub use every::{Every, NotThatOften};
pub use health::{Because, Health, Known, Last, Late, judge};

use super::manifest::Kinds;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What takes care of time on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    Cron,
    Systemd,
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cron => "cron",
            Self::Systemd => "systemd",
        })
    }
}

/// What was installed for a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    pub runner: Runner,
    pub every: Every,
    pub kind: Kinds,
    /// RFC 3339, UTC. Before it nothing was due.
    pub since: String,
}

/// How the last attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is at work, or it was ended without a word.
    Started,
    Done,
    /// Another command was at work until there was no use in waiting.
    Skipped,
    Failed,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// One attempt at a scheduled backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// RFC 3339, UTC: when it began.
    pub at: String,
    pub outcome: Outcome,
    /// Why there is no backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The last scheduled backup that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// RFC 3339, UTC.
    pub at: String,
    pub backups: Vec<String>,
}

/// All that the store knows of its schedule. Each part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    pub schedule: Option<Schedule>,
    pub last: Option<Attempt>,
    pub good: Option<Taken>,
}
