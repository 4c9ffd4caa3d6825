//! What was written after the checkpoint of what is replaced is in no backup: then there is no rollback.

use super::{Job, Plan, prove};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::PgConnection;
use crate::postgres::databases::Pulse;

/// Sessions report what rows they wrote at their end, and some seconds late before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reports {
    /// All sessions have ended.
    All,
    SomeAreLate,
}

/// Refuses to go on where somebody wrote since the plan was made. A report may also be of what was written before it: in
/// doubt the rows, which nobody can change by now, are compared with the checkpoint.
///
/// # Errors
/// `Other` when somebody wrote; `Server`.
pub(super) async fn refuse_writes(
    job: &Job<'_>,
    plan: &Plan,
    now: &Pulse,
    reports: Reports,
    connection: &mut PgConnection,
) -> Result<()> {
    let Some(before) = &plan.pulse else { return Ok(()) };
    let reported = now.reports_rows_since(before);
    let wrote = match &plan.replaces {
        _ if now.shows_other_changes_since(before) => true,
        _ if now.is_of_the_same_instant_as(before) => false,
        _ if reports == Reports::All && !reported => false,
        None => reported,
        Some(checkpoint) => {
            job.stage("Looking whether anybody wrote", checkpoint.bytes());
            !prove::holds_rows_of(job, checkpoint, connection).await?
        }
    };
    if !wrote {
        return Ok(());
    }
    let message = format!("Somebody wrote to {} after the rollback had begun: it would be lost", job.url.database);
    Err(Error::new(ErrorKind::Other, message).hint("Stop what is connected to the database, then roll back again."))
}
