//! From pairs and row differences to verdicts.

use super::sides::{Pair, Pairing, Side};
use super::{ByOthers, ColumnReport, ColumnVerdict, RowDiff, TableReport, TableVerdict, Verification};
use crate::domain::touched::Touched;
use std::collections::BTreeMap;

/// Judges every table. `diffs` holds the row comparison of each pair that `needs_rows`, by its place among the pairs.
/// What `touched` spares is nobody's loss: others have done it.
pub fn judge(pairing: &Pairing<'_>, diffs: &BTreeMap<usize, RowDiff>, touched: &Touched) -> Verification {
    let pairs = pairing.pairs.iter().enumerate();
    let mut tables: Vec<TableReport> = pairs.map(|(n, pair)| judge_pair(pair, diffs.get(&n), touched)).collect();
    tables.extend(pairing.dropped.iter().map(|side| one_sided(side, TableVerdict::Dropped, ColumnVerdict::Dropped)));
    tables.extend(pairing.added.iter().map(|side| one_sided(side, TableVerdict::Added, ColumnVerdict::Added)));
    tables.sort_by(|a, b| a.table.cmp(&b.table));
    Verification { ok: !tables.iter().any(TableReport::is_loss), tables }
}

fn one_sided(side: &Side<'_>, verdict: TableVerdict, column_verdict: ColumnVerdict) -> TableReport {
    let split = |n: u64| if verdict == TableVerdict::Dropped { (n, 0) } else { (0, n) };
    let (before, after) = split(side.rows);
    let column = |(column, stats): &(&crate::domain::schema::Column, crate::domain::digest::ColumnStats)| {
        let (before, after) = split(stats.non_null);
        ColumnReport {
            column: column.name.clone(),
            before,
            after,
            verdict: column_verdict,
            to: None,
            values_changed: None,
            values_lost: None,
            expected: None,
        }
    };
    TableReport {
        table: side.name.to_string(),
        before,
        after,
        verdict,
        to: None,
        rows_lost: None,
        by_others: ByOthers::default(),
        expected: None,
        columns: side.columns.iter().map(column).collect(),
    }
}

fn judge_pair(pair: &Pair<'_>, diff: Option<&RowDiff>, touched: &Touched) -> TableReport {
    let (before, after) = (pair.before.rows, pair.after.rows);
    let mut by_others = ByOthers::default();
    let mut rows_lost = match diff {
        Some(diff) => diff.rows_lost,
        None => before.saturating_sub(after),
    };
    if touched.spares_rows(pair) {
        by_others.rows_deleted = std::mem::take(&mut rows_lost);
    }
    let columns = judge_columns(pair, diff, rows_lost, touched, &mut by_others);
    let renamed = pair.before.name != pair.after.name;
    let changed = columns.iter().any(|c| !matches!(c.verdict, ColumnVerdict::Identical));
    let changed = changed || !by_others.is_nothing();
    let verdict = if rows_lost > 0 {
        TableVerdict::LostRows
    } else if renamed {
        TableVerdict::Renamed
    } else if after > before {
        TableVerdict::Grown
    } else if changed {
        TableVerdict::Kept
    } else {
        TableVerdict::Identical
    };
    TableReport {
        table: pair.before.name.to_string(),
        before,
        after,
        verdict,
        to: renamed.then(|| pair.after.name.to_string()),
        rows_lost: (rows_lost > 0).then_some(rows_lost),
        by_others,
        expected: None,
        columns,
    }
}

fn judge_columns(
    pair: &Pair<'_>,
    diff: Option<&RowDiff>,
    rows_lost: u64,
    touched: &Touched,
    by_others: &mut ByOthers,
) -> Vec<ColumnReport> {
    let mut reports = Vec::new();
    for (b, (column, stats)) in pair.before.columns.iter().enumerate() {
        let place = pair.columns.iter().position(|c| c.0 == b);
        reports.push(match place {
            Some(n) => {
                let mut counts = counts(pair, n, diff);
                if touched.spares_column(pair, pair.columns[n].0, pair.columns[n].1) {
                    let (lost, changed) = std::mem::take(&mut counts);
                    // with a row go its values
                    by_others.values_changed += if diff.is_some() { lost + changed } else { 0 };
                }
                let values_lost = (counts.0 > 0 && diff.is_some()).then_some(counts.0);
                ColumnReport { values_lost, ..judge_column(pair, n, counts, rows_lost) }
            }
            None => ColumnReport {
                column: column.name.clone(),
                before: stats.non_null,
                after: 0,
                verdict: ColumnVerdict::Dropped,
                to: None,
                values_changed: None,
                values_lost: None,
                expected: None,
            },
        });
    }
    for (a, (column, stats)) in pair.after.columns.iter().enumerate() {
        if !pair.columns.iter().any(|c| c.1 == a) {
            reports.push(ColumnReport {
                column: column.name.clone(),
                before: 0,
                after: stats.non_null,
                verdict: ColumnVerdict::Added,
                to: None,
                values_changed: None,
                values_lost: None,
                expected: None,
            });
        }
    }
    reports
}

/// Values that are NULL now and values that are others now, in rows that are still there.
fn counts(pair: &Pair<'_>, n: usize, diff: Option<&RowDiff>) -> (u64, u64) {
    let (b, a) = pair.columns[n];
    let (was, is) = (pair.before.columns[b].1, pair.after.columns[a].1);
    let counted = diff.and_then(|d| d.columns.get(n)).copied();
    counted.unwrap_or((was.non_null.saturating_sub(is.non_null), 0))
}

/// `lost`, `changed`: as `counts` gives them.
fn judge_column(pair: &Pair<'_>, n: usize, (lost, changed): (u64, u64), rows_lost: u64) -> ColumnReport {
    let (b, a) = pair.columns[n];
    let ((old, was), (new, is)) = (&pair.before.columns[b], &pair.after.columns[a]);
    let renamed = old.name != new.name;
    let gone_with_rows = rows_lost > 0 && is.non_null < was.non_null;
    let made_anew = changed > 0 && pair.was_recreated(b, a);
    let verdict = if lost > 0 || gone_with_rows || made_anew {
        ColumnVerdict::LostValues
    } else if changed > 0 {
        ColumnVerdict::Changed
    } else if renamed {
        ColumnVerdict::Renamed
    } else if old.type_name != new.type_name {
        ColumnVerdict::Retyped
    } else {
        ColumnVerdict::Identical
    };
    ColumnReport {
        column: old.name.clone(),
        before: was.non_null,
        after: is.non_null,
        verdict,
        to: renamed.then(|| new.name.clone()),
        values_changed: (changed > 0).then_some(changed),
        values_lost: None,
        expected: None,
    }
}
