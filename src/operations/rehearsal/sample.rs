//! A backup of a part of the rows, in a store of its own beside the other files of the store: all that comes after takes it
//! for a backup.

use crate::domain::manifest::{Manifest, Segment, TableData};
use crate::domain::rows::Counter;
use crate::domain::sample::Sample;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::operations::rows::segment_rows;
use crate::store::{Batch, ObjectWriter, Store};
use std::io::Read;
use tempfile::TempDir;

/// Bytes of rows in one object.
const PIECE: usize = 4 << 20;

/// A sampled backup; its files go with it.
pub struct Sampled {
    pub store: Store,
    pub backup: Manifest,
    _folder: TempDir,
}

/// Takes `percent` of the rows of a backup, with those that they reference. Blocks.
///
/// # Errors
/// `Damaged`, `Store`.
pub fn sampled(store: &Store, backup: &Manifest, percent: f64) -> Result<Sampled> {
    let mut sample = Sample::plan(backup, percent);
    while let Some(at) = sample.next_table() {
        each_row(store, &backup.tables[at], |place, row| {
            sample.row(at, place, row);
            Ok(())
        })?;
    }
    let (folder, own) = store.beside()?;
    let batch = own.batch();
    let mut tables = Vec::new();
    for (at, data) in backup.tables.iter().enumerate() {
        tables.push(take(store, &batch, data, |place| sample.takes(at, place))?);
    }
    let mut structure = backup.structure.clone();
    if let Some(structure) = &mut structure {
        let mut writer = batch.writer()?;
        copy(store, &structure.object, &mut writer)?;
        (structure.object, structure.bytes) = writer.finish()?;
    }
    batch.commit()?;
    Ok(Sampled { store: own, backup: Manifest { tables, structure, ..backup.clone() }, _folder: folder })
}

fn take(store: &Store, batch: &Batch, data: &TableData, takes: impl Fn(u64) -> bool) -> Result<TableData> {
    let columns = data.table.data_columns().count();
    let mut piece = Vec::new();
    let mut segments = Vec::new();
    let mut counter = Counter::new(columns);
    let mut rows = 0;
    let mut put = |piece: &mut Vec<u8>, rows: &mut u64| -> Result<()> {
        if *rows > 0 {
            let mut writer = batch.writer()?;
            writer.append(piece)?;
            let (object, bytes) = writer.finish()?;
            segments.push(Segment { object, rows: *rows, bytes });
            piece.clear();
            *rows = 0;
        }
        Ok(())
    };
    each_row(store, data, |place, row| {
        if takes(place) {
            let from = piece.len();
            piece.extend_from_slice(row);
            piece.push(b'\n');
            counter.feed(&piece[from..]);
            rows += 1;
            if piece.len() >= PIECE {
                put(&mut piece, &mut rows)?;
            }
        }
        Ok(())
    })?;
    put(&mut piece, &mut rows)?;
    let stats = counter.finish().ok_or_else(|| unreadable(data))?;
    Ok(TableData { table: data.table.clone(), stats, segments })
}

/// Hands on each row with its place in the table.
fn each_row(store: &Store, data: &TableData, mut hand_on: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let (mut place, mut failed) = (0, None);
    for segment in &data.segments {
        segment_rows(store, data, segment, |row| {
            if failed.is_none() {
                failed = hand_on(place, row).err();
            }
            place += 1;
        })?;
        if let Some(error) = failed.take() {
            return Err(error);
        }
    }
    Ok(())
}

fn copy(store: &Store, object: &str, to: &mut ObjectWriter) -> Result<()> {
    let (mut from, mut buffer) = (store.object(object)?, vec![0; 128 << 10]);
    loop {
        let read = from.read(&mut buffer);
        match read.context(ErrorKind::Damaged, || "The backup is damaged: its structure cannot be read".into())? {
            0 => return Ok(()),
            n => to.append(&buffer[..n])?,
        }
    }
}

fn unreadable(data: &TableData) -> Error {
    Error::new(ErrorKind::Damaged, format!("The backup is damaged: rows of {} are misshapen", data.table.name))
}
