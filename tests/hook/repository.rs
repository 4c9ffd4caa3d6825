//! A repository with a Prisma project in it, a bare remote, and somebody who types git's commands.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub struct Repository {
    folder: tempfile::TempDir,
}

/// How a command ended, and all that it said.
pub struct Said {
    pub code: i32,
    pub text: String,
}

impl Said {
    #[track_caller]
    pub fn ok(self) -> Said {
        assert_eq!(self.code, 0, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn fails(self) -> Said {
        assert_ne!(self.code, 0, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Said {
        assert!(self.text.contains(words), "nowhere {words:?}:\n{}", self.text);
        self
    }

    #[track_caller]
    pub fn never_says(self, words: &str) -> Said {
        assert!(!self.text.contains(words), "somewhere {words:?}:\n{}", self.text);
        self
    }
}

pub const INIT: &str =
    "CREATE TABLE \"User\" (\"id\" SERIAL NOT NULL, \"name\" TEXT, CONSTRAINT \"User_pkey\" PRIMARY KEY (\"id\"));\n";

impl Repository {
    /// One migration, which is on the remote.
    pub fn new() -> Repository {
        let repository = Repository::empty();
        repository.write("package.json", "{\"devDependencies\":{\"prisma\":\"7\"}}\n");
        repository.write("prisma/schema.prisma", "model User {\n  id Int @id\n}\n");
        repository.write("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n");
        repository.migration("1_init", INIT);
        repository.commit("init");
        repository.git(&["push", "-q", "-u", "origin", "main"]).ok();
        repository
    }

    pub fn empty() -> Repository {
        let folder = tempfile::Builder::new().prefix("safemigrate-hook-").tempdir().unwrap();
        let repository = Repository { folder };
        for name in ["home", "work"] {
            fs::create_dir(repository.folder.path().join(name)).unwrap();
        }
        repository.git(&["init", "-q", "--bare", "-b", "main", "../remote.git"]).ok();
        repository.git(&["init", "-q", "-b", "main"]).ok();
        repository.git(&["remote", "add", "origin", "../remote.git"]).ok();
        repository
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    pub fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn hook(&self, name: &str, text: &str) {
        self.write(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn migration(&self, name: &str, sql: &str) {
        self.write(format!("prisma/migrations/{name}/migration.sql"), sql);
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A", "-f"]).ok();
        self.git(&["commit", "-q", "--allow-empty", "-m", message]).ok();
    }

    /// A new commit with this migration.
    pub fn commit_migration(&self, name: &str, sql: &str) {
        self.migration(name, sql);
        self.commit(name);
    }

    pub fn git(&self, arguments: &[&str]) -> Said {
        said(self.command("git").args(arguments))
    }

    pub fn safemigrate(&self, arguments: &[&str]) -> Said {
        said(self.command(env!("CARGO_BIN_EXE_safemigrate")).args(arguments))
    }

    pub fn install(&self) -> Said {
        self.safemigrate(&["hook", "install"]).ok()
    }

    pub fn push(&self) -> Said {
        self.git(&["push", "origin", "HEAD"])
    }

    /// Any program at the root of the files, without a terminal; our program is in PATH.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let ours = Path::new(env!("CARGO_BIN_EXE_safemigrate")).parent().unwrap();
        let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command.current_dir(self.folder.path().join("work")).env_clear().env("PATH", path).stdin(Stdio::null());
        command.env("HOME", self.folder.path().join("home")).env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Jo").env(format!("GIT_{who}_EMAIL"), "jo@example.com");
        }
        command
    }
}

pub fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = format!("$ {command:?}\n{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Said { code: status.code().unwrap_or(-1), text }
}
