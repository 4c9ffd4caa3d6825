//! Servers and databases that are not the same any more, whatever they are called.

use crate::pair::{compared, held_against, read_all, spares_all};
use crate::scene::{Scene, wait_until};
use safemigrate::domain::manifest::Manifest;
use std::io::Write as _;
use std::process::Command;

const ROWS: &str = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'value ' || n FROM generate_series(1, 5000) n;
    CREATE UNLOGGED TABLE u AS SELECT * FROM t;";

fn scene(settings: &str) -> Scene {
    let mut scene = Scene::new(ROWS);
    let file = scene.cluster.data_folder().join("postgresql.conf");
    writeln!(std::fs::File::options().append(true).open(file).unwrap(), "autovacuum = off\n{settings}").unwrap();
    scene.cluster.restart();
    scene
}

#[track_caller]
fn reads_all(manifest: &Manifest) {
    assert_eq!(manifest.spared(), None);
}

#[test]
fn a_server_that_was_started_again() {
    let mut scene = scene("");
    compared(&scene, "at first");
    spares_all(&compared(&scene, "again"));
    scene.cluster.restart();
    reads_all(&compared(&scene, "restarted"));
    spares_all(&compared(&scene, "and again"));
    // what is unlogged is empty then
    scene.cluster.kill9();
    scene.cluster.restart();
    let after = compared(&scene, "killed");
    reads_all(&after);
    assert_eq!(after.rows(), 5000);
}

/// One session dies, and the server recovers: it says that it runs since the same moment as before. What a transaction did
/// whose commit was not written yet never was, and the next has its number.
#[test]
fn a_server_that_recovered_by_itself() {
    let scene = scene("synchronous_commit = off\nwal_writer_delay = 10s\nbgwriter_delay = 10s\nfsync = off");
    let mut session = scene.cluster.session("shop");
    let process = session.run("SELECT pg_backend_pid()");
    scene.cluster.psql("shop", "CHECKPOINT");
    let lost = session
        .run("BEGIN; DELETE FROM t WHERE id = 7; INSERT INTO t VALUES (-7, 'lost'); SELECT txid_current(); COMMIT");
    let before = compared(&scene, "what is going to be lost");
    spares_all(&compared(&scene, "nothing"));
    let started = |what: &str| scene.cluster.psql("postgres", &format!("SELECT {what}"));
    let start = started("pg_postmaster_start_time()");
    assert!(Command::new("kill").args(["-KILL", &process]).status().unwrap().success());
    wait_until("the server is there again", || {
        scene.cluster.try_psql("shop", "SELECT 1").is_ok() && scene.cluster.log().contains("redo done")
            || scene.cluster.log().contains("redo is not required")
    });
    wait_until("it answers", || scene.cluster.try_psql("shop", "SELECT 1").is_ok());
    assert_eq!(started("pg_postmaster_start_time()"), start);
    assert_eq!(scene.cluster.psql("shop", "SELECT count(*) FROM t WHERE id = -7"), "0", "the row was lost");
    let mut again = scene.cluster.session("shop");
    let number = again
        .run("BEGIN; DELETE FROM t WHERE id = 7; INSERT INTO t VALUES (-8, 'other'); SELECT txid_current(); COMMIT");
    assert_eq!(number, lost, "the same number twice");
    let after = compared(&scene, "recovered");
    reads_all(&after);
    assert_eq!(after.tables[0].stats.rows, before.tables[0].stats.rows);
}

#[test]
fn a_database_that_was_dropped_and_made_again() {
    let scene = scene("");
    compared(&scene, "at first");
    scene.cluster.psql("postgres", "DROP DATABASE shop; CREATE DATABASE shop");
    scene.cluster.psql("shop", ROWS);
    reads_all(&compared(&scene, "made again"));
    spares_all(&compared(&scene, "again"));
    // a copy has the same oids, files and transactions inside
    let at_that_time = "CREATE DATABASE copy TEMPLATE shop";
    scene.cluster.psql("postgres", at_that_time);
    scene.cluster.psql("shop", "UPDATE t SET v = 'after the copy' WHERE id = 1");
    compared(&scene, "changed");
    scene.cluster.psql("postgres", "DROP DATABASE shop; ALTER DATABASE copy RENAME TO shop");
    reads_all(&compared(&scene, "the copy in its place"));
}

/// As the one before, and even the database's number is the same.
#[test]
fn a_database_with_the_number_of_another() {
    let scene = scene("");
    scene.cluster.psql("postgres", "CREATE DATABASE copy TEMPLATE shop");
    scene.cluster.psql("shop", "UPDATE t SET v = 'after the copy' WHERE id = 1; VACUUM t");
    compared(&scene, "changed");
    let number = scene.cluster.psql("postgres", "SELECT oid FROM pg_database WHERE datname = 'shop'");
    let make = format!("DROP DATABASE shop; CREATE DATABASE shop TEMPLATE copy OID = {number}");
    scene.cluster.psql("postgres", &make);
    reads_all(&compared(&scene, "with the same number"));
}

/// A rollback by swap puts another database in the place; one in place makes the tables anew.
#[test]
fn a_rollback() {
    let scene = scene("");
    let (full, _) = scene.backup();
    compared(&scene, "before");
    for strategy in ["swap", "in-place"] {
        scene.cluster.psql("shop", "UPDATE t SET v = 'changed' WHERE id < 100");
        compared(&scene, "changed");
        scene.run(&["rollback", &full, "--yes", "--strategy", strategy]).ok();
        let back = compared(&scene, "rolled back");
        reads_all(&back);
        spares_all(&compared(&scene, "again"));
        assert_eq!(scene.cluster.psql("shop", "SELECT count(*) FROM t WHERE v = 'changed'"), "0");
    }
    // and of the rows that a re-insert wrote none is taken for an old one
    let (_, data) = scene.backup();
    scene.cluster.psql("shop", "DELETE FROM t WHERE id < 100; VACUUM t");
    compared(&scene, "rows are gone");
    scene.run(&["reinsert", &data, "--yes"]).ok();
    assert_eq!(compared(&scene, "they are back").tables[0].stats.rows, 5000);
}

/// Another database of the same name, which other commands of the same store look at, too.
#[test]
fn two_databases_in_one_store() {
    let scene = scene("");
    scene.cluster.create_db("stock");
    scene.cluster.psql("stock", ROWS);
    compared(&scene, "the shop");
    let stock = scene.cluster.url_as("boss", crate::scene::CANARY, "stock");
    let take = || scene.json(&["backup", "--kind", "data-only", "--url", &stock])["backups"][0]["unchanged"].clone();
    assert!(take().is_null(), "the first of its own");
    let again = take();
    assert_eq!((again["tables"].as_u64(), again["of_tables"].as_u64()), (Some(2), Some(2)));
    spares_all(&compared(&scene, "its own are found behind the other's"));
}

#[test]
fn everything_is_read_where_that_is_wanted() {
    let scene = scene("");
    compared(&scene, "at first");
    std::fs::write(scene.folder.path().join("safemigrate.toml"), "[backup]\nread_all = true\n").unwrap();
    reads_all(&compared(&scene, "by the file"));
    std::fs::remove_file(scene.folder.path().join("safemigrate.toml")).unwrap();
    let last = compared(&scene, "without it");
    spares_all(&last);
    scene.run(&["backup", "--read-all"]).ok();
    scene.run(&["show", &last.id]).ok().says("rows of 2 of 2 tables");
    let said = scene.json(&["show", &last.id]);
    assert_eq!(said["backup"]["unchanged"]["tables"], 2);
    // a dump tells of an encoding that is converted on the way
    scene
        .cluster
        .psql("postgres", "DROP DATABASE shop; CREATE DATABASE shop TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    scene.cluster.psql("shop", ROWS);
    compared(&scene, "in another encoding");
    reads_all(&compared(&scene, "in another encoding, again"));
}

/// A plain role, and tables of which no query can be planned under our search path.
#[test]
fn where_the_server_does_not_say_it_is_read() {
    let scene = scene("");
    scene.cluster.psql(
        "shop",
        "CREATE FUNCTION inner_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
         CREATE FUNCTION outer_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
         CREATE TABLE planless AS SELECT * FROM t; CREATE INDEX ON planless (outer_one(id));
         CREATE TABLE small_planless AS SELECT * FROM t WHERE id < 10; CREATE INDEX ON small_planless (outer_one(id));
         CREATE OR REPLACE FUNCTION outer_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT inner_one($1)';
         CREATE ROLE plain LOGIN PASSWORD 'plain'; GRANT SELECT ON t, u, planless, small_planless TO plain",
    );
    let url = scene.cluster.url_as("plain", "plain", "shop");
    let take = || scene.json(&["backup", "--kind", "data-only", "--url", &url])["backups"][0]["unchanged"].clone();
    assert!(take().is_null());
    assert_eq!(take()["tables"], 2, "but for those of which the server says nothing");
    let all = read_all(&scene);
    let newest = scene.listed()[0].clone();
    let ours = safemigrate::store::Store::open(&scene.store()).unwrap().manifest(&newest).unwrap();
    held_against(&scene, &ours, &all, "by a plain role");
}
