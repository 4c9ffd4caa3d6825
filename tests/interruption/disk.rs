//! A full disk: a small one, grown step by step until the backup fits.

use crate::scene::{SHOP, Scene, left_overs, script};
use crate::support::Output;
use crate::victim::Victim;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk of its own, gone with the test. `None` where we may not mount.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(place: &Path, size: &str) -> Option<SmallDisk> {
        std::fs::create_dir_all(place).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "safemigrate-test"]).arg(place);
        if mount.output().is_ok_and(|o| o.status.success()) {
            return Some(SmallDisk(place.to_owned()));
        }
        eprintln!("SKIPPED: a full disk needs root and mount(8): run this test as root");
        None
    }

    pub fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn until_it_fits() {
    let victim = Victim::big();
    let Some(disk) = SmallDisk::mount(&victim.scene.store(), "4k") else { return };
    let dump = victim.scene.dump();
    let mut failures = 0;
    for kilobytes in (0..).map(|n: u32| 4 + n * n * n * 8) {
        disk.grow(&format!("{kilobytes}k"));
        let output = victim.scene.run(&["backup", "--json"]);
        if output.code == 0 {
            break;
        }
        failures += 1;
        let output =
            output.code(1).says("\"kind\":\"store\"").says("cannot be written").says("The disk is full: make room");
        assert!(output.stdout.contains("othing was changed") || output.stdout.contains("is untouched"), "{output}");
        assert_eq!(victim.scene.listed(), Vec::<String>::new(), "{kilobytes} kB: no half backup is listed");
    }
    assert!(failures > 5, "{failures} sizes were too small");
    assert_eq!(victim.scene.listed().len(), 2);
    victim.scene.all_whole();
    assert_eq!(left_overs(&victim.scene.store()), Vec::<String>::new());
    assert!(victim.scene.dump() == dump, "the database is as it was");
    // the next ones fit too: they store nothing twice
    victim.scene.backup();
    assert_eq!(victim.scene.listed().len(), 4);
}

/// A rollback whose store has room for ever more: each time it is as before, or it is done, and it says which.
struct Rollback {
    scene: Scene,
    full: String,
    good: String,
    ruins: String,
}

impl Rollback {
    /// `before_backup` may put a disk where the store will be.
    fn new<T>(before_backup: impl FnOnce(&Scene) -> T) -> (Rollback, T) {
        let scene = Scene::new(SHOP);
        let made = before_backup(&scene);
        let (full, _) = scene.backup();
        let good = scene.dump();
        scene.cluster.psql(
            "shop",
            r#"UPDATE "Order" SET note = md5(note || id) || repeat(md5(id::text), 20); CREATE TABLE extra (n int)"#,
        );
        (Rollback { ruins: scene.dump(), scene, full, good }, made)
    }

    fn arguments(&self) -> [&str; 6] {
        ["rollback", &self.full, "--yes", "--confirm", "shop", "--json"]
    }

    /// Tells whether it is done.
    #[track_caller]
    fn is_told(&self, output: Output, what: &str) -> bool {
        let done = output.code == 0 || output.stdout.contains("Rolled back to ");
        if output.code != 0 {
            assert_eq!(output.code, 1, "{what}: {output}");
            assert!(output.stdout.contains("\"kind\":\"store\""), "{what}: {output}");
            let unchanged = output.stdout.contains("othing was changed") || output.stdout.contains("is untouched");
            assert!(unchanged != done, "{what}: {output}");
        }
        assert!(self.scene.dump() == if done { &*self.good } else { &*self.ruins }, "{what}: {output}");
        let databases = "SELECT string_agg(datname || datallowconn, ' ') FROM pg_database WHERE datname LIKE 'shop%'";
        assert_eq!(self.scene.cluster.psql("postgres", databases), "shoptrue", "{what}: {output}");
        done
    }

    #[track_caller]
    fn store_is_whole(&self, what: &str) {
        self.scene.run(&["check", "--all"]).ok();
        assert!(self.scene.listed().len() >= 2, "{what}");
    }
}

#[test]
fn until_a_rollback_fits() {
    let (rollback, disk) = Rollback::new(|scene| SmallDisk::mount(&scene.store(), "10m"));
    let Some(disk) = disk else { return };
    let used = walkdir::WalkDir::new(rollback.scene.store()).into_iter().flatten();
    let used: u64 = used.map(|e| e.metadata().map_or(0, |m| m.len().div_ceil(4096) * 4)).sum();
    let mut failures = 0;
    for kilobytes in (0..).map(|n: u64| used + n * n * 4) {
        disk.grow(&format!("{kilobytes}k"));
        let output = rollback.scene.run(&rollback.arguments());
        let full = output.stdout.contains("The disk is full: make room");
        assert!(full || output.code == 0, "{kilobytes} kB: {output}");
        let done = rollback.is_told(output, &format!("{kilobytes} kB"));
        rollback.store_is_whole(&format!("{kilobytes} kB"));
        if done {
            break;
        }
        failures += 1;
    }
    assert!(failures > 3, "{failures} sizes were too small");
}

/// As everybody can: no file may become longer than so many blocks.
fn limited(scene: &Scene, arguments: &[&str], blocks: u32) -> Output {
    let command = scene.command(arguments);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args()).env_clear();
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(scene.folder.path());
    Output::of(limited.stdin(std::process::Stdio::null()))
}

#[test]
fn files_that_may_not_grow() {
    let (rollback, ()) = Rollback::new(|scene| {
        let mut failures = 0;
        for blocks in [0, 1, 4, 16, 1 << 20] {
            let output = limited(scene, &["backup", "--json"], blocks);
            if output.code == 0 {
                break;
            }
            failures += 1;
            let output = output.code(1).says("\"kind\":\"store\"").says("The disk is full: make room");
            assert!(output.stdout.contains("othing was changed") || output.stdout.contains("is untouched"), "{output}");
            assert_eq!(scene.listed(), Vec::<String>::new(), "{blocks} blocks: no half backup is listed");
        }
        assert!(failures > 2, "{failures}");
    });
    let mut failures = 0;
    for blocks in [0, 1, 4, 16, 64, 1 << 20] {
        let output = limited(&rollback.scene, &rollback.arguments(), blocks);
        let done = rollback.is_told(output, &format!("{blocks} blocks"));
        rollback.store_is_whole(&format!("{blocks} blocks"));
        if done {
            break;
        }
        failures += 1;
    }
    assert!(failures > 2, "{failures}");
    assert!(rollback.scene.dump() == rollback.good);
}

/// The store is moved away, made read-only, or loses its `tmp/`, while `pg_dump` runs for the `n`-th time.
#[test]
fn a_store_that_goes_away() {
    let (rollback, ()) = Rollback::new(|_| ());
    let scene = &rollback.scene;
    let store = scene.store();
    let (tools, count) = (scene.folder.path().join("tools"), scene.folder.path().join("count"));
    let real = scene.cluster.programs.path("pg_dump");
    std::os::unix::fs::symlink(scene.cluster.programs.path("pg_restore"), {
        std::fs::create_dir_all(&tools).unwrap();
        tools.join("pg_restore")
    })
    .unwrap();
    let (shown, away) = (store.display(), scene.folder.path().join("away"));
    let away = away.display();
    let mut ways = vec![
        (format!("rm -rf {shown}/tmp"), "true".to_owned(), vec![("rollback", 1)]),
        (
            format!("mv {shown} {away}"),
            format!("rm -rf {shown}; mv {away} {shown}"),
            vec![("backup", 1), ("rollback", 2)],
        ),
    ];
    if SmallDisk::mount(&scene.folder.path().join("may we"), "4k").is_some() {
        let only_read = format!("mount --bind {shown} {shown} && mount -o remount,bind,ro {shown}");
        ways.push((only_read, format!("umount -l {shown}"), vec![("backup", 1), ("rollback", 2)]));
    }
    for (goes, comes_back, calls) in &ways {
        for (command, call) in calls {
            let what = format!("{command}, pg_dump number {call}: {goes}");
            let _ = std::fs::remove_file(&count);
            let text = format!(
                "[ \"$1\" != --version ] || exec {0} --version\necho >> {1}\n[ $(wc -l < {1}) != {call} ] || {{ {goes}; }}\nexec {0} \"$@\"",
                real.display(),
                count.display()
            );
            script(&tools, "pg_dump", &text);
            let arguments = if *command == "backup" { vec!["backup", "--json"] } else { rollback.arguments().to_vec() };
            let output = Output::of(scene.command(&arguments).env("SAFEMIGRATE_PG_BIN", &tools));
            assert!(Command::new("sh").args(["-c", comes_back]).status().unwrap().success(), "{what}");
            let done = rollback.is_told(output, &what);
            rollback.store_is_whole(&what);
            scene.run(&["recover"]).ok();
            scene.backup();
            rollback.store_is_whole(&what);
            if done && *command == "rollback" {
                scene.cluster.psql("postgres", "DROP DATABASE shop");
                scene.cluster.psql("postgres", "CREATE DATABASE shop");
                scene.cluster.psql("shop", &rollback.ruins);
            }
        }
    }
    scene.run(&rollback.arguments()).ok();
    assert!(scene.dump() == rollback.good);
}
