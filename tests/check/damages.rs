//! Each damage has its sentence and exit 13. `check` needs no server for it; that the other commands refuse before they
//! touch the database is shown in `tests/bad_input/damage.rs`.

use crate::small_store::{DATA, FULL, OLDER, SmallStore};
use crate::support::Output;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn run(small: &SmallStore, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safemigrate"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(small.folder.path());
    command.env("SAFEMIGRATE_STORE", small.store.root()).args(arguments).stdin(Stdio::null());
    let started = Instant::now();
    let output = Output::of(&mut command);
    assert!(started.elapsed() < Duration::from_secs(20), "it hangs{output}");
    output
}

fn json(small: &SmallStore, arguments: &[&str], code: i32) -> Value {
    let output = run(small, &[arguments, &["--json"]].concat()).code(code);
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("not one JSON object: {e}{output}"))
}

/// Each backup's id and problems.
fn problems(said: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let backups = said["backups"].as_array().unwrap().iter();
    let found = backups.map(|b| {
        let problems: Vec<String> = b["problems"].as_array().unwrap().iter().map(text).collect();
        assert_eq!(b["ok"].as_bool().unwrap(), problems.is_empty(), "{b}");
        (text(&b["id"]), problems.join("; "))
    });
    found.collect()
}

/// Damages a whole store, and has `check` say it of the newer full backup: as JSON, as text, and not of the older one.
fn named(damage: impl Fn(&SmallStore), says: &[&str]) {
    let small = SmallStore::new();
    damage(&small);
    let said = json(&small, &["check", FULL], 13);
    let [(id, found)] = problems(&said).try_into().unwrap();
    assert_eq!(id, FULL);
    let message = said["error"]["message"].as_str().unwrap();
    let text = run(&small, &["check", FULL]).code(13);
    for words in says {
        assert!(found.contains(words) && message.contains(words), "{words:?} in {said}");
        assert!(text.stdout.contains(words) && text.stderr.contains(words), "{words:?} in {text}");
    }
    assert!(message.contains(FULL) && message.contains("Nothing was changed"), "{message}");
    assert_eq!(said["error"]["kind"], "damaged");
    json(&small, &["check", OLDER], 0);
    // by itself it looks at the newest checkpoint and at what may be newer
    assert!(problems(&json(&small, &["check"], 13)).iter().any(|(id, how)| id == FULL && !how.is_empty()));
    assert!(problems(&json(&small, &["check", "--all"], 13)).iter().any(|(id, how)| id == FULL && !how.is_empty()));
}

fn edit(path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut content = fs::read(path).unwrap();
    edit(&mut content);
    fs::write(path, content).unwrap();
}

fn replace(path: &Path, from: &str, to: &str) {
    edit(path, |text| {
        let before = String::from_utf8(text.clone()).unwrap();
        assert!(before.contains(from), "{from} in {before}");
        *text = before.replacen(from, to, 1).into_bytes();
    });
}

/// Edits a manifest as somebody would who knows of the checksum.
fn forge(path: &Path, from: &str, to: &str) {
    replace(path, from, to);
    let text = fs::read_to_string(path).unwrap();
    let start = text.find("\"manifest\":").unwrap() + "\"manifest\":".len();
    let hash = blake3::hash(&text.as_bytes()[start..text.len() - 1]).to_hex();
    let old = text.find("\"blake3\":\"").unwrap() + "\"blake3\":\"".len();
    fs::write(path, format!("{}{hash}{}", &text[..old], &text[old + 64..])).unwrap();
}

fn fifo(path: &Path) {
    fs::remove_file(path).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn folder(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

/// A link to the very same content.
fn link(path: &Path) {
    let aside = path.with_extension("aside");
    fs::rename(path, &aside).unwrap();
    symlink(aside, path).unwrap();
}

#[test]
fn a_whole_store_is_whole() {
    let small = SmallStore::new();
    let said = json(&small, &["check", "--all"], 0);
    assert_eq!(said["ok"], true);
    let ids: Vec<String> = problems(&said).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [FULL, DATA, OLDER, "d-aaaaaaaa"], "newest first");
    let ids: Vec<String> = problems(&json(&small, &["check"], 0)).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [FULL, DATA], "the newest checkpoint");
    assert_eq!(problems(&json(&small, &["check", "f-a"], 0)), [(OLDER.to_owned(), String::new())]);
    run(&small, &["check"]).ok().says("f-bbbbbbbb is whole: 3 objects").says("every hash is right");
}

#[test]
fn a_flipped_bit_in_an_object() {
    named(|s| edit(&s.rows_of("User"), |bytes| bytes[40] ^= 4), &["rows of public.User", "is not what was written"]);
}

#[test]
fn a_cut_object() {
    named(|s| edit(&s.rows_of("User"), |b| b.truncate(b.len() - 1)), &["rows of public.User", "is cut off"]);
}

#[test]
fn an_emptied_object() {
    named(|s| edit(&s.rows_of("User"), Vec::clear), &["rows of public.User", "is cut off"]);
}

#[test]
fn a_longer_object() {
    let more = zstd::encode_all(&b"1\tx\n"[..], 1).unwrap();
    named(|s| edit(&s.rows_of("User"), |b| b.extend(&more)), &["rows of public.User", "does not match its hash"]);
}

#[test]
fn a_missing_object() {
    named(|s| fs::remove_file(s.rows_of("User")).unwrap(), &["rows of public.User", "is missing"]);
}

#[test]
fn two_objects_swapped() {
    let swap = |s: &SmallStore| {
        let (one, other, aside) = (s.rows_of("User"), s.rows_of("Tag"), s.path("aside"));
        fs::rename(&one, &aside).unwrap();
        fs::rename(&other, &one).unwrap();
        fs::rename(&aside, &other).unwrap();
    };
    let small = SmallStore::new();
    swap(&small);
    // the rows of Tag are in both checkpoints
    let said = json(&small, &["check", "--all"], 13);
    let damaged = problems(&said);
    assert!(damaged.iter().all(|(_, how)| how.contains("(rows of public.Tag) is not what was written")), "{said}");
    let (_, how) = damaged.iter().find(|(id, _)| id == FULL).unwrap();
    assert!(how.contains("rows of public.User") && how.contains("does not match its hash"), "{how}");
    assert!(said["error"]["message"].as_str().unwrap().contains("4 of 4 backups are damaged"), "{said}");
}

#[test]
fn a_link_in_the_place_of_an_object() {
    named(|s| link(&s.rows_of("User")), &["rows of public.User", "is not a regular file"]);
}

#[test]
fn a_fifo_in_the_place_of_an_object() {
    named(|s| fifo(&s.rows_of("User")), &["rows of public.User", "is not a regular file"]);
}

#[test]
fn a_folder_in_the_place_of_an_object() {
    named(|s| folder(&s.rows_of("User")), &["rows of public.User", "is not a regular file"]);
}

#[test]
fn an_edited_manifest() {
    named(
        |s| replace(&s.manifest_file(FULL), "\"rows\":400", "\"rows\":399"),
        &["manifest does not match its checksum"],
    );
}

#[test]
fn a_forged_manifest() {
    let rows = |s: &SmallStore| forge(&s.manifest_file(FULL), "\"rows\":400", "\"rows\":399");
    named(rows, &["contradicts itself", "the figures of public.User do not add up"]);
    let kind = |s: &SmallStore| forge(&s.manifest_file(FULL), "\"kind\":\"full\"", "\"kind\":\"data-only\"");
    named(kind, &["contradicts itself", "is no name for a data-only backup"]);
}

#[test]
fn a_manifest_that_asks_for_less_than_an_object_holds() {
    let forged = |s: &SmallStore| {
        let text = fs::read_to_string(s.manifest_file(FULL)).unwrap();
        let structure = text.find("\"structure\":").unwrap();
        let bytes = &text[structure..text[structure..].find('}').unwrap() + structure];
        forge(&s.manifest_file(FULL), bytes, &bytes.replace("\"bytes\":8000", "\"bytes\":7999"));
    };
    named(forged, &["(the structure) holds 8000 bytes, not 7999"]);
}

#[test]
fn a_manifest_of_a_newer_format() {
    named(
        |s| replace(&s.manifest_file(FULL), "{\"format\":1", "{\"format\":2"),
        &["was written by a newer safemigrate"],
    );
}

#[test]
fn a_manifest_of_a_format_that_never_was() {
    named(|s| replace(&s.manifest_file(FULL), "{\"format\":1", "{\"format\":0"), &["a format that there never was"]);
}

#[test]
fn a_truncated_manifest() {
    named(|s| edit(&s.manifest_file(FULL), |b| b.truncate(b.len() - 1)), &["manifest is not whole"]);
    named(|s| edit(&s.manifest_file(FULL), Vec::clear), &["manifest is not whole"]);
}

#[test]
fn a_manifest_under_another_name() {
    named(
        |s| {
            fs::remove_file(s.manifest_file(FULL)).unwrap();
            fs::copy(s.manifest_file(DATA), s.manifest_file(FULL)).unwrap();
        },
        &["manifest belongs to another backup"],
    );
}

#[test]
fn something_else_in_the_place_of_a_manifest() {
    for other in [link, fifo, folder] {
        named(|s| other(&s.manifest_file(FULL)), &["manifest is not a regular file"]);
    }
}

#[test]
fn a_damaged_journal() {
    for damage in [
        |path: &Path| replace(path, "dev", "div"),
        |path: &Path| edit(path, |b| b.truncate(b.len() / 2)),
        fifo,
        folder,
        link,
        |path: &Path| assert!(fs::copy(path, path.with_file_name("r-dddddddd.json")).unwrap() > 0),
    ] {
        let small = SmallStore::new();
        damage(&small.path("runs/r-cccccccc.json"));
        let said = json(&small, &["check"], 13);
        let problem = said["journal_problems"][0].as_str().unwrap();
        assert!(problem.contains("the journal of a run cannot be read") && problem.contains("runs/r-"), "{said}");
        assert!(problems(&said).iter().all(|(_, how)| how.is_empty()), "{said}");
        json(&small, &["check", FULL], 0);
        run(&small, &["status"]).ok().says("Whether this run ended is not known").says("runs/r-");
    }
}

#[test]
fn something_else_in_the_place_of_format_and_lock() {
    for (name, other) in [("format", fifo as fn(&Path)), ("format", folder), ("lock", link), ("lock", fifo)] {
        let small = SmallStore::new();
        other(&small.path(name));
        let before = fs::read(small.path("lock.aside")).ok();
        let said = json(&small, &["prune"], 1);
        assert_eq!(said["error"]["kind"], "store", "{name}: {said}");
        assert_eq!(fs::read(small.path("lock.aside")).ok(), before, "nothing is written through a link");
    }
}

#[test]
fn a_store_that_everybody_can_write() {
    for folder in ["", "objects", "backups", "runs"] {
        let small = SmallStore::new();
        fs::set_permissions(small.path(folder), fs::Permissions::from_mode(0o777)).unwrap();
        for command in
            [&["check"][..], &["list"], &["prune"], &["rollback", FULL, "--url", "postgres://x@127.0.0.1:1/x"]]
        {
            let said = json(&small, command, 13);
            let message = said["error"]["message"].as_str().unwrap();
            assert!(message.contains("The store cannot be trusted") && message.contains("can be written by everybody"));
            assert!(
                message.contains("Nothing was changed")
                    && said["error"]["hints"][0].as_str().unwrap().contains("chmod")
            );
        }
    }
}

#[test]
fn a_store_of_another_user() {
    let small = SmallStore::new();
    // only root may give things away
    if !Command::new("chown").arg("65534").arg(small.path("backups")).status().unwrap().success() {
        return;
    }
    let said = json(&small, &["check"], 13);
    assert!(said["error"]["message"].as_str().unwrap().contains("backups belongs to another user"), "{said}");
}

#[test]
fn nothing_to_check_is_not_fine() {
    let small = SmallStore::new();
    for id in ["f-", "d-"] {
        for stem in ["aaaaaaaa", "bbbbbbbb"] {
            fs::remove_file(small.manifest_file(&format!("{id}{stem}"))).unwrap();
        }
    }
    for arguments in [&["check"][..], &["check", "--all"], &["check", "latest"], &["check", "f-bbbbbbbb"]] {
        assert_eq!(json(&small, arguments, 10)["error"]["kind"], "no-such-backup");
    }
    json(&small, &["check", "--all", "latest"], 2);
}
