//! The checkpoint: whole, of one instant, shared between backups, and the database untouched.

mod support;

use safemigrate::domain::event::Quiet;
use safemigrate::domain::manifest::{Manifest, Reason};
use safemigrate::domain::touched::Touched;
use safemigrate::operations::checkpoint::{Kinds, ReadRows, Request, Taken, take};
use safemigrate::operations::interrupt::Interrupt;
use safemigrate::operations::verification::{Extent, compare, compare_live};
use safemigrate::postgres::url::DatabaseUrl;
use safemigrate::store::Store;
use support::Cluster;

const SHAPES: &str = r#"
    CREATE TABLE plain (id int PRIMARY KEY, t text, gen int GENERATED ALWAYS AS (id * 2) STORED);
    INSERT INTO plain SELECT g, CASE WHEN g % 3 = 0 THEN NULL ELSE E'tab\there \\ back\nnew ' || g END FROM generate_series(1, 5000) g;
    CREATE TABLE nothing ();
    INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
    CREATE TABLE empty (id int);
    CREATE TABLE parts (id int, d date) PARTITION BY RANGE (id);
    CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (100);
    CREATE TABLE parts_b (d date, id int);
    ALTER TABLE parts ATTACH PARTITION parts_b FOR VALUES FROM (100) TO (1000);
    INSERT INTO parts SELECT g, '2026-01-01'::date + g FROM generate_series(1, 300) g;
    CREATE SCHEMA "odd ""schema";
    CREATE TABLE "odd ""schema"."select" ("a ""b" text, "ünï" jsonb);
    INSERT INTO "odd ""schema"."select" VALUES (E'\\N', '{"a": 1}'), (E'\\.', NULL);
    CREATE SEQUENCE loose START 7 INCREMENT -2 MINVALUE -100 MAXVALUE 100;
    CREATE MATERIALIZED VIEW mv1 AS SELECT count(*) AS n FROM plain;
    CREATE VIEW between_them AS SELECT * FROM mv1;
    CREATE MATERIALIZED VIEW a_mv2 AS SELECT * FROM between_them;
"#;

struct Setup {
    cluster: Cluster,
    url: DatabaseUrl,
    store: Store,
    _folder: tempfile::TempDir,
}

fn setup(sql: &str) -> Setup {
    let cluster = Cluster::start();
    cluster.create_db("shop");
    cluster.psql("shop", sql);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let url = DatabaseUrl::parse(&cluster.url("shop")).unwrap();
    Setup { cluster, url, store, _folder: folder }
}

impl Setup {
    fn take(&self) -> Taken {
        let request =
            Request { kinds: Kinds::Both, reason: Reason::Manual, run: None, project: None, read: ReadRows::default() };
        let (_interrupter, interrupt) = Interrupt::new();
        block_on(take(&self.url, &self.store, &request, &Quiet, &interrupt)).unwrap()
    }

    fn full(&self) -> Manifest {
        self.take().full.unwrap()
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

fn rows(manifest: &Manifest, table: &str) -> u64 {
    manifest
        .tables
        .iter()
        .find(|t| t.table.name.to_string() == table)
        .unwrap_or_else(|| panic!("no table {table}"))
        .stats
        .rows
}

#[test]
fn holds_every_row_of_every_shape_of_table() {
    let setup = setup(SHAPES);
    let full = setup.full();
    assert_eq!(rows(&full, "public.plain"), 5000);
    assert_eq!(rows(&full, "public.nothing"), 2);
    assert_eq!(rows(&full, "public.empty"), 0);
    assert_eq!(rows(&full, "public.parts_a") + rows(&full, "public.parts_b"), 300);
    assert_eq!(rows(&full, "odd \"schema.select"), 2);
    let plain = full.tables.iter().find(|t| t.table.name.name == "plain").unwrap();
    assert_eq!(plain.stats.columns.len(), 2, "generated columns are derived, not data");
    assert_eq!(plain.stats.columns[1].non_null, 5000 - 5000 / 3);
    let views: Vec<&str> = full.materialized_views.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(views, ["mv1", "a_mv2"], "one that needs another comes after it");
    let loose = full.sequences.iter().find(|s| s.name.name == "loose").unwrap();
    assert_eq!((loose.last_value, loose.is_called, loose.increment), (7, false, -2));
    for id in full.objects() {
        setup.store.check_object(id).unwrap();
    }
}

/// Planning a query looks into the functions of a table's indexes, and those may count on the application's search path.
#[test]
fn an_index_on_a_function_with_unqualified_names_does_not_stop_the_backup() {
    let setup = setup(
        "CREATE FUNCTION helper(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
         CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT helper($1)';
         CREATE TABLE small (name text); CREATE INDEX ON small (plain(name)); INSERT INTO small VALUES ('A');
         CREATE TABLE big (name text); CREATE INDEX ON big (plain(left(name, 9)));
         INSERT INTO big SELECT repeat(n::text, 380) FROM generate_series(10000, 18000) n;
         CREATE TABLE parted (name text); INSERT INTO parted SELECT repeat(n::text, 380) FROM generate_series(10000, 18000) n;",
    );
    let full = setup.full();
    assert_eq!((rows(&full, "public.small"), rows(&full, "public.big"), rows(&full, "public.parted")), (1, 8001, 8001));
    let segments = |name: &str| full.tables.iter().find(|t| t.table.name.name == name).unwrap().segments.len();
    assert_eq!(segments("big"), 1);
    assert!(segments("parted") > 1, "a large table is read in parts");
    let (_interrupter, interrupt) = Interrupt::new();
    assert!(
        block_on(compare_live(&setup.url, &setup.store, &full, Extent::Everything(&[]), &Quiet, &interrupt))
            .unwrap()
            .ok
    );
}

#[test]
fn the_second_backup_of_the_same_data_stores_no_row_again() {
    let setup = setup(SHAPES);
    let (first, second) = (setup.full(), setup.full());
    let segments = |m: &Manifest| -> Vec<String> {
        m.tables.iter().flat_map(|t| t.segments.iter().map(|s| s.object.clone())).collect()
    };
    assert_eq!(segments(&first), segments(&second));
    let verification = compare(&setup.store, &first, &second, &Touched::Everything).unwrap();
    assert!(verification.ok, "{verification:?}");
}

#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let setup = setup("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    setup.take();
    for entry in walkdir::WalkDir::new(setup.store.root()) {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} is open to others", entry.path().display());
    }
}

/// What each change does to the data, and what the verification must say of it.
#[test]
fn every_kind_of_loss_is_named() {
    let cases: &[(&str, bool, &str)] = &[
        ("ALTER TABLE t ADD COLUMN extra text DEFAULT ''", true, "extra:added"),
        ("ALTER TABLE t RENAME COLUMN name TO title", true, "name:renamed"),
        ("ALTER TABLE t RENAME TO u", true, "public.t:renamed"),
        ("ALTER TABLE t ALTER COLUMN n TYPE bigint", true, "n:retyped"),
        ("ALTER TABLE t ALTER COLUMN n TYPE text", true, "n:retyped"),
        ("ALTER TABLE t ALTER COLUMN price TYPE numeric(12,4)", true, "price:retyped"),
        ("ALTER TABLE t ALTER COLUMN price TYPE numeric(12,0)", false, "price:changed"),
        ("ALTER TABLE t ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'UTC'", true, "at:retyped"),
        ("ALTER TABLE t ALTER COLUMN flag TYPE text", true, "flag:retyped"),
        ("INSERT INTO t (id, name) VALUES (99, 'new')", true, "public.t:grown"),
        ("ALTER TABLE t DROP COLUMN name; ALTER TABLE t ADD COLUMN title text", false, "name:dropped"),
        (
            "ALTER TABLE t DROP COLUMN name; ALTER TABLE t ADD COLUMN name text DEFAULT 'x' NOT NULL",
            false,
            "name:lost-values",
        ),
        ("ALTER TABLE t DROP COLUMN n; ALTER TABLE t ADD COLUMN n text DEFAULT '0' NOT NULL", false, "n:lost-values"),
        ("DELETE FROM t WHERE id = 2", false, "public.t:lost-rows"),
        ("DELETE FROM t WHERE id = 2; INSERT INTO t (id) VALUES (50), (51)", false, "public.t:lost-rows"),
        ("TRUNCATE t", false, "public.t:lost-rows"),
        ("DROP TABLE t", false, "public.t:dropped"),
        ("UPDATE t SET name = 'same'", false, "name:changed"),
        ("UPDATE t SET name = NULL WHERE id = 1", false, "name:lost-values"),
        (
            "CREATE TABLE t2 AS SELECT id AS a, name AS b, n AS c, price AS d, at AS e, flag AS f FROM t; DROP TABLE t",
            true,
            "public.t:renamed",
        ),
        ("CREATE TABLE other (id int)", true, "public.other:added"),
        ("UPDATE t SET n = n", true, "public.t:identical"),
    ];
    let setup = setup(
        "CREATE TABLE t (id int PRIMARY KEY, name text, n int, price numeric(12,2), at timestamp, flag boolean);
         INSERT INTO t SELECT g, 'name ' || g, g * 10, g + 0.5, '2026-01-01 10:00'::timestamp + g * interval '1 hour', g % 2 = 0 FROM generate_series(1, 10) g;",
    );
    let (_interrupter, interrupt) = Interrupt::new();
    let before = setup.full();
    for (sql, ok, expected) in cases {
        setup.cluster.psql("postgres", "DROP DATABASE IF EXISTS try WITH (FORCE)");
        setup.cluster.psql("postgres", "CREATE DATABASE try TEMPLATE shop");
        setup.cluster.psql("try", sql);
        let url = setup.url.with_database("try");
        let live =
            block_on(compare_live(&url, &setup.store, &before, Extent::Everything(&[]), &Quiet, &interrupt)).unwrap();
        let said: Vec<String> = live
            .tables
            .iter()
            .flat_map(|t| {
                let word = |v: &dyn erased::Word| v.word();
                let table = format!("{}:{}", t.table, word(&t.verdict));
                std::iter::once(table)
                    .chain(t.columns.iter().map(|c| format!("{}:{}", c.column, word(&c.verdict))).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(live.ok, *ok, "{sql}: {said:?}");
        assert!(said.iter().any(|s| s == expected), "{sql}: expected {expected} in {said:?}");
        let request = Request {
            kinds: Kinds::Full,
            reason: Reason::AfterMigration,
            run: None,
            project: None,
            read: ReadRows::default(),
        };
        let after = block_on(take(&url, &setup.store, &request, &Quiet, &interrupt)).unwrap().full.unwrap();
        assert_eq!(
            compare(&setup.store, &before, &after, &Touched::Everything).unwrap(),
            live,
            "{sql}: two backups say the same as backup and live database"
        );
    }
}

mod erased {
    /// The contract's word for a verdict.
    pub trait Word {
        fn word(&self) -> String;
    }

    impl<T: serde::Serialize> Word for T {
        fn word(&self) -> String {
            serde_json::to_value(self).unwrap().as_str().unwrap().to_owned()
        }
    }
}
