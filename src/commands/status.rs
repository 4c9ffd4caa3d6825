//! `status`: unfinished runs and what to do about them.

use super::target::place;
use crate::cli::Globals;
use crate::domain::run::Run;
use crate::error::Result;
use crate::operations::schedule::{self, State};
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;

pub fn run(globals: &Globals, ui: &Ui) -> Result<(), Failure> {
    let place = place(globals)?;
    let unfinished: Vec<Run> = place.store.runs()?.into_iter().filter(Run::is_unfinished).collect();
    for file in place.store.unreadable_runs()? {
        ui.warn(&format!("Whether this run ended is not known, its journal cannot be read: {}", file.display()));
    }
    let schedule = match schedule::state(&place.store) {
        Ok(schedule) => schedule,
        Err(error) => {
            ui.warn(&format!("Whether the scheduled backups are taken is not known: {error}"));
            None
        }
    };
    ui.result(&Status { unfinished, at_work: place.store.lock_holder().map(|holder| holder.pid), schedule });
    Ok(())
}

struct Status {
    unfinished: Vec<Run>,
    /// The process that is at work right now.
    at_work: Option<u32>,
    schedule: Option<State>,
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
        let schedule = self.schedule.as_ref().map(super::schedule::as_json);
        Fields::from_iter([("unfinished".to_owned(), unfinished.collect()), ("schedule".to_owned(), json!(schedule))])
    }

    fn text(&self, style: &Style) -> String {
        let schedule = self.schedule.as_ref().map(|state| super::schedule::in_one_line(state, style));
        if self.unfinished.is_empty() {
            let nothing = style.green("Nothing is unfinished.");
            return std::iter::once(nothing).chain(schedule).collect::<Vec<_>>().join("\n");
        }
        let entry = |run: &Run| {
            format!("{} {} {}\n    {}", style.cyan(&run.id), run.command, style.ago(&run.started_at), self.next(run))
        };
        self.unfinished.iter().map(entry).chain(schedule).collect::<Vec<_>>().join("\n")
    }
}
