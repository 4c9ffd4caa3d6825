//! What a push brings that the remote does not have.

use super::{Git, Touched, trees};
use crate::domain::lint::published::Base;
use crate::error::Result;

/// The most commits of the remote that what is pushed is compared with.
const MOST_BASES: usize = 16;

/// The new commits of one ref.
#[derive(Debug)]
pub struct Pushed {
    pub commit: String,
    /// What the new commits change themselves, in any of them.
    pub touched: Vec<Touched>,
    /// What the remote has, as far as it is known here.
    pub bases: Vec<Base>,
    /// The remote has a commit that is not known here.
    pub is_blind: bool,
}

impl Git {
    /// What pushing `commit` to `remote` brings. `known`: the commit that the remote has under this name, if it has one.
    ///
    /// # Errors
    /// `Tool` without git; `Other` where git fails.
    pub fn pushed(&self, commit: &str, remote: &str, known: Option<&str>) -> Result<Pushed> {
        let there = known.map(|known| self.commit(known)).transpose()?.flatten();
        let is_blind = known.is_some() && there.is_none();
        let mut without = self.known_of(remote)?;
        without.extend(there.as_ref().map(|there| format!("^{there}")));
        let mut arguments = vec!["rev-list", "--boundary", commit];
        arguments.extend(without.iter().map(String::as_str));
        let listed = self.asked(&arguments, b"")?;
        let listed = String::from_utf8_lossy(&listed);
        let (boundary, new): (Vec<&str>, Vec<&str>) = listed.lines().partition(|line| line.starts_with('-'));
        let touched = if new.is_empty() { Vec::new() } else { self.touched_by(&new)? };
        let mut heads: Vec<String> = boundary.iter().map(|line| line[1..].to_owned()).collect();
        heads.extend(there.clone());
        let mut bases = Vec::new();
        for head in self.independent(heads)? {
            let differences = self.differences(&head, commit)?;
            let is_left_behind = Some(&head) == there.as_ref() && !self.is_ancestor(&head, commit)?;
            bases.push(Base { commit: head, differences, is_left_behind });
        }
        Ok(Pushed { commit: commit.to_owned(), touched, bases, is_blind })
    }

    /// What `commit` brings that `base` does not have.
    ///
    /// # Errors
    /// `Tool` without git; `Other` where git fails.
    pub fn since(&self, commit: &str, base: &str) -> Result<Pushed> {
        let listed = self.asked(&["rev-list", commit, &format!("^{base}")], b"")?;
        let listed = String::from_utf8_lossy(&listed);
        let new: Vec<&str> = listed.lines().collect();
        let touched = if new.is_empty() { Vec::new() } else { self.touched_by(&new)? };
        // what base has by now and commit has not is nobody's deletion
        let fork = self.run(["merge-base", commit, base], b"")?;
        let fork = String::from_utf8_lossy(&fork.stdout).trim().to_owned();
        let fork = if fork.is_empty() { base.to_owned() } else { fork };
        let differences = self.differences(&fork, commit)?;
        let bases = vec![Base { commit: fork, differences, is_left_behind: false }];
        Ok(Pushed { commit: commit.to_owned(), touched, bases, is_blind: false })
    }

    /// `--not` and what a remote is known to have; of one that nothing is known of, what any other has.
    fn known_of(&self, remote: &str) -> Result<Vec<String>> {
        let listed = self.asked(&["for-each-ref", "--format=%(refname)", &format!("refs/remotes/{remote}/")], b"")?;
        let named = !listed.is_empty() && !remote.contains(['*', '?', '[']);
        let which = if named { format!("--remotes={remote}") } else { "--remotes".to_owned() };
        Ok(vec!["--not".to_owned(), which, "--not".to_owned()])
    }

    fn touched_by(&self, commits: &[&str]) -> Result<Vec<Touched>> {
        let input = commits.join("\n") + "\n";
        let arguments = ["diff-tree", "--stdin", "-r", "-z", "-c", "--root", "--no-commit-id", "--no-renames", "--raw"];
        Ok(trees::touched(&self.asked(&arguments, input.as_bytes())?))
    }

    /// Those that are no ancestors of others.
    fn independent(&self, mut heads: Vec<String>) -> Result<Vec<String>> {
        heads.sort();
        heads.dedup();
        if heads.len() < 2 {
            return Ok(heads);
        }
        let mut arguments = vec!["merge-base", "--independent"];
        arguments.extend(heads.iter().map(String::as_str));
        let listed = self.asked(&arguments, b"")?;
        Ok(String::from_utf8_lossy(&listed).lines().take(MOST_BASES).map(str::to_owned).collect())
    }

    fn is_ancestor(&self, old: &str, new: &str) -> Result<bool> {
        Ok(self.run(["merge-base", "--is-ancestor", old, new], b"")?.status.success())
    }
}
