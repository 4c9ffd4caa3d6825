//! A verification as a person reads it.

use crate::domain::compare::{ColumnReport, ColumnVerdict, TableReport, TableVerdict, Verification};
use crate::ui::{Style, Table, count, plural};

/// Only what was lost: where, how much of how much.
pub fn losses(verification: &Verification, style: &Style) -> String {
    missing(verification, ["LOST IN", "WHAT", ">BEFORE", ">NOW"], what_became, style)
}

/// Only what a re-insert did not bring back.
pub fn not_back(verification: &Verification, style: &Style) -> String {
    let what = |column: &ColumnReport| match column.values_changed {
        Some(n) => format!("{} not of the backup", are(n, "value")),
        None => what_became(column),
    };
    missing(verification, ["NOT BACK", "WHAT", ">IN BACKUP", ">NOW"], what, style)
}

fn missing(
    verification: &Verification,
    heads: [&'static str; 4],
    what: impl Fn(&ColumnReport) -> String,
    style: &Style,
) -> String {
    let mut table = Table::new(heads);
    for t in verification.tables.iter().filter(|t| t.is_loss()) {
        if matches!(t.verdict, TableVerdict::LostRows | TableVerdict::Dropped) {
            let what = match t.verdict {
                TableVerdict::Dropped => "the table is gone".to_owned(),
                _ => format!("{} gone", are(t.rows_lost.unwrap_or(0), "row")),
            };
            table.row([t.table.clone(), said(what, t.expected.as_ref(), style), count(t.before), count(t.after)]);
        }
        if t.verdict == TableVerdict::Dropped || t.after == 0 {
            continue;
        }
        for c in t.columns.iter().filter(|c| c.is_loss() && !t.took_with_rows(c)) {
            let what = said(what(c), c.expected.as_ref(), style);
            table.row([format!("{}.{}", t.table, c.column), what, count(c.before), count(c.after)]);
        }
    }
    table.render(style)
}

/// A loss that was expected is no alarm.
fn said(what: String, expected: Option<&String>, style: &Style) -> String {
    match expected {
        Some(why) => style.yellow(format!("{what}; expected: {why}")),
        None => style.red(what),
    }
}

fn what_became(column: &ColumnReport) -> String {
    match (column.verdict, column.values_changed) {
        (ColumnVerdict::Dropped, _) => "the column is gone".to_owned(),
        (ColumnVerdict::Changed, Some(n)) => format!("{} overwritten", were(n, "value")),
        (_, Some(n)) => format!("{} replaced", were(n, "value")),
        _ if column.before == column.after && column.values_lost.is_some() => {
            format!("{} gone", are(column.values_lost.unwrap_or_default(), "value"))
        }
        _ => "values are gone".to_owned(),
    }
}

fn are(number: u64, noun: &str) -> String {
    format!("{} {}", plural(number, noun), if number == 1 { "is" } else { "are" })
}

fn were(number: u64, noun: &str) -> String {
    format!("{} {}", plural(number, noun), if number == 1 { "was" } else { "were" })
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
        _ if !table.by_others.is_nothing() && !table.is_loss() => "changed by other sessions",
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
