//! `history`: the guarded commands that ran, and how they ended.

use super::target::place;
use crate::cli::Globals;
use crate::domain::run::{Run, State};
use crate::error::Result;
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;
use std::collections::BTreeSet;

pub fn run(globals: &Globals, ui: &Ui) -> Result<(), Failure> {
    let place = place(globals)?;
    ui.result(&History { runs: place.store.runs()?, reports: place.store.reports() });
    Ok(())
}

struct History {
    runs: Vec<Run>,
    /// Of which there is one.
    reports: BTreeSet<String>,
}

impl Report for History {
    fn command(&self) -> &'static str {
        "history"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let runs = self.runs.iter().map(|run| {
            json!({
                "run": run.id, "command": run.command, "started_at": run.started_at, "finished_at": run.finished_at,
                "state": run.state, "database": run.database, "before": run.before, "after": run.after,
                "prisma_exit_code": run.prisma_exit_code, "migrations_applied": run.migrations_applied,
                "verified": run.verification.as_ref().map(|v| v.ok), "outcome": run.outcome,
                "report": self.reports.contains(&run.id),
            })
        });
        Fields::from_iter([("runs".to_owned(), runs.collect())])
    }

    fn text(&self, style: &Style) -> String {
        if self.runs.is_empty() {
            return "No runs yet.".into();
        }
        let entry = |run: &Run| {
            let mark = match run.verification.as_ref().map(|v| v.ok) {
                _ if run.is_unfinished() => style.yellow("unfinished"),
                _ if run.state == State::Failed => style.yellow("did not succeed"),
                Some(true) if run.prisma_exit_code != Some(0) => style.yellow("Prisma stopped, data safe"),
                Some(true) => style.green("safe"),
                Some(false) if run.command != "reset" => style.red("data lost"),
                _ => run.outcome.as_deref().map_or("", |_| "done").to_owned(),
            };
            let mut lines = vec![format!(
                "{} {} of {}, {}  {mark}",
                style.cyan(&run.id),
                run.command,
                run.database,
                style.ago(&run.started_at)
            )];
            lines.extend(run.outcome.iter().map(|outcome| format!("    {outcome}")));
            if !run.before.is_empty() {
                lines.push(style.dim(format!("    before {}  after {}", run.before.join(" "), run.after.join(" "))));
            }
            if self.reports.contains(&run.id) {
                lines.push(style.dim(format!("    safemigrate report {}", run.id)));
            }
            lines.join("\n")
        };
        self.runs.iter().map(entry).collect::<Vec<_>>().join("\n")
    }
}
