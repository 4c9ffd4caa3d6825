//! Where PostgreSQL's programs are, and as whom they may run.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The programs of one PostgreSQL: `SAFEMIGRATE_TEST_PG_BIN`, else the newest of PATH and Debian's folders.
#[derive(Clone, Debug)]
pub struct ServerPrograms {
    pub bin: PathBuf,
    pub major: u32,
}

impl ServerPrograms {
    pub fn find() -> ServerPrograms {
        static FOUND: OnceLock<ServerPrograms> = OnceLock::new();
        FOUND.get_or_init(find).clone()
    }

    pub fn in_folder(bin: impl Into<PathBuf>) -> ServerPrograms {
        let bin = bin.into();
        let major = major_version(&bin).unwrap_or_else(|| panic!("{}: no `postgres` of a PostgreSQL", bin.display()));
        ServerPrograms { bin, major }
    }

    pub fn path(&self, program: &str) -> PathBuf {
        self.bin.join(program)
    }

    /// A program of this PostgreSQL that knows nothing of the caller's `PG*` variables.
    pub fn command(&self, program: &str) -> Command {
        without_pg_variables(self.path(program))
    }
}

fn find() -> ServerPrograms {
    if let Some(chosen) = std::env::var_os("SAFEMIGRATE_TEST_PG_BIN") {
        return ServerPrograms::in_folder(chosen);
    }
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(debian)
        // PATH may hold links to some of the programs.
        .filter_map(|bin| Some(bin.join("initdb").canonicalize().ok()?.parent()?.to_path_buf()))
        .filter(|bin| ["postgres", "psql", "pg_dump"].iter().all(|program| bin.join(program).exists()))
        .filter_map(|bin| Some(ServerPrograms { major: major_version(&bin)?, bin }))
        .max_by_key(|found| found.major)
        .expect("no PostgreSQL server programs on this machine: run scripts/setup")
}

fn major_version(bin: &Path) -> Option<u32> {
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let version = said.split_whitespace().nth(2)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn without_pg_variables(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|n| n.starts_with("PG") && n != "PGTZ") {
            command.env_remove(name);
        }
    }
    command
}

/// The user a server runs as: PostgreSQL refuses root, so that root steps down to `postgres`, else `nobody`.
#[derive(Clone, Copy, Debug)]
pub enum ServerUser {
    Ourselves { uid: u32 },
    Other { uid: u32, gid: u32 },
}

impl ServerUser {
    pub fn choose() -> ServerUser {
        static CHOSEN: OnceLock<ServerUser> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let our_uid = id(&["-u"]).expect("id -u");
            if our_uid != 0 {
                return ServerUser::Ourselves { uid: our_uid };
            }
            ["postgres", "nobody"]
                .iter()
                .find_map(|name| Some(ServerUser::Other { uid: id(&["-u", name])?, gid: id(&["-g", name])? }))
                .expect("neither a user `postgres` nor `nobody`")
        })
    }

    pub fn uid(self) -> u32 {
        match self {
            ServerUser::Ourselves { uid } | ServerUser::Other { uid, .. } => uid,
        }
    }

    pub fn run_as(self, command: &mut Command) {
        if let ServerUser::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    pub fn own(self, path: &Path) {
        if let ServerUser::Other { uid, gid } = self {
            chown(path, Some(uid), Some(gid)).unwrap_or_else(|e| panic!("chown {}: {e}", path.display()));
        }
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
