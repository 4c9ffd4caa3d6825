//! Projects, stores, ids and names that are not there.

use super::case::{Stage, case, folder, text};
use crate::scene::{CANARY, copy, ended, script, signal, wait_until};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

const STORE: &str = "SAFEMIGRATE_STORE";

#[test]
fn no_project() {
    let stage = Stage::new();
    let empty = folder(&stage, "empty");
    let says: &[&str] = &["No Prisma project in", "Nothing was changed", "--project DIR", "--url postgresql://"];
    for arguments in [&["backup"][..], &["list"], &["dev"], &["rollback"], &["status"], &["prune"]] {
        stage.refuses(&case(arguments, 1, "no-project", says).with("SAFEMIGRATE_URL", "").with(STORE, ""));
    }
    stage.refuses(&case(&["dev"], 1, "no-project", says));
    for (project, says) in
        [("nowhere/at/all", "nowhere/at/all of --project cannot be opened"), ("empty", "empty is no Prisma project")]
    {
        for command in ["backup", "dev", "list"] {
            stage.refuses(&case(&[command, "--project", project], 1, "no-project", &[says, "Nothing was changed"]));
        }
    }
    assert!(fs::read_dir(empty).unwrap().next().is_none(), "nothing was made in it");
}

#[test]
fn stores_that_cannot_be_used() {
    let stage = Stage::new();
    let root = stage.scene.folder.path().to_owned();
    fs::write(root.join("a file"), "in its place").unwrap();
    fs::write(folder(&stage, "photos").join("cat.jpg"), "meow").unwrap();
    let newer = folder(&stage, "newer");
    fs::write(newer.join("format"), "2\n").unwrap();
    for (store, says) in [
        ("a file", &["a file", "cannot be"][..]),
        ("missing/parent/store", &["there is no folder", "missing/parent", "mkdir -p", "Nothing was changed"]),
        ("photos", &["photos is not empty", "cat.jpg", "and no store", "Nothing was changed"]),
        ("newer", &["written by a newer safemigrate", "Update safemigrate"]),
        ("s3://bucket/x", &["--store takes a folder"]),
    ] {
        let path = if store.contains("://") { store.to_owned() } else { text(&root.join(store)) };
        let (code, kind) = if store.contains("://") { (2, "usage") } else { (1, "store") };
        stage.refuses(&case(&["backup"], code, kind, says).with(STORE, path));
    }
    assert!(!root.join("missing").exists(), "no path is made on what may be the wrong disk");
    assert_eq!(fs::read_dir(root.join("photos")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(newer).unwrap().count(), 1);
}

/// Rights mean nothing to root, who steps down here.
#[test]
fn a_store_that_may_not_be_written() {
    let stage = Stage::new();
    let root = tempfile::Builder::new().prefix("safemigrate-").tempdir_in("/tmp").unwrap();
    chmod(root.path(), "755");
    let program = root.path().join("safemigrate");
    fs::copy(env!("CARGO_BIN_EXE_safemigrate"), &program).unwrap();
    let (closed, full_of_rights) = (root.path().join("closed"), root.path().join("once"));
    fs::create_dir(&closed).unwrap();
    copy(&stage.scene.store(), &full_of_rights);
    let root_user = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    for (store, mode) in
        [(closed.join("store"), None), (closed.clone(), Some("555")), (full_of_rights, Some("-R a-w,a+rX"))]
    {
        if let Some(mode) = mode {
            let words: Vec<&str> = mode.split(' ').collect();
            assert!(Command::new("chmod").args(words).arg(&store).status().unwrap().success());
        }
        chmod(&closed, "555");
        let mut command = Command::new(&program);
        command.args(["backup", "--json"]).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
        command.env("SAFEMIGRATE_URL", stage.scene.url()).env(STORE, &store);
        if root_user {
            command.uid(65534).gid(65534);
        }
        let output = crate::support::Output::of(&mut command).code(1).says("cannot be written").says("ermi");
        let output = output.says("or give another place with --store DIR").says("\"kind\":\"store\"");
        assert!(!output.stdout.contains(CANARY), "{output}");
    }
}

fn chmod(path: &std::path::Path, mode: &str) {
    assert!(Command::new("chmod").arg(mode).arg(path).status().unwrap().success());
}

#[test]
fn ids_that_mean_no_backup() {
    let stage = Stage::new();
    for command in [&["show"][..], &["verify"], &["rollback", "--yes"], &["reinsert", "--yes"]] {
        let with = |id: &'static str| [command, &[id]].concat();
        let says: &[&str] = &["There is no backup f-nowhere", "safemigrate list"];
        stage.refuses(&case(&with("f-nowhere"), 10, "no-such-backup", says));
        stage.refuses(&case(&with("../../etc/passwd"), 10, "no-such-backup", &["There is no backup ../../etc/passwd"]));
        stage.refuses(&case(&with(""), 10, "no-such-backup", &["safemigrate list"]));
        let empty = text(&stage.scene.folder.path().join("no store yet"));
        stage.refuses(&case(&with("latest"), 10, "no-such-backup", &["There is no backup yet"]).with(STORE, empty));
    }
    for command in [&["verify"][..], &["rollback", "--yes"], &["reinsert", "--yes"]] {
        let says: &[&str] = &["There is no checkpoint of a run yet", "safemigrate list", "Nothing was changed"];
        stage.refuses(&case(command, 10, "no-such-backup", says));
    }
    // both kinds of the one checkpoint begin so
    let stem = &stage.full[2..5];
    let says: &[&str] = &["Several backups begin with", &stage.full, &stage.data, "Type more"];
    stage.refuses(&case(&["show", stem], 2, "usage", says));
    let (full, data) = (format!("f-{}", &stage.full[2..]), &stage.data);
    let says: &[&str] =
        &["is data-only; a rollback needs a full backup", "Nothing was changed", "safemigrate rollback", &full];
    stage.refuses(&case(&["rollback", data, "--yes"], 2, "usage", says));
}

#[test]
fn names_that_exist_nowhere() {
    let stage = Stage::new();
    for (flag, value, says) in [
        ("--map", "Nowhere=customer", "Nowhere"),
        ("--map", "customer.nothing=name", "nothing"),
        ("--map", "customer.name=nothing", "nothing"),
        ("--map", "customer", "customer"),
        ("--map", "=", "="),
        ("--fill", "customer.nothing=1", "nothing"),
        ("--fill", "customer=1", "customer"),
        ("--fill", "customer.name", "customer.name"),
        ("--map-value", "customer.nothing:a=b", "nothing"),
        ("--map-value", "customer.name=b", "customer.name"),
        ("--table", "nowhere", "nowhere"),
    ] {
        stage.refuses(&case(&["reinsert", &stage.data, "--yes", flag, value], 2, "usage", &[says]));
    }
}

#[test]
fn another_run_holds_the_lock() {
    let stage = Stage::new();
    let (tools, mark) = (folder(&stage, "slow tools"), stage.scene.folder.path().join("mark"));
    let real = stage.scene.cluster.programs.path("pg_dump");
    let text = "[ \"$1\" = --version ] || { touch \"$MARK\"; sleep 20; }; exec";
    script(&tools, "pg_dump", &format!("MARK='{}'\n{text} {} \"$@\"", mark.display(), real.display()));
    let holder = stage.scene.spawn(&["backup"], &BTreeMap::from([("SAFEMIGRATE_PG_BIN", tools)]));
    wait_until("the holder is at work", || mark.exists());
    let pid = format!("process {}", holder.id());
    let says: &[&str] =
        &["`safemigrate backup`", &pid, "is at work in this store", "Nothing was changed", "Wait until it is done"];
    // each is told the same; the dump of `refuses` would wait for the table
    let mut case = case(&["backup"], 11, "locked", says);
    let refused = |case: &super::case::Case<'_>| {
        let mut command = stage.scene.command(&case.arguments);
        let output = crate::support::Output::of(command.arg("--json")).code(case.code).says("\"kind\":\"locked\"");
        says.iter().fold(output, |output, words| output.says(words));
    };
    refused(&case);
    case.arguments = vec!["prune"];
    refused(&case);
    case.arguments = vec!["rollback", &stage.full, "--yes", "--confirm", "shop"];
    refused(&case);
    case.arguments = vec!["reinsert", &stage.data, "--yes", "--confirm", "shop"];
    refused(&case);
    stage.scene.run(&["list"]).ok();
    stage.scene.run(&["status"]).ok();
    signal("KILL", holder.id());
    let mut holder = holder;
    assert!(!holder.wait().unwrap().success());
    // a dead holder's lock is free
    stage.scene.backup();
}

/// Whoever reads waits ten seconds and then names who stands in the way.
#[test]
fn a_table_that_stays_locked() {
    let stage = Stage::new();
    let mut session = stage.scene.cluster.session("shop");
    session.run("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE");
    let waiting: Vec<_> = [
        vec!["backup", "--json"],
        vec!["verify", &stage.full, "--json"],
        vec!["reinsert", &stage.data, "--yes", "--json"],
    ]
    .iter()
    .map(|arguments| stage.scene.spawn(arguments, &BTreeMap::new()))
    .collect();
    for child in waiting {
        let (code, stdout, _) = ended(child);
        assert_eq!(code, 1, "{stdout}");
        for words in [
            "customer is locked by process",
            "of user postgres",
            "LOCK TABLE customer",
            "othing was changed",
            "End that transaction",
        ] {
            assert!(stdout.contains(words), "says {words:?}: {stdout}");
        }
    }
    session.run("COMMIT");
    stage.scene.backup();
}
