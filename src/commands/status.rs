//! `status`: unfinished runs and what to do about them.

use super::target::Place;
use crate::cli::Globals;
use crate::domain::run::Run;
use crate::error::Result;
use crate::store::Holder;
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;

pub fn run(globals: &Globals, ui: &Ui) -> Result<(), Failure> {
    let place = Place::find(globals)?;
    let unfinished: Vec<Run> = place.store.runs()?.into_iter().filter(Run::is_unfinished).collect();
    ui.result(&Status { unfinished, holder: place.store.lock_holder() });
    Ok(())
}

struct Status {
    unfinished: Vec<Run>,
    /// Somebody is at work right now.
    holder: Option<Holder>,
}

impl Status {
    fn next(&self, run: &Run) -> String {
        match &self.holder {
            Some(holder) => format!("It is at work (process {}): wait for it.", holder.pid),
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
