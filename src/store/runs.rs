//! The journal's files.

use super::{Store, files};
use crate::domain::run::Run;
use crate::error::{Context, ErrorKind, Result};
use std::fs;
use std::path::{Path, PathBuf};

impl Store {
    /// Writes the run as it stands, durably, over its former state.
    ///
    /// # Errors
    /// `Store`.
    pub fn write_run(&self, run: &Run) -> Result<()> {
        let text =
            serde_json::to_vec_pretty(run).context(ErrorKind::Other, || "The journal cannot be written".into())?;
        files::write_whole(&self.runs_folder().join(format!("{}.json", run.id)), &text)
            .map_err(|e| self.cannot("written", e))
    }

    /// All runs that can be read, newest first.
    ///
    /// # Errors
    /// `Store` when the folder cannot be read.
    pub fn runs(&self) -> Result<Vec<Run>> {
        let mut runs: Vec<Run> = self.run_files()?.iter().filter_map(|path| read(path)).collect();
        runs.sort_by(|a, b| (&b.started_at, &b.id).cmp(&(&a.started_at, &a.id)));
        Ok(runs)
    }

    /// Files of runs that cannot be read: which run was the last is then not sure.
    ///
    /// # Errors
    /// `Store` when the folder cannot be read.
    pub fn unreadable_runs(&self) -> Result<Vec<PathBuf>> {
        let mut files = self.run_files()?;
        files.retain(|path| read(path).is_none());
        Ok(files)
    }

    fn run_files(&self) -> Result<Vec<PathBuf>> {
        let names = super::names_in(&self.runs_folder())?;
        let files = names.iter().filter(|n| n.ends_with(".json") && !n.starts_with('.'));
        Ok(files.map(|name| self.runs_folder().join(name)).collect())
    }
}

fn read(path: &Path) -> Option<Run> {
    // a FIFO would keep us waiting
    let regular = fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_file());
    let text = regular.then(|| fs::read(path).ok())??;
    serde_json::from_slice(&text).ok()
}
