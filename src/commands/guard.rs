//! `guard status|mark|unmark`: what a database is taken for.

use super::target::target;
use crate::cli::{Globals, GuardAction};
use crate::error::Result;
use crate::operations::guard::{self, Assessment};
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;

pub async fn run(globals: &Globals, action: GuardAction, ui: &Ui) -> Result<(), Failure> {
    let target = target(globals).await?;
    let command = match action {
        GuardAction::Status => "guard status",
        GuardAction::Mark => {
            guard::mark(&target.url).await?;
            "guard mark"
        }
        GuardAction::Unmark => {
            let name = &target.url.database;
            if globals.confirm.as_ref() != Some(name) {
                ui.type_name(name)?;
            }
            guard::unmark(&target.url).await?;
            "guard unmark"
        }
    };
    ui.result(&GuardReport { command, assessment: target.assess().await?, database: target.url.to_string() });
    Ok(())
}

struct GuardReport {
    command: &'static str,
    assessment: Assessment,
    database: String,
}

impl Report for GuardReport {
    fn command(&self) -> &'static str {
        self.command
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("verdict".to_owned(), json!(self.assessment.verdict)),
            ("evidence".to_owned(), json!(self.assessment.evidence)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let verdict = self.assessment.verdict.name();
        let mut lines = vec![format!("{} is taken for {}", self.database, style.bold(verdict))];
        lines.extend(self.assessment.evidence.iter().map(|e| format!("  {}: {}", e.says.name(), e.detail)));
        lines.join("\n")
    }
}
