//! Between the checkpoint and the command: what was renamed is asked, and all of it is tried on a copy.

use super::{Place, Preparation, Work};
use crate::domain::ending::actor;
use crate::domain::manifest::Manifest;
use crate::domain::rescue::Plan;
use crate::domain::run::{Run, State};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::journal::Entry;
use crate::operations::rehearsal::rehearse;
use crate::operations::rescue;

/// All that comes after the checkpoint where Prisma has waited for it; gives its exit code.
///
/// # Errors
/// `Interrupted`; those of a rehearsal and of its verdict; `Tool` where Prisma cannot be started. Nothing was changed.
pub(super) async fn go(
    place: &Place<'_>,
    entry: &mut Entry,
    preparation: Preparation<'_>,
    full: Option<&Manifest>,
    work: &Work<'_>,
) -> Result<i32> {
    not_interrupted(place, &entry.run, "was not started")?;
    let rescued = match full {
        Some(full) => prepare(place, entry, preparation, full).await.map_err(Error::nothing_changed)?,
        None => None,
    };
    entry.step(State::Migrating).map_err(Error::nothing_changed)?;
    let _ours_to_survive = place.interrupt.mute();
    match (&rescued, place.project) {
        (Some(plan), Some(project)) => work.run_rescued(project, plan, preparation.rescue, place.observer).await,
        _ => work.run().await,
    }
}

/// A Ctrl-C that came when the checkpoint was just done. `what`: what became of the command.
pub(super) fn not_interrupted(place: &Place<'_>, run: &Run, what: &str) -> Result<()> {
    if !place.interrupt.is_set() {
        return Ok(());
    }
    let who = actor(&run.command);
    let message = format!("Interrupted after the checkpoint: {who} {what} and the database is untouched");
    Err(Error::new(ErrorKind::Interrupted, message))
}

/// Gives the migration that keeps what was only renamed, where there is one.
///
/// # Errors
/// Those of a rehearsal and of its verdict; `Interrupted`. Nothing was changed.
async fn prepare(
    place: &Place<'_>,
    entry: &mut Entry,
    preparation: Preparation<'_>,
    full: &Manifest,
) -> Result<Option<Plan>> {
    let Some(project) = place.project else { return Ok(None) };
    let rescued = match preparation.rescue {
        Some(answers) => {
            entry.step(State::Rehearsing).map_err(Error::nothing_changed)?;
            rescue::plan(place, project, full, answers).await?
        }
        None => None,
    };
    if let Some(first) = preparation.first_try {
        entry.step(State::Rehearsing).map_err(Error::nothing_changed)?;
        let rehearsal = rehearse(place, project, first.wanted, full, rescued.as_ref(), None).await?;
        entry.run.rehearsal = Some(rehearsal.clone());
        (first.go_on)(&rehearsal)?;
    }
    Ok(rescued)
}
