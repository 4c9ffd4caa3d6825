//! Some of the rows that are gone, new or changed, each by its key and with its values as people read them.

use super::rows::RowShape;
use super::sides::{Pair, Side};
use crate::domain::rows::{NULL, unescape, values};
use std::cmp::Ordering;
use std::collections::HashMap;

/// Values that are kept of one table, in bytes of COPY text: one row may have megabytes.
const MOST_BYTES: usize = 32 << 20;

/// A column's value as text; `None`: NULL.
pub type Value = Option<String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Lost,
    Gained,
    Changed,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    pub change: Change,
    /// Column and value; where the table has no key, all columns.
    pub key: Vec<(String, Value)>,
    /// Of a changed row its changed columns, else all that are not in the key.
    pub values: Vec<ValueChange>,
}

/// What a column's value was and is; of a row that is on one side only, `None` on the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueChange {
    pub column: String,
    pub before: Value,
    pub after: Value,
}

impl RowChange {
    /// By key: numbers as numbers, all else as text.
    pub fn order(&self, other: &Self) -> Ordering {
        let mut both = self.key.iter().zip(&other.key).map(|((_, a), (_, b))| by_value(a, b));
        both.find(|order| order.is_ne()).unwrap_or_else(|| self.key.len().cmp(&other.key.len()))
    }
}

fn by_value(a: &Value, b: &Value) -> Ordering {
    let number = |value: &Value| value.as_ref().and_then(|text| text.parse::<i128>().ok());
    number(a).zip(number(b)).map_or_else(|| a.cmp(b), |(a, b)| a.cmp(&b))
}

/// Collects rows while they are compared.
pub struct Namer {
    /// Rows of each kind.
    most: usize,
    before: Columns,
    after: Columns,
    /// Paired columns: places before and after.
    pairs: Vec<(usize, usize)>,
    found: Vec<RowChange>,
    /// By the hash of their key: changed rows as they are now, until it is known what they were.
    waiting: HashMap<u128, Vec<u8>>,
    bytes: usize,
}

/// The names of a side's columns, and which are its key.
struct Columns {
    names: Vec<String>,
    key: Vec<usize>,
}

impl Columns {
    fn of(side: &Side<'_>, key: Vec<usize>) -> Self {
        Self { names: side.columns.iter().map(|(column, _)| column.name.clone()).collect(), key }
    }

    fn key(&self, fields: &[&[u8]]) -> Vec<(String, Value)> {
        self.key.iter().map(|&n| (self.names[n].clone(), decoded(fields, n))).collect()
    }

    fn others(&self, fields: &[&[u8]]) -> Vec<(String, Value)> {
        let others = (0..self.names.len()).filter(|n| !self.key.contains(n));
        others.map(|n| (self.names[n].clone(), decoded(fields, n))).collect()
    }
}

fn decoded(fields: &[&[u8]], at: usize) -> Value {
    let value = fields.get(at).copied().unwrap_or(NULL);
    (value != NULL).then(|| String::from_utf8_lossy(&unescape(value)).into_owned())
}

impl Namer {
    /// For a pair that is compared by `shape`. `most`: rows of each kind.
    pub fn of(pair: &Pair<'_>, shape: &RowShape, most: usize) -> Self {
        let before = Columns::of(&pair.before, shape.key.iter().map(|c| c.0).collect());
        let after = Columns::of(&pair.after, shape.key.iter().map(|c| c.1).collect());
        Self::new(most, before, after, shape.columns.clone())
    }

    /// For a table that is on one side only.
    pub fn alone(side: &Side<'_>, most: usize) -> Self {
        let key: Vec<usize> = side.primary_key.iter().filter_map(|name| side.column(name)).collect();
        let key = if key.is_empty() { (0..side.columns.len()).collect() } else { key };
        Self::new(most, Columns::of(side, key.clone()), Columns::of(side, key), Vec::new())
    }

    fn new(most: usize, before: Columns, after: Columns, pairs: Vec<(usize, usize)>) -> Self {
        Self { most, before, after, pairs, found: Vec::new(), waiting: HashMap::new(), bytes: 0 }
    }

    /// What was found, by key.
    pub fn finish(mut self) -> Vec<RowChange> {
        self.found.sort_by(RowChange::order);
        self.found
    }

    pub(super) fn has_room_for_lost(&self) -> bool {
        self.has_room(Change::Lost)
    }

    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A row that is not there any more.
    pub fn lost(&mut self, fields: &[&[u8]]) {
        self.one_sided(Change::Lost, fields);
    }

    /// A row that was not there before.
    pub fn gained(&mut self, fields: &[&[u8]]) {
        self.one_sided(Change::Gained, fields);
    }

    fn one_sided(&mut self, change: Change, fields: &[&[u8]]) {
        if !self.has_room(change) {
            return;
        }
        self.bytes += fields.iter().map(|field| field.len()).sum::<usize>();
        let (columns, is_lost) = if change == Change::Lost { (&self.before, true) } else { (&self.after, false) };
        let values = columns.others(fields).into_iter().map(|(column, value)| {
            let (before, after) = if is_lost { (value, None) } else { (None, value) };
            ValueChange { column, before, after }
        });
        self.found.push(RowChange { change, key: columns.key(fields), values: values.collect() });
    }

    /// A row that has other values now; what it was comes with `was`.
    pub(super) fn changed(&mut self, key: u128, row: &[u8]) {
        if self.has_room(Change::Changed) {
            self.bytes += row.len();
            self.waiting.insert(key, row.to_vec());
        }
    }

    /// A row of before: of a changed one, the change. `differ`: whether these two values of a paired column are others.
    pub(super) fn was(&mut self, key: u128, fields: &[&[u8]], differ: impl Fn(usize, &[u8], &[u8]) -> bool) {
        let Some(row) = self.waiting.remove(&key) else { return };
        let now: Vec<&[u8]> = values(&row).collect();
        let at = |fields: &[&[u8]], n: usize| fields.get(n).copied().unwrap_or(NULL).to_vec();
        let changed = self.pairs.iter().enumerate().filter(|(n, (b, a))| differ(*n, &at(fields, *b), &at(&now, *a)));
        let values = changed.map(|(_, &(b, a))| ValueChange {
            column: self.before.names[b].clone(),
            before: decoded(fields, b),
            after: decoded(&now, a),
        });
        let values: Vec<ValueChange> = values.collect();
        self.bytes += fields.iter().map(|field| field.len()).sum::<usize>();
        self.found.push(RowChange { change: Change::Changed, key: self.before.key(fields), values });
    }

    fn has_room(&self, change: Change) -> bool {
        let found = self.found.iter().filter(|row| row.change == change).count();
        let waiting = if change == Change::Changed { self.waiting.len() } else { 0 };
        found + waiting < self.most && self.bytes < MOST_BYTES
    }
}
