//! Which row of the backup is which row of the table.

use super::columns::{ColumnPlan, Source};
use crate::domain::schema::Table;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowIdentity {
    /// The values of these columns of the table as it is now.
    Key(Vec<String>),
    /// All columns that both sides know; equal rows are counted.
    WholeRow,
}

/// The primary key as it is now (the part of it that the backup knows, where that part told the rows apart),
/// else a unique NOT NULL key, else the whole row.
pub fn identity(target: &Table, source: &Table, columns: &[ColumnPlan]) -> RowIdentity {
    let known = |name: &String| columns.iter().any(|c| &c.column == name && c.is_from_backup());
    let part: Vec<String> = target.primary_key.iter().filter(|c| known(c)).cloned().collect();
    if !part.is_empty() && (part.len() == target.primary_key.len() || told_apart(&part, source, columns)) {
        return RowIdentity::Key(part);
    }
    let required = |name: &String| target.column(name).is_some_and(|c| c.not_null);
    let key = target.unique_keys.iter().find(|key| !key.is_empty() && key.iter().all(|c| known(c) && required(c)));
    key.map_or(RowIdentity::WholeRow, |key| RowIdentity::Key(key.clone()))
}

/// Whether the backup had a key whose columns all arrive, unchanged, in these columns: then no two of its rows are alike there.
pub fn told_apart(columns_now: &[String], source: &Table, columns: &[ColumnPlan]) -> bool {
    let arrives = |old: &String| {
        columns
            .iter()
            .any(|c| columns_now.contains(&c.column) && matches!(&c.source, Source::Copied { from } if from == old))
    };
    let not_null = |old: &String| source.column(old).is_some_and(|c| c.not_null);
    let keys = std::iter::once(&source.primary_key).chain(source.unique_keys.iter().filter(|k| k.iter().all(not_null)));
    // leaves of a partitioned table each have their own keys, but the same key columns
    keys.filter(|key| !key.is_empty()).any(|key| key.iter().all(arrives))
}
