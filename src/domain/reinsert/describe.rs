//! The plan as lines of text, and what looks like a rename.

use super::columns::{ColumnPlan, Source, WhySkipped};
use super::identity::RowIdentity;
use super::matching::{Matching, NoPlace, targets};
use super::options::{OnConflict, Rejects};
use super::plan::{Plan, TablePlan};
use crate::domain::names::QualifiedName;
use crate::domain::schema::Catalog;

/// The plan for people: a line for each table, below it one for each column that is not simply copied.
pub fn describe(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for table in &plan.tables {
        describe_table(table, &mut lines);
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
    lines.extend(plan.suggestions.iter().map(|map| format!("Renamed? Then add: --map {map}")));
    lines
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

fn describe_table(table: &TablePlan, lines: &mut Vec<String>) {
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
        let why = match skipped.why {
            WhySkipped::Gone => "the column is gone",
            WhySkipped::Generated => "the column is generated now",
            WhySkipped::Taken => "a --map sends another column there",
        };
        lines.push(format!("    {}: skipped, {why}", skipped.column));
    }
}

fn describe_column(column: &ColumnPlan) -> Option<String> {
    let renamed = column.from().filter(|from| *from != column.column).map(|from| format!("renamed from {from}"));
    Some(match &column.source {
        Source::Copied { .. } => return renamed,
        Source::Converted { from_type, values, null_fill, .. } => {
            let cast = (from_type != &column.type_name).then(|| format!("cast {from_type} → {}", column.type_name));
            let mapped = (!values.is_empty()).then(|| {
                let pairs: Vec<String> = values.iter().map(|(from, to)| format!("{from} → {to}")).collect();
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
            format!("new and required without a default: filled with {sql}, the empty value of {}", column.type_name)
        }
        Source::Null => "new, NULL".into(),
    })
}

/// `--map` texts for a column or table that vanished where one of the same shape appeared. Never followed silently.
pub fn suggestions(matching: &Matching<'_, '_>, now: &Catalog, tables: &[TablePlan]) -> Vec<String> {
    let mut maps = Vec::new();
    for (n, _) in matching.without_place.iter().filter(|(_, why)| *why == NoPlace::Gone) {
        let source = &matching.sources[*n];
        let Some(old) = source.table() else { continue };
        let free = targets(now)
            .filter(|t| t.partition_root.is_none() && !matching.pairs.iter().any(|p| p.target.name == t.name));
        let alike = |t: &&crate::domain::schema::Table| {
            let shared = old
                .columns
                .iter()
                .filter(|c| t.column(&c.name).is_some_and(|new| new.type_name == c.type_name))
                .count();
            shared * 3 >= old.columns.len().max(t.columns.len()) * 2
        };
        let mut alike = free.filter(alike);
        if let (Some(one), None) = (alike.next(), alike.next()) {
            maps.push(format!("'{}={}'", table_text(&source.name), table_text(&one.name)));
        }
    }
    for table in tables {
        let source = matching.sources.iter().find(|s| s.name == table.from).and_then(|s| s.table());
        for skipped in table.skipped.iter().filter(|s| s.why == WhySkipped::Gone) {
            let Some(old) = source.and_then(|t| t.column(&skipped.column)) else { continue };
            let is_new = |c: &&ColumnPlan| !c.is_from_backup() && !matches!(c.source, Source::Filled { .. });
            let mut alike = table.columns.iter().filter(is_new).filter(|c| c.type_name == old.type_name);
            if let (Some(one), None) = (alike.next(), alike.next()) {
                maps.push(format!("'{}.{}={}'", table_text(&table.from), part_text(&old.name), part_text(&one.column)));
            }
        }
    }
    maps
}

fn table_text(name: &QualifiedName) -> String {
    if name.schema == "public" {
        part_text(&name.name)
    } else {
        format!("{}.{}", part_text(&name.schema), part_text(&name.name))
    }
}

/// A name as the parsers of `options` read it back.
fn part_text(name: &str) -> String {
    let plain = !name.contains(['.', '=', ':', '"', '\'']) && name.trim() == name;
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
