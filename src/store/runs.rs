//! The journal's files, each with its own checksum: which run was the last decides what a rollback goes back to.

use super::{Store, files};
use crate::domain::run::Run;
use crate::error::{Context, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

#[derive(Serialize, Deserialize)]
struct Envelope {
    blake3: String,
    run: Box<RawValue>,
}

impl Store {
    /// Writes the run as it stands, durably, over its former state.
    ///
    /// # Errors
    /// `Store`.
    pub fn write_run(&self, run: &Run) -> Result<()> {
        let text = sealed(run).context(ErrorKind::Other, || "The journal cannot be written".into())?;
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

fn sealed(run: &Run) -> serde_json::Result<Vec<u8>> {
    let run = serde_json::value::to_raw_value(run)?;
    serde_json::to_vec(&Envelope { blake3: blake3::hash(run.get().as_bytes()).to_hex().to_string(), run })
}

fn read(path: &Path) -> Option<Run> {
    let envelope: Envelope = serde_json::from_slice(&files::read_regular(path).ok()?).ok()?;
    let text = envelope.run.get();
    let whole = blake3::hash(text.as_bytes()).to_hex().as_str() == envelope.blake3;
    let run: Run = whole.then(|| serde_json::from_str(text).ok())??;
    // a copy of another run under a name of its own would be told twice
    (path.file_stem().and_then(|stem| stem.to_str()) == Some(&run.id)).then_some(run)
}
