//! A `crontab` of the test's own, and projects whose commands find it.

use crate::scene::script;
use crate::support::{Cluster, Output, Prisma, Project, Shape};
use std::fs;
use std::path::{Path, PathBuf};

/// As Debian's: the header is not shown, a file without an end of its last line is refused.
const CRONTAB: &str = r#"
spool=$(dirname "$0")/spool
case $1 in
  -l) cat "$spool" 2>/dev/null || { echo "no crontab for jo" >&2; exit 1; } ;;
  -r) rm "$spool" ;;
  -) cat >"$spool.new"
     if [ -s "$spool.new" ] && [ "$(tail -c 1 "$spool.new" | wc -l)" = 0 ]; then
       echo "new crontab file is missing newline before EOF, can't install." >&2; exit 1
     fi
     mv "$spool.new" "$spool" ;;
esac"#;

/// A user's crontab.
pub struct Tables {
    folder: tempfile::TempDir,
}

impl Tables {
    pub fn new() -> Tables {
        let folder = tempfile::tempdir().unwrap();
        script(folder.path(), "crontab", CRONTAB);
        Tables { folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn set(&self, text: &[u8]) {
        fs::write(self.folder.path().join("spool"), text).unwrap();
    }

    /// `None`: there is none.
    pub fn get(&self) -> Option<Vec<u8>> {
        fs::read(self.folder.path().join("spool")).ok()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.get().unwrap_or_default()).into_owned()
    }

    /// The commands in it that are ours, as cron gives them to the shell.
    pub fn lines(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter(|line| !line.starts_with('#') && line.contains("schedule run"));
        lines.map(|line| line.splitn(6, ' ').last().unwrap().replace("\\%", "%")).collect()
    }
}

/// A project with its database, in a folder of any name.
pub struct Shop {
    pub project: Project,
    pub root: PathBuf,
}

impl Shop {
    pub fn new(prisma: Prisma, cluster: &Cluster, database: &str, tables: &Tables) -> Shop {
        let mut project = Project::new(prisma, Shape::Product, cluster, database);
        let path = std::env::var("PATH").unwrap();
        project.env("PATH", format!("{}:{path}", tables.folder().display())).env("LOGNAME", "jo");
        let root = project.root().canonicalize().unwrap();
        Shop { project, root }
    }

    /// Under another name from now on.
    pub fn called(mut self, name: &str) -> Shop {
        let root = self.root.parent().unwrap().join(name);
        fs::rename(&self.root, &root).unwrap();
        self.root = root;
        self
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        Output::of(self.project.safemigrate_command(arguments).current_dir(&self.root))
    }

    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("not one JSON object: {e}{output}"))
    }

    pub fn store(&self) -> PathBuf {
        self.root.join(".safemigrate")
    }
}

/// As cron starts it.
pub fn as_cron(line: &str, home: &Path) -> Output {
    let mut shell = std::process::Command::new("/bin/sh");
    shell.arg("-c").arg(line).current_dir(home).env_clear().stdin(std::process::Stdio::null());
    shell.env("HOME", home).env("LOGNAME", "jo").env("SHELL", "/bin/sh").env("PATH", "/usr/bin:/bin");
    // of /etc/environment, or above our line in the crontab
    shell.env("DATABASE_URL", "postgresql://x:y@127.0.0.1:1/elsewhere");
    Output::of(&mut shell)
}
