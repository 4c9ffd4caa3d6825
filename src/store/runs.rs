//! The journal's files.

use super::{Store, files};
use crate::domain::run::Run;
use crate::error::{Context, ErrorKind, Result};
use std::fs;

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
        let names = super::names_in(&self.runs_folder())?;
        let files = names.iter().filter(|n| n.ends_with(".json") && !n.starts_with('.'));
        let mut runs: Vec<Run> = files
            .filter_map(|name| fs::read(self.runs_folder().join(name)).ok())
            .filter_map(|text| serde_json::from_slice(&text).ok())
            .collect();
        runs.sort_by(|a, b| (&b.started_at, &b.id).cmp(&(&a.started_at, &a.id)));
        Ok(runs)
    }
}
