//! `rollback [ID]`: structure and data as a full backup holds them.

use super::target::{permit, target};
use crate::cli::{self, Globals, RollbackArgs};
use crate::domain::guard::Action;
use crate::domain::manifest::{Manifest, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::operations::restore::{RolledBack, plan_rollback, roll_back, set_aside};
use crate::operations::rollback::{Plan, Strategy};
use crate::operations::target::{Place, Target};
use crate::ui::{Answer, Failure, Fields, Report, Style, Ui, plural};
use serde_json::json;
use std::path::PathBuf;

pub async fn run(globals: &Globals, args: &RollbackArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let backup = full(target.place.backup(args.id.as_deref(), Wanted::Full)?, &target.place)?;
    permit(&target, Action::Rollback, globals, ui, interrupt).await?;
    let strategy = args.strategy.map(|s| match s {
        cli::Strategy::Swap => Strategy::Swap,
        cli::Strategy::InPlace => Strategy::InPlace,
    });
    let plan = plan_rollback(&target, &backup, strategy, interrupt).await?;
    describe(&plan, &backup, &target, ui);
    if globals.confirm.is_none() {
        let question = format!(
            "Everything in {} that came later will be replaced (a checkpoint of it is taken first). Go on?",
            target.url.database
        );
        if ui.confirm(&question, false)? == Answer::No {
            return Err(Error::new(ErrorKind::Interrupted, "Cancelled. Nothing was changed").into());
        }
    }
    let mut report = carry_out(&target, &backup.id, strategy, ui, interrupt).await?;
    if args.set_aside || offer_to_set_aside(&report.done.pending, globals, ui)? {
        match set_aside(&target, &report.done.run, &report.done.pending) {
            Ok(folder) => report.set_aside = folder,
            // the rollback is done all the same, and its report says so
            Err(error) => return Err(Failure::with(error, report)),
        }
    }
    ui.result(&report);
    Ok(())
}

/// What will happen, before anybody is asked.
fn describe(plan: &Plan, backup: &Manifest, target: &Target, ui: &Ui) {
    let (rows, tables) = (plural(plan.rows, "row"), plural(plan.tables as u64, "table"));
    let age = ui.style().ago(&backup.created_at);
    ui.say(&format!("Rolling {} back to {} ({rows} in {tables}, {age}).", target.url, backup.id));
    let how = match plan.strategy {
        Strategy::Swap => "It is restored beside the live database, proven, then the two change places",
        Strategy::InPlace => "It is restored inside the live database in one transaction",
    };
    ui.detail(&format!("{how}: {}.", plan.why));
    if !plan.tables_removed.is_empty() {
        ui.say(&format!("Tables that are gone afterwards: {}", plan.tables_removed.join(", ")));
    }
    if !plan.tables_brought_back.is_empty() {
        ui.say(&format!("Tables that come back: {}", plan.tables_brought_back.join(", ")));
    }
    if !plan.sessions.is_empty() && plan.strategy == Strategy::Swap {
        ui.say(&format!("{} of others will be ended.", plural(plan.sessions.len() as u64, "session")));
    }
    plan.notes.iter().for_each(|note| ui.warn(note));
}

/// The next `dev` would do again what was just undone: a person may want those migrations out of the way.
fn offer_to_set_aside(pending: &[String], globals: &Globals, ui: &Ui) -> Result<bool> {
    if pending.is_empty() || globals.yes || !ui.can_ask() {
        return Ok(false);
    }
    let question = format!(
        "Rolled back. The next `safemigrate dev` would apply {} again: move it out of the migrations folder into the store?",
        pending.join(", ")
    );
    match ui.confirm(&question, false) {
        // the rollback is done, whatever is said to this question
        Err(e) if e.kind == ErrorKind::Interrupted => Ok(false),
        answer => Ok(answer? == Answer::Yes),
    }
}

/// A data-only backup holds no structure: say which of the pair does.
fn full(backup: Manifest, place: &Place) -> Result<Manifest> {
    if backup.structure.is_some() {
        return Ok(backup);
    }
    let id = &backup.id;
    let message = format!("{id} is data-only; a rollback needs a full backup. Nothing was changed");
    let mut error = Error::new(ErrorKind::Usage, message);
    if let Some(full) = place.full_of(&backup) {
        error = error.hint(format!("The full backup of the same checkpoint: safemigrate rollback {full}"));
    }
    Err(error.hint(format!("Its rows into the schema as it is:      safemigrate reinsert {id}")))
}

/// The rollback without its questions.
///
/// # Errors
/// Those of the checkpoint and of the restore.
pub async fn carry_out(
    target: &Target,
    id: &str,
    strategy: Option<Strategy>,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<Rollback> {
    let done = roll_back(target, id, strategy, &ui.progress(), interrupt).await?;
    Ok(Rollback { done, set_aside: None })
}

pub struct Rollback {
    done: RolledBack,
    /// Where the pending migrations were moved to.
    set_aside: Option<PathBuf>,
}

impl Report for Rollback {
    fn command(&self) -> &'static str {
        "rollback"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("backup".to_owned(), json!(self.done.backup)),
            ("run".to_owned(), json!(self.done.run)),
            ("strategy".to_owned(), json!(self.done.restored.strategy)),
            ("safety_backups".to_owned(), json!(self.done.safety_backups)),
            ("tables".to_owned(), json!(self.done.restored.tables)),
            ("rows".to_owned(), json!(self.done.restored.rows)),
            ("notes".to_owned(), json!(self.done.restored.notes)),
            ("pending_migrations".to_owned(), json!(self.done.pending)),
            ("set_aside".to_owned(), json!(self.set_aside)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let (rows, tables) =
            (plural(self.done.restored.rows, "row"), plural(self.done.restored.tables as u64, "table"));
        let mut lines = vec![format!(
            "{} Rolled back to {}: {rows} in {tables}, structure and data as they were, proven.",
            style.green("✔"),
            self.done.backup
        )];
        lines.extend(self.done.restored.notes.iter().map(|note| format!("{} {note}", style.yellow("Note:"))));
        if let Some(full) = self.done.safety_backups.first() {
            lines.push(format!(
                "What was there before is in {}. To undo this: safemigrate rollback {full}",
                self.done.safety_backups.join(" and ")
            ));
        }
        match (&self.set_aside, self.done.pending.as_slice()) {
            (_, []) => {}
            (Some(folder), again) => lines.push(format!("Set aside into {}: {}", folder.display(), again.join(", "))),
            (None, again) => {
                lines.push(format!("The next `safemigrate dev` would apply again: {}", again.join(", ")));
                lines.push(format!(
                    "Mend its migration.sql before that, or get it out of the way: safemigrate rollback {} --set-aside",
                    self.done.backup
                ));
            }
        }
        lines.join("\n")
    }
}
