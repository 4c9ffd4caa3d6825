//! A verification as a person reads it.

use crate::domain::compare::{ColumnReport, ColumnVerdict, TableReport, TableVerdict, Verification};
use crate::domain::reinsert;
use crate::ui::{Style, Table, count};

/// Only what was lost: where, how much of how much.
pub fn losses(verification: &Verification, style: &Style) -> String {
    missing(verification, ["LOST IN", "WHAT", ">BEFORE", ">NOW"], |_, column| what_became(column), style)
}

/// Only what a re-insert did not bring back.
pub fn not_back(verification: &Verification, report: &reinsert::Report, style: &Style) -> String {
    let rounded = |table: &TableReport, column: &ColumnReport| {
        let tables = report.tables.iter().filter(|t| t.from.to_string() == table.table);
        let name = column.to.as_ref().unwrap_or(&column.column);
        tables.flat_map(|t| &t.columns_changed).filter(|c| &c.column == name).map(|c| c.values).sum::<u64>()
    };
    let what = |table: &TableReport, column: &ColumnReport| match (column.verdict, column.values_changed) {
        (ColumnVerdict::Changed, Some(n)) if n <= rounded(table, column) => {
            format!("{} values were rounded to the new type", count(n))
        }
        (ColumnVerdict::Changed | ColumnVerdict::LostValues, Some(n)) => {
            format!("{} values are not those of the backup", count(n))
        }
        _ => what_became(column),
    };
    missing(verification, ["NOT BACK", "WHAT", ">IN BACKUP", ">NOW"], what, style)
}

fn missing(
    verification: &Verification,
    heads: [&'static str; 4],
    what: impl Fn(&TableReport, &ColumnReport) -> String,
    style: &Style,
) -> String {
    let mut table = Table::new(heads);
    for t in verification.tables.iter().filter(|t| t.is_loss()) {
        if matches!(t.verdict, TableVerdict::LostRows | TableVerdict::Dropped) {
            let what = match t.verdict {
                TableVerdict::Dropped => "the table is gone".to_owned(),
                _ => format!("{} rows are gone", count(t.rows_lost.unwrap_or(0))),
            };
            table.row([t.table.clone(), style.red(what), count(t.before), count(t.after)]);
        }
        if t.verdict == TableVerdict::Dropped || t.after == 0 {
            continue;
        }
        for c in t.columns.iter().filter(|c| c.is_loss() && !goes_with_rows(t, c)) {
            table.row([format!("{}.{}", t.table, c.column), style.red(what(t, c)), count(c.before), count(c.after)]);
        }
    }
    table.render(style)
}

/// The values are gone because their rows are, which is said already.
fn goes_with_rows(table: &TableReport, column: &ColumnReport) -> bool {
    column.verdict == ColumnVerdict::LostValues
        && column.values_changed.is_none()
        && column.before.saturating_sub(column.after) <= table.rows_lost.unwrap_or(0)
}

fn what_became(column: &ColumnReport) -> String {
    match (column.verdict, column.values_changed) {
        (ColumnVerdict::Dropped, _) => "the column is gone".to_owned(),
        (ColumnVerdict::Changed, Some(n)) => format!("{} values were overwritten", count(n)),
        (_, Some(n)) => format!("{} values were replaced", count(n)),
        _ => "values are gone".to_owned(),
    }
}

/// Every table in a line, and the columns that are not as they were.
pub fn overview(verification: &Verification, style: &Style) -> String {
    let mut table = Table::new(["TABLE", "", ">BEFORE", ">NOW"]);
    for t in &verification.tables {
        let name = t.to.as_ref().map_or_else(|| t.table.clone(), |to| format!("{} → {to}", t.table));
        table.row([name, paint(t.is_loss(), word(t), style), count(t.before), count(t.after)]);
        for c in t.columns.iter().filter(|c| is_noteworthy(t, c)) {
            let name = c.to.as_ref().map_or_else(|| format!("  .{}", c.column), |to| format!("  .{} → {to}", c.column));
            table.row([name, paint(c.is_loss(), column_word(c.verdict), style), count(c.before), count(c.after)]);
        }
    }
    table.render(style)
}

fn is_noteworthy(table: &TableReport, column: &ColumnReport) -> bool {
    let whole_table = matches!(table.verdict, TableVerdict::Added | TableVerdict::Dropped);
    !whole_table && column.verdict != ColumnVerdict::Identical
}

fn paint(loss: bool, text: &str, style: &Style) -> String {
    if loss { style.red(text) } else { text.to_owned() }
}

fn word(table: &TableReport) -> &'static str {
    match table.verdict {
        TableVerdict::Identical => "identical",
        TableVerdict::Kept => "all rows kept",
        TableVerdict::Grown => "grown",
        TableVerdict::LostRows => "lost rows",
        TableVerdict::Dropped => "dropped",
        TableVerdict::Added => "new",
        TableVerdict::Renamed => "renamed",
    }
}

fn column_word(verdict: ColumnVerdict) -> &'static str {
    match verdict {
        ColumnVerdict::Identical => "identical",
        ColumnVerdict::Changed => "values overwritten",
        ColumnVerdict::LostValues => "values lost",
        ColumnVerdict::Dropped => "dropped",
        ColumnVerdict::Added => "new",
        ColumnVerdict::Renamed => "renamed, every value kept",
        ColumnVerdict::Retyped => "another type",
    }
}
