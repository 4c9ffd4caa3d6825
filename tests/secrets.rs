//! Passwords: in no argument, no file of the store, no output; and files that nobody else may read.

mod scene;
mod support;

#[path = "secrets/environment.rs"]
mod environment;
#[path = "secrets/project.rs"]
mod project;

use scene::{CANARY, SHOP, Scene, copy};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::Output;

/// The password as it is, and as URLs write it.
const FORMS: &[&str] = &[CANARY, "c4nary", "P%40ss", "w%25rd"];

pub fn tells(text: &str) -> bool {
    FORMS.iter().any(|form| text.contains(form))
}

/// Every command line that was seen of us and our children while `work` was done.
pub fn command_lines(store: &Path, work: impl FnOnce()) -> BTreeSet<String> {
    let wanted = store.display().to_string();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::SeqCst) {
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
                    if memchr::memmem::find(&environment, wanted.as_bytes()).is_some() {
                        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
                        seen.insert(String::from_utf8_lossy(&line).replace('\0', " "));
                    }
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            seen
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::SeqCst);
        let seen = watcher.join().unwrap();
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        seen
    })
}

#[test]
fn the_password_is_seen_nowhere() {
    let scene = Scene::new(SHOP);
    let mut said = Vec::new();
    let seen = command_lines(&scene.store(), || {
        let (full, data) = scene.backup();
        for arguments in [
            &["backup", "-v"][..],
            &["verify", &full, "-v"],
            &["show", &full, "--json"],
            &["list", "-v"],
            &["rollback", &full, "--yes", "--confirm", "shop", "--strategy", "swap", "-v"],
            &["rollback", &full, "--yes", "--confirm", "shop", "--strategy", "in-place", "-v"],
            &["reinsert", &data, "--yes", "--confirm", "shop", "-v"],
            &["guard", "status", "--json"],
            &["history", "--json"],
            &["status", "-v"],
        ] {
            said.push(scene.run(arguments).ok());
        }
    });
    for program in ["safemigrate", "pg_dump", "pg_restore"] {
        assert!(seen.iter().any(|line| line.contains(program)), "{program} was watched: {seen:?}");
    }
    assert!(!seen.iter().any(|line| tells(line)), "{seen:?}");
    for output in said {
        assert!(!tells(&output.stdout) && !tells(&output.stderr), "{output}");
    }
    for entry in walkdir::WalkDir::new(scene.store()).into_iter().flatten().filter(|e| e.file_type().is_file()) {
        let content = std::fs::read(entry.path()).unwrap();
        let inside = zstd::decode_all(&content[..]).unwrap_or_default();
        for bytes in [&content, &inside] {
            assert!(!tells(&String::from_utf8_lossy(bytes)), "{}", entry.path().display());
        }
    }
    assert!(!tells(&scene.cluster.log()), "{}", scene.cluster.log());
}

/// Whatever the umask, and whatever mode the folder had.
#[test]
fn files_are_for_their_owner_alone() {
    files_are_private_under("000");
}

#[test]
fn files_are_for_their_owner_alone_and_for_him_they_are() {
    files_are_private_under("777");
}

fn files_are_private_under(umask: &str) {
    let scene = Scene::new(SHOP);
    std::fs::create_dir(scene.store()).unwrap();
    std::fs::set_permissions(scene.store(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let run = |arguments: &[&str]| {
        let plain = scene.command(arguments);
        let mut command = scene.command(&[]);
        command = {
            let mut shell = std::process::Command::new("sh");
            shell
                .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
                .arg(plain.get_program())
                .args(plain.get_args());
            shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            shell.current_dir(scene.folder.path());
            shell
        };
        Output::of(&mut command).ok()
    };
    run(&["backup"]);
    let data = scene.listed().into_iter().find(|id| id.starts_with("d-")).unwrap();
    scene.cluster.psql("shop", "TRUNCATE \"Order\"; ALTER TABLE \"Order\" ADD CHECK (id > 10)");
    run(&["reinsert", &data, "--yes", "--confirm", "shop", "--rejects", "save"]);
    run(&["rollback", &data.replace("d-", "f-"), "--yes", "--confirm", "shop"]);
    let entries: Vec<_> = walkdir::WalkDir::new(scene.store()).into_iter().flatten().collect();
    assert!(entries.iter().any(|e| e.path().starts_with(scene.store().join("rejects")) && e.file_type().is_file()));
    for entry in entries {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
        let wanted = if entry.file_type().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}: {mode:o}", entry.path().display());
    }
}

/// A damaged backup is told of without what is in it.
#[test]
fn nothing_of_the_rows_is_in_an_error() {
    let scene = Scene::new(SHOP);
    scene.cluster.psql("shop", &format!("UPDATE customer SET name = '{CANARY}'"));
    let (full, _) = scene.backup();
    let damaged = scene.folder.path().join("damaged");
    copy(&scene.store(), &damaged);
    for entry in walkdir::WalkDir::new(damaged.join("objects")).into_iter().flatten() {
        if entry.file_type().is_file() {
            std::fs::write(entry.path(), zstd::encode_all(CANARY.as_bytes(), 1).unwrap()).unwrap();
        }
    }
    let mut command = scene.command(&["rollback", &full, "--yes", "--confirm", "shop", "-v"]);
    let output = Output::of(command.env("SAFEMIGRATE_STORE", &damaged)).code(13);
    assert!(!tells(&output.stdout) && !tells(&output.stderr), "{output}");
}
