//! `diff [ID]`: what is different since a backup.

use super::rows::{key, object, side_by_side};
use super::target::target;
use crate::cli::{DiffArgs, Globals};
use crate::domain::compare::{Change, RowChange, TableRows};
use crate::domain::manifest::Wanted;
use crate::domain::unified::added_and_removed;
use crate::error::Result;
use crate::operations::check::refuse_damaged;
use crate::operations::diff::{Difference, diff};
use crate::operations::interrupt::Interrupt;
use crate::ui::{Failure, Fields, Report, Style, Table, Ui, count, painted};
use serde_json::{Value, json};

pub async fn run(globals: &Globals, args: &DiffArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let backup = target.place.backup(args.id.as_deref(), Wanted::Full)?;
    interrupt.or(refuse_damaged(&target.place.store, &backup)).await?;
    let rows = args.rows.unwrap_or(0);
    let difference = diff(&target, &backup, rows, &ui.progress(), interrupt).await?;
    ui.result(&Diff {
        backup: backup.id.clone(),
        difference,
        rows,
        extent: if args.stat { Shown::Stat } else { Shown::All },
    });
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    All,
    Stat,
}

struct Diff {
    backup: String,
    difference: Difference,
    /// Of each table.
    rows: usize,
    extent: Shown,
}

impl Report for Diff {
    fn command(&self) -> &'static str {
        "diff"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let tables: Vec<Value> = self.difference.tables.iter().map(|table| self.table(table)).collect();
        Fields::from_iter([
            ("backup".to_owned(), json!(self.backup)),
            ("schema".to_owned(), json!(self.difference.schema)),
            ("prisma_schema".to_owned(), json!(self.difference.prisma_schema)),
            ("tables".to_owned(), json!(tables)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let Difference { schema, prisma_schema, tables } = &self.difference;
        let prisma_schema = prisma_schema.as_deref().unwrap_or_default();
        let different: Vec<&TableRows> = tables.iter().filter(|table| !is_same(table)).collect();
        if schema.is_empty() && prisma_schema.is_empty() && different.is_empty() {
            return style.green(format!("No difference: structure and rows are as in {}.", self.backup));
        }
        let mut parts = Vec::new();
        for (what, diff) in [("structure", schema.as_str()), ("Prisma schema", prisma_schema)] {
            match self.extent {
                _ if diff.is_empty() => {}
                Shown::All => parts.push(painted(diff, style).trim_end().to_owned()),
                Shown::Stat => {
                    let (added, removed) = added_and_removed(diff);
                    let (added, removed) = (count(added as u64), count(removed as u64));
                    parts.push(format!(
                        "{what}: {} {}",
                        style.green(format!("+{added}")),
                        style.red(format!("-{removed}"))
                    ));
                }
            }
        }
        parts.push(match different.is_empty() {
            true => "Every row of every table is as it was.".to_owned(),
            false => summary(&different, style),
        });
        if self.rows > 0 {
            parts.extend(different.iter().filter(|t| !t.is_as_it_was()).map(|t| side_by_side(t, self.rows, style)));
        }
        parts.join("\n\n")
    }
}

impl Diff {
    fn table(&self, table: &TableRows) -> Value {
        let rows: Vec<Value> = table.named.iter().take(self.rows).map(row).collect();
        let mut object = json!({
            "table": table.table, "rows_gained": table.gained, "rows_lost": table.lost, "rows_changed": table.changed,
            "rows": rows,
        });
        if let Some(to) = &table.to {
            object["to"] = json!(to);
        }
        object
    }
}

/// A table under another name is different, also where its rows are not.
fn is_same(table: &TableRows) -> bool {
    table.is_as_it_was() && table.to.is_none()
}

fn row(row: &RowChange) -> Value {
    let before = object(row.values.iter().map(|value| (&value.column, &value.before)));
    let after = object(row.values.iter().map(|value| (&value.column, &value.after)));
    match row.change {
        Change::Lost => json!({ "change": "lost", "key": key(row), "before": before, "after": null }),
        Change::Gained => json!({ "change": "gained", "key": key(row), "before": null, "after": after }),
        Change::Changed => json!({ "change": "changed", "key": key(row), "before": before, "after": after }),
    }
}

fn summary(tables: &[&TableRows], style: &Style) -> String {
    let mut lines = Table::new(["TABLE", ">ROWS GAINED", ">LOST", ">CHANGED"]);
    for table in tables {
        let name = table.to.as_ref().map_or_else(|| table.table.clone(), |to| format!("{} → {to}", table.table));
        let painted = |n: u64, paint: fn(&Style, String) -> String| match n {
            0 => "0".to_owned(),
            n => paint(style, count(n)),
        };
        lines.row([
            name,
            painted(table.gained, |style, text| style.green(text)),
            painted(table.lost, |style, text| style.red(text)),
            painted(table.changed, |style, text| style.yellow(text)),
        ]);
    }
    lines.render(style)
}
