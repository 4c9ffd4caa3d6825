//! From the global flags to what a command works on.

use crate::cli::Globals;
use crate::domain::guard::{Action, Verdict};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::operations::guard;
use crate::operations::interrupt::Interrupt;
use crate::operations::target::{Choices, Place, Target};
use crate::ui::Ui;
use std::path::PathBuf;

/// # Errors
/// Those of `Place::find`.
pub fn place(globals: &Globals) -> Result<Place> {
    let cwd = working_folder()?;
    let choices = Choices {
        project: globals.project.clone(),
        schema: globals.schema.clone(),
        config: globals.config.clone(),
        url: globals.url.as_ref().map(|url| url.reveal().to_owned()),
    };
    Place::find(choices, globals.store.as_deref(), cwd)
}

/// # Errors
/// `Other` where it was removed.
pub fn working_folder() -> Result<PathBuf> {
    std::env::current_dir().context(ErrorKind::Other, || "The working folder is gone. Nothing was changed".into())
}

/// # Errors
/// Those of `Place::find` and `Target::load`.
pub async fn target(globals: &Globals) -> Result<Target> {
    Target::load(place(globals)?).await
}

/// Lets an action pass, asking for the database's name where that helps.
///
/// # Errors
/// `Production`, `Confirmation`; those of connecting. Nothing was changed.
pub async fn permit(target: &Target, action: Action, globals: &Globals, ui: &Ui, interrupt: &Interrupt) -> Result<()> {
    let assessment = interrupt.or(target.judge()).await.map_err(Error::nothing_changed)?;
    let identity = assessment.identity.to_string();
    let typed = match (assessment.name_to_type(action), &globals.confirm) {
        (Some(name), None) if ui.can_ask() => {
            assessment.reasons().iter().for_each(|reason| ui.warn(reason));
            if assessment.verdict != Verdict::Production {
                ui.say("If this database is for development, type its name; it is asked once.");
            }
            ui.type_name(name, &identity)?;
            if let Err(error) = guard::claim(&assessment) {
                ui.warn(&format!("It will be asked again: {}", error.message));
            }
            Some(identity.as_str())
        }
        (_, given) => given.as_deref(),
    };
    guard::allow(&assessment, action, typed)
}
