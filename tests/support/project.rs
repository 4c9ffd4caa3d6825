//! A Prisma project in a temporary folder, and the commands a user types in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cluster::Cluster;
use super::prisma_engine::{engine_environment, fixtures};
use super::terminal::Terminal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prisma {
    V6,
    V7,
}

impl Prisma {
    pub const BOTH: [Prisma; 2] = [Prisma::V7, Prisma::V6];

    /// Where this version is installed.
    pub fn installation(self) -> PathBuf {
        fixtures().join(match self {
            Prisma::V6 => "prisma6",
            Prisma::V7 => "prisma7",
        })
    }
}

/// Which schema and migrations a project begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One small table: `Product { id, name, price }`.
    Product,
    /// A whole shop; `Cluster::prepare` fills it with rows that are hard to carry.
    Shop,
}

impl Shape {
    pub fn folder(self) -> PathBuf {
        fixtures().join(match self {
            Shape::Product => "product",
            Shape::Shop => "shop",
        })
    }
}

pub struct Project {
    pub prisma: Prisma,
    pub shape: Shape,
    folder: tempfile::TempDir,
    environment: BTreeMap<OsString, OsString>,
}

impl Project {
    /// Only files: neither the database nor anything in it is made (see `Cluster::prepare`).
    pub fn new(prisma: Prisma, shape: Shape, cluster: &Cluster, database: &str) -> Project {
        let folder = tempfile::Builder::new().prefix("safemigrate-").tempdir().expect("a temporary folder");
        let installation = prisma.installation();
        let mut environment: BTreeMap<OsString, OsString> = BTreeMap::new();
        for (name, value) in engine_environment(&installation) {
            environment.insert(name.into(), value.into());
        }
        environment.extend(super::node::environment());
        environment.insert("HOME".into(), folder.path().join("home").into());
        environment.insert("LANG".into(), "C.UTF-8".into());
        environment.insert("TERM".into(), "xterm-256color".into());
        let project = Project { prisma, shape, folder, environment };

        fs::create_dir_all(project.folder.path().join("home")).expect("a home");
        let header = fs::read_to_string(installation.join("datasource.prisma")).expect("datasource.prisma");
        let models = fs::read_to_string(shape.folder().join("models.prisma")).expect("models.prisma");
        project.write("prisma/schema.prisma", &format!("{header}\n{models}"));
        project.write("package.json", &fs::read_to_string(installation.join("package.json")).expect("package.json"));
        if prisma == Prisma::V7 {
            let config = fs::read_to_string(installation.join("prisma.config.ts")).expect("prisma.config.ts");
            project.write("prisma.config.ts", &config);
        }
        for entry in walkdir::WalkDir::new(shape.folder().join("migrations")).into_iter().flatten() {
            if entry.file_type().is_file() {
                let name = entry.path().strip_prefix(shape.folder()).expect("a path inside");
                project.write(Path::new("prisma").join(name), &fs::read_to_string(entry.path()).expect("a migration"));
            }
        }
        std::os::unix::fs::symlink(installation.join("node_modules"), project.path("node_modules")).expect("a symlink");
        project.set_url(&cluster.url(database));
        project
    }

    pub fn prisma7(shape: Shape, cluster: &Cluster, database: &str) -> Project {
        Project::new(Prisma::V7, shape, cluster, database)
    }

    pub fn prisma6(shape: Shape, cluster: &Cluster, database: &str) -> Project {
        Project::new(Prisma::V6, shape, cluster, database)
    }

    /// The folder of `package.json`.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    pub fn write(&self, name: impl AsRef<Path>, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Writes the `.env`.
    pub fn set_url(&self, url: &str) {
        self.write(".env", &format!("DATABASE_URL=\"{url}\"\n"));
    }

    /// Replaces a text that stands once in the schema.
    pub fn edit_schema(&self, from: &str, to: &str) {
        let schema = self.read("prisma/schema.prisma");
        assert_eq!(schema.matches(from).count(), 1, "{from:?} must stand once in the schema:\n{schema}");
        self.write("prisma/schema.prisma", &schema.replace(from, to));
    }

    /// The names of the migrations on disk, oldest first.
    pub fn migrations(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("prisma/migrations")).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter(|e| e.path().is_dir()).map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// For the commands that follow; their environment holds nothing else of the caller's but PATH.
    pub fn env(&mut self, name: &str, value: impl Into<OsString>) -> &mut Project {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub fn env_remove(&mut self, name: &str) -> &mut Project {
        self.environment.remove(&OsString::from(name));
        self
    }

    /// Any program in this project, sealed off: no terminal, no input, an environment of its own.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.root()).env_clear().envs(&self.environment).stdin(Stdio::null());
        command
    }

    pub fn safemigrate_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_safemigrate"));
        command.args(arguments);
        command
    }

    pub fn safemigrate(&self, arguments: &[&str]) -> Output {
        Output::of(&mut self.safemigrate_command(arguments))
    }

    /// Exit code and the one JSON object that `--json` promises.
    pub fn json(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let mut all = arguments.to_vec();
        // What follows `--` belongs to another command.
        all.insert(all.iter().position(|a| *a == "--").unwrap_or(all.len()), "--json");
        let output = self.safemigrate(&all);
        let value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("not one JSON object: {e}\n{output}"));
        (output.code, value)
    }

    /// Plain Prisma, without us.
    pub fn prisma(&self, arguments: &[&str]) -> Output {
        Output::of(self.command(self.path("node_modules/.bin/prisma")).args(arguments))
    }

    pub fn terminal(&self, arguments: &[&str]) -> Terminal {
        Terminal::spawn(self.safemigrate_command(arguments))
    }

    pub fn prisma_terminal(&self, arguments: &[&str]) -> Terminal {
        let mut command = self.command(self.path("node_modules/.bin/prisma"));
        command.args(arguments);
        Terminal::spawn(command)
    }
}

/// What a command left behind. Shown whole when an expectation about it fails.
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    command: String,
}

impl Output {
    pub fn of(command: &mut Command) -> Output {
        let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
        Output {
            code: exit_code(output.status),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command: words.iter().map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" "),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn code(self, expected: i32) -> Output {
        assert_eq!(self.code, expected, "{self}");
        self
    }

    #[track_caller]
    pub fn ok(self) -> Output {
        self.code(0)
    }

    /// Asserts that a text stands in stdout or stderr.
    #[track_caller]
    pub fn says(self, text: &str) -> Output {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "nowhere says {text:?}: {self}");
        self
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "\n$ {}\n--- stdout\n{}\n--- stderr\n{}\n--- exit {}",
            self.command, self.stdout, self.stderr, self.code
        )
    }
}

fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
