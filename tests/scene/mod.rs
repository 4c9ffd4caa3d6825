//! A filled database, a store beside it, and safemigrate typed at both without any Prisma project.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use crate::support::{Cluster, Output};
use safemigrate::store::Store;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The password of `boss`, the superuser of every scene. It must be seen nowhere.
pub const CANARY: &str = "c4nary:P@ss/w%rd";

/// A shop that is small but has every kind of thing.
pub const SHOP: &str = r#"
    CREATE TYPE state AS ENUM ('new', 'paid');
    CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL, friend int REFERENCES customer);
    CREATE TABLE "Order" (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, state state DEFAULT 'new', note text);
    INSERT INTO customer (name, friend) SELECT 'Customer ' || n, NULLIF(n - 1, 0) FROM generate_series(1, 200) n;
    INSERT INTO "Order" SELECT n, 1 + n % 200, 'paid', repeat(md5(n::text), 20) FROM generate_series(1, 1000) n;
    CREATE VIEW paid AS SELECT * FROM "Order" WHERE state = 'paid';
"#;

pub struct Scene {
    pub cluster: Cluster,
    pub folder: tempfile::TempDir,
}

impl Scene {
    pub fn new(sql: &str) -> Scene {
        Self::with(Cluster::start(), sql)
    }

    pub fn with(cluster: Cluster, sql: &str) -> Scene {
        cluster.create_db("shop");
        cluster.psql("shop", sql);
        cluster.psql("postgres", &format!("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '{CANARY}'"));
        let folder = tempfile::tempdir().unwrap();
        Scene { cluster, folder }
    }

    pub fn url(&self) -> String {
        self.cluster.url_as("boss", CANARY, "shop")
    }

    /// The store of all commands that name no other.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Sealed off; the database and the store come by environment, as nothing else may.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_safemigrate"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("LANG", "C.UTF-8");
        command.env("HOME", self.folder.path()).current_dir(self.folder.path());
        command.env("SAFEMIGRATE_URL", self.url()).env("SAFEMIGRATE_STORE", self.store());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        Output::of(&mut self.command(arguments))
    }

    /// The one object of a command that must do what it should.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat()).ok();
        serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("not one JSON object: {e}{output}"))
    }

    /// Takes a checkpoint: ids of the full and of the data-only backup.
    #[track_caller]
    pub fn backup(&self) -> (String, String) {
        let said = self.json(&["backup"]);
        let id = |n: usize| said["backups"][n]["id"].as_str().unwrap().to_owned();
        (id(0), id(1))
    }

    pub fn listed(&self) -> Vec<String> {
        let said = self.json(&["list"]);
        assert_eq!(said["damaged"], Value::Array(Vec::new()), "every listed backup can be read");
        said["backups"].as_array().unwrap().iter().map(|b| b["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Every object of every listed backup, hash for hash.
    pub fn all_whole(&self) {
        let store = Store::open(&self.store()).unwrap();
        let (manifests, unreadable) = store.manifests().unwrap();
        assert!(unreadable.is_empty(), "{unreadable:?}");
        for id in manifests.iter().flat_map(|m| m.objects()) {
            store.check_object(id).unwrap();
        }
    }

    pub fn dump(&self) -> String {
        self.cluster.dump("shop")
    }

    /// Starts it and does not wait. In a group of its own, so that its children can be told.
    pub fn spawn(&self, arguments: &[&str], environment: &BTreeMap<&str, PathBuf>) -> Child {
        let mut command = self.command(arguments);
        command.envs(environment).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// Exit code, stdout and stderr of what `spawn` started.
pub fn ended(child: Child) -> (i32, String, String) {
    use std::os::unix::process::ExitStatusExt;
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (code, text(&output.stdout), text(&output.stderr))
}

pub fn signal(name: &str, process: u32) {
    let _ = Command::new("kill").args(["-s", name, &process.to_string()]).stderr(Stdio::null()).status();
}

/// Waits until something is so, or fails with its name after half a minute.
#[track_caller]
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < until, "half a minute and not yet: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A program for `SAFEMIGRATE_PG_BIN`: a shell script under the name of one of PostgreSQL's.
pub fn script(folder: &Path, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A copy of a folder with everything in it, owners and modes too.
pub fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// Processes that were started with this store in their environment.
pub fn children_of(store: &Path) -> Vec<String> {
    let wanted = store.display().to_string().into_bytes();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|p| {
            let environment = fs::read(p.path().join("environ")).unwrap_or_default();
            memchr::memmem::find(&environment, &wanted).is_some()
        })
        .map(|p| fs::read_to_string(p.path().join("cmdline")).unwrap_or_default().replace('\0', " "))
        .collect()
}

/// Files of the store that no backup needs.
pub fn left_overs(store: &Path) -> Vec<String> {
    let (manifests, _) = Store::open(store).unwrap().manifests().unwrap();
    let needed: HashSet<String> = manifests.iter().flat_map(|m| m.objects().cloned()).collect();
    let files = walkdir::WalkDir::new(store).into_iter().flatten().filter(|e| e.file_type().is_file());
    let names = files.map(|e| e.path().strip_prefix(store).unwrap().display().to_string());
    names
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            match path.split('/').next() {
                Some("objects") => !needed.contains(name),
                Some("backups" | "runs") => name.starts_with('.'),
                Some("reports") => {
                    !store.join("runs").join(format!("{}.json", name.split('.').next().unwrap())).exists()
                }
                Some("lock" | "format" | ".gitignore") => false,
                Some("pins") => !manifests.iter().any(|m| m.id == name),
                Some("checks") => !manifests.iter().any(|m| name == format!("{}.json", m.id)),
                _ => true,
            }
        })
        .collect()
}
