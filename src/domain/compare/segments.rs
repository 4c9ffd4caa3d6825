//! Which segments have to be read to compare the rows of a table: those that both sides have need not be.

use super::sides::{Pair, Side};
use crate::domain::manifest::{Segment, TableData};
use std::collections::HashMap;

/// Per part of each side the places of its segments that have to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segments {
    pub before: Vec<Vec<usize>>,
    pub after: Vec<Vec<usize>>,
}

impl Segments {
    /// Those that the other side does not have. An object's name is the hash of its rows: the same object on both sides
    /// is the same rows, so that it takes itself away, wherever it stands, as often as it is on both.
    pub fn differing(pair: &Pair<'_>) -> Self {
        let mut segments = Self { before: pair.before.all_segments(), after: pair.after.all_segments() };
        if !pair.reads_alike() {
            return segments;
        }
        let mut there: HashMap<_, Vec<(usize, usize)>> = HashMap::new();
        for (part, data) in pair.after.parts.iter().enumerate() {
            let order = pair.after.places(data);
            for (n, segment) in data.segments.iter().enumerate() {
                there.entry((order.clone(), segment.object.as_str())).or_default().push((part, n));
            }
        }
        let mut same: Vec<(usize, usize)> = Vec::new();
        for (data, wanted) in pair.before.parts.iter().zip(&mut segments.before) {
            let order = pair.before.places(data);
            wanted.retain(|&n| {
                let twin = there.get_mut(&(order.clone(), data.segments[n].object.as_str())).and_then(Vec::pop);
                same.extend(twin);
                twin.is_none()
            });
        }
        same.sort_unstable();
        for (part, wanted) in segments.after.iter_mut().enumerate() {
            wanted.retain(|&n| same.binary_search(&(part, n)).is_err());
        }
        segments
    }

    /// Rows of before in them.
    pub fn rows_before(&self, pair: &Pair<'_>) -> u64 {
        let of_part =
            |(data, wanted): (&&TableData, &Vec<usize>)| -> u64 { wanted.iter().map(|&n| data.segments[n].rows).sum() };
        pair.before.parts.iter().zip(&self.before).map(of_part).sum()
    }
}

impl Side<'_> {
    /// Every segment, per part.
    pub fn all_segments(&self) -> Vec<Vec<usize>> {
        self.parts.iter().map(|data| (0..data.segments.len()).collect()).collect()
    }

    /// The first segments, per part, that together hold so many rows.
    pub fn first_segments(&self, rows: usize) -> Vec<Vec<usize>> {
        let mut left = rows as u64;
        let mut take = |segment: &Segment| {
            let wanted = left > 0;
            left = left.saturating_sub(segment.rows);
            wanted
        };
        let of_part = |data: &&TableData| (0..data.segments.len()).filter(|&n| take(&data.segments[n])).collect();
        self.parts.iter().map(of_part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sides::{pair, sides};
    use super::*;
    use crate::domain::digest::{ColumnStats, TableStats};
    use crate::domain::names::QualifiedName;
    use crate::domain::schema::{Column, Table};
    use proptest::prelude::*;

    fn data(leaf: &str, columns: &[&str], objects: &[u8]) -> TableData {
        let column = |(number, name): (i16, &&str)| Column {
            name: (*name).into(),
            type_name: "text".into(),
            number,
            not_null: false,
            default: None,
            identity: None,
            generated: false,
        };
        let table = Table {
            name: QualifiedName::new("public", leaf),
            oid: 7,
            columns: (1..).zip(columns).map(column).collect(),
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            partition_root: Some(QualifiedName::new("public", "root")),
            extension_condition: None,
        };
        let segment = |object: &u8| Segment { object: format!("{object:064}"), rows: 1, bytes: 1 };
        let rows = objects.len() as u64;
        let stats = TableStats { rows, columns: vec![ColumnStats::default(); columns.len()], ..TableStats::default() };
        TableData { table, stats, segments: objects.iter().map(segment).collect() }
    }

    fn differing(before: &[TableData], after: &[TableData]) -> Segments {
        let pairing = pair(sides(before), sides(after));
        Segments::differing(&pairing.pairs[0])
    }

    #[test]
    fn a_leaf_in_another_order_is_another_text() {
        let before = [data("a", &["x", "y"], &[1, 2]), data("b", &["x", "y"], &[3])];
        let moved = [data("a", &["x", "y"], &[3]), data("b", &["x", "y"], &[2, 1])];
        assert_eq!(differing(&before, &moved), Segments { before: vec![vec![], vec![]], after: vec![vec![], vec![]] });
        let turned = [data("a", &["x", "y"], &[1]), data("b", &["y", "x"], &[2, 3])];
        assert_eq!(
            differing(&before, &turned),
            Segments { before: vec![vec![1], vec![0]], after: vec![vec![], vec![0, 1]] }
        );
        let swapped = [data("a", &["y", "x"], &[1, 2]), data("b", &["y", "x"], &[3])];
        assert_eq!(differing(&before, &swapped).before, [vec![0, 1], vec![0]], "the names say which value is which");
    }

    proptest! {
        /// What is left of both is what a multiset difference leaves.
        #[test]
        fn what_both_have_is_taken_away_once_for_each(a in proptest::collection::vec(0..6u8, 0..12), b in proptest::collection::vec(0..6u8, 0..12)) {
            let (before, after) = ([data("a", &["x"], &a)], [data("a", &["x"], &b)]);
            let left = differing(&before, &after);
            let objects = |all: &[u8], wanted: &[usize]| {
                let mut objects: Vec<u8> = wanted.iter().map(|&n| all[n]).collect();
                objects.sort_unstable();
                objects
            };
            let minus = |a: &[u8], b: &[u8]| {
                let mut rest = a.to_vec();
                b.iter().for_each(|x| if let Some(at) = rest.iter().position(|y| y == x) { rest.remove(at); });
                rest.sort_unstable();
                rest
            };
            prop_assert_eq!(objects(&a, &left.before[0]), minus(&a, &b));
            prop_assert_eq!(objects(&b, &left.after[0]), minus(&b, &a));
        }
    }
}
