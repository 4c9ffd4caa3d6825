//! Finishing or undoing what a crash left: in the journal, in the store, on the server.

use super::journal::{close_left_open, enter, left_open};
use super::reinsert::{Fate, fate};
use super::rollback::{CleanUp, clean_up};
use super::target::Target;
use crate::domain::event::Observer;
use crate::domain::run::{Run, State};
use crate::error::{Error, Result};
use crate::fault;
use crate::store::Swept;

/// What was found and put in order.
pub struct Recovered {
    /// Runs that had not ended, as they were found, and what is known of each.
    pub runs: Vec<(Run, String)>,
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
    fault::at("recover.server");
    let _lock = enter(store, "recover", observer).map_err(|error| but_for(&server, error))?;
    let mut runs = Vec::new();
    for run in left_open(store)? {
        let known = known(target, &run, &server).await;
        close_left_open(store, &run, &known)?;
        fault::at("recover.run");
        runs.push((run, known));
    }
    Ok(Recovered { runs, server, swept: store.sweep()? })
}

/// What was put in order on the server stays so.
fn but_for(server: &CleanUp, error: Error) -> Error {
    if server.is_nothing() {
        return error;
    }
    let mut error = error.promising_nothing().hint("Then once more: safemigrate recover");
    error.message = format!("The database is in order again, but the store is not: {}", error.message);
    error
}

/// Of a run that stopped while it committed, the server can tell more than the journal.
async fn known(target: &Target, run: &Run, server: &CleanUp) -> String {
    let of_rows = run.command == "reinsert";
    match (run.state, &run.committing) {
        // the exchange itself is one transaction: what is left tells, whether it has happened
        (State::Committing, _) if server.has_replaced => restored(run),
        (State::Committing, Some(committing)) => match fate(&target.url, committing).await {
            Fate::Committed if of_rows => {
                "The re-insert was committed: all of its rows are back. Nothing to do.".into()
            }
            Fate::Undone if of_rows => {
                "The re-insert was not committed: the database is as it was. Start it again.".into()
            }
            Fate::Committed => restored(run),
            Fate::Undone => "The restore was not committed: the database is as it was. Start it again.".into(),
            Fate::Unknown => run.next_step(),
        },
        (State::Restoring, _) => {
            "The restore did not end, and nothing of it is in the database. Start it again.".into()
        }
        _ => run.next_step(),
    }
}

fn restored(run: &Run) -> String {
    let undo = run.full().map(|id| format!(" To undo it: safemigrate rollback {id}")).unwrap_or_default();
    format!("The restore was committed: structure and data are as in the backup. Nothing to do.{undo}")
}
