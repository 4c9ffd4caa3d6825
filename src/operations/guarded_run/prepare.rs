//! Between the checkpoint and the command: what was renamed is asked, and all of it is tried on a copy.

use super::{Place, Preparation};
use crate::domain::manifest::Manifest;
use crate::domain::rescue::Plan;
use crate::domain::run::State;
use crate::error::{Error, Result};
use crate::operations::journal::Entry;
use crate::operations::rehearsal::rehearse;
use crate::operations::rescue;

/// Gives the migration that keeps what was only renamed, where there is one.
///
/// # Errors
/// Those of a rehearsal and of its verdict; `Interrupted`. Nothing was changed.
pub(super) async fn prepare(
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
