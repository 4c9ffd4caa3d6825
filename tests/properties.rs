//! Whatever the schema and the rows: what a backup holds comes back, by rollback and by re-insert.

mod scene;
mod support;

#[path = "properties/generate.rs"]
mod generate;

use generate::{Database, database};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use scene::Scene;
use serde_json::Value;

/// `SAFEMIGRATE_TEST_CASES` of them; the seed of a failure is printed and goes into `SAFEMIGRATE_TEST_SEED`.
#[test]
fn what_was_backed_up_comes_back() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SAFEMIGRATE_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 16);
    let cases = number("SAFEMIGRATE_TEST_CASES").unwrap_or(5);
    let scene = Scene::new("");
    for seed in first..first + cases {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let database = database().new_tree(&mut runner).unwrap().current();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| comes_back(&scene, &database, seed)));
        if let Err(panic) = outcome {
            eprintln!("SAFEMIGRATE_TEST_SEED={seed} SAFEMIGRATE_TEST_CASES=1 repeats it:\n{}", database.sql());
            std::panic::resume_unwind(panic);
        }
    }
}

fn comes_back(scene: &Scene, database: &Database, seed: u64) {
    scene.cluster.psql("postgres", "DROP DATABASE IF EXISTS shop WITH (FORCE)");
    scene.cluster.psql("postgres", "CREATE DATABASE shop");
    let _ = std::fs::remove_dir_all(scene.store());
    scene.cluster.psql("shop", &database.sql());
    let before = scene.dump();
    let (full, data) = scene.backup();
    let verified = scene.json(&["verify", &full]);
    assert_eq!(verified["ok"], Value::Bool(true), "{verified}");

    scene.cluster.psql("shop", &database.emptying());
    let report = scene.json(&["reinsert", &data, "--yes", "--confirm", "shop"]);
    assert_same("re-insert", &before, &scene.dump());
    accounted(&report, "inserted");
    let again = scene.json(&["reinsert", &data, "--yes", "--confirm", "shop"]);
    assert_same("the second re-insert", &before, &scene.dump());
    accounted(&again, "already_present");

    let strategy = if seed.is_multiple_of(2) { "swap" } else { "in-place" };
    scene.cluster.psql("shop", &database.dropping());
    let done = scene.json(&["rollback", &full, "--yes", "--confirm", "shop", "--strategy", strategy]);
    assert_eq!(done["strategy"], Value::from(strategy), "{done}");
    assert_same(strategy, &before, &scene.dump());
}

/// Every row of the backup went that one way.
fn accounted(report: &Value, way: &str) {
    for table in report["tables"].as_array().unwrap() {
        assert_eq!(table["in_backup"], table[way], "{table}");
    }
}

fn assert_same(what: &str, before: &str, after: &str) {
    if before == after {
        return;
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (was, is) = (lines(before), lines(after));
    let missing: Vec<&String> = was.iter().filter(|l| !is.contains(l)).take(10).collect();
    let extra: Vec<&String> = is.iter().filter(|l| !was.contains(l)).take(10).collect();
    panic!("after {what} the dumps differ:\n- {missing:#?}\n+ {extra:#?}");
}
