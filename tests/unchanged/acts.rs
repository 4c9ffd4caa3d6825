//! One thing is done to each of many tables between two backups.

use crate::pair::{compared, kept, spares_all};
use crate::scene::Scene;
use std::collections::BTreeMap;
use std::io::Write as _;

/// What the next backup does with the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It is proven.
    Kept,
    /// Some of its segments are.
    InPart,
    /// It is read.
    Read,
}
use Then::{InPart, Kept, Read};

/// `@` is the table: 400 rows of about 300 bytes on 80 pages: five segments.
const TABLE: &str = "CREATE TABLE @ (id int PRIMARY KEY, name text, n int, e mood) WITH (fillfactor = 20);
    INSERT INTO @ SELECT n, repeat(md5(n::text), 8), n % 7, 'glad' FROM generate_series(1, 400) n; VACUUM @;";

/// Name, what goes before the first backup beside `TABLE`, what is done then.
const ACTS: &[(&str, &str, &str, Then)] = &[
    ("nothing", "", "SELECT 1", Kept),
    ("is_read", "", "SELECT count(*) FROM @; SELECT * FROM @ WHERE id = 7 FOR UPDATE", Kept),
    ("inserts", "", "INSERT INTO @ VALUES (401, 'new', 1, 'sad')", InPart),
    ("updates_one", "", "UPDATE @ SET n = 8 WHERE id = 5", InPart),
    ("updates_to_itself", "", "UPDATE @ SET n = n WHERE id = 5", InPart),
    ("updates_all", "", "UPDATE @ SET n = n + 1", Read),
    ("updates_and_back", "", "UPDATE @ SET n = n + 1 WHERE id = 7; UPDATE @ SET n = n - 1 WHERE id = 7", InPart),
    (
        "hot_update_in_a_pruned_page",
        "DELETE FROM @ WHERE id % 2 = 0; VACUUM @",
        "UPDATE @ SET n = 9 WHERE id = 5",
        InPart,
    ),
    ("deletes", "", "DELETE FROM @ WHERE id = 300", InPart),
    ("deletes_all", "", "DELETE FROM @", Read),
    (
        "deletes_and_inserts_the_same",
        "",
        "DELETE FROM @ WHERE id = 5; INSERT INTO @ VALUES (5, repeat(md5('5'), 8), 5, 'glad')",
        InPart,
    ),
    (
        "deletes_and_fills_the_hole",
        "DELETE FROM @ WHERE id = 10; VACUUM @",
        "DELETE FROM @ WHERE id = 5; INSERT INTO @ VALUES (3000, 'x', 0, 'sad')",
        InPart,
    ),
    (
        "a_hole_is_filled_with_as_many",
        "",
        "DELETE FROM @ WHERE id < 50; VACUUM @; INSERT INTO @ SELECT n, repeat('-', 250), 0, 'sad' FROM generate_series(1, 49) n",
        InPart,
    ),
    ("truncated", "", "TRUNCATE @", Read),
    (
        "truncated_and_filled_with_as_many",
        "",
        "TRUNCATE @; INSERT INTO @ SELECT n, repeat(md5((n+1)::text), 8), n % 7, 'glad' FROM generate_series(1, 400) n",
        Read,
    ),
    ("truncated_in_vain", "", "BEGIN; TRUNCATE @; INSERT INTO @ VALUES (1, 'x', 1, 'sad'); ROLLBACK", Kept),
    ("rolled_back", "", "BEGIN; UPDATE @ SET n = 9; DELETE FROM @ WHERE id < 500; ROLLBACK", Kept),
    (
        "rolled_back_insert_is_vacuumed",
        "",
        "BEGIN; INSERT INTO @ SELECT n FROM generate_series(3000, 4000) n; ROLLBACK; VACUUM @",
        Kept,
    ),
    (
        "savepoints",
        "",
        "BEGIN; SAVEPOINT a; UPDATE @ SET n = 9 WHERE id = 5; SAVEPOINT b; DELETE FROM @ WHERE id = 6; ROLLBACK TO b; RELEASE a; COMMIT",
        InPart,
    ),
    ("savepoint_in_vain", "", "BEGIN; SAVEPOINT a; UPDATE @ SET n = 9 WHERE id < 500; ROLLBACK TO a; COMMIT", Kept),
    ("vacuumed", "DELETE FROM @ WHERE id % 10 = 0", "VACUUM @", Kept),
    ("frozen", "", "VACUUM FREEZE @", Kept),
    ("updated_and_frozen", "", "UPDATE @ SET n = 8 WHERE id = 5; VACUUM FREEZE @", InPart),
    ("rewritten_by_vacuum_full", "DELETE FROM @ WHERE id % 2 = 0", "VACUUM FULL @", Read),
    ("moved_up_by_vacuum_full", "", "DELETE FROM @ WHERE id < 30; VACUUM FULL @", Read),
    ("clustered", "UPDATE @ SET n = n WHERE id < 500", "CLUSTER @ USING @_pkey", Read),
    ("tail_cut_off_by_vacuum", "", "DELETE FROM @ WHERE id > 250; VACUUM @", Read),
    (
        "tail_cut_off_and_filled",
        "",
        "DELETE FROM @ WHERE id > 370; VACUUM @; INSERT INTO @ SELECT n, repeat(md5((n+1)::text), 8), n % 7, 'glad' FROM generate_series(371, 400) n",
        InPart,
    ),
    (
        "copied_frozen",
        "",
        "BEGIN; TRUNCATE @; COPY @ (id, name) FROM PROGRAM 'seq -f \"%g\tx\" 400' WITH (FREEZE); COMMIT",
        Read,
    ),
    ("column_added", "", "ALTER TABLE @ ADD COLUMN more int", Read),
    ("column_with_default_added", "", "ALTER TABLE @ ADD COLUMN more int NOT NULL DEFAULT 7", Read),
    ("column_with_volatile_default_added", "", "ALTER TABLE @ ADD COLUMN more float8 DEFAULT random()", Read),
    (
        "added_column_before",
        "ALTER TABLE @ ADD COLUMN more text DEFAULT 'then'",
        "ALTER TABLE @ ALTER COLUMN more SET DEFAULT 'now'",
        Kept,
    ),
    ("column_dropped", "", "ALTER TABLE @ DROP COLUMN n", Read),
    ("column_added_and_dropped", "", "ALTER TABLE @ ADD COLUMN more int; ALTER TABLE @ DROP COLUMN more", Kept),
    ("column_dropped_and_made_again", "", "ALTER TABLE @ DROP COLUMN n, ADD COLUMN n int DEFAULT 3", Read),
    ("last_column_dropped_and_made_again", "", "ALTER TABLE @ DROP COLUMN e, ADD COLUMN e mood", Read),
    ("type_widened", "", "ALTER TABLE @ ALTER COLUMN n TYPE bigint", Read),
    ("type_renamed_only", "", "ALTER TABLE @ ALTER COLUMN name TYPE varchar", Read),
    (
        "length_widened",
        "ALTER TABLE @ ALTER COLUMN name TYPE varchar(300)",
        "ALTER TABLE @ ALTER COLUMN name TYPE varchar(400)",
        Kept,
    ),
    (
        "not_null_and_storage",
        "",
        "ALTER TABLE @ ALTER COLUMN n SET NOT NULL, ALTER COLUMN name SET STORAGE EXTERNAL, ALTER COLUMN n SET DEFAULT 3",
        Kept,
    ),
    (
        "constraint_and_index",
        "",
        "ALTER TABLE @ ADD CHECK (n < 100); CREATE INDEX ON @ (n); ANALYZE @; COMMENT ON TABLE @ IS 'x'",
        Kept,
    ),
    ("table_renamed", "", "ALTER TABLE @ RENAME TO renamed_table", Kept),
    ("column_renamed", "", "ALTER TABLE @ RENAME COLUMN n TO m", Kept),
    (
        "columns_swap_names",
        "",
        "ALTER TABLE @ RENAME n TO x; ALTER TABLE @ RENAME id TO n; ALTER TABLE @ RENAME x TO id",
        Kept,
    ),
    ("other_schema", "CREATE SCHEMA IF NOT EXISTS elsewhere", "ALTER TABLE @ SET SCHEMA elsewhere", Kept),
    (
        "dropped_and_made_again",
        "",
        "CREATE TABLE x_@ AS SELECT * FROM @; DROP TABLE @; CREATE TABLE @ (id int PRIMARY KEY, name text, n int, e mood); INSERT INTO @ SELECT * FROM x_@; DROP TABLE x_@",
        Read,
    ),
    ("unlogged", "", "ALTER TABLE @ SET UNLOGGED", Read),
    (
        "label_renamed",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); ALTER TABLE @ ADD COLUMN l @_e DEFAULT 'a'",
        "ALTER TYPE @_e RENAME VALUE 'a' TO 'c'",
        Read,
    ),
    (
        "labels_swap_names",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); ALTER TABLE @ ADD COLUMN l @_e DEFAULT 'a'",
        "ALTER TYPE @_e RENAME VALUE 'a' TO 'x'; ALTER TYPE @_e RENAME VALUE 'b' TO 'a'; ALTER TYPE @_e RENAME VALUE 'x' TO 'b'",
        Read,
    ),
    (
        "label_renamed_and_back",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); ALTER TABLE @ ADD COLUMN l @_e DEFAULT 'a'",
        "ALTER TYPE @_e RENAME VALUE 'a' TO 'c'; ALTER TYPE @_e RENAME VALUE 'c' TO 'a'",
        Read,
    ),
    (
        "label_added",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); ALTER TABLE @ ADD COLUMN l @_e DEFAULT 'a'",
        "ALTER TYPE @_e ADD VALUE 'c' BEFORE 'b'",
        Read,
    ),
    (
        "label_in_array_renamed",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); ALTER TABLE @ ADD COLUMN l @_e[] DEFAULT '{a,b}'",
        "ALTER TYPE @_e RENAME VALUE 'a' TO 'c'",
        Read,
    ),
    (
        "label_in_domain_renamed",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); CREATE DOMAIN @_d AS @_e; ALTER TABLE @ ADD COLUMN l @_d DEFAULT 'a'",
        "ALTER TYPE @_e RENAME VALUE 'a' TO 'c'",
        Read,
    ),
    (
        "label_in_arrays_of_domains_renamed",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); CREATE DOMAIN @_d AS @_e; CREATE DOMAIN @_dd AS @_d[]; ALTER TABLE @ ADD COLUMN l @_dd[] DEFAULT ARRAY['{a,b}'::@_dd]",
        "ALTER TYPE @_e RENAME VALUE 'a' TO 'c'",
        Read,
    ),
    (
        "enum_renamed",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); ALTER TABLE @ ADD COLUMN l @_e DEFAULT 'a'",
        "ALTER TYPE @_e RENAME TO @_f",
        Kept,
    ),
    (
        "domain",
        "CREATE DOMAIN @_d AS text CHECK (value <> 'y'); ALTER TABLE @ ADD COLUMN l @_d DEFAULT 'x'",
        "ALTER DOMAIN @_d DROP CONSTRAINT @_d_check; ALTER DOMAIN @_d SET NOT NULL",
        Kept,
    ),
    (
        "regclass",
        "CREATE TABLE @_of (); ALTER TABLE @ ADD COLUMN l regclass DEFAULT '@_of'",
        "ALTER TABLE @_of RENAME TO @_was",
        Read,
    ),
    (
        "regtype_in_an_array",
        "CREATE TYPE @_e AS ENUM (); ALTER TABLE @ ADD COLUMN l regtype[] DEFAULT '{@_e}'",
        "ALTER TYPE @_e RENAME TO @_f",
        Read,
    ),
    (
        "composite",
        "CREATE TYPE @_c AS (a int); ALTER TABLE @ ADD COLUMN l @_c DEFAULT '(1)'",
        "ALTER TYPE @_c ADD ATTRIBUTE b text",
        Read,
    ),
    (
        "composite_with_an_enum",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); CREATE TYPE @_c AS (a @_e); ALTER TABLE @ ADD COLUMN l @_c[] DEFAULT '{(a)}'",
        "ALTER TYPE @_e RENAME VALUE 'a' TO 'c'",
        Read,
    ),
    (
        "range_of_an_enum",
        "CREATE TYPE @_e AS ENUM ('a', 'b'); CREATE TYPE @_r AS RANGE (subtype = @_e); ALTER TABLE @ ADD COLUMN l @_r DEFAULT '[a,b]'",
        "ALTER TYPE @_e RENAME VALUE 'a' TO 'c'",
        Read,
    ),
    (
        "plain_types",
        "ALTER TABLE @ ADD COLUMN a jsonb DEFAULT '{\"a\": 1}', ADD COLUMN b timestamptz[] DEFAULT '{2026-01-01}', ADD COLUMN c numeric(10,3) DEFAULT 1.5, ADD COLUMN d tstzrange DEFAULT '[2026-01-01,)', ADD COLUMN f bytea DEFAULT 'x', ADD COLUMN g uuid, ADD COLUMN h int4multirange DEFAULT '{[1,3)}', ADD COLUMN i \"char\" DEFAULT 'x', ADD COLUMN j money DEFAULT 3",
        "SELECT 1",
        Kept,
    ),
    ("generated", "ALTER TABLE @ ADD COLUMN g int GENERATED ALWAYS AS (n * 2) STORED", "SELECT 1", Kept),
    ("generated_added", "", "ALTER TABLE @ ADD COLUMN g int GENERATED ALWAYS AS (n * 2) STORED", Read),
    (
        "generated_no_more",
        "ALTER TABLE @ ADD COLUMN g int GENERATED ALWAYS AS (n * 2) STORED",
        "ALTER TABLE @ ALTER COLUMN g DROP EXPRESSION",
        Read,
    ),
    (
        "long_values",
        "ALTER TABLE @ ALTER COLUMN name SET STORAGE EXTERNAL; UPDATE @ SET name = repeat(md5(id::text), 80); VACUUM FULL @",
        "UPDATE @ SET name = repeat(md5((id + 1)::text), 80) WHERE id BETWEEN 10 AND 20",
        InPart,
    ),
    (
        "beside_long_values",
        "ALTER TABLE @ ALTER COLUMN name SET STORAGE EXTERNAL; UPDATE @ SET name = repeat(md5(id::text), 80); VACUUM FULL @",
        "UPDATE @ SET n = 100 WHERE id BETWEEN 10 AND 20",
        InPart,
    ),
    (
        "toast_rewritten",
        "ALTER TABLE @ ALTER COLUMN name SET STORAGE EXTERNAL; UPDATE @ SET name = repeat(md5(id::text), 80); VACUUM FULL @",
        "SELECT format('VACUUM FULL %s', reltoastrelid::regclass) FROM pg_class WHERE relname = '@' \\gexec",
        Kept,
    ),
    (
        "no_columns",
        "CREATE TABLE @_none (); INSERT INTO @_none SELECT FROM generate_series(1, 10)",
        "INSERT INTO @_none DEFAULT VALUES",
        Kept,
    ),
    (
        "attached",
        "CREATE TABLE @_root (id int NOT NULL, name text, n int, e mood) PARTITION BY RANGE (id)",
        "ALTER TABLE @_root ATTACH PARTITION @ FOR VALUES FROM (0) TO (5000)",
        Kept,
    ),
    (
        "detached",
        "CREATE TABLE @_root (id int NOT NULL, name text, n int, e mood) PARTITION BY RANGE (id); ALTER TABLE @_root ATTACH PARTITION @ FOR VALUES FROM (0) TO (5000)",
        "ALTER TABLE @_root DETACH PARTITION @",
        Kept,
    ),
    (
        "row_moved_between_partitions",
        "CREATE TABLE @_root (id int NOT NULL, name text, n int, e mood) PARTITION BY RANGE (id); CREATE TABLE @_b PARTITION OF @_root FOR VALUES FROM (5000) TO (6000); ALTER TABLE @_root ATTACH PARTITION @ FOR VALUES FROM (0) TO (5000)",
        "UPDATE @_root SET id = 5001 WHERE id = 3",
        InPart,
    ),
    (
        "inherited",
        "CREATE TABLE @_child () INHERITS (@); INSERT INTO @_child SELECT n + 10000, 'c', 0, 'sad' FROM generate_series(1, 10) n",
        "UPDATE @_child SET n = 1",
        Kept,
    ),
    (
        "replica_identity_and_trigger",
        "",
        "ALTER TABLE @ REPLICA IDENTITY FULL; CREATE FUNCTION @_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t BEFORE UPDATE ON @ FOR EACH ROW EXECUTE FUNCTION @_f(); UPDATE @ SET n = 9",
        Kept,
    ),
    (
        "blind_to_case",
        "DO $$BEGIN IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citext') THEN CREATE EXTENSION citext; ALTER TABLE @ ADD COLUMN l citext DEFAULT 'X'; END IF; END$$",
        "SELECT 1",
        Kept,
    ),
    (
        "row_security",
        "",
        "ALTER TABLE @ ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON @ USING (false)",
        Kept,
    ),
    ("merged", "", "MERGE INTO @ USING (VALUES (5)) v(id) ON @.id = v.id WHEN MATCHED THEN UPDATE SET n = 3", InPart),
    ("upserted", "", "INSERT INTO @ VALUES (5, 'x', 1, 'sad') ON CONFLICT (id) DO UPDATE SET n = 4", InPart),
    ("upserted_in_vain", "", "INSERT INTO @ VALUES (5, 'x', 1, 'sad') ON CONFLICT DO NOTHING", Kept),
    ("tablespace_and_fillfactor", "", "ALTER TABLE @ SET (fillfactor = 50)", Kept),
];

fn of(sql: &str, name: &str) -> String {
    sql.replace('@', name)
}

/// In one session, which is quick.
fn do_all(scene: &Scene, sql: impl Fn(&(&str, &str, &str, Then)) -> String) {
    let all: Vec<String> = ACTS.iter().map(sql).collect();
    scene.cluster.psql("shop", &all.join("\n;\n"));
}

/// A server that takes prepared transactions, and all tables.
fn scene() -> Scene {
    let mut scene = Scene::new("CREATE TYPE mood AS ENUM ('glad', 'sad')");
    let file = scene.cluster.data_folder().join("postgresql.conf");
    let settings = "max_prepared_transactions = 10\nautovacuum = off\nfsync = off";
    writeln!(std::fs::File::options().append(true).open(file).unwrap(), "{settings}").unwrap();
    scene.cluster.restart();
    scene
}

#[test]
fn whatever_is_done() {
    let scene = scene();
    do_all(&scene, |(name, before, ..)| of(&format!("{TABLE}{before}"), name));
    assert_eq!(compared(&scene, "nothing yet").spared(), None);
    let again = compared(&scene, "nothing");
    let (whole, _) = kept(&again);
    let read = again.tables.iter().filter(|t| !whole.contains(&t.table.name.name) && t.stats.rows > 0);
    let read: Vec<&str> = read.map(|data| data.table.name.name.as_str()).collect();
    assert_eq!(read, ["composite", "composite_with_an_enum", "range_of_an_enum", "regclass", "regtype_in_an_array"]);
    do_all(&scene, |(name, _, act, _)| of(act, name));
    let after = compared(&scene, "all of it");
    let (whole, part) = kept(&after);
    let mut wrong = BTreeMap::new();
    for (name, .., expected) in ACTS {
        let name = if *name == "table_renamed" { "renamed_table" } else { *name };
        let is = |of: &[String]| of.iter().any(|table| table == name);
        let found = if is(&whole) {
            Kept
        } else if is(&part) {
            InPart
        } else {
            Read
        };
        if found != *expected {
            wrong.insert(name, (found, expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    scene.run(&["check", "latest"]).ok();
    // the next stands on what was partly proven
    scene.cluster.psql("shop", "UPDATE inserts SET n = -1 WHERE id = 390; DELETE FROM updates_one WHERE id = 1");
    compared(&scene, "once more");
}

/// Each of them replaces one row, so that the number of rows stays.
#[test]
fn transactions_that_are_open_during_the_first_backup() {
    let scene = scene();
    let names = ["open", "subtransactions", "begun", "rolled", "prepared", "locked", "late", "still"];
    for name in names {
        scene.cluster.psql("shop", &of(TABLE, name));
    }
    let replace = |name: &str, id: u32| {
        of(&format!("DELETE FROM @ WHERE id = {id}; INSERT INTO @ VALUES (-{id}, 'new', 0, 'sad')"), name)
    };
    let mut sessions: Vec<_> = names.iter().map(|_| scene.cluster.session("shop")).collect();
    sessions[0].run(&format!("BEGIN; {}", replace("open", 5)));
    sessions[1].run(&format!(
        "BEGIN; SAVEPOINT a; {}; SAVEPOINT b; {}",
        replace("subtransactions", 5),
        replace("subtransactions", 6)
    ));
    // it has its number, and writes later
    sessions[2].run("BEGIN; SELECT txid_current()");
    sessions[3].run(&format!("BEGIN; {}", replace("rolled", 5)));
    sessions[4].run(&format!("BEGIN; {}; PREPARE TRANSACTION 'p'", replace("prepared", 5)));
    sessions[5].run("BEGIN; SELECT * FROM locked FOR UPDATE");
    sessions[6].run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM late");
    // others end meanwhile that began later
    scene.cluster.psql("shop", "SELECT txid_current()");
    compared(&scene, "all open");
    sessions[0].run("COMMIT");
    sessions[1].run("ROLLBACK TO b; COMMIT");
    sessions[2].run(&format!("{}; COMMIT", replace("begun", 5)));
    sessions[3].run("ROLLBACK");
    sessions[4].run("COMMIT PREPARED 'p'");
    sessions[5].run("COMMIT");
    sessions[6].run(&format!("{}; COMMIT", replace("late", 5)));
    let (whole, _) = kept(&compared(&scene, "all ended"));
    assert_eq!(whole, ["locked", "rolled", "still"]);
}

#[test]
fn two_tables_exchange_their_names() {
    let scene = scene();
    for (name, more) in [("one", ""), ("two", "UPDATE @ SET n = 99;")] {
        scene.cluster.psql("shop", &of(&format!("{TABLE}{more}"), name));
    }
    compared(&scene, "before");
    scene
        .cluster
        .psql("shop", "ALTER TABLE one RENAME TO x; ALTER TABLE two RENAME TO one; ALTER TABLE x RENAME TO two");
    let after = compared(&scene, "exchanged");
    spares_all(&after);
}
