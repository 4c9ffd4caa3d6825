//! The rows of a table, one after the other, out of the store or from the server; whole tables or some segments.

use super::reading::ReadTable;
use crate::domain::compare::Side;
use crate::domain::manifest::{Segment, TableData};
use crate::domain::rows::{NULL, RowSplitter, values};
use crate::error::{Context, ErrorKind, Result};
use crate::postgres::PgConnection;
use crate::postgres::copy::{copy_out, copy_out_statement};
use crate::store::Store;
use std::io::Read;

/// Hands on each row as the store has it, its values in the order of the side's columns. `segments`: which, per part.
///
/// # Errors
/// `Damaged`, `Store`.
pub fn stored_rows(store: &Store, side: &Side<'_>, segments: &[Vec<usize>], mut row: impl FnMut(&[u8])) -> Result<()> {
    for (part, wanted) in side.parts.iter().zip(segments) {
        let places = side.places(part);
        for segment in wanted.iter().filter_map(|&n| part.segments.get(n)) {
            segment_rows(store, part, segment, |text| in_order(text, places.as_deref(), &mut row))?;
        }
    }
    Ok(())
}

/// Hands on each row of one segment as the store has it.
///
/// # Errors
/// `Damaged`, `Store`.
pub fn segment_rows(store: &Store, of: &TableData, segment: &Segment, mut row: impl FnMut(&[u8])) -> Result<()> {
    let mut buffer = vec![0; 128 << 10];
    let mut reader = store.object(&segment.object)?;
    let mut splitter = RowSplitter::default();
    loop {
        let n = reader.read(&mut buffer).context(ErrorKind::Damaged, || {
            format!("The backup is damaged: rows of {} cannot be read. Nothing was changed", of.table.name)
        })?;
        if n == 0 {
            return Ok(());
        }
        splitter.feed(&buffer[..n], &mut row);
    }
}

/// The tables of a snapshot as they were read, and a connection that sees the same instant.
pub struct Live<'a> {
    pub tables: &'a [ReadTable],
    pub connection: PgConnection,
}

impl Live<'_> {
    /// Hands on each row of a table as it is now, its values in the order of the side's columns. `segments`: which, per part.
    ///
    /// # Errors
    /// `Server`.
    pub async fn rows(&mut self, side: &Side<'_>, segments: &[Vec<usize>], mut row: impl FnMut(&[u8])) -> Result<()> {
        for (part, wanted) in side.parts.iter().zip(segments) {
            let places = side.places(part);
            for statement in self.statements(part, wanted) {
                let mut splitter = RowSplitter::default();
                copy_out(&mut self.connection, &statement, |piece| {
                    splitter.feed(piece, |text| in_order(text, places.as_deref(), &mut row));
                    Ok(())
                })
                .await?;
            }
        }
        Ok(())
    }

    /// One for each segment; one for all of them where all are wanted.
    fn statements(&self, part: &TableData, wanted: &[usize]) -> Vec<String> {
        let read = self.tables.iter().find(|read| read.data.table.oid == part.table.oid);
        let ranges = read.map(|read| read.ranges.as_slice()).unwrap_or_default();
        if wanted.len() == ranges.len() && !wanted.is_empty() {
            return vec![copy_out_statement(&part.table, "")];
        }
        let wanted = wanted.iter().filter_map(|&n| ranges.get(n));
        wanted.map(|range| copy_out_statement(&part.table, range)).collect()
    }
}

fn in_order(row: &[u8], places: Option<&[Option<usize>]>, mut hand_on: impl FnMut(&[u8])) {
    let Some(places) = places else { return hand_on(row) };
    let values: Vec<&[u8]> = values(row).collect();
    let ordered: Vec<&[u8]> =
        places.iter().map(|place| place.and_then(|p| values.get(p).copied()).unwrap_or(NULL)).collect();
    hand_on(&ordered.join(&b'\t'));
}
