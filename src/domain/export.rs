//! In which order rows can be put into tables whose foreign keys are there already.

use super::manifest::{Manifest, TableData};
use super::names::QualifiedName;
use super::schema::ForeignKey;
use std::collections::{BTreeMap, BTreeSet};

/// An order of filling, and what cannot be had by any order.
#[derive(Debug, PartialEq, Eq)]
pub struct Filling<'m> {
    /// Referenced tables first, as far as that can be; else by name. Partitions of one table stay together.
    pub tables: Vec<&'m TableData>,
    /// Foreign keys that rows may break while they arrive: of a table to itself, or in a circle.
    pub unordered: Vec<&'m ForeignKey>,
}

/// The order for the rows of a backup.
pub fn filling(backup: &Manifest) -> Filling<'_> {
    let mut groups: BTreeMap<&QualifiedName, Vec<&TableData>> = BTreeMap::new();
    for data in &backup.tables {
        groups.entry(group(data)).or_default().push(data);
    }
    // a key on a partition is a key of the table that it belongs to
    let group_of: BTreeMap<&QualifiedName, &QualifiedName> =
        backup.tables.iter().map(|data| (&data.table.name, group(data))).collect();
    let find = |name| group_of.get(name).copied().unwrap_or(name);
    let keys = || backup.foreign_keys.iter().map(|key| (find(&key.table), find(&key.referenced), key));
    let mut waits_for: BTreeMap<&QualifiedName, BTreeSet<&QualifiedName>> =
        groups.keys().map(|name| (*name, BTreeSet::new())).collect();
    for (from, to, _) in keys().filter(|(from, to, _)| from != to && groups.contains_key(to)) {
        waits_for.entry(from).or_default().insert(to);
    }
    let mut order: Vec<&QualifiedName> = Vec::with_capacity(groups.len());
    // where all wait for each other, the one that waits for the fewest begins
    while let Some(next) = waits_for.iter().min_by_key(|(_, others)| others.len()).map(|(name, _)| *name) {
        waits_for.remove(next);
        for others in waits_for.values_mut() {
            others.remove(next);
        }
        order.push(next);
    }
    let places: BTreeMap<&QualifiedName, usize> = order.iter().enumerate().map(|(n, name)| (*name, n)).collect();
    let has_rows = |name: &QualifiedName| groups.get(name).is_some_and(|of| of.iter().any(|data| data.stats.rows > 0));
    let broken = keys().filter(|(from, to, key)| {
        let comes_late = places.contains_key(to) && places.get(to) >= places.get(from);
        comes_late && has_rows(from) && is_checked(key)
    });
    let unordered = broken.map(|(_, _, key)| key).collect();
    Filling { tables: order.iter().flat_map(|name| groups[name].iter().copied()).collect(), unordered }
}

fn group(data: &TableData) -> &QualifiedName {
    data.table.partition_root.as_ref().unwrap_or(&data.table.name)
}

fn is_checked(key: &ForeignKey) -> bool {
    !key.definition.ends_with(" NOT ENFORCED")
}

/// Whether a transaction may put the check of the key off by itself.
pub fn is_deferrable(key: &ForeignKey) -> bool {
    let mut rest = key.definition.as_str();
    for end in [" NOT VALID", " INITIALLY DEFERRED"] {
        rest = rest.strip_suffix(end).unwrap_or(rest);
    }
    rest.ends_with(" DEFERRABLE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::digest::TableStats;
    use crate::domain::manifest::{DatabaseInfo, Kind, Reason};
    use crate::domain::schema::Table;

    fn name(name: &str) -> QualifiedName {
        QualifiedName::new("public", name)
    }

    fn key(from: &str, to: &str) -> ForeignKey {
        let definition = format!("FOREIGN KEY (x) REFERENCES {to}(id)");
        ForeignKey {
            name: format!("{from}_{to}"),
            table: name(from),
            columns: vec!["x".into()],
            referenced: name(to),
            referenced_columns: vec!["id".into()],
            definition,
            validated: true,
            comment: None,
        }
    }

    fn backup(tables: &[(&str, Option<&str>)], keys: &[(&str, &str)]) -> Manifest {
        let data = tables.iter().map(|(table, root)| TableData {
            table: Table {
                name: name(table),
                oid: 1,
                columns: Vec::new(),
                primary_key: Vec::new(),
                unique_keys: Vec::new(),
                partition_root: root.map(name),
                extension_condition: None,
            },
            stats: TableStats { rows: 1, ..TableStats::empty(0) },
            segments: Vec::new(),
        });
        Manifest {
            id: "d-1".into(),
            kind: Kind::DataOnly,
            reason: Reason::Manual,
            created_at: String::new(),
            run: None,
            database: DatabaseInfo {
                name: "shop".into(),
                server_version: 0,
                system_identifier: None,
                encoding: String::new(),
                locale: None,
            },
            project: None,
            structure: None,
            tables: data.collect(),
            sequences: Vec::new(),
            materialized_views: Vec::new(),
            schemas: Vec::new(),
            foreign_keys: keys.iter().map(|(from, to)| key(from, to)).collect(),
            imported: None,
            snapshot: None,
        }
    }

    fn shown(backup: &Manifest) -> String {
        let filling = filling(backup);
        let tables: Vec<&str> = filling.tables.iter().map(|data| data.table.name.name.as_str()).collect();
        let keys: Vec<&str> = filling.unordered.iter().map(|key| key.name.as_str()).collect();
        format!("{} | {}", tables.join(" "), keys.join(" "))
    }

    #[test]
    fn referenced_tables_come_first() {
        let plain = [("a", None), ("b", None), ("c", None), ("d", None)];
        assert_eq!(shown(&backup(&plain, &[("a", "b"), ("b", "d"), ("a", "gone")])), "c d b a | ");
        let parts = [("log_1", Some("log")), ("log_2", Some("log")), ("user", None)];
        assert_eq!(shown(&backup(&parts, &[("log", "user")])), "user log_1 log_2 | ");
        assert_eq!(shown(&backup(&parts, &[("user", "log"), ("log_1", "log_2")])), "log_1 log_2 user | log_1_log_2");
    }

    #[test]
    fn what_no_order_satisfies_is_named() {
        let plain = [("a", None), ("b", None), ("c", None)];
        assert_eq!(shown(&backup(&plain, &[("a", "b"), ("b", "a"), ("c", "c"), ("c", "a")])), "a b c | a_b c_c");
        let mut empty = backup(&plain, &[("a", "b"), ("b", "a")]);
        empty.tables[0].stats.rows = 0;
        assert_eq!(shown(&empty), "c a b | ");
    }

    #[test]
    fn knows_what_can_be_put_off() {
        let of =
            |end: &str| ForeignKey { definition: format!("FOREIGN KEY (x) REFERENCES t(id){end}"), ..key("a", "t") };
        for (end, deferrable, checked) in [
            ("", false, true),
            (" DEFERRABLE", true, true),
            (" ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID", true, true),
            (" NOT VALID", false, true),
            (" NOT ENFORCED", false, false),
        ] {
            assert_eq!((is_deferrable(&of(end)), is_checked(&of(end))), (deferrable, checked), "{end}");
        }
    }
}
