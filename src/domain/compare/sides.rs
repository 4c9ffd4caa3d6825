//! Which table and column of before is which of after.

use crate::domain::digest::{ColumnStats, Digest};
use crate::domain::manifest::TableData;
use crate::domain::names::QualifiedName;
use crate::domain::schema::Column;
use std::collections::BTreeMap;

/// One table at one time; the leaves of a partitioned table count as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Side<'a> {
    pub name: QualifiedName,
    pub oid: u32,
    pub rows: u64,
    pub columns: Vec<(&'a Column, ColumnStats)>,
    pub primary_key: &'a [String],
    /// Digest over whole rows; `None` when the leaves have their columns in different orders.
    pub digest: Option<Digest>,
    /// Where its rows are.
    pub parts: Vec<&'a TableData>,
}

impl Side<'_> {
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(c, _)| c.name == name)
    }

    /// Where the side's columns stand in the rows of one of its parts; `None` where they stand just so.
    pub fn places(&self, part: &TableData) -> Option<Vec<Option<usize>>> {
        let of_part: Vec<&str> = part.table.data_columns().map(|c| c.name.as_str()).collect();
        let own: Vec<&str> = self.columns.iter().map(|(c, _)| c.name.as_str()).collect();
        (of_part != own).then(|| own.iter().map(|name| of_part.iter().position(|n| n == name)).collect())
    }

    /// Whether this is the table, or the table is one of its leaves.
    pub fn holds(&self, name: &QualifiedName) -> bool {
        &self.name == name || self.parts.iter().any(|p| &p.table.name == name)
    }
}

/// Tables of user data, partitions put together. Prisma's own journal is not user data.
pub fn sides<'a>(tables: impl IntoIterator<Item = &'a TableData>) -> Vec<Side<'a>> {
    let mut sides: BTreeMap<QualifiedName, Side<'a>> = BTreeMap::new();
    for data in tables.into_iter().filter(|t| !t.table.name.is_prisma_migrations()) {
        let name = data.table.partition_root.as_ref().unwrap_or(&data.table.name);
        let columns = data.table.data_columns().zip(data.stats.columns.iter().copied());
        match sides.get_mut(name) {
            None => {
                let side = Side {
                    name: name.clone(),
                    oid: if data.table.partition_root.is_some() { 0 } else { data.table.oid },
                    rows: data.stats.rows,
                    columns: columns.collect(),
                    primary_key: &data.table.primary_key,
                    digest: Some(data.stats.digest),
                    parts: vec![data],
                };
                sides.insert(name.clone(), side);
            }
            Some(side) => add_leaf(side, data, columns),
        }
    }
    sides.into_values().collect()
}

fn add_leaf<'a>(side: &mut Side<'a>, data: &'a TableData, columns: impl Iterator<Item = (&'a Column, ColumnStats)>) {
    side.rows += data.stats.rows;
    let mut same_order = true;
    for (n, (column, stats)) in columns.enumerate() {
        match side.column(&column.name) {
            Some(at) => {
                side.columns[at].1.merge(&stats);
                same_order &= at == n;
            }
            None => same_order = false,
        }
    }
    if let (true, Some(digest)) = (same_order, side.digest.as_mut()) {
        digest.merge(data.stats.digest);
    } else {
        side.digest = None;
    }
    side.parts.push(data);
}

/// A table of before and what it is after.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair<'a> {
    pub before: Side<'a>,
    pub after: Side<'a>,
    /// Indexes into the columns of both.
    pub columns: Vec<(usize, usize)>,
    /// Columns of before whose values were meant to become others: only whether there is one can be compared.
    pub remade: Vec<usize>,
    /// The columns that tell which row is which, where somebody said so; else the primary key does.
    pub key: Vec<(usize, usize)>,
}

impl Pair<'_> {
    /// Digests do not prove that every old row and value is there.
    pub fn needs_rows(&self) -> bool {
        let stats_differ = self.columns.iter().any(|&(b, a)| self.before.columns[b].1 != self.after.columns[a].1);
        let rows_differ = match (self.digest_before(), self.digest_after()) {
            (Some(b), Some(a)) => b != a,
            _ => self.before.rows != self.after.rows,
        };
        self.both_have_rows() && (stats_differ || rows_differ)
    }

    /// Each column has its old values, but columns came, went or moved: which value stands in which row is only known
    /// from a digest over the columns that both have.
    pub fn needs_joint_digest(&self) -> bool {
        let known = self.digest_before().is_some() && self.digest_after().is_some();
        self.both_have_rows() && !known && self.columns.len() > 1 && !self.needs_rows()
    }

    /// The digest over the common columns, where that is the digest over all.
    pub fn digest_before(&self) -> Option<Digest> {
        let all = self.columns.len() == self.before.columns.len();
        self.before.digest.filter(|_| all && self.columns.iter().enumerate().all(|(n, c)| c.0 == n))
    }

    /// The same of after, its columns in the order of before.
    pub fn digest_after(&self) -> Option<Digest> {
        let all = self.columns.len() == self.after.columns.len();
        self.after.digest.filter(|_| all && self.columns.iter().enumerate().all(|(n, c)| c.1 == n))
    }

    /// The columns are the same, one by one: the same text is the same row.
    pub fn reads_alike(&self) -> bool {
        let all = self.columns.len() == self.before.columns.len() && self.columns.len() == self.after.columns.len();
        all && self.columns.iter().enumerate().all(|(n, c)| *c == (n, n))
    }

    /// It was not dropped and made again meanwhile.
    pub fn is_same_table(&self) -> bool {
        self.before.parts.iter().all(|was| self.after.parts.iter().any(|is| is.table.oid == was.table.oid))
    }

    fn both_have_rows(&self) -> bool {
        self.before.rows > 0 && self.after.rows > 0
    }

    /// The column was dropped and made again under its name (the table stayed).
    pub fn was_recreated(&self, before: usize, after: usize) -> bool {
        self.before.oid != 0
            && self.before.oid == self.after.oid
            && self.before.columns[before].0.number != self.after.columns[after].0.number
    }
}

/// Who is who, and who came or went.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pairing<'a> {
    pub pairs: Vec<Pair<'a>>,
    pub dropped: Vec<Side<'a>>,
    pub added: Vec<Side<'a>>,
}

/// Finds who is who: by name, else the same table under another name (same oid), else the same content (digests).
pub fn pair<'a>(before: Vec<Side<'a>>, after: Vec<Side<'a>>) -> Pairing<'a> {
    let mut pairing = Pairing { added: after, ..Pairing::default() };
    let mut vanished = Vec::new();
    for side in before {
        match take(&mut pairing.added, |a| a.name == side.name) {
            Some(now) => pairing.pairs.push(pair_columns(side, now)),
            None => vanished.push(side),
        }
    }
    for side in vanished {
        let same = take(&mut pairing.added, |a| side.oid != 0 && a.oid == side.oid)
            .or_else(|| take(&mut pairing.added, |a| same_content(&side, a)));
        match same {
            Some(now) => pairing.pairs.push(pair_columns(side, now)),
            None => pairing.dropped.push(side),
        }
    }
    pairing.pairs.sort_by(|a, b| a.before.name.cmp(&b.before.name));
    pairing
}

fn take<'a>(from: &mut Vec<Side<'a>>, wanted: impl Fn(&Side<'a>) -> bool) -> Option<Side<'a>> {
    let at = from.iter().position(wanted)?;
    Some(from.remove(at))
}

fn same_content(before: &Side<'_>, after: &Side<'_>) -> bool {
    let sorted = |side: &Side<'_>| {
        let mut digests: Vec<(u64, u128)> = side.columns.iter().map(|(_, s)| (s.non_null, s.digest.0)).collect();
        digests.sort_unstable();
        digests
    };
    before.rows > 0 && before.rows == after.rows && sorted(before) == sorted(after)
}

fn pair_columns<'a>(before: Side<'a>, after: Side<'a>) -> Pair<'a> {
    pair_other_columns(before, after, Vec::new())
}

/// Finds who is who among the columns that are not known yet. In the same table the number tells, also where two have
/// exchanged their names; else by name, else by content.
pub(super) fn pair_other_columns<'a>(before: Side<'a>, after: Side<'a>, known: Vec<(usize, usize)>) -> Pair<'a> {
    let mut columns = known;
    let same_table = before.oid != 0 && before.oid == after.oid;
    for (b, (old, _)) in before.columns.iter().enumerate().filter(|_| same_table) {
        let same = after.columns.iter().position(|(new, _)| new.number == old.number);
        let same = same.filter(|a| !columns.iter().any(|c| c.0 == b || c.1 == *a));
        columns.extend(same.map(|a| (b, a)));
    }
    for (b, (old, _)) in before.columns.iter().enumerate() {
        let same = after.column(&old.name).filter(|a| !columns.iter().any(|c| c.0 == b || c.1 == *a));
        columns.extend(same.map(|a| (b, a)));
    }
    for (b, (_, stats)) in before.columns.iter().enumerate() {
        if columns.iter().any(|&(known, _)| known == b) {
            continue;
        }
        let free = |a: &usize| !columns.iter().any(|(_, known)| known == a);
        let by_digest =
            (0..after.columns.len()).filter(free).find(|&a| stats.non_null > 0 && after.columns[a].1 == *stats);
        if let Some(a) = by_digest {
            columns.push((b, a));
        }
    }
    columns.sort_unstable();
    Pair { before, after, columns, remade: Vec::new(), key: Vec::new() }
}
