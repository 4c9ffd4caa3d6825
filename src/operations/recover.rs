//! Finishing or undoing what a crash left: in the journal, in the store, on the server.

use super::journal::{close_left_open, enter};
use super::rollback::{CleanUp, clean_up};
use super::target::Target;
use crate::domain::event::Observer;
use crate::domain::run::Run;
use crate::error::Result;
use crate::store::Swept;

/// What was found and put in order.
pub struct Recovered {
    /// Runs that had not ended, as they were found.
    pub runs: Vec<Run>,
    pub server: CleanUp,
    pub swept: Swept,
}

/// Puts everything in order again; a second time there is nothing to do.
///
/// # Errors
/// `Locked` while another run is at work; those of connecting; `NeedsYou` where a human has to choose.
pub async fn recover(target: &Target, observer: &dyn Observer) -> Result<Recovered> {
    let store = &target.place.store;
    let server = clean_up(&target.url).await?;
    let _lock = enter(store, "recover", observer)?;
    let runs = close_left_open(store)?;
    Ok(Recovered { runs, server, swept: store.sweep()? })
}
