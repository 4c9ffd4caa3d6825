//! A server with a database `shop`, a store, and safemigrate as it is typed.

use super::support::{Cluster, Output, PASSWORD};
use safemigrate::domain::manifest::Manifest;
use safemigrate::store::Store;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Place {
    pub cluster: Cluster,
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new(cluster: Cluster) -> Self {
        let roles = "CREATE ROLE reader NOLOGIN; CREATE ROLE writer NOLOGIN; CREATE ROLE maker LOGIN CREATEDB PASSWORD 'sesame'; CREATE ROLE plain LOGIN";
        cluster.psql("postgres", roles);
        cluster.create_db("shop");
        Self { cluster, folder: tempfile::tempdir().unwrap() }
    }

    /// With a small `shop` in it.
    pub fn shop(sql: &str) -> Self {
        let place = Self::new(Cluster::start());
        place.cluster.psql("shop", sql);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn store(&self) -> Store {
        Store::open(&self.path("store")).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_safemigrate"));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").env("HOME", self.folder.path());
        command.env("SAFEMIGRATE_PG_BIN", &self.cluster.programs.bin).env("SAFEMIGRATE_STORE", self.path("store"));
        command.env("SAFEMIGRATE_URL", self.cluster.url_as("postgres", PASSWORD, "shop"));
        command.args(arguments).current_dir(self.folder.path()).stdin(std::process::Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        Output::of(&mut self.command(arguments))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.run(&all).ok().stdout).unwrap()
    }

    /// Takes a checkpoint; gives the ids of both backups.
    pub fn back_up(&self) -> (String, String) {
        let taken = self.json(&["backup"]);
        let id = |n: usize| taken["backups"][n]["id"].as_str().unwrap().to_owned();
        (id(0), id(1))
    }

    pub fn manifest(&self, id: &str) -> Manifest {
        self.store().manifest(id).unwrap()
    }

    /// The file that `export ID --format FORMAT` writes.
    pub fn export(&self, id: &str, format: &str) -> PathBuf {
        let path = self.path(&format!("{id}.{format}"));
        self.run(&["export", id, "--format", format, "--force", "-o", path.to_str().unwrap()]).ok();
        path
    }

    /// An empty database.
    pub fn empty(&self, name: &str) {
        self.cluster.psql("postgres", &format!("DROP DATABASE IF EXISTS {name}"));
        self.cluster.create_db(name);
    }

    /// One of the server's own programs on a database.
    pub fn program(&self, name: &str, database: &str, arguments: &[&str]) -> Output {
        let mut command = self.cluster.programs.command(name);
        command.args(["-U", "postgres", "-p", &self.cluster.port.to_string(), "-d", database]).arg("-h");
        Output::of(command.arg(self.cluster.socket_folder()).args(arguments))
    }

    pub fn psql_file(&self, database: &str, file: &Path) {
        self.program("psql", database, &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file.to_str().unwrap()]).ok();
    }
}
