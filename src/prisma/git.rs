//! Which commit the project is at.

use super::project::Project;
use crate::git;
use std::process::Stdio;
use tokio::process::Command;

impl Project {
    /// The short hash of the commit that is checked out; `None` without git or outside a repository.
    pub async fn git_commit(&self) -> Option<String> {
        let mut git = Command::from(git::command(Some(&self.root)));
        git.args(["rev-parse", "--short", "HEAD"]).stdin(Stdio::null()).stderr(Stdio::null());
        let output = git.kill_on_drop(true).output().await.ok().filter(|output| output.status.success())?;
        let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (!commit.is_empty()).then_some(commit)
    }
}
