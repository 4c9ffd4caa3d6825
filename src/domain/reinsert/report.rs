//! What a re-insert did (or, at a dry run, would do), row by row accounted for. Serialises to the JSON of the contract.

use super::plan::{Plan, SkippedTable, TablePlan};
use crate::domain::names::QualifiedName;
use crate::error::{Error, ErrorKind};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Reasons that are shown per table; the rest is counted.
pub const REASONS_SHOWN: usize = 5;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub backup: String,
    pub dry_run: bool,
    pub tables: Vec<TableReport>,
    pub tables_skipped: Vec<SkippedTable>,
    /// Where the rows that did not fit lie, if they were saved.
    pub rejects_dir: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableReport {
    #[serde(serialize_with = "as_text")]
    pub table: QualifiedName,
    #[serde(serialize_with = "as_text")]
    pub from: QualifiedName,
    pub in_backup: u64,
    pub inserted: u64,
    pub already_present: u64,
    pub updated: u64,
    pub rejected: u64,
    pub columns_skipped: Vec<String>,
    pub columns_filled: Vec<FilledColumn>,
    /// Old name to new name.
    pub columns_mapped: BTreeMap<String, String>,
    pub columns_changed: Vec<ChangedColumn>,
    /// Values of rows that were there already and are not the backup's, of columns whose type or values changed on the way.
    #[serde(skip)]
    pub values_kept: Vec<ChangedColumn>,
    /// The first reasons why rows did not fit.
    pub reasons: Vec<Reason>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilledColumn {
    pub column: String,
    pub with: String,
}

/// A column and how many of its values are others: rounded as `ALTER TABLE` would have, or left as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedColumn {
    pub column: String,
    pub values: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub reason: String,
    pub rows: u64,
}

/// `schema.name`, as everywhere in the JSON.
fn as_text<S: Serializer>(name: &QualifiedName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

impl TableReport {
    pub fn new(plan: &TablePlan) -> Self {
        let filled =
            plan.columns.iter().filter_map(|c| Some(FilledColumn { column: c.column.clone(), with: c.filled_with()? }));
        let mapped = plan
            .columns
            .iter()
            .filter_map(|c| Some((c.from()?.to_owned(), c.column.clone())))
            .filter(|(old, new)| old != new);
        Self {
            table: plan.table.clone(),
            from: plan.from.clone(),
            in_backup: 0,
            inserted: 0,
            already_present: 0,
            updated: 0,
            rejected: 0,
            columns_skipped: plan.skipped.iter().map(|s| s.column.clone()).collect(),
            columns_filled: filled.collect(),
            columns_mapped: mapped.collect(),
            columns_changed: Vec::new(),
            values_kept: Vec::new(),
            reasons: Vec::new(),
        }
    }

    /// A line for the table and one for each of its first reasons; none where every row fits.
    pub fn reasons_in_words(&self) -> Vec<String> {
        if self.rejected == 0 {
            return Vec::new();
        }
        let mut lines = vec![format!("{}: {} of {} rows do not fit", self.table, self.rejected, self.in_backup)];
        for reason in &self.reasons {
            let times = if reason.rows > 1 { format!(" ({} rows)", reason.rows) } else { String::new() };
            lines.push(format!("  {}{times}", reason.reason));
        }
        lines
    }

    /// Whether every row of the backup is in exactly one of the four counts.
    pub fn is_balanced(&self) -> bool {
        self.in_backup == self.inserted + self.already_present + self.updated + self.rejected
    }
}

impl Report {
    pub fn new(plan: &Plan, dry_run: bool) -> Self {
        Self {
            backup: plan.backup.clone(),
            dry_run,
            tables: plan.tables.iter().map(TableReport::new).collect(),
            tables_skipped: plan.skipped.clone(),
            rejects_dir: None,
        }
    }

    pub fn rejected(&self) -> u64 {
        self.tables.iter().map(|t| t.rejected).sum()
    }

    pub fn inserted(&self) -> u64 {
        self.tables.iter().map(|t| t.inserted).sum()
    }

    pub fn updated(&self) -> u64 {
        self.tables.iter().map(|t| t.updated).sum()
    }

    /// The error of a re-insert whose rows do not fit: counts and the first reasons of each table.
    pub fn misfit(&self) -> Error {
        let rows = self.rejected();
        let noun = if rows == 1 { "1 row of the backup does" } else { &format!("{rows} rows of the backup do") };
        let mut error = Error::new(
            ErrorKind::RowsDoNotFit,
            format!("{noun} not fit into the schema as it is now. Nothing was changed"),
        );
        for line in self.tables.iter().flat_map(TableReport::reasons_in_words) {
            error = error.hint(line);
        }
        error
            .hint("--map, --map-value and --fill say what shall become of such values.")
            .hint("--rejects save puts back the rows that fit and keeps the others, with the reason, as files.")
    }
}
