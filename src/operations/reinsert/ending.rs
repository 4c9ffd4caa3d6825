//! The transaction holds the whole result: keep it, or take it back; and when nobody has heard which, find out.

use super::load::Loaded;
use super::{Job, Outcome, Purpose};
use crate::domain::event::Event;
use crate::domain::reinsert::{Rejects, Report};
use crate::domain::run::Committing;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::PgConnection;
use crate::postgres::reinsert::commit::{Failed, Fate, commit, fate, mark, unknown};
use crate::postgres::reinsert::transaction::rollback;

/// # Errors
/// `Server` and `Interrupted`; says whether anything was changed, or that nobody knows. What `before_commit` says.
pub async fn finish(
    connection: &mut PgConnection,
    job: &Job<'_>,
    loaded: Loaded,
    purpose: Purpose,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<Outcome> {
    let Loaded { report, rejects, saved } = loaded;
    if rejects == Rejects::Fail && report.rejected() > 0 {
        rollback(connection).await;
        return Ok(Outcome::DoesNotFit(report));
    }
    if purpose == Purpose::Count {
        rollback(connection).await;
        return Ok(Outcome::Done(report));
    }
    let marked = mark(connection).await?;
    before_commit(&marked)?;
    let committed = job.interrupt.or(async { Ok(commit(connection).await) }).await;
    let unheard = match committed {
        Ok(Ok(())) => {
            saved.keep();
            return Ok(Outcome::Done(report));
        }
        Ok(Err(Failed::Undone(error))) => return Err(error),
        Ok(Err(Failed::Unheard(error))) | Err(error) => error,
    };
    match fate(job.url, &marked).await {
        Fate::Committed => {
            saved.keep();
            job.observer.on(Event::Note(
                "The connection was lost while committing. The server says that the transaction is committed.".into(),
            ));
            Ok(Outcome::Done(report))
        }
        Fate::Undone if unheard.kind == ErrorKind::Interrupted => Err(super::interrupted()),
        Fate::Undone => Err(unheard),
        Fate::Unknown => {
            // if the others are back, these files are all that tells of them
            saved.keep();
            Err(with_rejects(unknown(unheard), &report))
        }
    }
}

/// Told what will be committed, before it is.
pub type BeforeCommit<'a> = dyn FnMut(&Committing) -> Result<()> + Send + 'a;

fn with_rejects(error: Error, report: &Report) -> Error {
    match &report.rejects_dir {
        Some(folder) => error.hint(format!("The rows that did not fit are in {folder}.")),
        None => error,
    }
}
