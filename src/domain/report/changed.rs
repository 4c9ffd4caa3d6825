//! What changed: the SQL that ran, and what became of tables and columns.

use super::block::{Block, Code, Line, Table, Tone, cut};
use super::{Material, Types, and_more};
use crate::domain::compare::{ColumnReport, ColumnVerdict, TableReport, TableVerdict, Verification};
use crate::domain::figures::count;

/// Characters of one script: who wants more has the file.
const SCRIPT: usize = 20_000;
const SCRIPTS: usize = 50;
const ROWS: usize = 100;

/// The migrations, each with its SQL; of a rehearsal those that it tried.
pub fn migrations(material: &Material<'_>) -> Vec<Block> {
    let run = material.run;
    let tried = || run.rehearsal.iter().flat_map(|rehearsal| &rehearsal.scripts);
    let scripts: Vec<(&str, Option<&str>)> = if run.verification.is_none() && run.migrations_applied.is_empty() {
        tried().map(|script| (script.name(), Some(script.sql.as_str()))).collect()
    } else {
        let text = |name: &str| material.scripts.iter().find(|s| s.name == name).map(|s| s.sql.as_str());
        run.migrations_applied.iter().map(|name| (name.as_str(), text(name))).collect()
    };
    if scripts.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading("Migrations".into())];
    for (name, sql) in scripts.iter().take(SCRIPTS) {
        blocks.push(match sql {
            Some(sql) => {
                let lines = count(sql.lines().count() as u64);
                let text = Code { language: "sql", text: cut(sql, SCRIPT) };
                let summary = Line::new().foreign(name).words(format!(" ({lines} lines)"));
                Block::Fold { summary, blocks: vec![Block::Code(text)] }
            }
            None => Block::Paragraph(Line::new().foreign(name)),
        });
    }
    blocks.extend(and_more(scripts.len(), SCRIPTS, "migration"));
    blocks
}

/// Tables and columns that are not what they were.
pub fn schema(verification: &Verification, material: &Material<'_>) -> Vec<Block> {
    let mut changes: Vec<(Tone, [Line; 3])> = Vec::new();
    for t in &verification.tables {
        let word = match t.verdict {
            TableVerdict::Added => "new table",
            TableVerdict::Dropped => "table dropped",
            _ if t.to.is_some() => "table renamed",
            _ => "",
        };
        if !word.is_empty() {
            let name = Line::new().foreign(&t.table);
            let name = t.to.iter().fold(name, |name, to| name.words(" → ").foreign(to));
            let tone = if t.verdict == TableVerdict::Dropped && t.is_loss() { Tone::Bad } else { Tone::Neutral };
            changes.push((tone, [name, word.into(), Line::new()]));
        }
        if !matches!(t.verdict, TableVerdict::Added | TableVerdict::Dropped) {
            changes.extend(t.columns.iter().filter_map(|c| column(t, c, material)));
        }
    }
    if changes.is_empty() {
        return Vec::new();
    }
    let all = changes.len();
    let mut table = Table::new("changes of the schema", &["Where", "What", "Type"]);
    changes.into_iter().take(ROWS).for_each(|(tone, cells)| table.row(tone, cells));
    let mut blocks = vec![Block::Heading("Tables and columns".into()), Block::Table(table)];
    blocks.extend(and_more(all, ROWS, "change"));
    blocks
}

fn column(table: &TableReport, column: &ColumnReport, material: &Material<'_>) -> Option<(Tone, [Line; 3])> {
    let now = table.to.as_ref().unwrap_or(&table.table);
    let after = || of(&material.types_after, now, column.to.as_ref().unwrap_or(&column.column));
    let before = || of(&material.types_before, &table.table, &column.column);
    let (word, types) = match column.verdict {
        ColumnVerdict::Added => ("new column", after()),
        ColumnVerdict::Dropped => ("column dropped", before()),
        ColumnVerdict::Renamed => ("column renamed", after()),
        ColumnVerdict::Retyped => ("another type, the same values", arrow(before(), after())),
        ColumnVerdict::LostValues | ColumnVerdict::Changed if before() != after() => {
            ("another type", arrow(before(), after()))
        }
        _ => return None,
    };
    let name = Line::new().foreign(&format!("{}.{}", table.table, column.column));
    let name = column.to.iter().fold(name, |name, to| name.words(" → ").foreign(to));
    Some((if column.is_loss() { Tone::Bad } else { Tone::Neutral }, [name, word.into(), types]))
}

fn of(types: &Types, table: &str, column: &str) -> Line {
    types.get(&(table.to_owned(), column.to_owned())).map_or_else(Line::new, |name| Line::new().foreign(name))
}

fn arrow(before: Line, after: Line) -> Line {
    if before.0.is_empty() || after.0.is_empty() {
        return Line::new();
    }
    let mut line = before.words(" → ");
    line.0.extend(after.0);
    line
}
