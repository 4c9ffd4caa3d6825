//! The end of a guarded command is what the server says, not when its process ends.

use super::Place;
use crate::domain::event::Event;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::session::connect;
use crate::postgres::waiting::LOCK_WAIT_SECONDS;
use crate::postgres::writers::{self, AtWork};
use std::time::{Duration, Instant};

/// The command may be gone while the server is still in its last statement, and commits it: what is looked at before that
/// end proves nothing. A statement that runs is waited for; one that waits for somebody's lock may never end. Tells whether
/// somebody else is connected.
pub(super) async fn all_ended(place: &Place<'_>, who: &str, since: Option<&str>) -> Result<bool> {
    const PATIENCE: Duration = Duration::from_secs(LOCK_WAIT_SECONDS as u64);
    let mut connection = match place.interrupt.or(connect(place.url)).await {
        Err(e) if e.kind == ErrorKind::NoDatabase => return Ok(false),
        opened => opened?,
    };
    // what was sent later is somebody else's
    let until = place.interrupt.or(writers::clock(&mut connection)).await?;
    let (mut told, mut stuck) = (false, None);
    let begun = Instant::now();
    while let Some(other) =
        place.interrupt.or(writers::at_work(&mut connection, since.unwrap_or("-infinity"), &until)).await?
    {
        if other.idle && begun.elapsed() > PATIENCE {
            let what =
                format!("Somebody holds Prisma's lock and does nothing, so that it is not waited for: {}", other.who);
            place.observer.on(Event::Note(what));
            break;
        }
        if !told && begun.elapsed() > Duration::from_secs(1) {
            let what = format!("{who} has ended, but the server is still at a statement of it: waiting for its end");
            place.observer.on(Event::Note(format!("{what} ({})", other.who)));
            told = true;
        }
        let AtWork { who: at_work, waits_for: Some(holder), .. } = other else {
            stuck = None;
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if stuck.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return Err(never_ends(&at_work, &holder));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    writers::others_are_connected(&mut connection).await
}

fn never_ends(at_work: &str, holder: &str) -> Error {
    let message =
        format!("A statement that was sent is still on the server and waits for a lock ({at_work}), held by {holder}");
    Error::new(ErrorKind::Server, message).hint(
        "SELECT pg_terminate_backend(PROCESS) gives the statement up, or, with the holder's number, lets it go on.",
    )
}
