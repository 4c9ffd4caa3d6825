//! What became of the rows of each table: how many came, went and changed, and some of them by their key.

use super::named::RowChange;
use super::rows::RowDiff;
use super::sides::{Pairing, Side};
use std::collections::BTreeMap;

/// The rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableRows {
    /// `schema.name`, as it was before (of a new table: as it is now).
    pub table: String,
    /// Its new name.
    pub to: Option<String>,
    pub gained: u64,
    pub lost: u64,
    pub changed: u64,
    /// Some of them, by key.
    pub named: Vec<RowChange>,
}

impl TableRows {
    pub fn is_as_it_was(&self) -> bool {
        self.gained == 0 && self.lost == 0 && self.changed == 0
    }
}

/// Every table, by name. `diffs` and `alone` by place among the pairs; `alone`: named rows of those of which only one side
/// has any. `dropped`, `added`: the named rows of those tables.
pub fn table_rows(
    pairing: &Pairing<'_>,
    diffs: BTreeMap<usize, RowDiff>,
    mut alone: BTreeMap<usize, Vec<RowChange>>,
    dropped: Vec<Vec<RowChange>>,
    added: Vec<Vec<RowChange>>,
) -> Vec<TableRows> {
    let mut diffs = diffs;
    let mut tables: Vec<TableRows> = Vec::new();
    for (n, pair) in pairing.pairs.iter().enumerate() {
        let renamed = pair.before.name != pair.after.name;
        let (table, to) = (pair.before.name.to_string(), renamed.then(|| pair.after.name.to_string()));
        tables.push(match diffs.remove(&n) {
            Some(diff) => TableRows {
                table,
                to,
                gained: diff.rows_new,
                lost: diff.rows_lost,
                changed: diff.rows_changed,
                named: diff.named,
            },
            // where nothing was compared both sides have the same rows, or one has none
            None => TableRows {
                table,
                to,
                gained: if pair.before.rows == 0 { pair.after.rows } else { 0 },
                lost: if pair.after.rows == 0 { pair.before.rows } else { 0 },
                changed: 0,
                named: alone.remove(&n).unwrap_or_default(),
            },
        });
    }
    let name = |side: &Side<'_>| side.name.to_string();
    let gone = pairing.dropped.iter().zip(dropped);
    tables.extend(gone.map(|(s, named)| TableRows { table: name(s), lost: s.rows, named, ..TableRows::default() }));
    let new = pairing.added.iter().zip(added);
    tables.extend(new.map(|(s, named)| TableRows { table: name(s), gained: s.rows, named, ..TableRows::default() }));
    tables.sort_by(|a, b| a.table.cmp(&b.table));
    tables
}
