//! The user's git: the only place that asks it anything. Plumbing alone, with NUL between names, and nothing is written.

mod contents;
mod history;
mod trees;

pub use contents::Content;
pub use history::Pushed;
pub use trees::{Entry, Touched};

use crate::error::{Context, Error, ErrorKind, Result};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What git sets for its hooks (`git rev-parse --local-env-vars`); elsewhere it would point at another repository.
const LOCAL: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
];

/// One repository.
#[derive(Debug, Clone)]
pub struct Git {
    folder: Option<PathBuf>,
}

/// A command in a folder, or, in a hook, where git has put us with its own variables.
pub fn command(folder: Option<&Path>) -> Command {
    let mut git = Command::new("git");
    git.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_LITERAL_PATHSPECS", "1");
    if let Some(folder) = folder {
        git.current_dir(folder);
        LOCAL.iter().for_each(|name| _ = git.env_remove(name));
    }
    git
}

impl Git {
    /// The repository that a hook was called for.
    pub fn of_hook() -> Self {
        Self { folder: None }
    }

    /// The repository that a folder is in.
    pub fn at(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()) }
    }

    /// The root of the files that are checked out; `None` outside of a repository, and in one without files.
    ///
    /// # Errors
    /// `Tool` without git.
    pub fn root(&self) -> Result<Option<PathBuf>> {
        self.path(&["rev-parse", "--show-toplevel"])
    }

    /// The folder of hooks that git runs: `core.hooksPath`, else its own; worktrees share it.
    ///
    /// # Errors
    /// `Tool` without git.
    pub fn hooks(&self) -> Result<Option<PathBuf>> {
        let Some(hooks) = self.path(&["rev-parse", "--git-path", "hooks"])? else { return Ok(None) };
        Ok(Some(self.folder.as_deref().unwrap_or(Path::new(".")).join(hooks)))
    }

    /// git's own folder, which worktrees share.
    ///
    /// # Errors
    /// `Tool` without git.
    pub fn common_folder(&self) -> Result<Option<PathBuf>> {
        let Some(common) = self.path(&["rev-parse", "--git-common-dir"])? else { return Ok(None) };
        Ok(Some(self.folder.as_deref().unwrap_or(Path::new(".")).join(common)))
    }

    /// The commit that a name leads to, through tags; `None` where it leads to none.
    ///
    /// # Errors
    /// `Tool` without git.
    pub fn commit(&self, name: &str) -> Result<Option<String>> {
        let asked =
            self.run(["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")], b"")?;
        Ok(text_of(&asked))
    }

    fn path(&self, arguments: &[&str]) -> Result<Option<PathBuf>> {
        let output = self.run(arguments, b"")?;
        Ok(text_of(&output).map(PathBuf::from))
    }

    /// Runs git to its end; whether it succeeded stands in the output.
    fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>, input: &[u8]) -> Result<Output> {
        let mut git = command(self.folder.as_deref());
        git.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = git.spawn().map_err(missing)?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            // git may answer before it has heard all, and a pipe holds only so much
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
            child.wait_with_output()
        })
        .context(ErrorKind::Other, || "git did not end well".into())
    }

    /// The same where a failure is one of ours.
    fn asked(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let output = self.run(arguments, input)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::new(ErrorKind::Other, format!("`git {}` failed", arguments.join(" "))).because(said))
    }
}

fn missing(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Tool, "git cannot be started").hint("Install git, or add it to your PATH.").because(error)
}

/// One line, without its end; `None` where git failed.
fn text_of(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
