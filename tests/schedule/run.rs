//! What cron calls: it never collides, and whatever becomes of it is known afterwards.

use crate::scene::{SHOP, Scene, wait_until};
use crate::served::Served;
use crate::support::Output;
use safemigrate::store::{Holder, Store};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const RUN: [&str; 2] = ["schedule", "run"];

fn run(scene: &Scene, arguments: &[&str]) -> Output {
    scene.run(&[&RUN, arguments].concat())
}

/// RFC 3339, so many seconds ago.
fn ago(seconds: u64) -> String {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - Duration::from_secs(seconds);
    format!("{}", jiff::Timestamp::from_second(i64::try_from(at.as_secs()).unwrap()).unwrap())
}

fn record(scene: &Scene, name: &str, content: &Value) {
    let folder = scene.store().join("schedule");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.json")), content.to_string()).unwrap();
}

fn install(scene: &Scene, since: u64) {
    record(scene, "installed", &json!({"runner": "cron", "every": "1h", "kind": "full", "since": ago(since)}));
}

fn last(scene: &Scene) -> Value {
    serde_json::from_str(&fs::read_to_string(scene.store().join("schedule/last.json")).unwrap()).unwrap()
}

#[test]
fn waits_for_another_command_and_skips_when_it_does_not_end() {
    let scene = Scene::new(SHOP);
    scene.backup();
    install(&scene, 5 * 3600);
    let store = Store::open(&scene.store()).unwrap();
    let holder = Holder { pid: std::process::id(), command: "dev".into(), since: ago(60) };
    let lock = store.lock(&holder).unwrap();
    let skipped = run(&scene, &["--wait", "1"]).ok();
    assert_eq!((skipped.stdout.as_str(), skipped.stderr.as_str()), ("", ""), "no failure");
    assert_eq!(last(&scene)["outcome"], "skipped");
    assert!(last(&scene)["why"].as_str().unwrap().starts_with("`safemigrate dev` (process "), "{}", last(&scene));
    assert_eq!(scene.listed().len(), 2);
    scene
        .run(&["status"])
        .ok()
        .says("There is no scheduled backup, because the attempt")
        .says("was skipped: `safemigrate dev`");

    let waiting = scene.spawn(&["schedule", "run", "--wait", "60"], &Default::default());
    wait_until("it waits", || last(&scene)["outcome"] == "started");
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(scene.listed().len(), 2, "not while the lock is held");
    drop(lock);
    assert!(waiting.wait_with_output().unwrap().status.success());
    assert_eq!((&last(&scene)["outcome"], scene.listed().len()), (&json!("done"), 3));
    scene.run(&["status"]).ok().says("the last good one is f-");
}

/// Its rollback replaces the database from another store.
#[test]
fn waits_for_a_claim_on_the_database_too() {
    let scene = Scene::new(SHOP);
    let name = "safemigrate rollback 4711 2026-11-23T00:11:34.123Z";
    let mut psql = scene.cluster.session("shop");
    psql.run(&format!("SET application_name = '{name}'; SELECT pg_advisory_lock({}, 2)", 0x5361_6665));
    run(&scene, &["--wait", "0"]).ok();
    assert_eq!(last(&scene)["outcome"], "skipped");
    assert!(last(&scene)["why"].as_str().unwrap().contains("`safemigrate rollback` (process 4711"), "{}", last(&scene));
    assert!(scene.listed().is_empty());
    drop(psql);
    run(&scene, &[]).ok();
    assert_eq!(scene.listed().len(), 1);
}

#[test]
fn a_failure_is_seen() {
    let mut scene = Scene::new(SHOP);
    install(&scene, 48 * 3600);
    run(&scene, &["--kind", "both"]).ok();
    let taken = scene.json(&["status"])["schedule"]["last_good"]["backups"].as_array().unwrap().len();
    assert_eq!((taken, scene.listed().len()), (2, 2));
    scene.cluster.stop();
    run(&scene, &[]).code(1).says("does not answer");
    assert_eq!(last(&scene)["outcome"], "failed");
    for (arguments, code) in [(&["status"][..], 0), (&["schedule", "status"], 0)] {
        let said = scene
            .run(arguments)
            .code(code)
            .says("The last good scheduled backup is ")
            .says("failed: ")
            .says("does not answer");
        assert!(!said.stdout.contains(crate::scene::CANARY), "{said}");
    }
    scene.cluster.restart();
    // the next guarded command says it too, in one line, and goes on
    let dev = scene.run(&["run", "--", "true"]).ok();
    assert_eq!(dev.stderr.matches("The last good scheduled backup is").count(), 1, "{dev}");
    run(&scene, &[]).ok();
    let after = scene.run(&["run", "--", "true"]).ok();
    assert!(!after.stderr.contains("scheduled"), "{after}");
}

#[test]
fn what_does_not_run_is_seen() {
    let scene = Scene::new(SHOP);
    run(&scene, &[]).ok();
    let id = scene.listed()[0].clone();
    assert!(scene.json(&["status"])["schedule"].is_null(), "nothing is installed");
    let late = || scene.json(&["status"])["schedule"]["late"].clone();
    install(&scene, 72 * 3600);
    assert_eq!(late(), Value::Null);
    record(&scene, "good", &json!({"at": ago(26 * 3600), "backups": [id]}));
    record(&scene, "last", &json!({"at": ago(26 * 3600), "outcome": "done"}));
    assert_eq!(late(), "The last good scheduled backup is 26 hours old, because cron has not run it for 26 hours");
    let page = Served::start(&scene).get("/backups").body;
    assert!(page.contains("The last good scheduled backup is 26 hours old, because cron has not run it"), "{page}");
    let dev = scene.run(&["run", "--", "true"]).ok();
    assert!(
        dev.stderr.starts_with("warning: The last good scheduled backup is 26 hours old, because cron has not run it"),
        "{dev}"
    );
    record(&scene, "last", &json!({"at": ago(5400), "outcome": "started"}));
    assert_eq!(
        late(),
        "The last good scheduled backup is 26 hours old, because the attempt 90 minutes ago was ended before it was done"
    );
    // the newest good one was deleted by hand, and there is no other
    scene.run(&["delete", &id, "--yes"]).ok();
    for left in scene.listed() {
        scene.run(&["delete", &left, "--yes", "--confirm", &left]).ok();
    }
    record(&scene, "last", &json!({"at": ago(60), "outcome": "done"}));
    assert_eq!(late(), "There is no scheduled backup, because the last one is not in the store any more");
    // a record that cannot be read is no reason not to migrate, and none to say that all is well
    fs::write(scene.store().join("schedule/good.json"), "{").unwrap();
    scene.run(&["run", "--", "true"]).ok().says("Whether the scheduled backups are taken is not known");
    scene.run(&["status"]).ok().says("Whether the scheduled backups are taken is not known");
    run(&scene, &[]).ok();
    assert_eq!(late(), Value::Null);
}

/// The project's folder is there, and its configuration cannot be read any more.
#[test]
fn what_fails_before_the_backup_is_written_down_too() {
    let scene = Scene::new(SHOP);
    let store = scene.store();
    fs::write(scene.folder.path().join("safemigrate.toml"), "[nonsense]\n").unwrap();
    run(&scene, &["--store", store.to_str().unwrap()]).code(1).says("safemigrate.toml");
    assert!(last(&scene)["why"].as_str().unwrap().contains("safemigrate.toml line 1"), "{}", last(&scene));
}
