//! The plan as lines of text.

use super::columns::{ColumnPlan, Source, WhySkipped};
use super::identity::RowIdentity;
use super::options::{OnConflict, Rejects};
use super::plan::{Plan, TablePlan};
use crate::domain::manifest::Manifest;
use crate::domain::names::{QualifiedName, quote_literal};
use serde::Serialize;

/// The plan for people: a line for each table, below it one for each column that is not simply copied.
pub fn describe(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for table in &plan.tables {
        describe_table(table, plan, &mut lines);
    }
    for skipped in &plan.skipped {
        lines.push(format!("{}: skipped, {} ({})", skipped.table, skipped.why, rows(skipped.rows)));
    }
    for name in &plan.new_tables {
        lines.push(format!("{name}: new, the backup holds nothing for it"));
    }
    lines.push(match plan.options.on_conflict {
        OnConflict::Skip => "Rows that are already there stay as they are.".into(),
        OnConflict::Fill => {
            "In rows that are already there, only columns that are NULL or at their default are written.".into()
        }
        OnConflict::Update => "Rows that are already there are overwritten with the backup's values.".into(),
        OnConflict::Replace => "These tables are emptied first.".into(),
    });
    if plan.options.rejects == Rejects::Save {
        lines.push("Rows that do not fit are saved, with the reason, into the store.".into());
    }
    lines
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

fn describe_table(table: &TablePlan, plan: &Plan, lines: &mut Vec<String>) {
    let renamed = if table.table == table.from { String::new() } else { format!(" from {}", table.from) };
    let by = match &table.identity {
        RowIdentity::Key(columns) => format!("rows known by {}", columns.join(", ")),
        RowIdentity::WholeRow => "no key: whole rows are compared and counted".into(),
    };
    lines.push(format!("{}{renamed}: {}, {by}", table.table, rows(table.rows)));
    let copied =
        table.columns.iter().filter(|c| matches!(&c.source, Source::Copied { from } if from == &c.column)).count();
    if copied > 0 {
        lines.push(format!("    {copied} column{} copied", if copied == 1 { "" } else { "s" }));
    }
    lines.extend(table.columns.iter().filter_map(|c| Some(format!("    {}: {}", c.column, describe_column(c)?))));
    for skipped in &table.skipped {
        lines.push(match takes(plan, &table.from, &skipped.column) {
            Some(other) => format!("    {}: goes into {}", skipped.column, other.table),
            None => format!("    {}: skipped, {}", skipped.column, why_skipped(skipped.why)),
        });
    }
}

fn describe_column(column: &ColumnPlan) -> Option<String> {
    let renamed = column.from().filter(|from| *from != column.column).map(|from| format!("renamed from {from}"));
    Some(match &column.source {
        Source::Copied { .. } => return renamed,
        Source::Converted { from_type, values, null_fill, .. } => {
            let cast = (from_type != &column.type_name).then(|| format!("cast {from_type} → {}", column.type_name));
            let mapped = (!values.is_empty()).then(|| {
                let pairs: Vec<String> =
                    values.iter().map(|(from, to)| format!("{} → {}", seen(from), seen(to))).collect();
                format!("values {}", pairs.join(", "))
            });
            let filled = null_fill.as_ref().map(|sql| format!("NULL filled with {sql}"));
            [renamed, cast, mapped, filled].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Source::Cast { sql, .. } => format!("made by {sql}"),
        Source::Filled { sql } => format!("new, filled with {sql}"),
        Source::Default { sql } => format!("new, at its default {sql}"),
        Source::Identity { sequence } => format!("new, numbered by {sequence}"),
        Source::Empty { sql } => {
            let of = &column.type_name;
            format!(
                "new and required without a default: filled with {sql}, the empty value of {of} (--fill for another)"
            )
        }
        Source::Null => "new, NULL".into(),
    })
}

/// A value that would not be seen, or not as one, stands in quotes.
fn seen(value: &str) -> String {
    if value.is_empty() || value.trim() != value { quote_literal(value) } else { value.to_owned() }
}

/// Rows or values of the backup that no table of today takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotBack {
    pub table: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Of the table where no column is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<u64>,
    pub why: String,
}

/// What the plan leaves behind although the backup holds something of it.
pub fn not_back(plan: &Plan, backup: &Manifest) -> Vec<NotBack> {
    let mut left = Vec::new();
    for skipped in plan.skipped.iter().filter(|s| s.rows > 0) {
        let (table, why) = (skipped.table.to_string(), skipped.why.clone());
        left.push(NotBack { table, column: None, rows: Some(skipped.rows), values: None, why });
    }
    for table in &plan.tables {
        let placed = |column: &str| takes(plan, &table.from, column).is_some();
        for skipped in table.skipped.iter().filter(|s| s.why != WhySkipped::Generated && !placed(&s.column)) {
            let of_part = |part: &crate::domain::manifest::TableData| -> u64 {
                let mut columns = part.table.data_columns().zip(&part.stats.columns);
                columns.find(|(c, _)| c.name == skipped.column).map_or(0, |(_, stats)| stats.non_null)
            };
            let values: u64 = table.parts.iter().filter_map(|name| backup.table(name)).map(of_part).sum();
            let column = NotBack {
                table: table.from.to_string(),
                column: Some(skipped.column.clone()),
                rows: None,
                values: Some(values),
                why: why_skipped(skipped.why).to_owned(),
            };
            if values > 0 && !left.contains(&column) {
                left.push(column);
            }
        }
    }
    left
}

/// The table of today that takes a column of the backup: the same rows may go into several.
fn takes<'p>(plan: &'p Plan, from: &QualifiedName, column: &str) -> Option<&'p TablePlan> {
    plan.tables.iter().find(|t| &t.from == from && t.columns.iter().any(|c| c.from() == Some(column)))
}

fn why_skipped(why: WhySkipped) -> &'static str {
    match why {
        WhySkipped::Gone => "the column is gone",
        WhySkipped::Generated => "the column is generated now",
        WhySkipped::Taken => "a --map sends another column there",
    }
}
