use super::*;
use crate::domain::digest::TableStats;
use crate::domain::manifest::{DatabaseInfo, Imported, Kind, Manifest, Reason, Segment, TableData};
use crate::domain::names::QualifiedName;
use crate::domain::rows::Counter;
use crate::domain::schema::{Column, Table};
use proptest::prelude::*;

fn moment() -> Moment {
    Moment {
        xmin: (7 << 32) + 1000,
        xmax: (7 << 32) + 1010,
        wal: 5_000_000,
        server_run: "1/2/3:4".into(),
        incarnation: "5/6".into(),
    }
}

fn database() -> DatabaseInfo {
    DatabaseInfo {
        name: "shop".into(),
        server_version: 150_018,
        system_identifier: Some("77".into()),
        encoding: "UTF8".into(),
        locale: None,
    }
}

fn earlier() -> Manifest {
    let snapshot = SnapshotInfo {
        moment: moment(),
        read_all_at: "2026-11-23T00:00:00Z".into(),
        since: None,
        tables: BTreeMap::new(),
    };
    Manifest {
        id: "f-x".into(),
        kind: Kind::Full,
        reason: Reason::Manual,
        created_at: String::new(),
        run: None,
        database: database(),
        project: None,
        structure: None,
        tables: Vec::new(),
        sequences: Vec::new(),
        materialized_views: Vec::new(),
        schemas: Vec::new(),
        foreign_keys: Vec::new(),
        imported: None,
        snapshot: Some(snapshot),
    }
}

#[test]
fn a_backup_of_the_same_life_is_good() {
    let later = Moment { xmin: moment().xmin + 5, xmax: moment().xmax + 9, wal: 6_000_000, ..moment() };
    for now in [moment(), later] {
        assert_eq!(fit(&earlier(), &database(), &now), Fit::Good);
    }
}

#[test]
fn another_database_is_foreign() {
    let no_snapshot = Manifest { snapshot: None, ..earlier() };
    assert_eq!(fit(&no_snapshot, &database(), &moment()), Fit::Foreign);
    let unknown = || DatabaseInfo { system_identifier: None, ..database() };
    for other in [
        DatabaseInfo { name: "stock".into(), ..database() },
        DatabaseInfo { system_identifier: Some("78".into()), ..database() },
        unknown(),
    ] {
        assert_eq!(fit(&earlier(), &other, &moment()), Fit::Foreign, "{other:?}");
    }
    let both = Manifest { database: unknown(), ..earlier() };
    assert_eq!(fit(&both, &unknown(), &moment()), Fit::Foreign, "two of which nothing is known");
}

#[test]
fn another_life_is_past() {
    let then = moment();
    for now in [
        Moment { server_run: "1/9/3:4".into(), ..moment() },
        Moment { incarnation: "5/7".into(), ..moment() },
        Moment { xmin: then.xmin - 1, ..moment() },
        Moment { xmax: then.xmax - 1, ..moment() },
        Moment { wal: then.wal - 1, ..moment() },
        Moment { xmin: then.xmin + (1 << 30), xmax: then.xmin + (1 << 30), ..moment() },
        // low bits alone would say that nothing happened
        Moment { xmin: then.xmin + (1 << 32), xmax: then.xmax + (1 << 32), ..moment() },
    ] {
        assert_eq!(fit(&earlier(), &database(), &now), Fit::Past, "{now:?}");
    }
    let imported = Manifest { imported: Some(Imported { file: "x".into() }), ..earlier() };
    assert_eq!(fit(&imported, &database(), &moment()), Fit::Past);
    for low in 0..4 {
        let mut odd = earlier();
        odd.snapshot.as_mut().unwrap().moment.xmin = (7 << 32) + low;
        let expected = if low < 3 { Fit::Past } else { Fit::Good };
        assert_eq!(fit(&odd, &database(), &moment()), expected, "{low} is no transaction");
    }
}

#[test]
fn the_clock_reads_everything_once_a_day() {
    let must = |reason, since| must_read_all(ReadRows::Unproven, reason, since);
    assert!(!must(Reason::Scheduled, 0.0) && !must(Reason::Scheduled, 86_399.0));
    assert!(must(Reason::Scheduled, 86_400.0) && must(Reason::Scheduled, -1.0));
    assert!(must(Reason::Scheduled, f64::INFINITY) && must(Reason::Scheduled, f64::NAN));
    assert!(!must(Reason::BeforeMigration, f64::INFINITY));
    assert!(must_read_all(ReadRows::All, Reason::BeforeMigration, 0.0));
}

#[test]
fn only_where_the_server_tells_enough() {
    assert!(can_be_told(&database()));
    for other in [
        DatabaseInfo { server_version: 130_020, ..database() },
        DatabaseInfo { encoding: "LATIN1".into(), ..database() },
        DatabaseInfo { system_identifier: None, ..database() },
    ] {
        assert!(!can_be_told(&other), "{other:?}");
    }
}

fn table(columns: usize) -> Table {
    let column = |n| Column {
        name: format!("c{n}"),
        type_name: "text".into(),
        number: n,
        not_null: false,
        default: None,
        identity: None,
        generated: false,
    };
    Table {
        name: QualifiedName::new("public", "t"),
        oid: 7,
        columns: (1..).take(columns).map(column).collect(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        partition_root: None,
        extension_condition: None,
    }
}

fn segment(rows: u64) -> Segment {
    Segment { object: format!("{rows}"), rows, bytes: rows * 10 }
}

fn range(first: u64, pages: u64) -> PageRange {
    PageRange { first, pages }
}

/// Rows in the first and the third of three ranges.
fn stored() -> (TableData, Trace) {
    let data = TableData { table: table(2), stats: TableStats::empty(2), segments: vec![segment(5), segment(6)] };
    (data, Trace { layout: Some("l".into()), segments: vec![range(0, 16), range(32, 16)], kept: 0 })
}

const NOW: [(u64, u64); 4] = [(0, 16), (16, 16), (32, 16), (48, 32)];

fn now() -> Vec<PageRange> {
    NOW.map(PageRange::from).to_vec()
}

#[test]
fn ranges_are_matched_by_their_pages() {
    let (data, trace) = stored();
    let parts = match_up(&table(2), Some("l"), &now(), Known { data: &data, trace: &trace }).unwrap();
    let then: Vec<_> = parts.iter().map(|part| (part.range, part.then.as_ref().map(|s| s.rows))).collect();
    assert_eq!(then, [(0, Some(5)), (1, None), (2, Some(6)), (3, None)]);
}

#[test]
fn what_lies_otherwise_is_read() {
    let matches = |of: &Table, layout: Option<&str>, ranges: &[PageRange], (data, trace): &(TableData, Trace)| {
        match_up(of, layout, ranges, Known { data, trace }).is_some()
    };
    let own = |condition: &str| Table { extension_condition: Some(condition.into()), ..table(2) };
    assert!(matches(&table(2), Some("l"), &now(), &stored()));
    assert!(!matches(&table(2), Some("m"), &now(), &stored()), "another layout");
    assert!(!matches(&table(2), None, &now(), &stored()), "nothing can be told now");
    assert!(!matches(&table(3), Some("l"), &now(), &stored()), "another number of columns");
    assert!(!matches(&own(""), Some("l"), &now(), &stored()), "an extension's");
    assert!(!matches(&table(2), Some("l"), &now()[..2], &stored()), "rows were where there is no page now");
    assert!(!matches(&table(2), Some("l"), &[range(0, 16), range(16, 32)], &stored()), "cut otherwise");
    let spoiled = |spoil: fn(&mut TableData, &mut Trace)| {
        let (mut data, mut trace) = stored();
        spoil(&mut data, &mut trace);
        (data, trace)
    };
    for spoiled in [
        spoiled(|_, trace| trace.layout = None),
        spoiled(|_, trace| trace.segments[1] = range(0, 16)),
        spoiled(|_, trace| trace.segments.truncate(1)),
        spoiled(|data, _| data.segments.truncate(1)),
        spoiled(|data, _| data.stats = TableStats::empty(1)),
        spoiled(|data, _| data.table.extension_condition = Some("WHERE x".into())),
    ] {
        assert!(!matches(&table(2), Some("l"), &now(), &spoiled), "{spoiled:?}");
    }
    let nothing = spoiled(|_, trace| trace.layout = None);
    assert!(!matches(&table(2), None, &now(), &nothing), "nothing could be told then, nothing can be now");
}

#[test]
fn rows_are_unchanged_when_none_is_new_and_none_is_gone() {
    let found = |rows, suspects| Found { rows, suspects };
    let five = segment(5);
    assert!(is_unchanged(Some(&five), found(5, 0)) && is_unchanged(None, found(0, 0)));
    for changed in [found(5, 1), found(4, 0), found(6, 0), found(6, 1), found(0, 0)] {
        assert!(!is_unchanged(Some(&five), changed), "{changed:?}");
    }
    assert!(!is_unchanged(None, found(1, 1)) && !is_unchanged(None, found(1, 0)));
}

#[test]
fn where_most_has_changed_all_is_read() {
    let part = |range, rows, unchanged| (Part { range, then: (rows > 0).then(|| segment(rows)) }, unchanged);
    assert!(pays(&[part(0, 5, true), part(1, 4, false)]));
    assert!(!pays(&[part(0, 4, true), part(1, 4, false)]));
    assert!(pays(&[part(0, 0, true)]) && pays(&[part(0, 4, true), part(1, 0, false)]));
    assert!(!pays(&[part(0, 0, true), part(1, 0, false)]));
}

#[test]
fn chunks_are_neither_long_nor_wide() {
    let of = |pages: u64, count: usize| {
        let ranges: Vec<PageRange> = (0..count as u64).map(|n| range(n * pages, pages)).collect();
        let parts: Vec<Part> = (0..count).map(|range| Part { range, then: None }).collect();
        let chunks = chunks(&parts, &ranges);
        assert_eq!(chunks.concat(), parts);
        chunks.iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(of(16, 70), [32, 32, 6]);
    assert_eq!(of(1024, 9), [4, 4, 1]);
    assert_eq!(of(1_000_000, 2), [1, 1]);
    assert!(of(16, 0).is_empty());
}

#[test]
fn what_was_spared_is_summed_up() {
    let mut snapshot = earlier().snapshot.unwrap();
    let (_, trace) = stored();
    let empty = Trace { segments: Vec::new(), ..trace.clone() };
    let kept = |kept| Trace { kept, ..trace.clone() };
    snapshot.tables = BTreeMap::from([(1, kept(2)), (2, kept(1)), (3, empty), (4, kept(0))]);
    assert_eq!(snapshot.spared(), None);
    snapshot.since = Some("f-y".into());
    let expected = Spared { since: "f-y".into(), tables: 1, of_tables: 3, segments: 3, of_segments: 6 };
    assert_eq!(snapshot.spared(), Some(expected));
}

#[test]
fn it_is_small_in_a_manifest() {
    let (_, trace) = stored();
    let text = serde_json::to_string(&BTreeMap::from([(4711_u32, trace.clone())])).unwrap();
    assert_eq!(text, r#"{"4711":{"layout":"l","segments":[[0,16],[32,16]]}}"#);
    assert_eq!(serde_json::from_str::<BTreeMap<u32, Trace>>(&text).unwrap()[&4711], trace);
}

fn counted(rows: &[(Option<String>, Option<String>)]) -> TableStats {
    let mut counter = Counter::new(2);
    for row in rows {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "\\N".into());
        counter.feed(format!("{}\t{}\n", text(&row.0), text(&row.1)).as_bytes());
    }
    counter.finish().unwrap()
}

type Rows = Vec<(Option<String>, Option<String>)>;

fn rows() -> impl Strategy<Value = Rows> {
    prop::collection::vec((prop::option::of("[a-z]{0,3}"), prop::option::of("[0-9]{0,2}")), 0..8)
}

proptest! {
    /// What is there now: what stays, and what was read anew in place of what went.
    #[test]
    fn figures_without_the_old_and_with_the_new_are_those_of_the_whole(
        stays in prop::collection::vec(rows(), 0..4), goes in prop::collection::vec(rows(), 0..4), comes in prop::collection::vec(rows(), 0..4)
    ) {
        let then = counted(&[stays.concat(), goes.concat()].concat());
        let mut gone = TableStats::empty(2);
        goes.iter().for_each(|segment| gone.merge(&counted(segment)));
        let mut now = then.without(&gone).unwrap();
        prop_assert_eq!(&now, &counted(&stays.concat()));
        comes.iter().for_each(|segment| now.merge(&counted(segment)));
        prop_assert_eq!(now, counted(&[stays.concat(), comes.concat()].concat()));
    }

    #[test]
    fn figures_cannot_lose_what_they_do_not_have(has in rows(), more in "[a-z]{1,3}") {
        let most = counted(&[has.clone(), vec![(Some(more), None)]].concat());
        prop_assert_eq!(counted(&has).without(&most), None);
        prop_assert_eq!(counted(&has).without(&TableStats::empty(1)), None);
    }
}
