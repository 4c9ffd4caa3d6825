//! Much of everything. Each in a small version among the others, and in full:
//!
//!     cargo test --release --test size -- --ignored --nocapture --test-threads=1

mod scene;
mod support;

use scene::{Scene, ended};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};
use support::same;

/// Plays a command that must succeed; prints and gives its peak of memory in MB.
#[track_caller]
fn peak(scene: &Scene, arguments: &[&str]) -> u64 {
    let began = Instant::now();
    let child = scene.spawn(arguments, &BTreeMap::new());
    let status = format!("/proc/{}/status", child.id());
    let reading = std::thread::spawn(move || ended(child));
    let mut peak = 0;
    // of a process that has ended nothing is written there
    while let Some(line) = std::fs::read_to_string(&status).unwrap_or_default().lines().find(|l| l.starts_with("VmHWM"))
    {
        peak = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    let (code, stdout, stderr) = reading.join().unwrap();
    assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
    println!("{:>7.1} s {:>5} MB  safemigrate {}", began.elapsed().as_secs_f64(), peak / 1024, arguments.join(" "));
    peak / 1024
}

/// The settings of the server, and a restart.
fn configure(scene: &mut Scene, settings: &str) {
    let file = scene.cluster.data_folder().join("postgresql.conf");
    writeln!(std::fs::File::options().append(true).open(file).unwrap(), "{settings}").unwrap();
    scene.cluster.restart();
}

const CONFIRMED: [&str; 3] = ["--yes", "--confirm", "shop"];

fn tables(count: usize) -> Scene {
    let scene = Scene::new("");
    // a transaction for each hundred: each table takes four locks
    let make = format!(
        "DO $$ BEGIN FOR n IN 1..{count} LOOP
             EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, x text); INSERT INTO t%s VALUES (1, %s)', n, n, n);
             IF n % 100 = 0 THEN COMMIT; END IF;
         END LOOP; END $$"
    );
    scene.cluster.psql("shop", &make);
    scene
}

fn refused_for_locks(scene: &Scene, arguments: &[&str]) {
    let refused = scene.run(arguments);
    assert_eq!(refused.code, 1, "{refused}");
    let refused = refused.says("max_locks_per_transaction");
    assert!(refused.stderr.contains("Nothing was changed") || refused.stderr.contains("untouched"), "{refused}");
}

/// A server whose table of locks is too small says so, and what to set.
#[test]
fn more_tables_than_locks() {
    let mut scene = tables(1500);
    configure(&mut scene, "max_locks_per_transaction = 10");
    refused_for_locks(&scene, &["backup"]);
}

#[test]
#[ignore = "ten thousand tables take minutes"]
fn ten_thousand_tables() {
    let mut scene = tables(10_000);
    refused_for_locks(&scene, &["backup"]);
    configure(&mut scene, "max_locks_per_transaction = 2048");
    peak(&scene, &["backup"]);
    let listed = scene.listed();
    let (full, data) = (
        listed.iter().find(|id| id.starts_with("f-")).unwrap(),
        listed.iter().find(|id| id.starts_with("d-")).unwrap(),
    );
    peak(&scene, &["verify", full]);
    let before = scene.dump();
    configure(&mut scene, "max_locks_per_transaction = 64");
    for strategy in ["swap", "in-place"] {
        refused_for_locks(&scene, &[&["rollback", full, "--strategy", strategy], &CONFIRMED[..]].concat());
    }
    refused_for_locks(&scene, &[&["reinsert", data], &CONFIRMED[..]].concat());
    // pg_dump too needs them
    configure(&mut scene, "max_locks_per_transaction = 2048");
    same(&before, &scene.dump(), "refused");
    for strategy in ["swap", "in-place"] {
        scene.cluster.psql("shop", "DELETE FROM t1; DROP TABLE t2");
        peak(&scene, &[&["rollback", full, "--strategy", strategy], &CONFIRMED[..]].concat());
        same(&before, &scene.dump(), strategy);
    }
    scene.cluster.psql("shop", "DELETE FROM t1; DELETE FROM t10000; UPDATE t5 SET id = 2");
    peak(&scene, &[&["reinsert", data], &CONFIRMED[..]].concat());
    peak(&scene, &["check", full, "--restore"]);
}

/// The most that PostgreSQL allows.
#[test]
fn sixteen_hundred_columns() {
    let columns: Vec<String> = (1..1600).map(|n| format!("c{n} smallint")).collect();
    let scene = Scene::new(&format!(
        "CREATE TABLE wide (id int PRIMARY KEY, {}); INSERT INTO wide (id, c1, c1599) SELECT n, n, -n FROM generate_series(1, 50) n",
        columns.join(", ")
    ));
    let before = scene.dump();
    let (full, data) = scene.backup();
    for strategy in ["swap", "in-place"] {
        scene.cluster.psql("shop", "UPDATE wide SET c1 = 0");
        scene.run(&[&["rollback", &full, "--strategy", strategy], &CONFIRMED[..]].concat()).ok();
        same(&before, &scene.dump(), strategy);
    }
    scene.cluster.psql("shop", "TRUNCATE wide");
    scene.run(&[&["reinsert", &data], &CONFIRMED[..]].concat()).ok();
    same(&before, &scene.dump(), "re-inserted");
    scene.cluster.psql("shop", "DELETE FROM wide WHERE id > 20");
    let left = scene.dump();
    let refused = scene.run(&[&["reinsert", &data], &CONFIRMED[..]].concat()).code(1).says("at most 1600 columns");
    same(&left, &scene.dump(), "refused");
    refused.says("--on-conflict replace");
    scene.run(&[&["reinsert", &data, "--on-conflict", "replace"], &CONFIRMED[..]].concat()).ok();
    same(&before, &scene.dump(), "in place of those that were there");
}

fn large_objects(count: usize) {
    let scene = Scene::new("CREATE TABLE file (id int PRIMARY KEY, content oid)");
    let make = format!(
        "DO $$ BEGIN FOR n IN 1..{count} LOOP
             INSERT INTO file VALUES (n, lo_from_bytea(0, decode(md5(n::text), 'hex')));
             IF n % 1000 = 0 THEN COMMIT; END IF;
         END LOOP; END $$"
    );
    scene.cluster.psql("shop", &make);
    let state = || {
        scene.cluster.psql("shop", "SELECT count(*), md5(string_agg(loid || ' ' || encode(data, 'hex'), ',' ORDER BY loid, pageno)) FROM pg_largeobject")
    };
    let before = state();
    peak(&scene, &["backup"]);
    let full = scene.listed().into_iter().find(|id| id.starts_with("f-")).unwrap();
    peak(&scene, &["verify", &full]);
    for strategy in ["swap", "in-place"] {
        if count > 50_000 && strategy == "in-place" {
            // to remove one takes a lock each
            refused_for_locks(&scene, &[&["rollback", &full, "--strategy", strategy], &CONFIRMED[..]].concat());
            assert_eq!(before, state(), "refused");
            continue;
        }
        scene.cluster.psql("shop", "SELECT lo_put(content, 0, 'x') FROM file WHERE id < 100; SELECT lo_unlink(content) FROM file WHERE id BETWEEN 100 AND 200");
        peak(&scene, &[&["rollback", &full, "--strategy", strategy], &CONFIRMED[..]].concat());
        assert_eq!(before, state(), "{strategy}");
    }
}

#[test]
fn many_large_objects() {
    large_objects(1000);
}

#[test]
#[ignore = "a hundred thousand large objects take minutes"]
fn a_hundred_thousand_large_objects() {
    large_objects(100_000);
}

/// The rows of one table, and the most memory that any command may take for them.
fn rows(count: u64, most: u64) {
    let scene =
        Scene::new(&format!("CREATE TABLE narrow (id int); INSERT INTO narrow SELECT generate_series(1, {count})"));
    let mut peaks = vec![peak(&scene, &["backup"])];
    let listed = scene.listed();
    let (full, data) = (
        listed.iter().find(|id| id.starts_with("f-")).unwrap(),
        listed.iter().find(|id| id.starts_with("d-")).unwrap(),
    );
    peaks.push(peak(&scene, &["verify", full]));
    peaks.push(peak(&scene, &["check", full]));
    scene.cluster.psql("shop", "TRUNCATE narrow");
    peaks.push(peak(&scene, &[&["reinsert", data], &CONFIRMED[..]].concat()));
    scene.cluster.psql("shop", "TRUNCATE narrow");
    peaks.push(peak(&scene, &[&["rollback", full], &CONFIRMED[..]].concat()));
    assert_eq!(
        scene.cluster.psql("shop", "SELECT count(*), sum(id) FROM narrow"),
        format!("{count}|{}", count * (count + 1) / 2)
    );
    assert!(peaks.iter().all(|peak| *peak < most), "{peaks:?} MB");
}

/// As much memory as for fifty million.
#[test]
fn half_a_million_rows() {
    rows(500_000, 80);
}

#[test]
#[ignore = "fifty million rows take minutes and 10 GB"]
fn fifty_million_rows() {
    rows(50_000_000, 80);
}

#[test]
#[ignore = "a value of 200 MB takes a minute"]
fn two_hundred_megabytes() {
    let scene = Scene::new(
        "CREATE TABLE big (id int PRIMARY KEY, body bytea);
         INSERT INTO big SELECT 1, decode(repeat(string_agg(md5(n::text), ''), 200), 'hex') FROM generate_series(1, 62500) n",
    );
    let state = || scene.cluster.psql("shop", "SELECT id, length(body), md5(body) FROM big");
    let before = state();
    let backing_up = peak(&scene, &["backup"]);
    let listed = scene.listed();
    let (full, data) = (
        listed.iter().find(|id| id.starts_with("f-")).unwrap(),
        listed.iter().find(|id| id.starts_with("d-")).unwrap(),
    );
    for strategy in ["swap", "in-place"] {
        scene.cluster.psql("shop", "UPDATE big SET body = ''");
        peak(&scene, &[&["rollback", full, "--strategy", strategy], &CONFIRMED[..]].concat());
        assert_eq!(before, state(), "{strategy}");
    }
    scene.cluster.psql("shop", "TRUNCATE big");
    peak(&scene, &[&["reinsert", data], &CONFIRMED[..]].concat());
    assert_eq!(before, state(), "re-inserted");
    peak(&scene, &["verify", full]);
    // the driver holds a message about twice while it puts it together; COPY text is twice the bytes
    assert!(backing_up < 1100, "{backing_up} MB");
}
