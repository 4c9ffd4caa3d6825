//! Whatever the tables, the changes and the losses: every row of the backup is accounted for, what survived is equal,
//! the same again adds nothing, and what does not fit changes nothing.

mod support;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use safemigrate::domain::event::Quiet;
use safemigrate::domain::manifest::{Manifest, Reason};
use safemigrate::domain::reinsert::{OnConflict, Options, Rejects, Report};
use safemigrate::operations::checkpoint::{Kinds, Request, take};
use safemigrate::operations::interrupt::Interrupt;
use safemigrate::operations::reinsert::{Outcome, apply, prepare};
use safemigrate::postgres::url::DatabaseUrl;
use safemigrate::store::Store;
use support::Cluster;

const TYPES: [(&str, &str); 6] = [
    ("text", "chr(64 + n % 9) || E'\\\\\\t\\'x' || n"),
    ("numeric(12,3)", "n * 1.125"),
    ("boolean", "n % 2 = 0"),
    ("timestamp(3)", "'2024-01-01'::timestamp + n * '1 hour 0.5 seconds'::interval"),
    ("jsonb", "jsonb_build_object('n', n)"),
    ("int[]", "ARRAY[n, NULL, -n]"),
];

#[derive(Debug, Clone)]
struct Table {
    keyed: bool,
    rows: u32,
    /// Index into `TYPES`; every third value is NULL where the flag says so.
    columns: Vec<(usize, bool)>,
    /// Tables that a column refers to.
    refers: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Change {
    AddColumn(usize),
    Drop(usize, usize),
    ToText(usize, usize),
    Require(usize, usize),
    DropReference(usize, usize),
}

#[derive(Debug, Clone)]
enum Loss {
    All,
    Some(usize, u32),
    Null(usize, usize),
}

fn tables() -> impl Strategy<Value = Vec<Table>> {
    let table = (
        any::<bool>(),
        0..60u32,
        prop::collection::vec((0..TYPES.len(), any::<bool>()), 1..4),
        prop::collection::vec(0..4usize, 0..3),
    );
    prop::collection::vec(table.prop_map(|(keyed, rows, columns, refers)| Table { keyed, rows, columns, refers }), 1..4)
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..4usize).prop_map(Change::AddColumn),
        (0..4usize, 0..4usize).prop_map(|(t, c)| Change::Drop(t, c)),
        (0..4usize, 0..4usize).prop_map(|(t, c)| Change::ToText(t, c)),
        (0..4usize, 0..4usize).prop_map(|(t, c)| Change::Require(t, c)),
        (0..4usize, 0..3usize).prop_map(|(t, r)| Change::DropReference(t, r)),
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::All),
        (0..4usize, 1..9u32).prop_map(|(t, n)| Loss::Some(t, n)),
        (0..4usize, 0..4usize).prop_map(|(t, c)| Loss::Null(t, c)),
    ]
}

fn create(tables: &[Table]) -> String {
    let mut sql = String::new();
    for (n, table) in tables.iter().enumerate() {
        let columns: String =
            table.columns.iter().enumerate().map(|(c, (kind, _))| format!(", c{c} {}", TYPES[*kind].0)).collect();
        let refers: String = (0..table.refers.len()).map(|r| format!(", r{r} int")).collect();
        let key = if table.keyed { " PRIMARY KEY" } else { "" };
        sql += &format!("CREATE TABLE t{n} (id serial{key}{columns}{refers});");
        let values: Vec<String> = table
            .columns
            .iter()
            .map(|(kind, nulls)| {
                if *nulls { format!("CASE WHEN n % 3 > 0 THEN {} END", TYPES[*kind].1) } else { TYPES[*kind].1.into() }
            })
            .collect();
        let refer: String = table
            .refers
            .iter()
            .map(|to| match tables.get(*to) {
                Some(to) if to.keyed && to.rows > 0 => format!(", 1 + (n * 7) % {}", to.rows),
                _ => ", NULL".into(),
            })
            .collect();
        sql += &format!(
            "INSERT INTO t{n} SELECT CASE WHEN {} THEN n ELSE n / 2 END, {}{refer} FROM generate_series(1, {}) n; SELECT setval('t{n}_id_seq', {});",
            table.keyed,
            values.join(", "),
            table.rows,
            table.rows + 5
        );
    }
    for (n, table) in tables.iter().enumerate() {
        for (r, to) in table.refers.iter().enumerate().filter(|(_, to)| tables.get(**to).is_some_and(|t| t.keyed)) {
            sql += &format!(
                "ALTER TABLE t{n} ADD CONSTRAINT k{n}_{r} FOREIGN KEY (r{r}) REFERENCES t{to} ON DELETE CASCADE ON UPDATE CASCADE;"
            );
        }
    }
    sql
}

fn apply_change(change: &Change) -> String {
    match change {
        Change::AddColumn(t) => format!("ALTER TABLE t{t} ADD IF NOT EXISTS added int NOT NULL DEFAULT 7"),
        Change::Drop(t, c) => format!("ALTER TABLE t{t} DROP COLUMN IF EXISTS c{c}"),
        Change::ToText(t, c) => format!("ALTER TABLE t{t} ALTER c{c} TYPE text"),
        Change::Require(t, c) => format!("ALTER TABLE t{t} ALTER c{c} SET NOT NULL"),
        Change::DropReference(t, r) => format!("ALTER TABLE t{t} DROP CONSTRAINT IF EXISTS k{t}_{r}"),
    }
}

fn apply_loss(loss: &Loss, tables: usize) -> String {
    match loss {
        Loss::All => format!("TRUNCATE {}", (0..tables).map(|n| format!("t{n}")).collect::<Vec<_>>().join(", ")),
        Loss::Some(t, n) => format!("DELETE FROM t{t} WHERE id % {n} = 0"),
        Loss::Null(t, c) => format!("UPDATE t{t} SET c{c} = NULL"),
    }
}

struct World<'a> {
    cluster: &'a Cluster,
    runtime: &'a tokio::runtime::Runtime,
    store: Store,
}

impl World<'_> {
    fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.cluster.url("p")).unwrap()
    }

    fn back_up(&self) -> Manifest {
        let request = Request { kinds: Kinds::DataOnly, reason: Reason::Manual, run: None, project: None };
        let (_hand, interrupt) = Interrupt::new();
        self.runtime.block_on(take(&self.url(), &self.store, &request, &Quiet, &interrupt)).unwrap().data_only.unwrap()
    }

    fn reinsert(&self, backup: &Manifest, options: &Options) -> Outcome {
        let (_hand, interrupt) = Interrupt::new();
        self.runtime
            .block_on(async {
                let plan = prepare(&self.url(), &self.store, backup, options).await?;
                apply(&self.url(), &self.store, backup, &plan, &Quiet, &interrupt, &mut |_| Ok(())).await
            })
            .unwrap_or_else(|e| panic!("{e} {:?}", e.hints))
    }
}

fn balanced(report: &Report, backup: &Manifest) {
    for table in &report.tables {
        assert!(table.is_balanced(), "{table:?}");
        assert_eq!(Some(table.in_backup), backup.table(&table.from).map(|t| t.stats.rows));
    }
}

/// Shows only the lines that differ.
fn same(one: &str, other: &str, what: &str) {
    let missing: Vec<&str> = one.lines().filter(|l| !other.lines().any(|o| &o == l)).collect();
    let surplus: Vec<&str> = other.lines().filter(|l| !one.lines().any(|o| &o == l)).collect();
    assert!(one == other, "{what}: missing {missing:#?}, surplus {surplus:#?}");
}

fn check(world: &World<'_>, tables: &[Table], changes: &[Change], losses: &[Loss]) {
    world.cluster.psql("postgres", "DROP DATABASE IF EXISTS p; DROP DATABASE IF EXISTS whole");
    world.cluster.create_db("p");
    world.cluster.psql("p", &create(tables));
    let backup = world.back_up();
    let mut schema_changes = Vec::new();
    for sql in changes.iter().map(apply_change) {
        // not every change fits every schema
        if world.cluster.try_psql("p", &sql).is_ok() {
            schema_changes.push(sql);
        }
    }
    // what it should be: the changes made while all rows were there
    world.cluster.psql("postgres", "CREATE DATABASE whole TEMPLATE p");
    for sql in losses.iter().map(|l| apply_loss(l, tables.len())) {
        let _ = world.cluster.try_psql("p", &sql);
    }
    let before = world.cluster.dump("p");
    let update = Options { on_conflict: OnConflict::Update, ..Options::default() };
    match world.reinsert(&backup, &update) {
        Outcome::Done(report) => balanced(&report, &backup),
        Outcome::DoesNotFit(report) => {
            balanced(&report, &backup);
            same(&before, &world.cluster.dump("p"), "nothing may change");
            let report = world.reinsert(&backup, &Options { rejects: Rejects::Save, ..update.clone() });
            balanced(report.report(), &backup);
        }
    }
    let after = world.cluster.dump("p");
    // rows without a key that were changed, not lost, stay beside the ones that come back
    let keyless_changed =
        losses.iter().any(|l| matches!(l, Loss::Null(t, _) if tables.get(*t).is_some_and(|t| !t.keyed)));
    let lost_for_good = changes.iter().any(|c| matches!(c, Change::Require(..)));
    if !keyless_changed && !lost_for_good {
        same(&world.cluster.dump("whole"), &after, &format!("{schema_changes:?} {losses:?}"));
    }
    let again = world.reinsert(&backup, &Options { rejects: Rejects::Save, ..update });
    balanced(again.report(), &backup);
    assert!(again.report().inserted() == 0, "{again:?}");
    same(&after, &world.cluster.dump("p"), "the same again adds nothing");
}

#[test]
fn every_row_is_accounted_for() {
    let cluster = Cluster::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let world =
        World { cluster: &cluster, runtime: &runtime, store: Store::open(&folder.path().join("store")).unwrap() };
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(16);
    let mut runner =
        TestRunner::new(Config { cases, max_shrink_iters: 60, failure_persistence: None, ..Config::default() });
    let strategy = (tables(), prop::collection::vec(change(), 0..4), prop::collection::vec(loss(), 1..4));
    let outcome = runner.run(&strategy, |(tables, changes, losses)| {
        check(&world, &tables, &changes, &losses);
        Ok(())
    });
    outcome.unwrap();
}
