//! `recover`: finish or undo what a crash left.

use super::target::target;
use crate::cli::Globals;
use crate::operations::recover::{Recovered, recover};
use crate::ui::{Failure, Fields, Report, Style, Ui, size};
use serde_json::json;

pub async fn run(globals: &Globals, ui: &Ui) -> Result<(), Failure> {
    let target = target(globals).await?;
    let recovered = recover(&target, &ui.progress()).await?;
    ui.result(&Recover { recovered, database: target.url.database.clone() });
    Ok(())
}

struct Recover {
    recovered: Recovered,
    database: String,
}

impl Report for Recover {
    fn command(&self) -> &'static str {
        "recover"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let Recovered { runs, server, swept } = &self.recovered;
        let runs = runs.iter().map(|(run, known)| json!({ "run": run.id, "command": run.command, "next": known }));
        Fields::from_iter([
            ("runs".to_owned(), runs.collect()),
            ("databases_dropped".to_owned(), json!(server.dropped)),
            ("reopened".to_owned(), json!(server.reopened)),
            ("put_back".to_owned(), json!(server.put_back)),
            ("bytes_freed".to_owned(), json!(swept.bytes)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let Recovered { runs, server, swept } = &self.recovered;
        let mut lines: Vec<String> = Vec::new();
        if server.put_back {
            lines.push(format!("{} was put back under its name.", self.database));
        }
        if server.reopened {
            lines.push(format!("{} accepts connections again.", self.database));
        }
        lines.extend(
            server.dropped.iter().map(|name| format!("The half-finished or replaced copy {name} was dropped.")),
        );
        lines.extend(runs.iter().map(|(run, known)| format!("{} {}: {known}", run.id, run.command)));
        if swept.bytes > 0 {
            lines.push(format!("{} of left-overs were removed from the store.", size(swept.bytes)));
        }
        if lines.is_empty() {
            return style.green("Nothing to recover.");
        }
        lines.push(style.green("Everything is in order again."));
        lines.join("\n")
    }
}
