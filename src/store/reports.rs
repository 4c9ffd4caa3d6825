//! Reports of runs: two files each, made from the run when it ends. Nothing is read back from them but to show them.

use super::{Store, files};
use crate::error::{Context, ErrorKind, Result};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

/// What a report is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    Html,
    Markdown,
}

impl ReportFormat {
    const BOTH: [Self; 2] = [Self::Html, Self::Markdown];

    fn ending(self) -> &'static str {
        match self {
            Self::Html => ".html",
            Self::Markdown => ".md",
        }
    }
}

impl Store {
    /// Writes both, each whole or not at all, over those that are there.
    ///
    /// # Errors
    /// `Store`.
    pub fn write_report(&self, run: &str, html: &str, markdown: &str) -> Result<()> {
        let write = || -> io::Result<()> {
            files::make_private_folder(&self.reports_folder())?;
            files::write_whole(&self.report(run, ReportFormat::Markdown), markdown.as_bytes())?;
            files::write_whole(&self.report(run, ReportFormat::Html), html.as_bytes())
        };
        write().map_err(|e| self.cannot("written", e))
    }

    /// Ids of the runs that have one, in both formats. A folder that cannot be read is as none: nothing stands or falls with it.
    pub fn reports(&self) -> BTreeSet<String> {
        let names: BTreeSet<String> = super::names_in(&self.reports_folder()).unwrap_or_default().into_iter().collect();
        let runs = names.iter().filter_map(|name| name.strip_suffix(ReportFormat::Html.ending()));
        let whole = |run: &&str| names.contains(&format!("{run}{}", ReportFormat::Markdown.ending()));
        runs.filter(whole).map(str::to_owned).collect()
    }

    /// Where one stands, if it is there.
    pub fn report(&self, run: &str, format: ReportFormat) -> PathBuf {
        self.reports_folder().join(format!("{run}{}", format.ending()))
    }

    /// # Errors
    /// `Store` when it is not there, or cannot be read.
    pub fn read_report(&self, run: &str, format: ReportFormat) -> Result<String> {
        let read = files::read_regular(&self.report(run, format)).map_err(|e| self.cannot("read", e))?;
        String::from_utf8(read).context(ErrorKind::Store, || format!("The report of {run} is damaged"))
    }

    /// Of runs that are gone. Call it under the lock.
    pub(super) fn sweep_reports(&self) {
        for name in super::names_in(&self.reports_folder()).unwrap_or_default() {
            let run = ReportFormat::BOTH.iter().find_map(|format| name.strip_suffix(format.ending()));
            // what is not ours stays
            let Some(run) = run.filter(|run| run.starts_with("r-")) else { continue };
            if self.runs_folder().join(format!("{run}.json")).symlink_metadata().is_err() {
                // they are needed by nobody, and in nobody's way
                let _ = fs::remove_file(self.reports_folder().join(&name));
            }
        }
    }
}
