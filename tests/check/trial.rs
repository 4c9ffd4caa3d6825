//! `check --restore`: proven by a restore that leaves no trace.

use crate::scene::{CANARY, SHOP, Scene, ended, script, signal, wait_until};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

fn scratch_databases(scene: &Scene) -> String {
    scene
        .cluster
        .psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE '%safemigrate%'")
        .trim()
        .to_owned()
}

/// Tools of which `pg_dump` says that it has come to describe the scratch database, and then takes its time.
fn slow_tools(scene: &Scene) -> (BTreeMap<&'static str, PathBuf>, PathBuf) {
    let (tools, mark) = (scene.folder.path().join("slow"), scene.folder.path().join("mark"));
    for name in ["pg_dump", "pg_restore"] {
        let real = scene.cluster.programs.path(name);
        let sleep = if name == "pg_dump" { "[ \"$1\" = --version ] || { touch \"$MARK\"; sleep 20; }; " } else { "" };
        script(&tools, name, &format!("MARK='{}'\n{sleep}exec {} \"$@\"", mark.display(), real.display()));
    }
    (BTreeMap::from([("SAFEMIGRATE_PG_BIN", tools)]), mark)
}

#[test]
fn it_restores_compares_and_drops() {
    let scene = Scene::new(SHOP);
    scene
        .cluster
        .psql("shop", "SELECT lo_from_bytea(0, 'large'); CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM customer");
    let (full, data) = scene.backup();
    // what is there now is another matter
    scene.cluster.psql("shop", "DROP TABLE \"Order\" CASCADE");
    let before = scene.dump();
    let said = scene.json(&["check", "--restore"]);
    let proofs: Vec<(&str, &str)> = said["backups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| (b["id"].as_str().unwrap(), b["proof"].as_str().unwrap()))
        .collect();
    assert_eq!(proofs, [(full.as_str(), "restored"), (data.as_str(), "restored")]);
    // a data-only backup is restored into the structure of its full one
    assert_eq!(scene.json(&["check", &data, "--restore"])["backups"][0]["proof"], "restored");
    scene.run(&["check", &full, "--restore"]).ok().says("restored into a scratch database").says("dropped again");
    assert_eq!(scratch_databases(&scene), "");
    assert_eq!(scene.dump(), before, "the live database is as it was");
    // even where there is no live database any more
    scene.cluster.psql("postgres", "DROP DATABASE shop");
    assert_eq!(scene.json(&["check", "--restore"])["backups"][0]["proof"], "restored");
    assert_eq!(scratch_databases(&scene), "");
}

#[test]
fn data_without_a_structure_is_counted_again() {
    let scene = Scene::new(SHOP);
    let said = scene.json(&["backup", "--kind", "data-only"]);
    let id = said["backups"][0]["id"].as_str().unwrap();
    let said = scene.json(&["check", "--restore"]);
    assert_eq!((said["backups"][0]["id"].as_str(), said["backups"][0]["proof"].as_str()), (Some(id), Some("rows")));
    assert!(said["backups"][0]["note"].as_str().unwrap().contains("no structure to restore it into"), "{said}");
    swap_digests(&scene, id);
    let output = scene.run(&["check", "--restore"]).code(13);
    output.says("the rows of public.customer are not those that were counted");
}

/// A manifest that claims other values than were stored, in itself without a fault.
fn swap_digests(scene: &Scene, id: &str) {
    let path = scene.store().join(format!("backups/{id}.json"));
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find("\"manifest\":").unwrap() + "\"manifest\":".len();
    let mut manifest: serde_json::Value = serde_json::from_str(&text[start..text.len() - 1]).unwrap();
    let tables = manifest["tables"].as_array_mut().unwrap();
    let customer = tables.iter_mut().find(|t| t["table"]["name"]["name"] == "customer").unwrap();
    customer["stats"]["digest"] = "000000000000000000000000000000aa".into();
    let raw = manifest.to_string();
    let hash = blake3::hash(raw.as_bytes()).to_hex();
    fs::write(&path, format!("{{\"format\":1,\"blake3\":\"{hash}\",\"manifest\":{raw}}}")).unwrap();
}

#[test]
fn a_copy_that_differs_is_a_damage() {
    let scene = Scene::new(SHOP);
    let (full, _) = scene.backup();
    swap_digests(&scene, &full);
    scene.run(&["check", &full]).ok();
    let before = scene.dump();
    let output = scene.run(&["check", &full, "--restore"]).code(13);
    output.says("The restored copy is not equal to the backup").says("public.customer");
    assert_eq!(scratch_databases(&scene), "");
    assert_eq!(scene.dump(), before);
}

#[test]
fn a_damaged_one_is_not_restored() {
    let scene = Scene::new(SHOP);
    let (full, data) = scene.backup();
    let manifest = scene.store().join(format!("backups/{full}.json"));
    fs::write(&manifest, b"{").unwrap();
    let output = scene.run(&["check", "--restore", "--json"]).code(13);
    let said: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let proofs: Vec<_> =
        said["backups"].as_array().unwrap().iter().map(|b| (b["id"].as_str(), b["proof"].as_str())).collect();
    assert_eq!(proofs, [(Some(full.as_str()), Some("hashes")), (Some(data.as_str()), Some("rows"))]);
}

#[test]
fn interrupted_it_leaves_nothing() {
    for name in ["INT", "TERM"] {
        let scene = Scene::new(SHOP);
        scene.backup();
        let (tools, mark) = slow_tools(&scene);
        let child = scene.spawn(&["check", "--restore", "--json"], &tools);
        wait_until("the copy is being proven", || mark.exists());
        assert!(scratch_databases(&scene).starts_with("shop_safemigrate_new_"));
        signal(name, child.id());
        let (code, stdout, _) = ended(child);
        assert_eq!(code, 130, "{stdout}");
        assert!(stdout.contains("which was dropped") && stdout.contains("live database was not touched"), "{stdout}");
        assert_eq!(scratch_databases(&scene), "");
    }
}

#[test]
fn what_a_killed_one_left_is_dropped_later() {
    for next in [&["check", "--restore"][..], &["recover"]] {
        let scene = Scene::new(SHOP);
        let (full, _) = scene.backup();
        let before = scene.dump();
        let (tools, mark) = slow_tools(&scene);
        let child = scene.spawn(&["check", &full, "--restore"], &tools);
        wait_until("the copy is being proven", || mark.exists());
        // as long as it is at work nobody takes it away
        scene.run(&["recover"]).code(11).says("trial restore of shop is at work");
        scene.run(&["check", &full, "--restore"]).code(11);
        signal("KILL", child.id());
        assert_eq!(ended(child).0, 128 + 9);
        let left = scratch_databases(&scene);
        assert!(left.starts_with("shop_safemigrate_new_"), "{left}");
        wait_until("the server has noticed", || scene.run(next).code == 0);
        assert_eq!(scratch_databases(&scene), "");
        assert_eq!(scene.dump(), before);
    }
}

#[test]
fn a_role_that_may_not_says_so() {
    let scene = Scene::new(SHOP);
    let (full, _) = scene.backup();
    scene
        .cluster
        .psql("postgres", &format!("CREATE ROLE plain LOGIN PASSWORD '{CANARY}'; ALTER DATABASE shop OWNER TO plain"));
    let url = scene.cluster.url_as("plain", CANARY, "shop");
    let output = scene.run(&["check", &full, "--restore", "--url", &url, "--json"]).code(1);
    let said: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let message = said["error"]["message"].as_str().unwrap();
    assert!(message.contains("this role may not create databases") && message.contains("was not touched"), "{message}");
    // that it cannot be restored here is no fault of the backup
    assert_eq!(said["backups"][0]["ok"], true);
}
