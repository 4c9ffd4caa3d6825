//! After a loss: keep it so, roll back, or re-insert. It ends well only where everything is proven to be there again.

use super::reinsert::{self, Reinsert, Wish};
use super::rollback::{self, Rollback};
use crate::cli::OnLoss;
use crate::domain::suggest::{Suggestion, command_line, in_words};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::guarded_run::Outcome;
use crate::operations::interrupt::Interrupt;
use crate::operations::target::Target;
use crate::ui::{Report, Style, Ui};
use serde_json::{Value, json};

/// What was done about a loss.
pub enum Settled {
    RolledBack(Rollback),
    ReInserted(Reinsert),
}

/// What is followed of the suggestions by whoever chooses to re-insert.
fn followed(outcome: &Outcome) -> Vec<Suggestion> {
    outcome.suggestions.iter().filter(|s| s.restores_only()).cloned().collect()
}

/// The question. Without an answer (Ctrl-C, a closed terminal) everything stays as it is. A database that is gone takes
/// no rows.
pub fn ask(outcome: &Outcome, ui: &Ui) -> OnLoss {
    let with = match command_line(&followed(outcome)).as_str() {
        "" => String::new(),
        options => format!(", with{options}"),
    };
    let options = [
        "Keep it as it is now",
        "Roll back: structure and data as before",
        &format!("Re-insert: the old rows into the new schema{with}"),
    ];
    let possible = if outcome.run.after.is_empty() { &options[..2] } else { &options[..] };
    match ui.choose("What shall be done?", possible) {
        Ok(1) => OnLoss::Rollback,
        Ok(2) => OnLoss::Reinsert,
        _ => OnLoss::Keep,
    }
}

/// Does what was chosen; `None` where nothing is to be done. It asks nothing more.
///
/// # Errors
/// `DataLost` with the cause when it did not succeed, `NeedsYou` when it stopped half way.
pub async fn settle(
    choice: OnLoss,
    outcome: &Outcome,
    target: &Target,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<Option<Settled>> {
    let run = &outcome.run;
    let (way, done) = match (choice, run.full(), run.data_only()) {
        (OnLoss::Rollback, Some(full), _) => {
            ("Rolling back", rollback::carry_out(target, full, None, ui, interrupt).await.map(Settled::RolledBack))
        }
        (OnLoss::Reinsert, _, Some(data)) => ("Re-inserting", re_insert(data, outcome, target, ui, interrupt).await),
        _ => return Ok(None),
    };
    done.map(Some).map_err(|mut cause| {
        let kind = if cause.kind == ErrorKind::NeedsYou { cause.kind } else { ErrorKind::DataLost };
        let mut error = Error::new(kind, format!("{}. {way} did not succeed", outcome.conclusion.happened));
        error.hints.append(&mut cause.hints);
        error.hints.extend(outcome.conclusion.next.iter().cloned());
        error.because(cause)
    })
}

async fn re_insert(data: &str, outcome: &Outcome, target: &Target, ui: &Ui, interrupt: &Interrupt) -> Result<Settled> {
    let wish = Wish::suggested(data, &followed(outcome))?;
    for line in in_words(&followed(outcome)) {
        ui.say(&format!("Followed: {line}"));
    }
    reinsert::put_back(target, &wish, ui, interrupt).await.map(Settled::ReInserted)
}

impl Settled {
    /// How the command ends: not well where the migration is undone, or something is still missing.
    pub fn error(&self, outcome: &Outcome) -> Option<Error> {
        let full = outcome.run.full().unwrap_or_default();
        let applied = outcome.run.migrations_applied.join(", ");
        match self {
            Self::RolledBack(_) if applied.is_empty() => {
                Some(Error::new(ErrorKind::DataLost, "Data was lost, and is back: structure and data are as before"))
            }
            Self::RolledBack(_) => {
                let message =
                    format!("Data was lost by {applied}, and is back: structure and data are as before the migration");
                let again = format!("Mend the migration, then: safemigrate {}", outcome.run.command);
                Some(Error::new(ErrorKind::DataLost, message).hint(again))
            }
            Self::ReInserted(done) if done.all_is_back() => None,
            Self::ReInserted(_) => {
                let message = format!(
                    "What could be re-inserted is back, but not everything. The state before is safe in the checkpoint {full}"
                );
                Some(
                    Error::new(ErrorKind::DataLost, message)
                        .hint(format!("Structure and data as before: safemigrate rollback {full}")),
                )
            }
        }
    }

    pub fn json(&self) -> Value {
        let with = |by: &str, report: &dyn Report| {
            let mut fields = report.json();
            fields.insert("by".to_owned(), json!(by));
            Value::Object(fields)
        };
        match self {
            Self::RolledBack(done) => with("rollback", done),
            Self::ReInserted(done) => with("reinsert", done),
        }
    }

    pub fn text(&self, style: &Style) -> String {
        match self {
            Self::RolledBack(done) => done.text(style),
            Self::ReInserted(done) => done.text(style),
        }
    }
}
