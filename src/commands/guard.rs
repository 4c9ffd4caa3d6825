//! `guard status|mark|unmark`: what a database is taken for.

use super::target::target;
use crate::cli::{Globals, GuardAction};
use crate::error::Result;
use crate::operations::guard::{self, Assessment};
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;

pub async fn run(globals: &Globals, action: GuardAction, ui: &Ui) -> Result<(), Failure> {
    let mut target = target(globals).await?;
    let command = match action {
        GuardAction::Status => "guard status",
        GuardAction::Mark => {
            let file = target.settings_file();
            for note in guard::mark(&target.url, file.as_deref()).await? {
                ui.say(&note);
            }
            "guard mark"
        }
        GuardAction::Unmark => {
            let assessment = target.assess().await?;
            let identity = assessment.identity.to_string();
            ui.type_name(&assessment.identity.database, &identity)?;
            guard::unmark(&target.url, target.settings_file().as_deref()).await?;
            "guard unmark"
        }
    };
    // as it is now, with what was just written
    target.place.read_settings_again()?;
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
            ("identity".to_owned(), json!(self.assessment.identity.to_string())),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let verdict = self.assessment.verdict.name();
        let mut lines = vec![format!("{} is taken for {}", self.database, style.bold(verdict))];
        lines.extend(self.assessment.evidence.iter().map(|e| format!("  {}: {}", e.says.name(), e.detail)));
        lines.join("\n")
    }
}
