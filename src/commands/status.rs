//! `status`: unfinished runs and what to do about them.

use super::target::place;
use crate::cli::Globals;
use crate::domain::run::Run;
use crate::error::Result;
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;

pub fn run(globals: &Globals, ui: &Ui) -> Result<(), Failure> {
    let place = place(globals)?;
    let unfinished: Vec<Run> = place.store.runs()?.into_iter().filter(Run::is_unfinished).collect();
    for file in place.store.unreadable_runs()? {
        ui.warn(&format!("Whether this run ended is not known, its journal cannot be read: {}", file.display()));
    }
    ui.result(&Status { unfinished, at_work: place.store.lock_holder().map(|holder| holder.pid) });
    Ok(())
}

struct Status {
    unfinished: Vec<Run>,
    /// The process that is at work right now.
    at_work: Option<u32>,
}

impl Status {
    fn next(&self, run: &Run) -> String {
        match self.at_work {
            Some(pid) => format!("It is at work (process {pid}): wait for it."),
            None => run.next_step(),
        }
    }
}

impl Report for Status {
    fn command(&self) -> &'static str {
        "status"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let unfinished = self
            .unfinished
            .iter()
            .map(|run| json!({ "run": run.id, "command": run.command, "state": run.state, "next": self.next(run) }));
        Fields::from_iter([("unfinished".to_owned(), unfinished.collect())])
    }

    fn text(&self, style: &Style) -> String {
        if self.unfinished.is_empty() {
            return style.green("Nothing is unfinished.");
        }
        let entry = |run: &Run| {
            format!("{} {} {}\n    {}", style.cyan(&run.id), run.command, style.ago(&run.started_at), self.next(run))
        };
        self.unfinished.iter().map(entry).collect::<Vec<_>>().join("\n")
    }
}
