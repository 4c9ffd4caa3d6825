//! Proving what became of the data: two backups, or a backup and the live database.

use super::interrupt::Interrupt;
use super::reading::Reading;
use crate::domain::compare::{
    JointDigest, Move, Pair, Pairing, RowComparer, RowDiff, RowShape, Side, Verification, judge, pair, pair_moved,
    sides,
};
use crate::domain::digest::Digest;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Manifest, TableData};
use crate::domain::names::QualifiedName;
use crate::domain::rows::RowSplitter;
use crate::domain::schema::Table;
use crate::domain::touched::Touched;
use crate::error::{Context, ErrorKind, Result};
use crate::postgres::PgConnection;
use crate::postgres::copy::{copy_out, copy_out_statement};
use crate::postgres::session::explain_rights;
use crate::postgres::snapshot::Snapshot;
use crate::postgres::url::DatabaseUrl;
use crate::postgres::waiting::naming;
use crate::store::Store;
use std::collections::BTreeMap;
use std::io::Read;

/// Compares two backups. Where digests differ the rows themselves are read from the store. What `touched` spares is no loss.
///
/// # Errors
/// `Damaged`, `Store`.
pub fn compare(store: &Store, before: &Manifest, after: &Manifest, touched: &Touched) -> Result<Verification> {
    let pairing = pair(sides(&before.tables), sides(&after.tables));
    let mut diffs = BTreeMap::new();
    for (n, pair) in pairing.pairs.iter().enumerate() {
        if !pair.needs_rows() && (!pair.needs_joint_digest() || stored_joints_agree(store, pair)?) {
            continue;
        }
        let shape = RowShape::of(pair);
        let passes = shape.passes(pair.before.rows);
        let mut comparer = RowComparer::new(&shape, passes);
        for _ in 0..passes {
            stored_rows(store, &pair.before, |row| comparer.before(row))?;
            stored_rows(store, &pair.after, |row| comparer.after(row))?;
            comparer.next_pass();
        }
        diffs.insert(n, comparer.finish());
    }
    Ok(judge(&pairing, &diffs, touched))
}

/// How much of a backup is compared.
#[derive(Debug, Clone, Copy)]
pub enum Extent<'m> {
    /// All of it; what a re-insert's plan moved is looked for where it went, all else by name, identity and content.
    Everything(&'m [Move]),
    /// Only what the plan moved.
    OnlyMoved(&'m [Move]),
}

impl<'m> Extent<'m> {
    fn moves(self) -> &'m [Move] {
        match self {
            Self::Everything(moves) | Self::OnlyMoved(moves) => moves,
        }
    }

    fn includes(self, table: &Table, end: impl Fn(&Move) -> &QualifiedName) -> bool {
        let is = |name: &QualifiedName| name == &table.name || Some(name) == table.partition_root.as_ref();
        !matches!(self, Self::OnlyMoved(_)) || self.moves().iter().any(|m| is(end(m)))
    }
}

/// Compares the live database, as of one instant, with a backup. The database is only read.
///
/// # Errors
/// Those of the connection; `Damaged`, `Store`, `Interrupted`.
pub async fn compare_live(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    extent: Extent<'_>,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Verification> {
    let compared = interrupt.or(naming(url, read_and_compare(url, store, backup, extent, observer))).await;
    observer.on(Event::StageDone);
    compared.map_err(explain_rights)
}

async fn read_and_compare(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    extent: Extent<'_>,
    observer: &dyn Observer,
) -> Result<Verification> {
    let mut snapshot = Snapshot::open(url).await?;
    snapshot.catalog.tables.retain(|t| extent.includes(t, |m| &m.to));
    let reading = Reading::plan(&mut snapshot).await?;
    observer.on(Event::Stage { label: "Comparing".into(), total_bytes: snapshot.estimated_bytes() });
    let live = reading.run(&snapshot, None, observer).await?;
    let mut connection = snapshot.worker().await?;
    let before = backup.tables.iter().filter(|t| extent.includes(&t.table, |m| &m.from));
    let pairing = pair_moved(sides(before), sides(&live), extent.moves());
    let diffs = compare_live_rows(store, &pairing, &mut connection).await?;
    snapshot.close().await?;
    Ok(judge(&pairing, &diffs, &Touched::Everything))
}

async fn compare_live_rows(
    store: &Store,
    pairing: &Pairing<'_>,
    connection: &mut PgConnection,
) -> Result<BTreeMap<usize, RowDiff>> {
    let mut diffs = BTreeMap::new();
    for (n, pair) in pairing.pairs.iter().enumerate() {
        if !pair.needs_rows() && (!pair.needs_joint_digest() || live_joints_agree(store, pair, connection).await?) {
            continue;
        }
        diffs.insert(n, live_diff(store, pair, connection).await?);
    }
    Ok(diffs)
}

async fn live_diff(store: &Store, pair: &Pair<'_>, connection: &mut PgConnection) -> Result<RowDiff> {
    let shape = RowShape::of(pair);
    let passes = shape.passes(pair.before.rows);
    let mut comparer = RowComparer::new(&shape, passes);
    for _ in 0..passes {
        stored_rows(store, &pair.before, |row| comparer.before(row))?;
        live_rows(connection, &pair.after, |row| comparer.after(row)).await?;
        comparer.next_pass();
    }
    Ok(comparer.finish())
}

/// Whether the same values stand together in rows as before, over the columns that both have.
fn stored_joints_agree(store: &Store, pair: &Pair<'_>) -> Result<bool> {
    let after = match pair.digest_after() {
        Some(known) => known,
        None => {
            let mut joint = JointDigest::over(pair.columns.iter().map(|c| c.1).collect());
            stored_rows(store, &pair.after, |row| joint.add(row))?;
            joint.finish()
        }
    };
    Ok(stored_joint_before(store, pair)? == after)
}

async fn live_joints_agree(store: &Store, pair: &Pair<'_>, connection: &mut PgConnection) -> Result<bool> {
    let after = match pair.digest_after() {
        Some(known) => known,
        None => {
            let mut joint = JointDigest::over(pair.columns.iter().map(|c| c.1).collect());
            live_rows(connection, &pair.after, |row| joint.add(row)).await?;
            joint.finish()
        }
    };
    Ok(stored_joint_before(store, pair)? == after)
}

fn stored_joint_before(store: &Store, pair: &Pair<'_>) -> Result<Digest> {
    if let Some(known) = pair.digest_before() {
        return Ok(known);
    }
    let mut joint = JointDigest::over(pair.columns.iter().map(|c| c.0).collect());
    stored_rows(store, &pair.before, |row| joint.add(row))?;
    Ok(joint.finish())
}

/// Hands on each row of a table as it is now, its values in the order of the side's columns.
async fn live_rows(connection: &mut PgConnection, side: &Side<'_>, mut row: impl FnMut(&[u8])) -> Result<()> {
    for part in &side.parts {
        let places = places(side, part);
        let mut splitter = RowSplitter::default();
        copy_out(connection, &copy_out_statement(&part.table, ""), |piece| {
            splitter.feed(piece, |text| in_order(text, places.as_deref(), &mut row));
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Hands on each row of a table as the store has it, its values in the order of the side's columns.
pub(super) fn stored_rows(store: &Store, side: &Side<'_>, mut row: impl FnMut(&[u8])) -> Result<()> {
    let mut buffer = vec![0; 128 << 10];
    for part in &side.parts {
        let places = places(side, part);
        for segment in &part.segments {
            let mut reader = store.object(&segment.object)?;
            let mut splitter = RowSplitter::default();
            loop {
                let n = reader.read(&mut buffer).context(ErrorKind::Damaged, || {
                    format!("The backup is damaged: rows of {} cannot be read. Nothing was changed", part.table.name)
                })?;
                if n == 0 {
                    break;
                }
                splitter.feed(&buffer[..n], |text| in_order(text, places.as_deref(), &mut row));
            }
        }
    }
    Ok(())
}

/// Where the side's columns stand in a leaf whose columns are in another order; `None` when they are not.
fn places(side: &Side<'_>, part: &TableData) -> Option<Vec<Option<usize>>> {
    let of_part: Vec<&str> = part.table.data_columns().map(|c| c.name.as_str()).collect();
    let of_side: Vec<&str> = side.columns.iter().map(|(c, _)| c.name.as_str()).collect();
    (of_part != of_side).then(|| of_side.iter().map(|name| of_part.iter().position(|n| n == name)).collect())
}

fn in_order(row: &[u8], places: Option<&[Option<usize>]>, mut hand_on: impl FnMut(&[u8])) {
    let Some(places) = places else { return hand_on(row) };
    let values: Vec<&[u8]> = crate::domain::rows::values(row).collect();
    let ordered: Vec<&[u8]> = places
        .iter()
        .map(|place| place.and_then(|p| values.get(p).copied()).unwrap_or(crate::domain::rows::NULL))
        .collect();
    hand_on(&ordered.join(&b'\t'));
}
