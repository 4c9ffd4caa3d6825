//! A table of the backup beside the table of today that its rows go into, and what is open between them.

use super::Known;
use super::values::rows_there;
use crate::domain::digest::ColumnStats;
use crate::domain::reinsert::Options;
use crate::domain::reinsert::columns::match_columns;
use crate::domain::reinsert::matching::{Matching, SourceTable};
use crate::domain::reinsert::names::{Found, find_table};
use crate::domain::reinsert::options::Fill;
use crate::domain::reinsert::plan::column_maps;
use crate::domain::schema::{Column, Table};
use crate::error::Result;

pub struct Open<'a> {
    pub source: &'a SourceTable<'a>,
    pub old: &'a Table,
    pub target: &'a Table,
    /// It is the very table of the backup: the same oid in the same database.
    pub same_table: bool,
    /// Its rows of then are, or may be, still there.
    pub has_rows: bool,
    /// Old columns that have a place, and that place.
    pub kept: Vec<(&'a Column, &'a Column)>,
    /// Columns with values that no table takes.
    pub gone: Vec<&'a Column>,
    /// Columns that the backup gives nothing and for which no option says what they get.
    pub new: Vec<&'a Column>,
}

impl<'a> Open<'a> {
    /// One for each pair of the matching.
    ///
    /// # Errors
    /// `Usage` for a column map that cannot be followed.
    pub fn all(matching: &'a Matching<'a, 'a>, options: &Options, known: Known<'_>) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for pair in &matching.pairs {
            let source = &matching.sources[pair.source];
            let Some(old) = source.table() else { continue };
            let (mut kept, mut new) = (Vec::new(), Vec::new());
            for (column, from) in match_columns(source, pair.target, &column_maps(matching, pair)?) {
                match from.and_then(|name| old.column(&name)) {
                    Some(old) => kept.push((old, column)),
                    None if is_decided(pair.target, column, options) => {}
                    None => new.push(column),
                }
            }
            let same_table = known.evidence.same_database && source.parts.len() == 1 && old.oid == pair.target.oid;
            let has_rows = rows_there(source, pair.target, same_table, known);
            all.push(Self { source, old, target: pair.target, same_table, has_rows, kept, gone: Vec::new(), new });
        }
        let found_place = |open: &Self, column: &Column| {
            let of_source = all.iter().filter(|other| other.source.name == open.source.name);
            of_source.flat_map(|other| &other.kept).any(|(old, _)| old.name == column.name)
        };
        let gone: Vec<Vec<&Column>> = all
            .iter()
            .map(|open| {
                let lost = |c: &&Column| !found_place(open, c) && open.stats(&c.name).non_null > 0;
                open.old.data_columns().filter(lost).collect()
            })
            .collect();
        for (open, gone) in all.iter_mut().zip(gone) {
            open.gone = gone;
        }
        Ok(all)
    }

    /// What the backup knows of an old column's values.
    pub fn stats(&self, column: &str) -> ColumnStats {
        stats(self.source, column)
    }
}

/// The values of a column of the backup, over all leaves of a partitioned table.
pub fn stats(source: &SourceTable<'_>, column: &str) -> ColumnStats {
    let mut sum = ColumnStats::default();
    for part in &source.parts {
        let found = part.table.data_columns().zip(&part.stats.columns).find(|(c, _)| c.name == column);
        if let Some((_, stats)) = found {
            sum.merge(stats);
        }
    }
    sum
}

/// An option says what the new column gets.
fn is_decided(table: &Table, column: &Column, options: &Options) -> bool {
    options.fills.iter().chain(&options.casts).any(|fill| names(fill, table, column))
}

/// Whether a `--fill` means this column.
pub fn names(fill: &Fill, table: &Table, column: &Column) -> bool {
    fill.column.split_column().is_some_and(|(of, part)| {
        part.text.to_lowercase() == column.name.to_lowercase()
            && find_table(&of, std::iter::once(&table.name)) != Found::Nothing
    })
}
