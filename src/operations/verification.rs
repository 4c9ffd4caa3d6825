//! Proving what became of the data: two backups, or a backup and the live database.

use super::interrupt::Interrupt;
use super::reading::{ReadTable, Reading};
use super::rows::{Live, stored_rows};
use crate::domain::compare::{
    JointDigest, Move, Namer, Pair, Pairing, RowChange, RowComparer, RowDiff, RowShape, Segments, Side, TableRows,
    Verification, judge, pair, pair_moved, sides, table_rows,
};
use crate::domain::digest::Digest;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Manifest, TableData};
use crate::domain::names::QualifiedName;
use crate::domain::rows::values;
use crate::domain::schema::Table;
use crate::domain::touched::Touched;
use crate::error::Result;
use crate::postgres::session::explain_rights;
use crate::postgres::snapshot::Snapshot;
use crate::postgres::trying::Written;
use crate::postgres::url::DatabaseUrl;
use crate::postgres::waiting::naming;
use crate::store::Store;
use std::collections::BTreeMap;

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
        let segments = Segments::differing(pair);
        let passes = shape.passes(segments.rows_before(pair));
        let mut comparer = RowComparer::new(&shape, passes);
        for _ in 0..passes {
            stored_rows(store, &pair.before, &segments.before, |row| comparer.before(row))?;
            stored_rows(store, &pair.after, &segments.after, |row| comparer.after(row))?;
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
    /// All of it; what nobody can have written is not read again.
    Written(&'m Written),
}

impl<'m> Extent<'m> {
    fn moves(self) -> &'m [Move] {
        match self {
            Self::Everything(moves) | Self::OnlyMoved(moves) => moves,
            Self::Written(_) => &[],
        }
    }

    fn includes(self, table: &Table, end: impl Fn(&Move) -> &QualifiedName) -> bool {
        let is = |name: &QualifiedName| name == &table.name || Some(name) == table.partition_root.as_ref();
        !matches!(self, Self::OnlyMoved(_)) || self.moves().iter().any(|m| is(end(m)))
    }

    /// A table of which the rows must be those of before, as the backup has them.
    fn spares(self, table: &Table, backup: &Manifest) -> Option<ReadTable> {
        let Self::Written(written) = self else { return None };
        let before = backup.tables.iter().find(|data| data.table.oid == table.oid)?;
        let same_columns = table.data_columns().map(|c| c.number).eq(before.table.data_columns().map(|c| c.number));
        // the name of a table in such a value changes with the table
        let is_plain = |table: &Table| !table.data_columns().any(|c| c.type_name.starts_with("reg"));
        // leaves are compared together
        let spared = table.partition_root.is_none() && !written.includes(table.oid) && same_columns && is_plain(table);
        let data = || TableData { table: table.clone(), stats: before.stats.clone(), segments: Vec::new() };
        spared.then(|| ReadTable { data: data(), ranges: Vec::new(), pages: Vec::new(), kept: 0 })
    }
}

/// What a comparison found.
#[derive(Debug)]
pub struct Compared {
    pub verification: Verification,
    /// Every table, by name.
    pub rows: Vec<TableRows>,
    /// The tables as they are now; of a partitioned one its leaves.
    pub tables: Vec<Table>,
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
    let comparison = Comparison { url, store, backup, named: 0 };
    Ok(comparison.make(extent, observer, interrupt).await?.verification)
}

/// A comparison of the live database with a backup.
pub struct Comparison<'a> {
    pub url: &'a DatabaseUrl,
    pub store: &'a Store,
    pub backup: &'a Manifest,
    /// How many rows of each table and kind of change are named by their key.
    pub named: usize,
}

impl Comparison<'_> {
    /// Makes it, as of one instant. The database is only read. Ranges of which the rows are as they were are read once and
    /// only hashed; the rows of the others are read again, here and from the store.
    ///
    /// # Errors
    /// Those of the connection; `Damaged`, `Store`, `Interrupted`.
    pub async fn make(&self, extent: Extent<'_>, observer: &dyn Observer, interrupt: &Interrupt) -> Result<Compared> {
        let compared = interrupt.or(naming(self.url, self.read_and_compare(extent, observer))).await;
        observer.on(Event::StageDone);
        compared.map_err(explain_rights)
    }

    async fn read_and_compare(&self, extent: Extent<'_>, observer: &dyn Observer) -> Result<Compared> {
        let mut snapshot = Snapshot::open(self.url).await?;
        let mut spared = Vec::new();
        snapshot.catalog.tables.retain(|t| {
            let same = extent.spares(t, self.backup);
            let read = same.is_none() && extent.includes(t, |m| &m.to);
            spared.extend(same);
            read
        });
        let reading = Reading::plan(&mut snapshot).await?;
        observer.on(Event::Stage { label: "Comparing".into(), total_bytes: snapshot.estimated_bytes() });
        let mut tables = reading.hash(&snapshot, observer).await?;
        tables.extend(spared);
        let mut live = Live { tables: &tables, connection: snapshot.worker().await? };
        let before = self.backup.tables.iter().filter(|t| extent.includes(&t.table, |m| &m.from));
        let after = sides(tables.iter().map(|read| &read.data));
        let pairing = pair_moved(sides(before), after, extent.moves());
        let mut diffs = BTreeMap::new();
        for (n, pair) in pairing.pairs.iter().enumerate() {
            if pair.needs_rows() || pair.needs_joint_digest() && !self.joints_agree(pair, &mut live).await? {
                diffs.insert(n, self.diff(pair, &mut live).await?);
            }
        }
        let verification = judge(&pairing, &diffs, &Touched::Everything);
        let rows = self.rows(&pairing, diffs, &mut live).await?;
        snapshot.close().await?;
        Ok(Compared { verification, rows, tables: tables.into_iter().map(|read| read.data.table).collect() })
    }

    async fn diff(&self, pair: &Pair<'_>, live: &mut Live<'_>) -> Result<RowDiff> {
        let shape = RowShape::of(pair);
        let segments = Segments::differing(pair);
        let passes = shape.passes(segments.rows_before(pair));
        let namer = (self.named > 0).then(|| Namer::of(pair, &shape, self.named));
        let mut comparer = RowComparer::new(&shape, passes).naming(namer);
        for _ in 0..passes {
            stored_rows(self.store, &pair.before, &segments.before, |row| comparer.before(row))?;
            live.rows(&pair.after, &segments.after, |row| comparer.after(row)).await?;
            if comparer.looks_again() {
                stored_rows(self.store, &pair.before, &segments.before, |row| comparer.again(row))?;
            }
            comparer.next_pass();
        }
        Ok(comparer.finish())
    }

    /// Names also the rows of tables that are on one side only, or have none on the other.
    async fn rows(
        &self,
        pairing: &Pairing<'_>,
        diffs: BTreeMap<usize, RowDiff>,
        live: &mut Live<'_>,
    ) -> Result<Vec<TableRows>> {
        let mut alone = BTreeMap::new();
        for (n, pair) in pairing.pairs.iter().enumerate().filter(|(n, _)| !diffs.contains_key(n)) {
            if pair.after.rows == 0 {
                alone.insert(n, self.first_lost(&pair.before)?);
            } else if pair.before.rows == 0 {
                alone.insert(n, self.first_gained(&pair.after, live).await?);
            }
        }
        let dropped = pairing.dropped.iter().map(|side| self.first_lost(side)).collect::<Result<_>>()?;
        let mut added = Vec::new();
        for side in &pairing.added {
            added.push(self.first_gained(side, live).await?);
        }
        Ok(table_rows(pairing, diffs, alone, dropped, added))
    }

    fn first_lost(&self, side: &Side<'_>) -> Result<Vec<RowChange>> {
        let mut namer = Namer::alone(side, self.named);
        let segments = side.first_segments(self.named);
        stored_rows(self.store, side, &segments, |row| namer.lost(&values(row).collect::<Vec<_>>()))?;
        Ok(namer.finish())
    }

    async fn first_gained(&self, side: &Side<'_>, live: &mut Live<'_>) -> Result<Vec<RowChange>> {
        let mut namer = Namer::alone(side, self.named);
        let segments = side.first_segments(self.named);
        live.rows(side, &segments, |row| namer.gained(&values(row).collect::<Vec<_>>())).await?;
        Ok(namer.finish())
    }

    async fn joints_agree(&self, pair: &Pair<'_>, live: &mut Live<'_>) -> Result<bool> {
        let after = match pair.digest_after() {
            Some(known) => known,
            None => {
                let mut joint = JointDigest::over(pair.columns.iter().map(|c| c.1).collect());
                live.rows(&pair.after, &pair.after.all_segments(), |row| joint.add(row)).await?;
                joint.finish()
            }
        };
        Ok(stored_joint_before(self.store, pair)? == after)
    }
}

/// Whether the same values stand together in rows as before, over the columns that both have.
fn stored_joints_agree(store: &Store, pair: &Pair<'_>) -> Result<bool> {
    let after = match pair.digest_after() {
        Some(known) => known,
        None => {
            let mut joint = JointDigest::over(pair.columns.iter().map(|c| c.1).collect());
            stored_rows(store, &pair.after, &pair.after.all_segments(), |row| joint.add(row))?;
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
    stored_rows(store, &pair.before, &pair.before.all_segments(), |row| joint.add(row))?;
    Ok(joint.finish())
}
