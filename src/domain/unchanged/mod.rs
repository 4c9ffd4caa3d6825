//! Which rows need not be read again, because they are proven to be those of an earlier backup. Argued in
//! `docs/reliability.md`, "Rows that are not read again".

mod base;
mod pages;
#[cfg(test)]
mod tests;

pub use base::{Fit, ReadRows, fit, must_read_all};
pub use pages::{Found, Known, PageRange, Part, chunks, is_unchanged, match_up, pays};

use super::manifest::DatabaseInfo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A moment in the life of a database, as told by the server: enough to know later what had ended by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// `pg_snapshot_xmin()`: every transaction before it had ended, and is seen if it was committed.
    pub xmin: u64,
    /// `pg_snapshot_xmax()`: the first transaction that had not begun.
    pub xmax: u64,
    /// Bytes of WAL that had been written.
    pub wal: u64,
    /// Another one when the server was started again, and when it recovered from a crash without being started again:
    /// it may have given away the same transaction ids twice.
    pub server_run: String,
    /// Another one when the database was dropped and made anew.
    pub incarnation: String,
}

/// What a backup remembers of the snapshot that it was read under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    pub moment: Moment,
    /// When every row was read for the last time (RFC 3339, UTC): then, or in one of the backups that this one stands on.
    pub read_all_at: String,
    /// The id of the backup that has the rows which were not read, if there were any. It may be gone by now: its objects
    /// are ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// By the table's oid.
    pub tables: BTreeMap<u32, Trace>,
}

/// Rows that were proven to be those of an earlier backup, in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spared {
    pub since: String,
    /// Tables with rows, of which none were read.
    pub tables: u64,
    /// Tables with rows.
    pub of_tables: u64,
    pub segments: u64,
    pub of_segments: u64,
}

/// How a table lay on the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Whatever the text of its rows depends on beside their bytes: its file, its columns and their types. `None`: on more
    /// than can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Where the segments were, in the order of `TableData::segments`.
    pub segments: Vec<PageRange>,
    /// How many of them were not read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl SnapshotInfo {
    pub fn spared(&self) -> Option<Spared> {
        let filled = || self.tables.values().filter(|trace| !trace.segments.is_empty());
        let sum = |of: fn(&Trace) -> u64| filled().fold(0_u64, |sum, trace| sum.saturating_add(of(trace)));
        let segments = |trace: &Trace| trace.segments.len() as u64;
        Some(Spared {
            since: self.since.clone()?,
            tables: sum(|trace| u64::from(trace.kept == trace.segments.len() as u64)),
            of_tables: sum(|_| 1),
            segments: sum(|trace| trace.kept),
            of_segments: sum(segments),
        })
    }
}

/// Servers before 14 know neither ranges of TIDs nor 64-bit transaction ids. Other encodings are converted on the way, by
/// functions that can be replaced.
pub fn can_be_told(database: &DatabaseInfo) -> bool {
    database.server_version >= 140_000 && database.encoding == "UTF8" && database.system_identifier.is_some()
}
