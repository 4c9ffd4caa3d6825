//! The transaction holds the whole result: keep it, or take it back; and when nobody has heard which, find out.

use super::load::Loaded;
use super::{Job, Outcome, Purpose};
use crate::domain::event::Event;
use crate::domain::reinsert::{Rejects, Report};
use crate::error::{Error, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::commit::{BeforeCommit, Failed, Fate, commit, fate, unknown};
use crate::postgres::reinsert::transaction::{close, rollback};

/// # Errors
/// `Server` and `Interrupted`; says whether anything was changed, or that nobody knows. What `before_commit` says.
pub async fn finish(
    mut connection: PgConnection,
    job: &Job<'_>,
    loaded: Loaded,
    purpose: Purpose,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<Outcome> {
    let Loaded { report, rejects, saved, committing } = loaded;
    let does_not_fit = rejects == Rejects::Fail && report.rejected() > 0;
    if does_not_fit || purpose == Purpose::Count {
        take_back(connection).await;
        return Ok(if does_not_fit { Outcome::DoesNotFit(report) } else { Outcome::Done(report) });
    }
    if let Err(error) = before_commit(&committing) {
        take_back(connection).await;
        return Err(error);
    }
    let unheard = match job.interrupt.or(async { Ok(commit(&mut connection).await) }).await {
        Ok(Ok(())) => {
            fault::at("reinsert.committed");
            close(connection).await;
            saved.keep();
            return Ok(Outcome::Done(report));
        }
        Ok(Err(Failed::Undone(error))) => return Err(error),
        Ok(Err(Failed::Unheard(error))) | Err(error) => error,
    };
    drop(connection);
    match fate(job.url, &committing).await {
        Fate::Committed => {
            saved.keep();
            job.observer.on(Event::Note(
                "Nobody heard the end of the commit. The server says that the transaction is committed.".into(),
            ));
            Ok(Outcome::Done(report))
        }
        Fate::Undone => Err(unheard),
        Fate::Unknown => {
            // if the others are back, these files are all that tells of them
            saved.keep();
            Err(with_rejects(unknown(unheard), &report))
        }
    }
}

async fn take_back(mut connection: PgConnection) {
    rollback(&mut connection).await;
    close(connection).await;
}

fn with_rejects(error: Error, report: &Report) -> Error {
    match &report.rejects_dir {
        Some(folder) => error.hint(format!("The rows that did not fit are in {folder}.")),
        None => error,
    }
}
