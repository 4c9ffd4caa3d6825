//! Comparing rows by their key, in memory that does not grow with the table: with many rows it takes several
//! passes, each over the rows whose key's hash falls into its share.

use super::named::{Namer, RowChange};
use super::sides::Pair;
use crate::domain::digest::Digest;
use crate::domain::rows::{NULL, values};
use std::borrow::Cow;
use std::collections::HashMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Memory for the rows of one pass, in bytes.
const PASS_BYTES: u64 = 40 << 20;
/// Beside the hashes: key, place in the index.
const ROW_OVERHEAD: u64 = 56;

/// What became of the rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowDiff {
    pub rows_lost: u64,
    pub rows_new: u64,
    /// Rows that are still there and in which a value is another, or NULL, or no longer NULL.
    pub rows_changed: u64,
    /// Some of them, where a namer was given; in no order.
    pub named: Vec<RowChange>,
    /// Per paired column, over the rows that are still there: values that are NULL now, values that are others now.
    pub columns: Vec<(u64, u64)>,
}

/// How a text must be read so that the same value compares equal under two types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Text,
    Number,
    Moment,
    Boolean,
    /// The cast may write the same value in any way: a difference says nothing.
    Unknown,
}

/// Where key and values stand in the rows of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowShape {
    /// Per key column its place before and after. Without a key that can be read on both sides: all columns that can;
    /// where there is none, rows are only counted.
    pub(super) key: Vec<(usize, usize)>,
    pub(super) columns: Vec<(usize, usize)>,
    readings: Vec<Reading>,
}

impl RowShape {
    pub fn of(pair: &Pair<'_>) -> Self {
        let find_after = |b: usize| pair.columns.iter().find(|c| c.0 == b).map(|c| c.1);
        let find_before = |a: usize| pair.columns.iter().find(|c| c.1 == a).map(|c| c.0);
        // the key as it is now; where the backup does not know it, the key as it was
        let now: Option<Vec<(usize, usize)>> = pair
            .after
            .primary_key
            .iter()
            .map(|name| pair.after.column(name).and_then(|a| Some((find_before(a)?, a))))
            .collect();
        let then = || -> Option<Vec<(usize, usize)>> {
            pair.before
                .primary_key
                .iter()
                .map(|name| pair.before.column(name).and_then(|b| Some((b, find_after(b)?))))
                .collect()
        };
        let readings = pair.columns.iter().map(|&(b, a)| {
            let (old, new) = (&pair.before.columns[b].0.type_name, &pair.after.columns[a].0.type_name);
            match reading(old, new) {
                _ if pair.remade.contains(&b) => Reading::Unknown,
                // a column that was made anew went through no cast
                Reading::Unknown if pair.was_recreated(b, a) => Reading::Text,
                reading => reading,
            }
        });
        let readings: Vec<Reading> = readings.collect();
        let readable = |column: &(usize, usize)| {
            pair.columns.iter().zip(&readings).any(|(c, reading)| c == column && *reading != Reading::Unknown)
        };
        let tells = |key: &Vec<(usize, usize)>| !key.is_empty() && key.iter().all(readable);
        let whole_row = || pair.columns.iter().copied().filter(readable).collect();
        Self {
            key: Some(pair.key.clone())
                .filter(tells)
                .or_else(|| now.filter(tells))
                .or_else(|| then().filter(tells))
                .unwrap_or_else(whole_row),
            readings,
            columns: pair.columns.clone(),
        }
    }

    /// How many passes over both sides keep the memory small.
    pub fn passes(&self, rows: u64) -> u64 {
        (rows * (8 * self.columns.len() as u64 + ROW_OVERHEAD)).div_ceil(PASS_BYTES).max(1)
    }
}

/// The type without its modifier and array-ness decides how values are read.
fn reading(old: &str, new: &str) -> Reading {
    if old == new {
        return Reading::Text;
    }
    let kind = |name: &str| {
        let bare = name.split('(').next().unwrap_or(name).trim();
        match bare {
            _ if name.ends_with("[]") => Reading::Unknown,
            "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => Reading::Number,
            "text" | "character varying" | "uuid" | "public.citext" => Reading::Text,
            "boolean" => Reading::Boolean,
            "date" | "timestamp" | "timestamp with time zone" | "timestamp without time zone" => Reading::Moment,
            _ => Reading::Unknown,
        }
    };
    match (kind(old), kind(new)) {
        (Reading::Boolean, Reading::Number | Reading::Text | Reading::Boolean)
        | (Reading::Number | Reading::Text, Reading::Boolean) => Reading::Boolean,
        (Reading::Number, Reading::Number | Reading::Text) | (Reading::Text, Reading::Number) => Reading::Number,
        (Reading::Moment, Reading::Moment | Reading::Text) | (Reading::Text, Reading::Moment) => Reading::Moment,
        (Reading::Text, Reading::Text) => Reading::Text,
        _ => Reading::Unknown,
    }
}

impl Reading {
    fn hash(self, value: &[u8]) -> u64 {
        if value == NULL {
            return 0;
        }
        xxh3_64(&self.canonical(value)).max(1)
    }

    fn canonical(self, value: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Text => Cow::Borrowed(value),
            Self::Unknown => Cow::Borrowed(b"?"),
            Self::Boolean => Cow::Borrowed(match value {
                b"t" | b"true" | b"1" => b"1",
                b"f" | b"false" | b"0" => b"0",
                other => other,
            }),
            Self::Number if value.contains(&b'.') && !value.contains(&b'e') => {
                let zeros = value.iter().rev().take_while(|b| **b == b'0').count();
                let cut = &value[..value.len() - zeros];
                Cow::Borrowed(cut.strip_suffix(b".").unwrap_or(cut))
            }
            Self::Number => Cow::Borrowed(value),
            Self::Moment => {
                let cut = value.strip_suffix(b"+00").unwrap_or(value);
                Cow::Borrowed(cut.strip_suffix(b" 00:00:00").unwrap_or(cut))
            }
        }
    }
}

/// The digest over some columns of whole rows.
pub struct JointDigest {
    places: Vec<usize>,
    row: Vec<u8>,
    digest: Digest,
}

impl JointDigest {
    /// Over the values at these places, in this order.
    pub fn over(places: Vec<usize>) -> Self {
        Self { places, row: Vec::new(), digest: Digest::default() }
    }

    pub fn add(&mut self, row: &[u8]) {
        let fields: Vec<&[u8]> = values(row).collect();
        self.row.clear();
        for (n, place) in self.places.iter().enumerate() {
            if n > 0 {
                self.row.push(b'\t');
            }
            self.row.extend_from_slice(fields.get(*place).copied().unwrap_or(NULL));
        }
        self.digest.add(&self.row);
    }

    pub fn finish(self) -> Digest {
        self.digest
    }
}

struct Slot {
    first: usize,
    left: u32,
    to_name: u32,
}

/// Takes all rows of before, then all rows of after, once per pass; where it wants to name some, those of before again.
pub struct RowComparer<'a> {
    shape: &'a RowShape,
    passes: u64,
    pass: u64,
    index: HashMap<u128, Slot>,
    hashes: Vec<u64>,
    diff: RowDiff,
    namer: Option<Namer>,
}

impl<'a> RowComparer<'a> {
    pub fn new(shape: &'a RowShape, passes: u64) -> Self {
        let diff = RowDiff { columns: vec![(0, 0); shape.columns.len()], ..RowDiff::default() };
        Self { shape, passes, pass: 0, index: HashMap::new(), hashes: Vec::new(), diff, namer: None }
    }

    /// With some of the rows named.
    pub fn naming(self, namer: Option<Namer>) -> Self {
        Self { namer, ..self }
    }

    /// Ends a pass: what was not met again is lost.
    pub fn next_pass(&mut self) {
        self.diff.rows_lost += self.index.values().map(|slot| u64::from(slot.left)).sum::<u64>();
        self.index.clear();
        self.hashes.clear();
        self.pass += 1;
    }

    /// The result, after the last `next_pass`.
    pub fn finish(self) -> RowDiff {
        let named = self.namer.map(Namer::finish).unwrap_or_default();
        RowDiff { named, ..self.diff }
    }

    /// After all rows of after: whether those of before have to be given once more (`again`), because only they tell
    /// what was lost.
    pub fn looks_again(&mut self) -> bool {
        let Some(namer) = &self.namer else { return false };
        let mut is_lost = false;
        for slot in self.index.values_mut() {
            slot.to_name = slot.left;
            is_lost |= slot.left > 0;
        }
        namer.waits() || is_lost && namer.has_room_for_lost()
    }

    pub fn again(&mut self, row: &[u8]) {
        let fields: Vec<&[u8]> = values(row).collect();
        let (Some(key), Some(namer)) = (self.key(&fields, |c| c.0), &mut self.namer) else { return };
        let shape = self.shape;
        namer.was(key, &fields, |n, was, is| shape.readings[n].hash(was) != shape.readings[n].hash(is));
        if let Some(slot) = self.index.get_mut(&key).filter(|slot| slot.to_name > 0) {
            slot.to_name -= 1;
            namer.lost(&fields);
        }
    }

    pub fn before(&mut self, row: &[u8]) {
        let fields: Vec<&[u8]> = values(row).collect();
        let Some(key) = self.key(&fields, |c| c.0) else { return };
        let slot = self.index.entry(key).or_insert_with(|| Slot { first: self.hashes.len(), left: 0, to_name: 0 });
        slot.left += 1;
        if slot.left == 1 {
            for (&(b, _), reading) in self.shape.columns.iter().zip(&self.shape.readings) {
                self.hashes.push(fields.get(b).map_or(0, |v| reading.hash(v)));
            }
        }
    }

    pub fn after(&mut self, row: &[u8]) {
        let fields: Vec<&[u8]> = values(row).collect();
        let Some(key) = self.key(&fields, |c| c.1) else { return };
        match self.index.get_mut(&key) {
            Some(slot) if slot.left > 0 => {
                slot.left -= 1;
                let old = &self.hashes[slot.first..];
                let columns = self.shape.columns.iter().zip(&self.shape.readings).zip(old);
                let mut is_changed = false;
                for (((&(_, a), reading), &was), count) in columns.zip(&mut self.diff.columns) {
                    let is = fields.get(a).map_or(0, |v| reading.hash(v));
                    count.0 += u64::from(was != 0 && is == 0);
                    count.1 += u64::from(was != 0 && is != 0 && was != is);
                    is_changed |= was != is;
                }
                self.diff.rows_changed += u64::from(is_changed);
                if let Some(namer) = self.namer.as_mut().filter(|_| is_changed) {
                    namer.changed(key, row);
                }
            }
            _ => {
                self.diff.rows_new += 1;
                if let Some(namer) = &mut self.namer {
                    namer.gained(&fields);
                }
            }
        }
    }

    /// The hash of the row's key, if the row is of this pass.
    fn key(&self, fields: &[&[u8]], side: impl Fn(&(usize, usize)) -> usize) -> Option<u128> {
        let mut hasher = Xxh3::new();
        let mut add = |reading: Reading, value: &[u8]| {
            hasher.update(&reading.canonical(value));
            hasher.update(b"\t");
        };
        let reading_of = |column: &(usize, usize)| {
            let at = self.shape.columns.iter().position(|c| c == column);
            at.and_then(|at| self.shape.readings.get(at)).copied().unwrap_or(Reading::Text)
        };
        for column in &self.shape.key {
            add(reading_of(column), fields.get(side(column)).copied().unwrap_or(NULL));
        }
        let key = hasher.digest128();
        (key % u128::from(self.passes) == u128::from(self.pass)).then_some(key)
    }
}
