use super::*;
use crate::domain::digest::TableStats;
use crate::domain::manifest::{DatabaseInfo, Kind, Reason};
use crate::domain::schema::Column;
use proptest::prelude::*;

fn table(name: &str, rows: u64) -> TableData {
    let column = |(number, name): (i16, &str)| Column {
        name: name.into(),
        type_name: "integer".into(),
        number,
        not_null: false,
        default: None,
        identity: None,
        generated: false,
    };
    let table = Table {
        name: QualifiedName::new("public", name),
        oid: 1,
        columns: vec![column((1, "id")), column((2, "up"))],
        primary_key: vec!["id".into()],
        unique_keys: Vec::new(),
        partition_root: None,
        extension_condition: None,
    };
    TableData { table, stats: TableStats { rows, ..TableStats::empty(2) }, segments: Vec::new() }
}

fn key(table: &str, referenced: &str) -> ForeignKey {
    ForeignKey {
        name: "f".into(),
        table: QualifiedName::new("public", table),
        columns: vec!["up".into()],
        referenced: QualifiedName::new("public", referenced),
        referenced_columns: vec!["id".into()],
        definition: String::new(),
        validated: true,
        comment: None,
    }
}

fn backup(tables: Vec<TableData>, foreign_keys: Vec<ForeignKey>) -> Manifest {
    Manifest {
        id: "f-1".into(),
        kind: Kind::Full,
        reason: Reason::Manual,
        created_at: String::new(),
        run: None,
        database: DatabaseInfo {
            name: "d".into(),
            server_version: 150_000,
            system_identifier: None,
            encoding: "UTF8".into(),
            locale: None,
        },
        project: None,
        structure: None,
        tables,
        sequences: Vec::new(),
        materialized_views: Vec::new(),
        schemas: Vec::new(),
        foreign_keys,
        imported: None,
        snapshot: None,
    }
}

/// Reads until nothing is needed any more; gives the ids that are taken of each table.
fn taken(sample: &mut Sample, content: &[Vec<(u64, Option<u64>)>]) -> Vec<HashSet<u64>> {
    while let Some(at) = sample.next_table() {
        for (place, (id, up)) in content[at].iter().enumerate() {
            let row = format!("{id}\t{}", up.map_or("\\N".to_owned(), |up| up.to_string()));
            sample.row(at, place as u64, row.as_bytes());
        }
    }
    let of_table = |(at, rows): (usize, &Vec<(u64, Option<u64>)>)| {
        rows.iter().enumerate().filter(|(place, _)| sample.takes(at, *place as u64)).map(|(_, row)| row.0).collect()
    };
    content.iter().enumerate().map(of_table).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Three tables in a circle, one of them referencing itself: every reference of a row that is taken is taken.
    #[test]
    fn nothing_that_is_referenced_is_missing(
        percent in 1.0..60.0_f64,
        ups in prop::collection::vec(prop::collection::vec(prop::option::of(0_u64..150), 150..200), 4),
    ) {
        let content: Vec<Vec<(u64, Option<u64>)>> =
            ups.iter().map(|ups| ups.iter().enumerate().map(|(id, up)| (id as u64, *up)).collect()).collect();
        let names = ["a", "b", "c", "own"];
        let tables = names.iter().zip(&content).map(|(name, rows)| table(name, rows.len() as u64)).collect();
        let keys = vec![key("a", "b"), key("b", "c"), key("c", "a"), key("own", "own")];
        let mut sample = Sample::plan(&backup(tables, keys), percent);
        let taken = taken(&mut sample, &content);
        for (at, of) in [(0, 1), (1, 2), (2, 0), (3, 3)] {
            for (id, up) in content[at].iter().filter(|(id, _)| taken[at].contains(id)) {
                prop_assert!(up.is_none_or(|up| taken[of].contains(&up)), "{} {id} -> {up:?}", names[at]);
            }
        }
    }
}

#[test]
fn about_so_many_are_taken_and_small_tables_whole() {
    let content = vec![(0..20_000).map(|id| (id, None)).collect::<Vec<_>>(), (0..100).map(|id| (id, None)).collect()];
    let mut sample = Sample::plan(&backup(vec![table("big", 20_000), table("small", 100)], Vec::new()), 5.0);
    let taken = taken(&mut sample, &content);
    assert!((900..1100).contains(&taken[0].len()) && taken[1].len() == 100, "{}", taken[0].len());
}

#[test]
fn keys_that_may_be_written_in_two_ways_take_the_whole_table() {
    let mut child = table("child", 1000);
    child.table.columns[1].type_name = "numeric(10,2)".into();
    let content =
        vec![(0..1000).map(|id| (id, Some(id))).collect::<Vec<_>>(), (0..1000).map(|id| (id, None)).collect()];
    let mut sample = Sample::plan(&backup(vec![child, table("parent", 1000)], vec![key("child", "parent")]), 1.0);
    assert_eq!(taken(&mut sample, &content)[1].len(), 1000);
}
