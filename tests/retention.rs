//! Retention never forgets the last good past, and the user has the last word: pins, `delete`, and what `list` says.

mod scene;
#[path = "check/small_store.rs"]
mod small_store;
mod support;

use safemigrate::operations::retention::prune;
use safemigrate::store::Holder;
use scene::{SHOP, Scene};
use serde_json::{Value, json};
use small_store::{DATA, FULL, OLDER, SmallStore, write};
use std::fs;
use std::process::{Command, Stdio};
use support::{Output, Terminal};

fn command(small: &SmallStore, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safemigrate"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm").env("LANG", "C.UTF-8");
    command.env("SAFEMIGRATE_STORE", small.store.root()).current_dir(small.folder.path());
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(small: &SmallStore, arguments: &[&str]) -> Output {
    Output::of(&mut command(small, arguments))
}

fn object(small: &SmallStore, arguments: &[&str], code: i32) -> Value {
    let output = run(small, &[arguments, &["--json"]].concat()).code(code);
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("not one JSON object: {e}{output}"))
}

fn listed(small: &SmallStore) -> Vec<String> {
    let said = object(small, &["list"], 0);
    said["backups"].as_array().unwrap().iter().map(|b| b["id"].as_str().unwrap().to_owned()).collect()
}

/// Ten hourly backups of a filled table, a wipe, and a night of hourly backups of an empty one.
#[test]
fn in_the_morning_after_a_wipe_the_good_one_is_there() {
    let small = SmallStore::new();
    for hour in 0..24 {
        let rows = if hour < 10 { 1000 + hour } else { 0 };
        write(&small.store, &format!("hour00{hour:02}"), &format!("2026-01-03T{hour:02}:00:00.000Z"), rows);
        prune(&small.store, 10, &[]).unwrap();
    }
    let said = object(&small, &["list"], 0);
    let held: Vec<(&str, &Value)> = said["backups"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|b| b["held"] != json!([]))
        .map(|b| (b["id"].as_str().unwrap(), &b["held"]))
        .collect();
    let why =
        |kind: &str| json!([format!("the newest before public.User shrank from 1009 to 0 rows")]).to_string() + kind;
    assert_eq!(held.len(), 4, "{held:?}");
    for kind in ["f", "d"] {
        let (good, bad) = (format!("{kind}-hour0009"), format!("{kind}-hour0010"));
        let of = |id: &str| held.iter().find(|(held, _)| *held == id).map(|(_, why)| why.to_string() + kind);
        assert_eq!(of(&good), Some(why(kind)));
        assert_eq!(of(&bad), Some(json!([format!("the first after {good}: shows what shrank")]).to_string() + kind));
    }
    assert_eq!(listed(&small).len(), 2 * (10 + 2), "the newest ten of each kind, and those");
    let text = run(&small, &["list"]).ok().says("Held, however old they get:");
    text.says("f-hour0009  the newest before public.User shrank from 1009 to 0 rows");
    run(&small, &["show", "f-hour0009"]).ok().says("held       the newest before");
    assert_eq!(object(&small, &["check", "f-hour0009"], 0)["ok"], true, "and whole");
    // pruning harder does not take them, and says so
    let said = object(&small, &["prune", "--keep", "1"], 0);
    assert_eq!((said["removed"].as_array().unwrap().len(), said["held"].as_array().unwrap().len()), (18, 4), "{said}");
    run(&small, &["prune", "--keep", "1"]).ok().says("Nothing to remove.").says("4 older backups held");
    assert_eq!(listed(&small).len(), 6);
}

/// What `du` counts.
fn on_disk(small: &SmallStore) -> u64 {
    let output = Command::new("du").args(["--summarize", "--block-size=1"]).arg(small.store.root()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap().parse().unwrap()
}

/// Said before, said afterwards, and what the disk says.
#[test]
fn what_is_said_to_be_freed_is_freed() {
    let small = SmallStore::new();
    for hour in 0..8 {
        write(&small.store, &format!("hour00{hour:02}"), &format!("2026-01-03T{hour:02}:00:00.000Z"), 3000 + hour);
    }
    object(&small, &["pin", "f-hour0001"], 0);
    object(&small, &["pin", "d-hour0000"], 0);
    let before = on_disk(&small);
    let files = small.files();
    let planned = object(&small, &["prune", "--keep", "3", "--dry-run"], 0);
    assert_eq!(small.files(), files, "nothing was changed");
    let shown = run(&small, &["prune", "--keep", "3", "--dry-run"]).ok();
    let shown = shown.says("12 backups would go; ").says("Nothing was changed (--dry-run)").stdout;
    let line = |id: &str| shown.lines().find(|line| line.starts_with(id)).unwrap_or_default().to_owned();
    assert!(line("f-hour0004").ends_with("yes   3 newer full backups of shop"), "{shown}");
    assert!(line("d-aaaaaaaa").ends_with("yes   9 newer data-only backups of shop"), "{shown}");
    assert!(line("f-hour0001").ends_with("held  pinned"), "{shown}");
    let done = object(&small, &["prune", "--keep", "3"], 0);
    for field in ["removed", "why", "held", "objects_removed", "bytes_freed"] {
        assert_eq!(planned[field], done[field], "{field}");
    }
    assert_eq!(done["removed"].as_array().unwrap().len(), 12, "{done}");
    let freed = done["bytes_freed"].as_u64().unwrap();
    assert!(freed > 0 && before - on_disk(&small) == freed, "{freed} and {}", before - on_disk(&small));
    // all that a backup adds is freed with it, manifest and all
    let adds = object(&small, &["list"], 0)["backups"][0]["stored_bytes"].clone();
    let before = on_disk(&small);
    let newest = listed(&small)[0].clone();
    let done = object(&small, &["delete", &newest, "--yes"], 0);
    assert_eq!((&done["bytes_freed"], before - on_disk(&small)), (&adds, adds.as_u64().unwrap()));
    // as long as one cannot be read no object goes, and nobody says that it would
    fs::write(small.manifest_file("d-hour0000"), b"{").unwrap();
    let (planned, before) = (object(&small, &["prune", "--keep", "1", "--dry-run"], 0), on_disk(&small));
    let done = object(&small, &["prune", "--keep", "1"], 0);
    assert_eq!((&planned["bytes_freed"], &done["objects_removed"]), (&done["bytes_freed"], &json!(0)));
    assert_eq!(done["bytes_freed"], before - on_disk(&small));
}

#[test]
fn the_real_story_ends_with_all_rows_back() {
    let scene = Scene::new(SHOP);
    fs::write(scene.folder.path().join("safemigrate.toml"), "[retention]\nkeep = 2\n").unwrap();
    let before = scene.dump();
    let (good, _) = scene.backup();
    scene.cluster.psql("shop", "TRUNCATE \"Order\", customer");
    (0..4).for_each(|_| drop(scene.backup()));
    let said = scene.json(&["list"]);
    let backup = said["backups"].as_array().unwrap().iter().find(|b| b["id"] == good.as_str()).unwrap().clone();
    let why = backup["held"][0].as_str().unwrap();
    assert_eq!(why, "the newest before public.Order shrank from 1000 to 0 rows (and 1 more table shrank)");
    scene.run(&["rollback", &good, "--yes", "--confirm", "shop"]).ok();
    assert_eq!(scene.dump(), before);
}

#[test]
fn a_pinned_one_stays_until_it_is_unpinned() {
    let small = SmallStore::new();
    let manifest = fs::read(small.manifest_file(OLDER)).unwrap();
    let said = object(&small, &["pin", "f-a"], 0);
    assert_eq!((&said["backup"], &said["pinned"], &said["changed"]), (&json!(OLDER), &json!(true), &json!(true)));
    assert_eq!(object(&small, &["pin", OLDER], 0)["changed"], false);
    assert_eq!(fs::read(small.manifest_file(OLDER)).unwrap(), manifest, "manifests are written once");
    object(&small, &["prune", "--keep", "1"], 0);
    assert_eq!(listed(&small), [DATA, FULL, OLDER]);
    let pinned: Vec<(Value, Value)> = object(&small, &["list"], 0)["backups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| (b["pinned"].clone(), b["held"].clone()))
        .collect();
    let free = (json!(false), json!([]));
    assert_eq!(pinned, [free.clone(), free, (json!(true), json!(["pinned"]))]);
    assert_eq!(object(&small, &["show", OLDER], 0)["backup"]["pinned"], true);
    assert_eq!(object(&small, &["check", OLDER], 0)["ok"], true);
    // what a crash left half written is no pin, and goes
    fs::write(small.path("pins/.tmpAbC"), b"").unwrap();
    let said = object(&small, &["unpin", OLDER], 0);
    assert_eq!((&said["pinned"], &said["changed"]), (&json!(false), &json!(true)));
    assert_eq!(object(&small, &["unpin", OLDER], 0)["changed"], false);
    assert!(fs::read_dir(small.path("pins")).unwrap().next().is_none());
    object(&small, &["prune", "--keep", "1"], 0);
    assert_eq!(listed(&small), [DATA, FULL]);
    for command in ["pin", "unpin", "delete"] {
        assert_eq!(object(&small, &[command, "f-nowhere"], 10)["error"]["kind"], "no-such-backup");
        assert_eq!(object(&small, &[command, "bbbb"], 2)["error"]["kind"], "usage", "both of a checkpoint");
    }
}

#[test]
fn a_backup_is_deleted_with_all_that_only_it_needs() {
    let small = SmallStore::new();
    let before = small.files().len();
    let refused = object(&small, &["delete", OLDER], 7);
    assert_eq!(refused["error"]["kind"], "confirmation");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("Delete f-aaaaaaaa (full backup of shop, 350 rows") && message.contains("nothing was changed")
    );
    assert_eq!(small.files().len(), before);
    let said = object(&small, &["delete", OLDER, "--yes"], 0);
    assert_eq!((&said["backup"], &said["objects_removed"]), (&json!(OLDER), &json!(0)), "its pair needs its rows");
    // to name it is to confirm it
    let said = object(&small, &["delete", "d-aaaaaaaa", "--confirm", "d-aaaaaaaa"], 0);
    assert_eq!(said["objects_removed"], json!(1), "the structure and one table are shared with the newer ones");
    assert!(said["bytes_freed"].as_u64().unwrap() > 0);
    assert_eq!(listed(&small), [DATA, FULL]);
    assert_eq!(object(&small, &["check", "--all"], 0)["ok"], true);
}

#[test]
fn a_held_one_goes_only_by_its_name() {
    let small = SmallStore::new();
    object(&small, &["pin", OLDER], 0);
    for arguments in [&["delete", OLDER][..], &["delete", OLDER, "--yes"], &["delete", OLDER, "--confirm", "shop"]] {
        let said = object(&small, arguments, 7);
        let message = said["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("f-aaaaaaaa is held: pinned. "), "{message}");
        assert!(message.to_lowercase().contains("nothing was changed"), "{message}");
        assert_eq!(said["error"]["hints"][0], "add --confirm f-aaaaaaaa");
    }
    assert!(listed(&small).contains(&OLDER.to_owned()));
    let mut terminal = Terminal::spawn(command(&small, &["delete", OLDER, "--yes"]));
    terminal.expect("f-aaaaaaaa is held: pinned");
    terminal.expect("Type f-aaaaaaaa to go on:");
    terminal.send_line("yes");
    assert_eq!(terminal.wait(), 7);
    let mut terminal = Terminal::spawn(command(&small, &["delete", OLDER]));
    terminal.expect("to go on:");
    terminal.send_line(OLDER);
    terminal.expect("Deleted f-aaaaaaaa");
    assert_eq!(terminal.wait(), 0);
    assert!(!small.path(format!("pins/{OLDER}")).exists(), "its pin went with it");
    assert_eq!(listed(&small), [DATA, FULL, "d-aaaaaaaa"]);
}

#[test]
fn one_that_cannot_be_read_can_be_deleted() {
    for folder in [false, true] {
        let small = SmallStore::new();
        fs::remove_file(small.manifest_file(OLDER)).unwrap();
        match folder {
            true => fs::create_dir(small.manifest_file(OLDER)).unwrap(),
            false => fs::write(small.manifest_file(OLDER), b"{").unwrap(),
        }
        // as long as it is there, no object goes
        let said = object(&small, &["delete", "d-aaaaaaaa", "--yes"], 0);
        assert_eq!((&said["objects_removed"], &said["unreadable"]), (&json!(0), &json!([OLDER])));
        assert!(
            object(&small, &["delete", OLDER], 7)["error"]["message"].as_str().unwrap().contains("it cannot be read")
        );
        let said = object(&small, &["delete", OLDER, "--yes"], 0);
        assert_eq!((&said["objects_removed"], &said["unreadable"]), (&json!(1), &json!([])));
        assert_eq!(object(&small, &["check", "--all"], 0)["ok"], true);
    }
}

#[test]
fn never_while_another_run_holds_the_lock() {
    let small = SmallStore::new();
    let holder = Holder { pid: 4711, command: "dev".into(), since: "2026-01-01T00:00:00Z".into() };
    let lock = small.store.lock(&holder).unwrap();
    for arguments in [&["pin", FULL][..], &["unpin", FULL], &["delete", FULL, "--yes"]] {
        let said = object(&small, arguments, 11);
        assert!(said["error"]["message"].as_str().unwrap().contains("process 4711"), "{said}");
    }
    assert_eq!(listed(&small).len(), 4);
    // whoever only looks is not in the way
    object(&small, &["check", "--all"], 0);
    drop(lock);
    object(&small, &["delete", FULL, "--yes"], 0);
}
