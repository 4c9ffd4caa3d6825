//! The two ways back, each in the journal: rollback with a checkpoint of what it replaces, and re-insert.

use super::checkpoint::{Kinds, Request, Taken, take};
use super::interrupt::Interrupt;
use super::journal::{Entry, Purpose};
use super::reinsert::{self, Outcome};
use super::retention;
use super::rollback::{self, Restored, Strategy};
use super::target::Target;
use super::telling::Telling;
use super::verification::{Extent, compare_live};
use crate::domain::compare::Verification;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Manifest, Reason};
use crate::domain::reinsert::Plan;
use crate::domain::run::{Committing, State};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use std::path::PathBuf;

/// A rollback that is done.
pub struct RolledBack {
    pub backup: String,
    pub run: String,
    pub restored: Restored,
    /// Ids of the checkpoint of what was replaced.
    pub safety_backups: Vec<String>,
    /// Migration folders that the next `dev` would apply again.
    pub pending: Vec<String>,
}

/// What a rollback would do; nothing is changed. `strategy`: `None` takes the best that the role may do.
///
/// # Errors
/// What would stop the rollback: `Damaged`, `Tool`, rights, somebody in the way.
pub async fn plan_rollback(
    target: &Target,
    backup: &Manifest,
    strategy: Option<Strategy>,
    interrupt: &Interrupt,
) -> Result<rollback::Plan> {
    interrupt.or(rollback::plan(&target.url, &target.place.store, backup, strategy)).await
}

/// Checkpoint of what is there, then the restore. `strategy`: `None` takes the best that the role may do.
///
/// # Errors
/// Those of the checkpoint and of the restore.
pub async fn roll_back(
    target: &Target,
    id: &str,
    strategy: Option<Strategy>,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<RolledBack> {
    let store = &target.place.store;
    let observer = &Telling::new(store, observer);
    let mut entry = Entry::open(store, &target.url, "rollback", Purpose::Replace, observer, interrupt).await?;
    let ended = replace(target, id, strategy, &mut entry, observer, interrupt).await;
    let restored = entry.close(ended, |_| format!("Rolled back to {id}")).await?;
    let safety_backups = entry.run.before.clone();
    let hold: Vec<String> = safety_backups.iter().cloned().chain([id.to_owned()]).collect();
    // the rollback is done: what comes after it can only be noted
    retention::make_room(store, target.place.settings.retention.keep, &hold, observer);
    let pending = target.pending_migrations().await.unwrap_or_else(|error| {
        observer.on(Event::Note(format!("What the next `dev` would apply could not be found out: {error}")));
        Vec::new()
    });
    Ok(RolledBack { backup: id.to_owned(), run: entry.run.id.clone(), restored, safety_backups, pending })
}

async fn replace(
    target: &Target,
    id: &str,
    strategy: Option<Strategy>,
    entry: &mut Entry,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Restored> {
    let store = &target.place.store;
    let backup = store.manifest(id)?;
    let plan = plan_rollback(target, &backup, strategy, interrupt).await?;
    fault::at("rollback.planned");
    let replaced = safety_checkpoint(target, &entry.run.id, observer, interrupt).await?;
    entry.run.before = replaced.iter().flat_map(Taken::ids).collect();
    let plan = plan.replacing(replaced.and_then(|taken| taken.full));
    entry.step(State::Restoring).map_err(Error::nothing_changed)?;
    let mut note = |committing: &Committing| {
        entry.run.committing = Some(committing.clone());
        entry.step(State::Committing)
    };
    let restored = rollback::apply(&target.url, store, &plan, &backup, observer, interrupt, &mut note).await;
    fault::at("rollback.restored");
    restored
}

async fn safety_checkpoint(
    target: &Target,
    run: &str,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Option<Taken>> {
    let project = match target.project_info(interrupt).await {
        // nothing is there that could be lost
        Err(e) if e.kind == ErrorKind::NoDatabase => return Ok(None),
        info => info?,
    };
    let (run, read) = (Some(run.to_owned()), target.place.settings.backup.reads());
    let request = Request { kinds: Kinds::Both, reason: Reason::BeforeRestore, run, project, read };
    take(&target.url, &target.place.store, &request, observer, interrupt).await.map(Some)
}

/// Moves migration folders into the store; gives the folder they are in now.
///
/// # Errors
/// `Store` when they cannot be moved.
pub fn set_aside(target: &Target, run: &str, migrations: &[String]) -> Result<Option<PathBuf>> {
    let Some(project) = target.project.as_ref().filter(|_| !migrations.is_empty()) else { return Ok(None) };
    let folder = target.place.store.set_aside_folder(run);
    project.set_aside(migrations, &folder)?;
    Ok(Some(folder))
}

/// A re-insert that ended, and what it is worth.
pub struct ReInserted {
    pub outcome: Outcome,
    /// The database after it, against the backup. `None` where nothing was changed, or where it could not be read again.
    pub verification: Option<Verification>,
}

/// Carries a re-insert plan out, and proves what is back.
///
/// # Errors
/// Those of the re-insert.
pub async fn re_insert(
    target: &Target,
    backup: &Manifest,
    plan: &Plan,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<ReInserted> {
    let store = &target.place.store;
    let observer = &Telling::new(store, observer);
    let mut entry = Entry::open(store, &target.url, "reinsert", Purpose::Replace, observer, interrupt).await?;
    entry.step(State::Reinserting).map_err(Error::nothing_changed)?;
    let mut note = |committing: &Committing| {
        entry.run.committing = Some(committing.clone());
        entry.step(State::Committing)
    };
    let ended = reinsert::apply(&target.url, store, backup, plan, observer, interrupt, &mut note).await;
    let sentence = |outcome: &Outcome| match outcome {
        Outcome::Done(report) => {
            let rows: u64 = report.tables.iter().map(|t| t.inserted + t.updated).sum();
            format!("Re-inserted {rows} rows from {}", backup.id)
        }
        Outcome::DoesNotFit(_) => "Rows do not fit: nothing was changed".into(),
    };
    let outcome = entry.close(ended, sentence).await?;
    let verification = match &outcome {
        Outcome::Done(report) => {
            let mut verification = prove(target, backup, plan, observer, interrupt).await;
            verification.iter_mut().for_each(|v| report.complete(v));
            verification
        }
        Outcome::DoesNotFit(_) => None,
    };
    Ok(ReInserted { outcome, verification })
}

/// The rows are in: that they cannot be looked at again is worth a note, not a failure.
async fn prove(
    target: &Target,
    backup: &Manifest,
    plan: &Plan,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Option<Verification> {
    let moves = plan.moves();
    let extent = if plan.options.tables.is_empty() { Extent::Everything(&moves) } else { Extent::OnlyMoved(&moves) };
    match compare_live(&target.url, &target.place.store, backup, extent, observer, interrupt).await {
        Ok(verification) => Some(verification),
        Err(error) => {
            let why = error.promising_nothing().message;
            observer.on(Event::Note(format!(
                "The rows are in, but they could not be compared with the backup: {why}. Look again with: safemigrate verify {}",
                backup.id
            )));
            None
        }
    }
}
