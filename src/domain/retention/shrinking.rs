//! Moments at which tables lost more than half of their rows between one backup and the next.

use crate::domain::digest::Digest;
use crate::domain::manifest::Manifest;
use crate::domain::names::QualifiedName;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Moments that are remembered of each table: a queue that empties every hour must not hold every backup.
const MOMENTS: usize = 3;

/// One table that shrank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrink {
    /// A partitioned table as a whole.
    pub table: QualifiedName,
    pub rows_before: u64,
    /// `None`: it vanished.
    pub rows_after: Option<u64>,
}

impl Shrink {
    fn lost(&self) -> u64 {
        self.rows_before - self.rows_after.unwrap_or(0)
    }
}

/// Two neighbours in time, and what shrank between them.
pub(super) struct Moment<'m> {
    pub before: &'m Manifest,
    pub after: &'m Manifest,
    /// Not empty; the greatest loss first.
    pub shrinks: Vec<Shrink>,
}

/// The moments worth remembering: of each table the newest three declines, and the moment at which it was largest.
pub(super) fn moments<'m>(newest_first: &[&'m Manifest]) -> Vec<Moment<'m>> {
    let neighbours = newest_first.iter().zip(newest_first.iter().skip(1));
    let mut moments: Vec<Moment<'m>> = neighbours
        .map(|(after, before)| Moment { before, after, shrinks: shrinks(before, after) })
        .filter(|moment| !moment.shrinks.is_empty())
        .collect();
    let mut of_table: BTreeMap<&QualifiedName, Vec<(usize, u64)>> = BTreeMap::new();
    for (n, moment) in moments.iter().enumerate() {
        for shrink in &moment.shrinks {
            of_table.entry(&shrink.table).or_default().push((n, shrink.rows_before));
        }
    }
    let mut remembered = BTreeSet::new();
    for found in of_table.values() {
        // of several that were as large, the newest
        let largest = found.iter().max_by_key(|(n, rows)| (*rows, std::cmp::Reverse(*n)));
        // one decline in several steps counts once: steps come closer together when what lay between them is pruned
        let declines = found.chunk_by(|(newer, _), (older, _)| moments[*newer].before.id == moments[*older].after.id);
        remembered.extend(declines.take(MOMENTS).flatten().chain(largest).map(|(n, _)| *n));
    }
    let mut n = 0..;
    moments.retain(|_| n.next().is_some_and(|n| remembered.contains(&n)));
    moments
}

/// What a table holds, partitions taken together.
#[derive(Default)]
struct Content {
    rows: u64,
    digest: Digest,
    /// Of a plain table.
    oid: Option<u32>,
}

fn contents(manifest: &Manifest) -> BTreeMap<&QualifiedName, Content> {
    let mut contents: BTreeMap<&QualifiedName, Content> = BTreeMap::new();
    for data in manifest.tables.iter().filter(|data| !data.table.name.is_prisma_migrations()) {
        let root = data.table.partition_root.as_ref();
        let content = contents.entry(root.unwrap_or(&data.table.name)).or_default();
        content.rows += data.stats.rows;
        content.digest.merge(data.stats.digest);
        content.oid = root.is_none().then_some(data.table.oid);
    }
    contents
}

/// Tables that lost more than half of their rows. One that was renamed is no loss.
fn shrinks(before: &Manifest, after: &Manifest) -> Vec<Shrink> {
    let (then, now) = (contents(before), contents(after));
    let renamed = |content: &Content| {
        let mut new = now.iter().filter(|(name, _)| !then.contains_key(**name)).map(|(_, content)| content);
        new.find(|new| (new.oid.is_some() && new.oid == content.oid) || new.digest == content.digest)
    };
    let mut shrinks: Vec<Shrink> = then
        .iter()
        .filter_map(|(name, content)| {
            let rows_after = now.get(*name).or_else(|| renamed(content)).map(|now| now.rows);
            let shrank = rows_after.unwrap_or(0) < content.rows.div_ceil(2);
            shrank.then(|| Shrink { table: (*name).clone(), rows_before: content.rows, rows_after })
        })
        .collect();
    shrinks.sort_by_key(|shrink| std::cmp::Reverse(shrink.lost()));
    shrinks
}

/// "the newest before public.User shrank from 1000 to 0 rows (and 2 more tables shrank)".
pub(super) fn describe(shrinks: &[Shrink], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(first) = shrinks.first() else { return f.write_str("the newest before tables shrank") };
    write!(f, "the newest before {} ", first.table)?;
    match first.rows_after {
        Some(rows) => write!(f, "shrank from {} to {rows} rows", first.rows_before)?,
        None => write!(f, "with its {} rows was gone", first.rows_before)?,
    }
    match shrinks.len() - 1 {
        0 => Ok(()),
        1 => f.write_str(" (and 1 more table shrank)"),
        more => write!(f, " (and {more} more tables shrank)"),
    }
}
