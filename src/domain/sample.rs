//! Some of the rows of a backup, with every row that they reference: small enough to try a migration on, and whole.

use super::manifest::{Manifest, TableData};
use super::names::QualifiedName;
use super::rows::{NULL, values};
use super::schema::{ForeignKey, Table};
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_64;

/// Tables with so few rows are taken whole.
const SMALL: u64 = 100;
/// So often a table is read again before the rest of it is taken, too: chains of rows that reference each other.
const MOST_PASSES: u32 = 20;

/// Which rows are taken, by their place in the backup.
pub struct Sample {
    /// Of 2^32 rows so many.
    share: f64,
    tables: Vec<Rows>,
    links: Vec<Link>,
}

/// The rows of one table.
struct Rows {
    /// What makes the choice another one in each table.
    seed: u64,
    taken: Vec<u64>,
    whole: bool,
    /// It has to be read (again): rows of it are needed.
    is_open: bool,
    passes: u32,
}

/// One foreign key between a table and one that may hold what it references.
struct Link {
    child: usize,
    own: Vec<usize>,
    parent: usize,
    theirs: Vec<usize>,
    needed: HashSet<u64>,
}

impl Sample {
    /// `percent`: more than 0, at most 100.
    pub fn plan(backup: &Manifest, percent: f64) -> Self {
        let links: Vec<Link> = backup.foreign_keys.iter().flat_map(|key| links(&backup.tables, key)).collect();
        let hard: HashSet<QualifiedName> =
            backup.foreign_keys.iter().flat_map(|key| hard(&backup.tables, key)).collect();
        let rows = |data: &TableData| Rows {
            seed: xxh3_64(data.table.name.to_string().as_bytes()),
            taken: Vec::new(),
            whole: data.stats.rows <= SMALL || hard.contains(&data.table.name),
            is_open: data.stats.rows > 0,
            passes: 0,
        };
        let share = percent / 100.0 * 4_294_967_296.0;
        Self { share, tables: backup.tables.iter().map(rows).collect(), links }
    }

    /// The place of the table to be read next, all of its rows in their order; `None` when everything is chosen. A table comes
    /// after those that reference it, as far as that is possible.
    pub fn next_table(&mut self) -> Option<usize> {
        let open = |at: &usize| self.tables[*at].is_open;
        let waits =
            |at: usize| self.links.iter().any(|l| l.parent == at && l.child != at && self.tables[l.child].is_open);
        let all: Vec<usize> = (0..self.tables.len()).filter(open).collect();
        let at = all.iter().copied().find(|at| !waits(*at)).or_else(|| all.first().copied())?;
        let table = &mut self.tables[at];
        table.is_open = false;
        table.passes += 1;
        table.whole |= table.passes > MOST_PASSES;
        Some(at)
    }

    /// A row of the table that is read; `place`: how many came before it.
    pub fn row(&mut self, table: usize, place: u64, row: &[u8]) {
        if self.takes(table, place) {
            return;
        }
        let values: Vec<&[u8]> = values(row).collect();
        let rows = &self.tables[table];
        let chance = u32::try_from(xxh3_64(&(rows.seed ^ place).to_le_bytes()) >> 32).unwrap_or_default();
        let by_chance = f64::from(chance) < self.share;
        let is_needed = || {
            self.links.iter().filter(|link| link.parent == table).any(|link| {
                fingerprint(&values, &link.theirs).is_some_and(|fingerprint| link.needed.contains(&fingerprint))
            })
        };
        if !(rows.whole || by_chance || is_needed()) {
            return;
        }
        self.take(table, place);
        for link in self.links.iter_mut().filter(|link| link.child == table) {
            let Some(fingerprint) = fingerprint(&values, &link.own) else { continue };
            let parent = &mut self.tables[link.parent];
            parent.is_open |= link.needed.insert(fingerprint);
        }
    }

    /// Whether a row is in the sample.
    pub fn takes(&self, table: usize, place: u64) -> bool {
        let (word, bit) = (usize::try_from(place / 64).unwrap_or(usize::MAX), place % 64);
        self.tables[table].taken.get(word).is_some_and(|bits| bits >> bit & 1 == 1)
    }

    fn take(&mut self, table: usize, place: u64) {
        let (word, bit) = (usize::try_from(place / 64).unwrap_or(usize::MAX), place % 64);
        let taken = &mut self.tables[table].taken;
        if taken.len() <= word {
            taken.resize(word + 1, 0);
        }
        taken[word] |= 1 << bit;
    }
}

/// A table, or the leaves of a partitioned one.
fn parts<'a>(tables: &'a [TableData], name: &'a QualifiedName) -> impl Iterator<Item = (usize, &'a Table)> {
    let is = move |table: &Table| &table.name == name || table.partition_root.as_ref() == Some(name);
    tables.iter().enumerate().map(|(at, data)| (at, &data.table)).filter(move |(_, table)| is(table))
}

fn links(tables: &[TableData], key: &ForeignKey) -> Vec<Link> {
    let places = |table: &Table, names: &[String]| -> Option<Vec<usize>> {
        names.iter().map(|name| table.data_columns().position(|c| &c.name == name)).collect()
    };
    let mut links = Vec::new();
    for (child, own) in parts(tables, &key.table) {
        for (parent, theirs) in parts(tables, &key.referenced) {
            let places = places(own, &key.columns).zip(places(theirs, &key.referenced_columns));
            links.extend(places.map(|(own, theirs)| Link { child, own, parent, theirs, needed: HashSet::new() }));
        }
    }
    links
}

/// Tables that are taken whole, because equal keys may be written differently.
fn hard(tables: &[TableData], key: &ForeignKey) -> Vec<QualifiedName> {
    let types = |name: &QualifiedName, columns: &[String]| -> Vec<Option<String>> {
        let table = parts(tables, name).next().map(|(_, table)| table);
        columns
            .iter()
            .map(|c| table.and_then(|t| t.data_columns().find(|own| &own.name == c)))
            .map(|c| c.map(|c| c.type_name.clone()))
            .collect()
    };
    const WHOLE: [&str; 3] = ["smallint", "integer", "bigint"];
    const EXACT: [&str; 5] = ["text", "uuid", "date", "bytea", "boolean"];
    let alike = |(own, theirs): (&Option<String>, &Option<String>)| match (own.as_deref(), theirs.as_deref()) {
        (Some(own), Some(theirs)) => {
            (WHOLE.contains(&own) && WHOLE.contains(&theirs))
                || (own == theirs && (EXACT.contains(&own) || own.starts_with("character varying")))
        }
        _ => false,
    };
    let (own, theirs) = (types(&key.table, &key.columns), types(&key.referenced, &key.referenced_columns));
    if own.len() == theirs.len() && own.iter().zip(&theirs).all(alike) {
        return Vec::new();
    }
    parts(tables, &key.referenced).map(|(_, table)| table.name.clone()).collect()
}

/// Of the values at these places; `None` where one is NULL: it references nothing.
fn fingerprint(row: &[&[u8]], places: &[usize]) -> Option<u64> {
    let mut joined = Vec::new();
    for place in places {
        let value = row.get(*place).filter(|value| **value != NULL)?;
        joined.extend_from_slice(value);
        joined.push(b'\t');
    }
    Some(xxh3_64(&joined))
}

#[cfg(test)]
mod tests;
