//! `verify [ID]`: the live database against a backup.

use super::loss;
use super::rows::{key, key_text, shown};
use super::target::target;
use crate::cli::{Globals, VerifyArgs};
use crate::domain::compare::{Change, RowChange, TableReport, TableRows, ValueChange, Verification};
use crate::domain::manifest::Wanted;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::check::refuse_damaged;
use crate::operations::interrupt::Interrupt;
use crate::operations::verification::{Comparison, Extent};
use crate::ui::{Failure, Fields, Report, Style, Table, Ui, count, plural};
use serde_json::{Value, json};

pub async fn run(globals: &Globals, args: &VerifyArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let store = &target.place.store;
    let backup = target.place.backup(args.id.as_deref(), Wanted::Full)?;
    interrupt.or(refuse_damaged(store, &backup)).await?;
    let named = if args.deep { args.rows } else { 0 };
    let comparison = Comparison { url: &target.url, store, backup: &backup, named };
    let compared = comparison.make(Extent::Everything(&[]), &ui.progress(), interrupt).await?;
    let verification = compared.verification;
    let ok = verification.ok;
    let rows = args.deep.then_some(Named { tables: compared.rows, most: args.rows });
    let report = Verify { backup: backup.id.clone(), verification, rows };
    if ok {
        ui.result(&report);
        return Ok(());
    }
    let mut error =
        Error::new(ErrorKind::DataLost, format!("The database does not hold everything that is in {}", backup.id));
    if let Some(full) = target.place.full_of(&backup) {
        error = error.hint(format!("Structure and data as in the backup: safemigrate rollback {full}"));
    }
    error = error.hint(format!("Its rows into the schema as it is:   safemigrate reinsert {}", backup.id));
    Err(Failure::with(error, report))
}

struct Verify {
    backup: String,
    verification: Verification,
    /// With `--deep`.
    rows: Option<Named>,
}

impl Report for Verify {
    fn command(&self) -> &'static str {
        "verify"
    }

    fn ok(&self) -> bool {
        self.verification.ok
    }

    fn json(&self) -> Fields {
        let tables = self.verification.tables.iter().map(|table| {
            let mut object = json!(table);
            if let (Some(rows), Some(fields)) = (&self.rows, object.as_object_mut()) {
                fields.extend(rows.fields(table));
            }
            object
        });
        Fields::from_iter([
            ("backup".to_owned(), json!(self.backup)),
            ("tables".to_owned(), json!(tables.collect::<Vec<_>>())),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let all = loss::overview(&self.verification, style);
        let rows = self.rows.as_ref().map(|rows| rows.text(style)).unwrap_or_default();
        let end = match self.verification.ok {
            true => style.green(format!("Everything in {} is there: every row, every value.", self.backup)),
            false => style.red(format!("Not everything in {} is there.", self.backup)),
        };
        let gap = if rows.is_empty() { "" } else { "\n" };
        format!("{all}\n{rows}{gap}{end}")
    }
}

/// Rows by their key.
struct Named {
    tables: Vec<TableRows>,
    /// Of each table and kind.
    most: usize,
}

impl Named {
    fn fields(&self, report: &TableReport) -> Fields {
        let table = self.tables.iter().find(|t| t.table == report.table && t.to == report.to);
        let lost = table.into_iter().flat_map(lost).map(|row| json!({ "key": key(row) }));
        let changed = table.into_iter().flat_map(changed).map(|(row, value)| {
            json!({ "key": key(row), "column": value.column, "before": value.before, "after": value.after })
        });
        Fields::from_iter([
            ("lost_rows".to_owned(), json!(lost.collect::<Vec<Value>>())),
            ("changed_values".to_owned(), json!(changed.collect::<Vec<Value>>())),
            ("rows_new".to_owned(), json!(table.map_or(0, |t| t.gained))),
        ])
    }

    fn text(&self, style: &Style) -> String {
        self.tables.iter().filter(|t| !t.is_as_it_was()).map(|t| format!("\n{}\n", self.of_table(t, style))).collect()
    }

    fn of_table(&self, table: &TableRows, style: &Style) -> String {
        let name = table.to.as_ref().map_or_else(|| table.table.clone(), |to| format!("{} → {to}", table.table));
        let mut text = format!(
            "{}: {} lost, {} changed, {} new",
            style.bold(name),
            plural(table.lost, "row"),
            count(table.changed),
            count(table.gained)
        );
        let mut lines = Table::new(["LOST OR CHANGED", "COLUMN", "BEFORE", "NOW"]);
        for row in lost(table) {
            lines.row([key_text(row), style.red("the row is gone"), String::new(), String::new()]);
        }
        for (row, value) in changed(table) {
            let now = style.red(shown(&value.after));
            lines.row([key_text(row), value.column.clone(), shown(&value.before), now]);
        }
        if !lines.is_empty() {
            text.push_str(&format!("\n{}", lines.render(style)));
        }
        if table.lost.max(table.changed) > self.most as u64 {
            let most = count(self.most as u64);
            text.push_str(&format!("\n  … up to {most} of each are named: --rows N names more"));
        }
        text
    }
}

fn lost(table: &TableRows) -> impl Iterator<Item = &RowChange> {
    table.named.iter().filter(|row| row.change == Change::Lost)
}

/// What was NULL was nobody's value: that it is filled now is no change of what the backup holds.
fn changed(table: &TableRows) -> impl Iterator<Item = (&RowChange, &ValueChange)> {
    let rows = table.named.iter().filter(|row| row.change == Change::Changed);
    rows.flat_map(|row| row.values.iter().filter(|value| value.before.is_some()).map(move |value| (row, value)))
}
