//! One at a time: on a store, and on a database from whichever store. The others say who is at work, and a dead holder
//! keeps nobody away.

mod scene;
mod support;

use safemigrate::domain::holder::Holder;
use safemigrate::postgres::claim::{Claim, Purpose};
use safemigrate::postgres::url::DatabaseUrl;
use safemigrate::store::Store;
use scene::{SHOP, Scene, copy, ended, script, signal, wait_until};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const STARTS: usize = 20;

/// `pg_dump` takes so many seconds longer, and says when it has begun.
fn slow_tools(scene: &Scene, seconds: u32) -> (PathBuf, PathBuf) {
    let (tools, mark) = (scene.folder.path().join("slow"), scene.folder.path().join("mark"));
    for name in ["pg_dump", "pg_restore"] {
        let real = scene.cluster.programs.path(name);
        let sleep = format!("[ \"$1\" = --version ] || {{ touch '{}'; sleep {seconds}; }}; ", mark.display());
        let sleep = if name == "pg_dump" { sleep } else { String::new() };
        script(&tools, name, &format!("{sleep}exec {} \"$@\"", real.display()));
    }
    (tools, mark)
}

/// Who is named: command, process and since when.
#[track_caller]
fn named(said: &str, place: &str) -> (String, u32) {
    let value: serde_json::Value = serde_json::from_str(said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!(value["error"]["kind"], "locked", "{said}");
    let message = value["error"]["message"].as_str().unwrap();
    assert!(message.ends_with(&format!(" is at work {place}. Nothing was changed")), "{message}");
    let (command, rest) = message.strip_prefix("`safemigrate ").unwrap().split_once("` (process ").unwrap();
    let (pid, rest) = rest.split_once(", since 2").unwrap();
    assert!(rest.contains("Z)"), "{message}");
    let hints = value["error"]["hints"].as_array().unwrap();
    assert_eq!(hints[0], "Wait until it is done, then try again.");
    (command.to_owned(), pid.parse().unwrap())
}

/// `status` and an open page ask every now and then who holds the lock; that is no holding.
#[test]
fn whoever_only_looks_keeps_nobody_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.prepare().unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let _ = store.lock_holder();
                    std::thread::sleep(Duration::from_micros(300));
                }
            });
        }
        let holder = |n: usize| Holder { pid: std::process::id(), command: n.to_string(), since: String::new() };
        let refused = (0..5000).find_map(|n| {
            // as a rule nobody holds it: then a look is for a moment all that is there
            std::thread::sleep(Duration::from_micros(100));
            store.lock(&holder(n)).err()
        });
        over.store(true, Ordering::SeqCst);
        assert!(refused.is_none(), "{refused:?}");
    });
}

#[test]
fn twenty_at_once_on_one_store() {
    let scene = Scene::new(SHOP);
    let (tools, _) = slow_tools(&scene, 4);
    let environment = BTreeMap::from([("SAFEMIGRATE_PG_BIN", tools)]);
    let children: Vec<Child> = (0..STARTS).map(|_| scene.spawn(&["backup", "--json"], &environment)).collect();
    let pids: Vec<u32> = children.iter().map(Child::id).collect();
    let endings: Vec<_> = children.into_iter().map(ended).collect();
    let winners: Vec<u32> =
        pids.iter().zip(&endings).filter(|(_, (code, ..))| *code == 0).map(|(pid, _)| *pid).collect();
    let [winner] = winners[..] else { panic!("one and no more: {endings:#?}") };
    for (code, stdout, stderr) in endings.iter().filter(|(code, ..)| *code != 0) {
        assert_eq!(*code, 11, "{stdout}{stderr}");
        assert_eq!(named(stdout, "in this store"), ("backup".to_owned(), winner));
    }
    assert_eq!(scene.listed().len(), 2);
    scene.all_whole();
}

#[test]
fn twenty_at_once_on_one_database() {
    let scene = Scene::new(SHOP);
    let (full, data) = scene.backup();
    let before = scene.dump();
    scene.cluster.psql("shop", "DELETE FROM \"Order\" WHERE id > 900");
    let (tools, _) = slow_tools(&scene, 6);
    let commands: [&[&str]; 3] = [
        &["rollback", &full, "--yes", "--confirm", "shop", "--json"],
        &["backup", "--json"],
        &["reinsert", &data, "--yes", "--confirm", "shop", "--json"],
    ];
    let children: Vec<(usize, Child)> = (0..STARTS)
        .map(|n| {
            let store = scene.folder.path().join(format!("store-{n}"));
            copy(&scene.store(), &store);
            // most of them want to replace what is there
            let which = if n % 5 == 4 { 1 + n % 2 } else { 0 };
            let url = scene.cluster.socket_url("shop");
            let environment = BTreeMap::from([
                ("SAFEMIGRATE_PG_BIN", tools.clone()),
                ("SAFEMIGRATE_STORE", store),
                ("SAFEMIGRATE_URL", PathBuf::from(url)),
            ]);
            (which, scene.spawn(commands[which], &environment))
        })
        .collect();
    let pids: Vec<u32> = children.iter().map(|(_, child)| child.id()).collect();
    let endings: Vec<_> = children.into_iter().map(|(which, child)| (commands[which][0], ended(child))).collect();
    let won = |n: &usize| endings[*n].1.0 == 0;
    let winners: Vec<usize> = (0..STARTS).filter(won).collect();
    assert!(!winners.is_empty(), "one proceeds: {endings:#?}");
    for (_, (code, stdout, stderr)) in endings.iter().filter(|(_, (code, ..))| *code != 0) {
        assert_eq!(*code, 11, "{stdout}{stderr}");
        let (command, pid) = named(stdout, "on the database shop");
        let holder = pids.iter().position(|p| *p == pid).expect("one of them");
        assert!(won(&holder) && endings[holder].0 == command, "{command} {pid} {endings:#?}");
    }
    // the first holds it for as long as all the others take to come
    let alone = winners.iter().filter(|n| endings[**n].0 == "rollback").count();
    assert!(alone <= 2, "{alone} rollbacks: {endings:#?}");
    if alone > 0 || winners.iter().any(|n| endings[*n].0 == "reinsert") {
        assert_eq!(scene.dump(), before);
    }
    assert_eq!(scene.cluster.psql("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'shop%'"), "1");
}

#[test]
fn a_dead_holder_keeps_nobody_away() {
    let scene = Scene::new(SHOP);
    let (full, data) = scene.backup();
    let url = DatabaseUrl::parse(&scene.cluster.socket_url("shop")).unwrap();
    let me = Holder { pid: 1, command: "reinsert".into(), since: "2026-01-01T00:00:00Z".into() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let take = |purpose| runtime.block_on(Claim::take(&url, &me, purpose));
    let (tools, mark) = slow_tools(&scene, 30);
    let other = scene.folder.path().join("other");
    copy(&scene.store(), &other);
    for (command, replaces) in [(&["backup"][..], false), (&["rollback", &full, "--yes", "--confirm", "shop"], true)] {
        let _ = std::fs::remove_file(&mark);
        let holder = scene.spawn(command, &BTreeMap::from([("SAFEMIGRATE_PG_BIN", tools.clone())]));
        wait_until("the holder is at work", || mark.exists());
        let refused = take(Purpose::Replace).err().unwrap();
        assert!(refused.message.contains(&format!("(process {}, since ", holder.id())), "{refused:?}");
        let mut arguments = vec!["reinsert", &data, "--yes", "--confirm", "shop", "--json", "--store", "other"];
        let (command, pid) = named(&scene.run(&arguments).code(11).stdout, "on the database shop");
        assert_eq!((command.as_str(), pid), (command.as_str(), holder.id()));
        // backups share, and a migration is no matter to them
        assert_eq!(take(Purpose::Read).is_err(), replaces);
        assert_eq!(take(Purpose::Migrate).is_err(), replaces);
        signal("KILL", holder.id());
        let died = Instant::now();
        assert_eq!(ended(holder).0, 137);
        while take(Purpose::Replace).is_err() {
            assert!(died.elapsed() < Duration::from_secs(1), "a second after its death it still keeps others away");
        }
        assert!(died.elapsed() < Duration::from_secs(1), "{:?}", died.elapsed());
        // and its store's lock is free, too
        arguments.truncate(6);
        scene.run(&arguments).ok();
    }
}

/// What stands in the lock's file may be of somebody who died.
#[test]
fn a_dead_holder_is_not_named() {
    let scene = Scene::new(SHOP);
    scene.backup();
    let (tools, mark) = slow_tools(&scene, 30);
    let environment = BTreeMap::from([("SAFEMIGRATE_PG_BIN", tools)]);
    for _ in 0..3 {
        let _ = std::fs::remove_file(&mark);
        let holder = scene.spawn(&["backup"], &environment);
        wait_until("the holder is at work", || mark.exists());
        let (_, pid) = named(&scene.run(&["backup", "--json"]).code(11).stdout, "in this store");
        assert_eq!(pid, holder.id());
        signal("KILL", holder.id());
        ended(holder);
    }
}
