//! Some of the rows that are gone, new or changed, each by its key and with its values as people read them.

use super::rows::RowShape;
use super::sides::{Pair, Side};
use crate::domain::rows::{NULL, unescape, values};
use std::cmp::Ordering;
use std::collections::HashMap;

/// What is kept of one table's rows of one kind, in bytes of COPY text: one row may have megabytes.
const MOST_BYTES: usize = 10 << 20;

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

/// NULL, then numbers, then all else: an order in which nothing comes before itself.
fn by_value(a: &Value, b: &Value) -> Ordering {
    let place = |value: &Value| {
        let number = value.as_ref().and_then(|text| text.parse::<i128>().ok());
        (value.is_some() && number.is_none(), number)
    };
    place(a).cmp(&place(b)).then_with(|| a.cmp(b))
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
    /// Per kind.
    bytes: [usize; 3],
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
        Self { most, before, after, pairs, found: Vec::new(), waiting: HashMap::new(), bytes: [0; 3] }
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
        self.bytes[change as usize] += fields.iter().map(|field| field.len()).sum::<usize>();
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
            self.bytes[Change::Changed as usize] += row.len();
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
        self.bytes[Change::Changed as usize] += fields.iter().map(|field| field.len()).sum::<usize>();
        self.found.push(RowChange { change: Change::Changed, key: self.before.key(fields), values });
    }

    fn has_room(&self, change: Change) -> bool {
        let found = self.found.iter().filter(|row| row.change == change).count();
        let waiting = if change == Change::Changed { self.waiting.len() } else { 0 };
        found + waiting < self.most && self.bytes[change as usize] < MOST_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::RowComparer;
    use super::super::sides::{Pairing, pair, sides};
    use super::*;
    use crate::domain::digest::{ColumnStats, TableStats};
    use crate::domain::manifest::TableData;
    use crate::domain::names::QualifiedName;
    use crate::domain::schema::{Column, Table};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn data(key: &[&str]) -> TableData {
        let column = |(number, name): (i16, &str)| Column {
            name: name.into(),
            type_name: "text".into(),
            number,
            not_null: false,
            default: None,
            identity: None,
            generated: false,
        };
        let table = Table {
            name: QualifiedName::new("public", "t"),
            oid: 7,
            columns: (1..).zip(["id", "v"]).map(column).collect(),
            primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
            unique_keys: Vec::new(),
            partition_root: None,
            extension_condition: None,
        };
        let stats = TableStats { rows: 1, columns: vec![ColumnStats::default(); 2], ..TableStats::default() };
        TableData { table, stats, segments: Vec::new() }
    }

    type Rows = BTreeMap<u8, Option<u8>>;

    fn line(id: u8, value: Option<u8>) -> String {
        format!("{id}\t{}", value.map_or("\\N".to_owned(), |v| v.to_string()))
    }

    fn compared(
        pairing: &Pairing<'_>,
        before: &[String],
        after: &[String],
        passes: u64,
        most: usize,
    ) -> Vec<RowChange> {
        let shape = RowShape::of(&pairing.pairs[0]);
        let namer = Namer::of(&pairing.pairs[0], &shape, most);
        let mut comparer = RowComparer::new(&shape, passes).naming(Some(namer));
        for _ in 0..passes {
            before.iter().for_each(|row| comparer.before(row.as_bytes()));
            after.iter().for_each(|row| comparer.after(row.as_bytes()));
            if comparer.looks_again() {
                before.iter().for_each(|row| comparer.again(row.as_bytes()));
            }
            comparer.next_pass();
        }
        comparer.finish().named
    }

    proptest! {
        #[test]
        fn every_row_is_named_in_however_many_passes(
            before in proptest::collection::btree_map(0..20u8, proptest::option::of(0..3u8), 0..20),
            after in proptest::collection::btree_map(0..20u8, proptest::option::of(0..3u8), 0..20),
            passes in 1..5u64,
        ) {
            let (old, new) = ([data(&["id"])], [data(&["id"])]);
            let pairing = pair(sides(&old), sides(&new));
            let lines = |rows: &Rows| rows.iter().map(|(id, value)| line(*id, *value)).collect::<Vec<_>>();
            let text = |value: &Option<u8>| value.map(|v| v.to_string());
            let mut expected = Vec::new();
            for id in before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>() {
                let (was, is) = (before.get(id), after.get(id));
                let change = match (was, is) {
                    (Some(was), Some(is)) if was == is => continue,
                    (Some(_), Some(_)) => Change::Changed,
                    (Some(_), None) => Change::Lost,
                    _ => Change::Gained,
                };
                let value = ValueChange { column: "v".into(), before: was.and_then(text), after: is.and_then(text) };
                expected.push(RowChange { change, key: vec![("id".into(), Some(id.to_string()))], values: vec![value] });
            }
            prop_assert_eq!(&compared(&pairing, &lines(&before), &lines(&after), passes, 100), &expected);
            let few = compared(&pairing, &lines(&before), &lines(&after), passes, 2);
            for change in [Change::Lost, Change::Gained, Change::Changed] {
                let of = |rows: &[RowChange]| rows.iter().filter(|row| row.change == change).count();
                prop_assert_eq!(of(&few), of(&expected).min(2));
            }
            prop_assert!(few.iter().all(|row| expected.contains(row)));
        }
    }

    #[test]
    fn large_rows_of_one_kind_leave_room_for_the_others() {
        let (old, new) = ([data(&["id"])], [data(&["id"])]);
        let pairing = pair(sides(&old), sides(&new));
        let large = "x".repeat(MOST_BYTES);
        let after: Vec<String> = (100..110).map(|id| format!("{id}\t{large}")).collect();
        let named = compared(&pairing, &["1\ta".into(), "2\tb".into()], &after, 1, 20);
        let of = |change: Change| named.iter().filter(|row| row.change == change).count();
        assert_eq!((of(Change::Gained), of(Change::Lost)), (1, 2));
    }

    #[test]
    fn numbers_are_in_their_order() {
        let row = |id: &str| RowChange {
            change: Change::Lost,
            key: vec![("id".into(), Some(id.into()))],
            values: Vec::new(),
        };
        let mut rows = ["10", "1a", "9", "b", "-1", "a", "09"].map(row);
        rows.sort_by(RowChange::order);
        assert_eq!(rows, ["-1", "09", "9", "10", "1a", "a", "b"].map(row));
    }
}
