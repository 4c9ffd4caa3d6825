use super::super::digest::{Digest, TableStats};
use super::super::manifest::{DatabaseInfo, TableData};
use super::super::names::QualifiedName;
use super::super::run::State;
use super::super::schema::Table;
use super::*;
use proptest::prelude::*;

/// A backup taken in this minute.
fn backup(minute: usize, kind: Kind) -> Manifest {
    Manifest {
        id: kind.id(&format!("{minute:04}")),
        kind,
        reason: Reason::Manual,
        created_at: format!("2026-01-01T{:02}:{:02}:00Z", minute / 60, minute % 60),
        run: None,
        database: DatabaseInfo {
            name: "shop".into(),
            server_version: 150_000,
            system_identifier: None,
            encoding: "UTF8".into(),
            locale: None,
        },
        project: None,
        structure: None,
        tables: Vec::new(),
        sequences: Vec::new(),
        materialized_views: Vec::new(),
        schemas: Vec::new(),
        foreign_keys: Vec::new(),
        imported: None,
        snapshot: None,
    }
}

fn name(name: &str) -> QualifiedName {
    QualifiedName { schema: "public".into(), name: name.into() }
}

fn table(of: &str, oid: u32, rows: u64) -> TableData {
    let table = Table {
        name: name(of),
        oid,
        columns: Vec::new(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        partition_root: None,
        extension_condition: None,
    };
    // no two tables hold the same
    let digest = Digest(if rows == 0 { 0 } else { u128::from(oid) << 64 | u128::from(rows) });
    TableData { table, stats: TableStats { rows, digest, ..TableStats::empty(0) }, segments: Vec::new() }
}

/// One full backup a minute; newest first, as the store gives them.
fn history(states: &[Vec<TableData>]) -> Vec<Manifest> {
    let backups = states.iter().enumerate();
    let mut all: Vec<Manifest> =
        backups.map(|(n, tables)| Manifest { tables: tables.clone(), ..backup(n, Kind::Full) }).collect();
    all.reverse();
    all
}

/// One table `User` with these rows in one backup after the other.
fn users(rows: &[u64]) -> Vec<Manifest> {
    history(&rows.iter().map(|rows| vec![table("User", 1, *rows)]).collect::<Vec<_>>())
}

fn none() -> HashSet<String> {
    HashSet::new()
}

fn only_backups(all: &[Manifest]) -> Holds {
    holds(all, &none(), &[])
}

fn said(all: &[Manifest]) -> Vec<String> {
    let holds = only_backups(all).into_iter();
    holds.flat_map(|(id, whys)| whys.into_iter().map(move |why| format!("{id}: {why}"))).collect()
}

/// Plays backups as they come, each followed by a pruning; gives what is left, newest first.
fn lived_through(backups_oldest_first: impl IntoIterator<Item = Manifest>, keep: usize) -> Vec<Manifest> {
    let mut store: Vec<Manifest> = Vec::new();
    for backup in backups_oldest_first {
        store.insert(0, backup);
        let holds = only_backups(&store);
        let gone = superfluous(&store, keep, |id| holds.contains_key(id));
        store.retain(|m| !gone.contains(&m.id));
    }
    store
}

#[test]
fn a_wipe_at_night_is_not_the_end() {
    // ten hourly ones, the wipe, and a night of hourly ones
    let mut rows = vec![1000; 10];
    rows.extend([0; 12]);
    let mut all = users(&rows);
    all.reverse();
    let left = lived_through(all.clone(), 10);
    let ids: Vec<&str> = left.iter().map(|m| m.id.as_str()).collect();
    assert!(ids.contains(&"f-0009"), "the last good one: {ids:?}");
    assert_eq!(left.len(), 12, "ten, the good one and the first bad one: {ids:?}");
    // in the morning somebody fills it with other rows, more than before: the good one is still the good one
    let refilled = (22..60).map(|n| Manifest { tables: vec![table("User", 1, 5000)], ..backup(n, Kind::Full) });
    let left = lived_through(all.into_iter().chain(refilled), 10);
    let held = said(&left);
    assert!(held.contains(&"f-0009: the newest before public.User shrank from 1000 to 0 rows".to_owned()), "{held:?}");
    assert!(held.contains(&"f-0010: the first after f-0009: shows what shrank".to_owned()), "{held:?}");
}

#[test]
fn more_than_half_is_what_counts() {
    for (rows, holds) in [
        ([100, 49], true),
        ([100, 50], false),
        ([101, 50], true),
        ([3, 1], true),
        ([2, 1], false),
        ([1, 0], true),
        ([0, 0], false),
        ([5, 500], false),
        ([u64::MAX, u64::MAX], false),
    ] {
        assert_eq!(!said(&users(&rows)).is_empty(), holds, "{rows:?}");
    }
}

#[test]
fn a_table_that_vanished_is_told_from_one_with_a_new_name() {
    let then = || vec![table("User", 1, 100), table("Order", 2, 900), table("Tag", 3, 0)];
    let gone = history(&[then(), vec![]]);
    let why = "f-0000: the newest before public.Order with its 900 rows was gone (and 1 more table shrank)";
    assert_eq!(said(&gone)[0], why);
    let by_oid = history(&[then(), vec![table("users", 1, 99), table("Order", 2, 900)]]);
    assert!(said(&by_oid).is_empty(), "{:?}", said(&by_oid));
    let same_rows = |oid, named| TableData { stats: table("Order", 2, 900).stats, ..table(named, oid, 0) };
    let by_content = history(&[then(), vec![table("User", 1, 100), same_rows(77, "orders")]]);
    assert!(said(&by_content).is_empty(), "{:?}", said(&by_content));
    // Prisma's journal is no user data
    assert!(said(&history(&[vec![table("_prisma_migrations", 9, 12)], vec![]])).is_empty());
    // one that was there before is no new name, and a new name with fewer rows is a loss
    let emptied = history(&[then(), vec![table("users", 1, 9), table("Order", 2, 900)]]);
    assert_eq!(said(&emptied)[0], "f-0000: the newest before public.User shrank from 100 to 9 rows");
}

#[test]
fn partitions_come_and_go() {
    let part = |n: u32, rows| {
        let mut part = table(&format!("log_{n}"), n, rows);
        part.table.partition_root = Some(name("log"));
        part
    };
    let rotated = history(&[
        vec![part(1, 100), part(2, 100), part(3, 100)],
        vec![part(2, 100), part(3, 100), part(4, 10)],
        vec![part(3, 100), part(4, 100), part(5, 0)],
    ]);
    assert!(said(&rotated).is_empty(), "{:?}", said(&rotated));
    let wiped = history(&[vec![part(1, 100), part(2, 100)], vec![part(1, 0), part(2, 50)]]);
    assert_eq!(said(&wiped)[0], "f-0000: the newest before public.log shrank from 200 to 50 rows");
}

#[test]
fn a_queue_that_empties_every_hour_does_not_hold_everything() {
    let states = |n: u64| vec![table("Job", 1, if n.is_multiple_of(2) { 100 + n } else { 0 }), table("User", 2, 1000)];
    let all: Vec<Manifest> =
        (0..200).map(|n| Manifest { tables: states(n), ..backup(usize::try_from(n).unwrap(), Kind::Full) }).collect();
    let left = lived_through(all, 10);
    assert!(left.len() <= 10 + 2 * 4, "{}", left.len());
    // nor does it push out the one before a table that does not come back was wiped
    let wipe = |n: u64| {
        vec![
            table("Job", 1, if n.is_multiple_of(2) { 100 + n } else { 0 }),
            table("User", 2, if n < 50 { 1000 } else { 3 }),
        ]
    };
    let all = (0..200).map(|n| Manifest { tables: wipe(n), ..backup(usize::try_from(n).unwrap(), Kind::Full) });
    let left = lived_through(all, 10);
    assert!(left.iter().any(|m| m.id == "f-0049"), "{:?}", said(&left));
}

#[test]
fn of_many_shrinks_the_newest_three_and_the_largest_are_held() {
    let all = users(&[9, 0, 5000, 0, 7, 0, 8, 0, 9, 0, 10, 0]);
    let before: Vec<String> = said(&all).into_iter().filter(|s| s.contains("newest before")).collect();
    let ids: Vec<&str> = before.iter().map(|s| &s[..6]).collect();
    assert_eq!(ids, ["f-0002", "f-0006", "f-0008", "f-0010"]);
}

#[test]
fn a_decline_in_steps_does_not_push_out_older_losses() {
    let all = users(&[5, 0, 7, 0, 13, 5, 3, 2, 0, 0]);
    let left: Vec<String> = lived_through(all.into_iter().rev(), 1).into_iter().map(|m| m.id).collect();
    for held in ["f-0002", "f-0004", "f-0007"] {
        assert!(left.iter().any(|id| id == held), "{held} in {left:?}");
    }
}

#[test]
fn databases_and_kinds_do_not_push_out_one_another() {
    let of = |mut m: Manifest, database: &str| {
        m.database.name = database.into();
        m
    };
    let mut all: Vec<Manifest> = (10..40).map(|n| of(backup(n, Kind::Full), "blog")).collect();
    all.push(of(backup(1, Kind::Full), "shop"));
    all.push(of(backup(1, Kind::DataOnly), "shop"));
    all.sort_by(|a, b| b.created_at.cmp(&a.created_at));
    let gone = superfluous(&all, 10, |_| false);
    assert_eq!(gone.len(), 20);
    assert!(gone.iter().all(|id| id.as_str() >= "f-0010"), "{gone:?}");
    // an empty blog is no loss of the shop's rows
    let shop = Manifest { tables: vec![table("User", 1, 10)], ..backup(1, Kind::Full) };
    assert!(said(&[of(backup(2, Kind::Full), "blog"), shop]).is_empty());
}

#[test]
fn the_checkpoints_of_the_last_three_runs_are_held() {
    let taken = |minute, run: &str, reason| Manifest { run: Some(run.into()), reason, ..backup(minute, Kind::Full) };
    let all = vec![
        backup(9, Kind::Full),
        taken(8, "r-e", Reason::AfterMigration),
        taken(7, "r-e", Reason::BeforeMigration),
        taken(6, "r-d", Reason::BeforeRestore),
        taken(5, "r-c", Reason::BeforeMigration),
        taken(4, "r-c", Reason::BeforeMigration),
        taken(3, "r-b", Reason::BeforeMigration),
        taken(2, "r-a", Reason::BeforeMigration),
    ];
    let ids: Vec<String> = only_backups(&all).into_keys().collect();
    assert_eq!(ids, ["f-0005", "f-0006", "f-0007"]);
    assert_eq!(said(&all)[2], "f-0007: the checkpoint of r-e, one of the last 3 runs");
    assert_eq!(superfluous(&all, 1, |id| ids.iter().any(|held| held == id)), ["f-0008", "f-0004", "f-0003", "f-0002"]);
}

#[test]
fn pins_and_unfinished_runs_hold_whatever_they_name() {
    let mut open = Run::begin("r-x".into(), "dev", "shop", "2026-01-01T00:00:00Z".into());
    (open.before, open.after) = (vec!["f-0001".into()], vec!["f-0002".into()]);
    let over = Run { id: "r-y".into(), state: State::Finished, before: vec!["f-0003".into()], ..open.clone() };
    let pinned = HashSet::from(["f-0001".to_owned(), "d-cannot-be-read".to_owned()]);
    let holds = holds(&[backup(1, Kind::Full)], &pinned, &[open, over]);
    let said: Vec<String> =
        holds.iter().flat_map(|(id, whys)| whys.iter().map(move |why| format!("{id}: {why}"))).collect();
    assert_eq!(
        said,
        [
            "d-cannot-be-read: pinned",
            "f-0001: pinned",
            "f-0001: the run r-x is not over",
            "f-0002: the run r-x is not over"
        ]
    );
}

proptest! {
    #[test]
    fn the_newest_of_each_kind_and_the_held_ones_stay(full in 0usize..25, data in 0usize..25, keep in 1usize..12, held in 0usize..25) {
        let mut all: Vec<Manifest> = (0..full).map(|n| backup(n, Kind::Full)).chain((0..data).map(|n| backup(n, Kind::DataOnly))).collect();
        all.sort_by(|a, b| b.created_at.cmp(&a.created_at));
        let held = Kind::Full.id(&format!("{held:04}"));
        let gone = superfluous(&all, keep, |id| id == held);
        prop_assert!(!gone.contains(&held));
        for kind in [Kind::Full, Kind::DataOnly] {
            let of_kind: Vec<&Manifest> = all.iter().filter(|m| m.kind == kind).collect();
            for (n, manifest) in of_kind.iter().enumerate() {
                prop_assert_eq!(gone.contains(&manifest.id), n >= keep && manifest.id != held);
            }
        }
    }

    /// Whatever happens to a table, for ever after there is a backup from before its largest loss.
    #[test]
    fn the_largest_past_before_a_shrink_is_never_forgotten(rows in proptest::collection::vec(prop_oneof![Just(0u64), 1..50u64, 900..1000u64], 2..60), keep in 1usize..12) {
        let mut all = users(&rows);
        all.reverse();
        let lost = rows.windows(2).filter(|pair| pair[1] * 2 < pair[0]).map(|pair| pair[0]).max();
        let left = lived_through(all, keep);
        if let Some(lost) = lost {
            prop_assert!(left.iter().any(|m| m.rows() >= lost), "{:?} of {:?}", left.iter().map(Manifest::rows).collect::<Vec<_>>(), rows);
        }
        // and what is held is no heap
        prop_assert!(left.len() <= keep + 11 * 4, "a decline has at most log2(1000) steps");
        // the newest ones are there
        let newest: Vec<String> = (rows.len().saturating_sub(keep)..rows.len()).rev().map(|n| format!("f-{n:04}")).collect();
        prop_assert_eq!(left.iter().take(keep).map(|m| m.id.clone()).collect::<Vec<_>>(), newest);
    }

    /// Pruning twice is pruning once: what lay between two backups must not be missed when it is gone.
    #[test]
    fn a_second_pruning_finds_nothing(rows in proptest::collection::vec(0..20u64, 0..40), keep in 1usize..12) {
        let mut store = users(&rows);
        let prune = |store: &[Manifest]| {
            let holds = only_backups(store);
            superfluous(store, keep, |id| holds.contains_key(id))
        };
        let gone = prune(&store);
        store.retain(|m| !gone.contains(&m.id));
        prop_assert_eq!(prune(&store), Vec::<String>::new());
    }
}
