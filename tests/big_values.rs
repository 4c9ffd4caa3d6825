//! Values of 100 MB and rows of 1 MB: there and back, unchanged; memory grows with one row, never with the table.

mod scene;
mod support;

use scene::{Scene, ended};
use std::collections::BTreeMap;
use std::time::Duration;
use support::same;

/// The most memory, in MB, that the process has had (`VmHWM`), and that it ended well.
#[track_caller]
fn peak(scene: &Scene, arguments: &[&str]) -> u64 {
    let child = scene.spawn(arguments, &BTreeMap::new());
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // of a process that has ended nothing is written there
    while let Some(line) = std::fs::read_to_string(&status).unwrap_or_default().lines().find(|l| l.starts_with("VmHWM"))
    {
        peak = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let (code, stdout, stderr) = ended(child);
    assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
    peak / 1024
}

/// One table at a time, so that the figures are those of one value.
fn there_and_back(table: &str, rows: &str, most: u64) {
    let scene = Scene::new(&format!("CREATE TABLE big (id int PRIMARY KEY, {table}); INSERT INTO big {rows}"));
    let before = scene.cluster.state("shop");
    let backing_up = peak(&scene, &["backup"]);
    let list = scene.json(&["list"]);
    let data_only = list["backups"].as_array().unwrap().iter().find(|b| b["kind"] == "data-only").unwrap();
    let back = ["reinsert", data_only["id"].as_str().unwrap(), "--yes"];
    scene.cluster.psql("shop", "TRUNCATE big");
    let straight = [peak(&scene, &[&back[..], &["--dry-run"]].concat()), peak(&scene, &back)];
    same(&before, &scene.cluster.state("shop"), "straight back");
    // the key has another type now: the rows go through a staging table
    scene.cluster.psql("shop", "TRUNCATE big; ALTER TABLE big ALTER id TYPE bigint");
    let staged = [peak(&scene, &[&back[..], &["--dry-run"]].concat()), peak(&scene, &back)];
    let rows = |state: &str| state.lines().filter(|l| l.starts_with("rows ")).collect::<Vec<_>>().join("\n");
    same(&rows(&before), &rows(&scene.cluster.state("shop")), "through staging");
    println!("{table}: {backing_up} MB to back up, {straight:?} MB straight back, {staged:?} MB through staging");
    assert!(backing_up < most, "{backing_up} MB to back up");
    // a dry run does all but the comparison that follows, which reads the row as a backup does
    assert!(straight[0].max(staged[0]) < 100, "{straight:?} MB straight back, {staged:?} MB through staging");
    assert!(straight[1].max(staged[1]) < most, "{straight:?} MB straight back, {staged:?} MB through staging");
}

/// Bytes are twice as long as COPY text. PostgreSQL sends a row in one piece, and while the driver puts that together it
/// holds it about twice. Back it goes in small pieces, and is then read to be compared.
#[test]
fn a_hundred_megabytes() {
    let value = "SELECT 1, decode(repeat(string_agg(md5(n::text), ''), 100), 'hex') FROM generate_series(1, 31250) n";
    there_and_back("body bytea", value, 300);
}

#[test]
fn rows_of_a_megabyte() {
    there_and_back("body text", "SELECT n, repeat(md5(n::text), 32768) FROM generate_series(1, 100) n", 100);
}
