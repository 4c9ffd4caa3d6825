//! A project whose next migration adds a column, and whose backups take as long as a test wants.

use crate::support::{Cluster, Prisma, Project, Shape, Terminal, engine_environment};
use std::fs;
use std::io::{PipeReader, Read, pipe};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Dev {
    pub cluster: Cluster,
    project: Project,
    pub dump: String,
    migrations: Vec<String>,
}

impl Dev {
    pub fn new(prisma: Prisma) -> Dev {
        let cluster = Cluster::start();
        let project = Project::new(prisma, Shape::Product, &cluster, "shop");
        cluster.prepare(&project, "shop");
        let rows = "SELECT 'Product ' || n, n FROM generate_series(1, 50) n";
        cluster.psql("shop", &format!(r#"INSERT INTO "Product" (name, price) {rows}"#));
        project.edit_schema("price Decimal", "description String?\n  price Decimal");
        Dev { dump: cluster.dump("shop"), migrations: project.migrations(), cluster, project }
    }

    /// `FAULTS=all`, as the fault tests know it.
    pub fn thoroughly(&self) -> bool {
        std::env::var("FAULTS").is_ok_and(|which| which == "all")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.project.path(name)
    }

    pub fn read(&self, name: &str) -> String {
        self.project.read(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        self.project.write(name, text);
    }

    pub fn edit_schema(&self, from: &str, to: &str) {
        self.project.edit_schema(from, to);
    }

    /// `real` in the script is the server's own pg_dump, `mark` a file that says that it is at work.
    pub fn wrap_pg_dump(&self, text: &str) {
        let (real, mark) = (self.cluster.programs.path("pg_dump"), self.path("mark"));
        let head = format!(
            "#!/bin/sh\nreal={}\nmark={}\n[ \"$1\" != --version ] || exec $real --version\n",
            real.display(),
            mark.display()
        );
        self.project.write("tools/pg_dump", &(head + text));
        fs::set_permissions(self.path("tools/pg_dump"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn unwrapped(&self) {
        self.wrap_pg_dump("exec $real \"$@\"");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let _ = fs::remove_file(self.path("mark"));
        let mut command = self.project.safemigrate_command(arguments);
        if self.path("tools").is_dir() {
            command.env("SAFEMIGRATE_PG_BIN", self.path("tools"));
        }
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Started {
        started(&mut self.command(arguments))
    }

    pub fn start_with(&self, arguments: &[&str], variable: &str, value: &str) -> Started {
        started(self.command(arguments).env(variable, value))
    }

    pub fn start_without_engine(&self, arguments: &[&str]) -> Started {
        started(self.command(arguments).env_remove("PRISMA_SCHEMA_ENGINE_BINARY"))
    }

    pub fn terminal(&self, arguments: &[&str]) -> Terminal {
        Terminal::spawn(self.command(arguments))
    }

    pub fn stand_in_engine(&self) -> String {
        let environment = engine_environment(&self.project.prisma.installation());
        let engine = environment.into_iter().find(|(name, _)| name == "PRISMA_SCHEMA_ENGINE_BINARY");
        engine.map_or_else(|| panic!("this Prisma has an engine of its own"), |(_, path)| path)
    }

    /// The schema, rows and Prisma's journal.
    pub fn database(&self) -> String {
        self.cluster.dump("shop")
    }

    /// Columns of `Product`, those of the schema's order.
    pub fn columns(&self) -> String {
        let from = "FROM information_schema.columns WHERE table_name = 'Product'";
        self.cluster.psql("shop", &format!("SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) {from}"))
    }

    pub fn has_backup(&self) -> bool {
        let (_, list) = self.project.json(&["list"]);
        !list["backups"].as_array().unwrap().is_empty()
    }

    /// All processes whose folder is the project's.
    pub fn processes(&self) -> Vec<String> {
        let root = self.project.root();
        let all = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
            let inside = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&root));
            let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            // one that has ended and is not waited for yet has no words
            (inside && !words.is_empty()).then(|| String::from_utf8_lossy(&words).replace('\0', " "))
        });
        all.filter(|words| !words.contains("sleep")).collect()
    }

    pub fn at_the_gate(&self) -> bool {
        self.processes().iter().any(|words| words.contains("safemigrate-engine"))
    }

    #[track_caller]
    pub fn nobody_is_left(&self) {
        wait_until("everybody has ended", || self.processes().is_empty());
    }

    #[track_caller]
    pub fn is_untouched(&self, said: &str) {
        self.nobody_is_left();
        assert!(self.database() == self.dump, "the database is as it was: {said}");
        assert_eq!(self.project.migrations(), self.migrations, "{said}");
        assert!(!self.has_backup(), "no half backup is listed: {said}");
    }

    /// Killed at any time: as it was, but for a checkpoint that may have been finished and a draft.
    #[track_caller]
    pub fn cleared(&self, said: &str) {
        let journal = r#"SELECT count(*) FROM "_prisma_migrations""#;
        assert_eq!(self.cluster.psql("shop", journal), "1", "{said}");
        self.again();
    }

    /// The database and the project as before any of it.
    pub fn again(&self) {
        let back = r#"ALTER TABLE "Product" DROP COLUMN IF EXISTS description; DELETE FROM "_prisma_migrations" WHERE migration_name LIKE '%add'"#;
        self.cluster.psql("shop", back);
        for name in self.project.migrations().iter().filter(|name| !self.migrations.contains(name)) {
            fs::remove_dir_all(self.path("prisma/migrations").join(name)).unwrap();
        }
        self.project.safemigrate(&["recover"]).ok();
        let _ = fs::remove_dir_all(self.path(".safemigrate"));
    }

    #[track_caller]
    pub fn goes_through(&self, arguments: &[&str]) {
        self.unwrapped();
        let (code, said) = ended(self.start(arguments));
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("Your data is all there"), "{said}");
    }

    /// As long as there is no checkpoint, the database is as it was; in the end both are there.
    #[track_caller]
    pub fn nothing_before_the_backup(&self, mut started: Started) {
        let mut looks = 0;
        while started.child.try_wait().unwrap().is_none() {
            let applied = self.columns().contains("description");
            assert!(!applied || self.has_backup(), "applied before the backup");
            looks += 1;
            std::thread::sleep(Duration::from_millis(50));
        }
        let (code, said) = ended(started);
        assert_eq!(code, 0, "{said}");
        assert!(looks > 10, "{looks}");
        for text in ["Checkpoint f-", "migration(s) have been created and applied"] {
            assert!(said.contains(text), "{said}");
        }
    }
}

/// A command with one pipe for all that it and its children write, so that the order is that of a terminal.
pub struct Started {
    pub child: Child,
    said: PipeReader,
}

fn started(command: &mut Command) -> Started {
    let (said, writer) = pipe().unwrap();
    command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let child = command.spawn().unwrap();
    // or our own end of the pipe would keep it open
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Started { child, said }
}

/// Its exit code (128 + the signal) and all that was said, by Prisma and by us.
pub fn ended(mut started: Started) -> (i32, String) {
    let mut said = Vec::new();
    started.said.read_to_end(&mut said).unwrap();
    let status = started.child.wait().unwrap();
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
    (code, String::from_utf8_lossy(&said).into_owned())
}

pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

#[track_caller]
pub fn wait_until(what: &str, there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// That the texts stand one after the other.
#[track_caller]
pub fn after(said: &str, texts: &[&str]) {
    let mut rest = said;
    for text in texts {
        let at = rest.find(text).unwrap_or_else(|| panic!("{text:?} is not there, or too early: {said}"));
        rest = &rest[at + text.len()..];
    }
}
