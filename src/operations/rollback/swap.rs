//! Restore beside the live database, prove it, change places.

use super::beside::{self, Desk, clear_up};
use super::writes::{Reports, refuse_writes};
use super::{Blueprint, Job, Plan, Restored, nothing_changed};
use crate::domain::event::Event;
use crate::domain::names::quote_ident;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::operations::interrupt::Interrupt;
use crate::postgres::PgConnection;
use crate::postgres::commit::BeforeCommit;
use crate::postgres::databases::{self, Database, Standing, Watch};
use crate::postgres::session::connect;
use crate::postgres::structure;

/// The databases that take part, by name.
struct Names {
    scratch: String,
    aside: String,
}

pub(super) async fn apply(
    job: &Job<'_>,
    plan: &Plan,
    interrupt: &Interrupt,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<Restored> {
    let mut desk = interrupt.or(Desk::open(job.url)).await.map_err(nothing_changed)?;
    let live = interrupt.or(databases::find(&mut desk.session, &job.url.database)).await.map_err(nothing_changed)?;
    if live.is_none() != plan.creates_database {
        let what = if live.is_some() { "appeared" } else { "vanished" };
        let error = Error::new(ErrorKind::Other, format!("The database {} {what} meanwhile", job.url.database));
        return Err(nothing_changed(error.hint("Try again.")));
    }
    let names = Names {
        scratch: databases::free_name(&job.url.database, Standing::Scratch),
        aside: databases::free_name(&job.url.database, Standing::Replaced),
    };
    let ready = async {
        let prepared = prepare(job, &mut desk.session, live.as_ref(), &names).await;
        let watch = prepared.map_err(|error| other_way(plan, error))?;
        close_both(&mut desk.session, job, plan, live.as_ref(), &names, watch).await
    };
    if let Err(error) = interrupt.or(ready).await {
        let undone = clear_up(interrupt, undo(job, desk, live.as_ref(), &names)).await;
        return Err(failed(job, &names, error, undone));
    }
    let changed = interrupt.or(change_places(job, &mut desk.session, live.as_ref(), &names, before_commit)).await;
    if let Err(error) = changed {
        // where they did change after all, the answer to COMMIT was lost on the way, not the commit
        match clear_up(interrupt, look(job, desk, live.as_ref(), &names)).await {
            Ok(Looked::Changed) => job.observer.on(Event::Note(
                "Nobody heard the end of the exchange. The server says that it has taken place.".into(),
            )),
            Ok(Looked::AsBefore(desk)) => {
                let undone = clear_up(interrupt, put_back(desk, live.as_ref(), &names)).await;
                return Err(failed(job, &names, error, undone));
            }
            Err(_) => return Err(unsure(job, &error)),
        }
    }
    fault::at("swap.exchanged");
    finish(job, plan, live.as_ref(), &names, interrupt).await
}

/// What fails for lack of a right beside the live database may work inside it.
fn other_way(plan: &Plan, error: Error) -> Error {
    let may_help = matches!(error.kind, ErrorKind::Server | ErrorKind::Other) && plan.in_place_is_possible;
    if may_help { error.hint("`--strategy in-place` restores inside the live database.") } else { error }
}

/// Everything that can be dropped again without a trace. Gives the watch over the live database.
async fn prepare(
    job: &Job<'_>,
    desk: &mut PgConnection,
    live: Option<&Database>,
    names: &Names,
) -> Result<Option<Watch>> {
    let watch = match live {
        Some(_) => Some(Watch::start(connect(job.url).await?).await?),
        None => None,
    };
    job.stage("Restoring beside the live database", job.backup.bytes());
    let blueprint = Blueprint::read(job.store, job.backup).await?;
    beside::create(job, desk, live, &names.scratch).await?;
    let mut sessions = beside::sessions(job, &names.scratch).await?;
    beside::restore(job, &blueprint, &mut sessions).await?;
    beside::proof(job, &blueprint, &names.scratch).await?;
    fault::at("swap.proven");
    if let [first, ..] = sessions.as_mut_slice() {
        structure::analyze(first).await;
    }
    structure::close(sessions).await?;
    match live {
        Some(live) => databases::carry_over(desk, live, &names.scratch).await?,
        None => databases::default_rights(desk, &names.scratch).await?,
    }
    fault::at("swap.carried-over");
    Ok(watch)
}

/// From here on nobody gets into either database, until they have changed places or the live one is opened again.
async fn close_both(
    desk: &mut PgConnection,
    job: &Job<'_>,
    plan: &Plan,
    live: Option<&Database>,
    names: &Names,
    watch: Option<Watch>,
) -> Result<()> {
    job.stage("Changing places", 0);
    databases::close(desk, &names.scratch, &[]).await?;
    fault::at("swap.scratch-closed");
    let (Some(live), Some(mut watch)) = (live, watch) else { return Ok(()) };
    databases::close(desk, &live.name, &[watch.process]).await?;
    fault::at("swap.live-closed");
    let seen = watch.look(job.server_version).await?;
    if let Some(first) = seen.blockers.first() {
        let text = format!("{} cannot be rolled back: {first}", live.name);
        return Err(Error::new(ErrorKind::Other, text).hint("End or remove it first, then roll back again."));
    }
    refuse_writes(job, plan, &seen.pulse, Reports::All, &mut watch.connection).await?;
    watch.close().await?;
    databases::close(desk, &live.name, &[]).await?;
    fault::at("swap.both-closed");
    Ok(())
}

async fn change_places(
    job: &Job<'_>,
    desk: &mut PgConnection,
    live: Option<&Database>,
    names: &Names,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<()> {
    match live {
        Some(live) => {
            let mark = beside::mark(job, Standing::Replaced);
            databases::exchange(desk, live, &names.scratch, &names.aside, &mark, before_commit).await
        }
        None => databases::install(desk, &names.scratch, &job.url.database, None, before_commit).await,
    }
}

/// Where everything is, once the session that was at it has ended.
enum Looked {
    Changed,
    AsBefore(PgConnection),
}

async fn look(job: &Job<'_>, desk: Desk, live: Option<&Database>, names: &Names) -> Result<Looked> {
    let mut desk = desk.again(job.url).await?;
    let changed = match live {
        Some(_) => databases::find(&mut desk, &names.aside).await?.is_some(),
        None => databases::find(&mut desk, &names.scratch).await?.is_none(),
    };
    Ok(if changed { Looked::Changed } else { Looked::AsBefore(desk) })
}

async fn undo(job: &Job<'_>, desk: Desk, live: Option<&Database>, names: &Names) -> Result<()> {
    put_back(desk.again(job.url).await?, live, names).await
}

/// The live database opens again, the scratch one goes.
async fn put_back(mut desk: PgConnection, live: Option<&Database>, names: &Names) -> Result<()> {
    if let Some(live) = live {
        databases::reopen(&mut desk, &live.name).await?;
    }
    databases::drop_if_exists(&mut desk, &names.scratch).await
}

/// The error to show.
fn failed(job: &Job<'_>, names: &Names, error: Error, undone: Result<()>) -> Error {
    let Err(second) = undone else { return nothing_changed(error) };
    let live = &job.url.database;
    let message =
        format!("The rollback failed ({error}), and clearing up after it failed too. The data of {live} is as it was");
    Error::new(ErrorKind::NeedsYou, message)
        .hint(format!("`safemigrate recover` opens {live} again and drops {}.", names.scratch))
        .because(second)
}

fn unsure(job: &Job<'_>, error: &Error) -> Error {
    Error::new(
        ErrorKind::NeedsYou,
        format!("The connection broke while the restored copy took the place of {}: {error}", job.url.database),
    )
    .hint("Both are on the server, whole. `safemigrate recover` finishes or undoes the rollback.")
}

/// The restored database is live. The replaced one goes once the new one lets us in.
async fn finish(
    job: &Job<'_>,
    plan: &Plan,
    live: Option<&Database>,
    names: &Names,
    interrupt: &Interrupt,
) -> Result<Restored> {
    let mut notes = Vec::new();
    clear_up(interrupt, connect(job.url)).await.map_err(|error| {
        Error::new(
            ErrorKind::NeedsYou,
            format!("{} was restored and is in place, but cannot be entered", job.url.database),
        )
        .hint(format!("The replaced database is still there: {}.", names.aside))
        .because(error)
    })?;
    fault::at("swap.entered");
    if live.is_some()
        && let Err(error) = clear_up(interrupt, drop_replaced(job, names)).await
    {
        notes.push(format!(
            "The replaced database could not be dropped: {error}. DROP DATABASE {} does it.",
            quote_ident(&names.aside)
        ));
    }
    Ok(plan.restored(notes))
}

async fn drop_replaced(job: &Job<'_>, names: &Names) -> Result<()> {
    let desk = databases::maintenance(job.url).await?;
    let mut desk =
        desk.ok_or_else(|| Error::new(ErrorKind::Server, "The server does not let this role in any more"))?;
    databases::drop_if_exists(&mut desk, &names.aside).await
}
