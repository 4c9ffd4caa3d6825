//! Which earlier backup can be built on.

use super::Moment;
use crate::domain::manifest::{DatabaseInfo, Manifest, Reason};

/// Transaction ids are compared by their low 32 bits. Half of what those can tell apart is room enough for all that
/// begins while we read.
const MOST_TRANSACTIONS: u64 = 1 << 30;
/// Ids below it are no transactions.
const FIRST_TRANSACTION: u32 = 3;
/// A backup by the clock reads everything when nothing has done so for this long, in seconds: what is proven is still looked
/// at once a day.
const DAY: f64 = 86_400.0;

/// Which rows a backup reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadRows {
    /// Those that are not proven to be the rows of an earlier backup.
    #[default]
    Unproven,
    All,
}

/// Whether everything is to be read, whatever could be proven. `since`: seconds since all rows were read.
pub fn must_read_all(wanted: ReadRows, reason: Reason, since: f64) -> bool {
    // a time in the future is none
    wanted == ReadRows::All || reason == Reason::Scheduled && !(0.0..DAY).contains(&since)
}

/// What an earlier backup is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Good,
    /// Of another database, or without a word about its snapshot.
    Foreign,
    /// Nothing is known to have held since it, and so not since those before it.
    Past,
}

/// `database` and `now`: of the snapshot that is open. The backup was there before that was opened.
pub fn fit(earlier: &Manifest, database: &DatabaseInfo, now: &Moment) -> Fit {
    let (theirs, ours) = (&earlier.database, database);
    let same_server = ours.system_identifier.is_some() && theirs.system_identifier == ours.system_identifier;
    let Some(snapshot) = earlier.snapshot.as_ref().filter(|_| same_server && theirs.name == ours.name) else {
        return Fit::Foreign;
    };
    let then = &snapshot.moment;
    let same_life = then.server_run == now.server_run && then.incarnation == now.incarnation;
    // a machine that was set back to a saved state of its memory has had less
    let forward = then.xmin <= then.xmax && then.xmax <= now.xmax && then.xmin <= now.xmin && then.wal <= now.wal;
    let near = now.xmax.checked_sub(then.xmin).is_some_and(|distance| distance < MOST_TRANSACTIONS);
    if earlier.imported.is_none() && same_life && forward && near && low_bits(then.xmin) >= FIRST_TRANSACTION {
        Fit::Good
    } else {
        Fit::Past
    }
}

#[expect(clippy::cast_possible_truncation, reason = "that is what is meant")]
fn low_bits(transaction: u64) -> u32 {
    transaction as u32
}

impl Moment {
    /// `xmin` as rows have it.
    pub fn low_xmin(&self) -> u32 {
        low_bits(self.xmin)
    }
}
