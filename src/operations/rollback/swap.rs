//! Restore beside the live database, prove it, change places.

use super::{Blueprint, Job, Plan, Restored, beside, nothing_changed, somebody_wrote};
use crate::domain::names::quote_ident;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::postgres::PgConnection;
use crate::postgres::databases::{self, Database, Standing, Watch};
use crate::postgres::session::connect;
use crate::postgres::structure;

/// The databases that take part, by name.
struct Names {
    scratch: String,
    aside: String,
}

pub(super) async fn apply(job: &Job<'_>, plan: &Plan, interrupt: &Interrupt) -> Result<Restored> {
    let mut desk = beside::open_desk(job.url).await.map_err(nothing_changed)?;
    let live = databases::find(&mut desk, &job.url.database).await.map_err(nothing_changed)?;
    if live.is_none() != plan.creates_database {
        let what = if live.is_some() { "appeared" } else { "vanished" };
        let error = Error::new(ErrorKind::Other, format!("The database {} {what} meanwhile", job.url.database));
        return Err(nothing_changed(error.hint("Try again.")));
    }
    let names = Names {
        scratch: databases::free_name(&job.url.database, Standing::Scratch),
        aside: databases::free_name(&job.url.database, Standing::Replaced),
    };
    let prepared = interrupt.or(prepare(job, plan, &mut desk, live.as_ref(), &names)).await;
    let ready = match prepared {
        Ok(watch) => close_both(&mut desk, job, live.as_ref(), &names, watch).await,
        Err(error) => Err(other_way(plan, error)),
    };
    if let Err(error) = ready {
        return Err(undo(job, live.as_ref(), &names, error).await);
    }
    // where the places did change after all, the answer to COMMIT was lost on the way, not the commit
    if let Err(error) = change_places(job, &mut desk, live.as_ref(), &names).await
        && !has_changed_places(job, live.as_ref(), &names).await.map_err(|_| unsure(job, &error))?
    {
        return Err(undo(job, live.as_ref(), &names, error).await);
    }
    finish(job, plan, live.as_ref(), &names).await
}

/// What fails for lack of a right beside the live database may work inside it.
fn other_way(plan: &Plan, error: Error) -> Error {
    let may_help = matches!(error.kind, ErrorKind::Server | ErrorKind::Other) && plan.in_place_is_possible;
    if may_help { error.hint("`--strategy in-place` restores inside the live database.") } else { error }
}

/// Everything that can be dropped again without a trace. Gives the watch over the live database.
async fn prepare(
    job: &Job<'_>,
    plan: &Plan,
    desk: &mut PgConnection,
    live: Option<&Database>,
    names: &Names,
) -> Result<Option<Watch>> {
    let watch = match plan.pulse.clone() {
        Some(pulse) => Some(Watch::start(connect(job.url).await?, pulse).await?),
        None => None,
    };
    job.stage("Restoring beside the live database", job.backup.bytes());
    let blueprint = Blueprint::read(job.store, job.backup).await?;
    beside::create(job, desk, live, &names.scratch).await?;
    let mut sessions = beside::sessions(job, &names.scratch).await?;
    beside::restore(job, &blueprint, &mut sessions).await?;
    beside::proof(job, &blueprint, &names.scratch, &mut sessions).await?;
    if let [first, ..] = sessions.as_mut_slice() {
        structure::analyze(first).await;
    }
    structure::close(sessions).await?;
    match live {
        Some(live) => databases::carry_over(desk, live, &names.scratch).await?,
        None => databases::default_rights(desk, &names.scratch).await?,
    }
    Ok(watch)
}

/// From here on nobody gets into either database, until they have changed places or the live one is opened again.
async fn close_both(
    desk: &mut PgConnection,
    job: &Job<'_>,
    live: Option<&Database>,
    names: &Names,
    watch: Option<Watch>,
) -> Result<()> {
    job.stage("Changing places", 0);
    databases::close(desk, &names.scratch, None).await?;
    let (Some(live), Some(watch)) = (live, watch) else { return Ok(()) };
    databases::close(desk, &live.name, Some(watch.process)).await?;
    if watch.has_seen_writes(job.server_version).await? {
        return Err(somebody_wrote(&live.name));
    }
    databases::close(desk, &live.name, None).await
}

async fn change_places(job: &Job<'_>, desk: &mut PgConnection, live: Option<&Database>, names: &Names) -> Result<()> {
    match live {
        Some(live) => {
            databases::exchange(desk, live, &names.scratch, &names.aside, &beside::mark(job, Standing::Replaced)).await
        }
        None => databases::install(desk, &names.scratch, &job.url.database, None).await,
    }
}

async fn has_changed_places(job: &Job<'_>, live: Option<&Database>, names: &Names) -> Result<bool> {
    let mut desk = beside::desk(job.url).await?;
    let sign = if live.is_some() { &names.aside } else { &job.url.database };
    Ok(databases::find(&mut desk, sign).await?.is_some())
}

/// The live database opens again, the scratch one goes.
async fn undo(job: &Job<'_>, live: Option<&Database>, names: &Names, error: Error) -> Error {
    let undone = async {
        let mut desk = beside::desk(job.url).await?;
        if let Some(live) = live {
            databases::reopen(&mut desk, &live.name).await?;
        }
        databases::drop_if_exists(&mut desk, &names.scratch).await
    };
    match undone.await {
        Ok(()) => nothing_changed(error),
        Err(second) => Error::new(
            ErrorKind::NeedsYou,
            format!(
                "The rollback failed ({error}), and clearing up after it failed too. The data of {} is as it was",
                job.url.database
            ),
        )
        .hint(format!("`safemigrate recover` opens {} again and drops {}.", job.url.database, names.scratch))
        .because(second),
    }
}

fn unsure(job: &Job<'_>, error: &Error) -> Error {
    Error::new(
        ErrorKind::NeedsYou,
        format!("The connection broke while the restored copy took the place of {}: {error}", job.url.database),
    )
    .hint("Both are on the server, whole. `safemigrate recover` finishes or undoes the rollback.")
}

/// The restored database is live. The replaced one goes once the new one lets us in.
async fn finish(job: &Job<'_>, plan: &Plan, live: Option<&Database>, names: &Names) -> Result<Restored> {
    let mut notes = Vec::new();
    connect(job.url).await.map_err(|error| {
        Error::new(
            ErrorKind::NeedsYou,
            format!("{} was restored and is in place, but cannot be entered", job.url.database),
        )
        .hint(format!("The replaced database is still there: {}.", names.aside))
        .because(error)
    })?;
    if live.is_some() {
        let dropped = async { databases::drop_if_exists(&mut beside::desk(job.url).await?, &names.aside).await };
        if let Err(error) = dropped.await {
            notes.push(format!(
                "The replaced database could not be dropped: {error}. DROP DATABASE {} does it.",
                quote_ident(&names.aside)
            ));
        }
    }
    Ok(plan.restored(notes))
}
