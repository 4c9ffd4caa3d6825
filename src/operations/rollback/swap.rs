//! Restore beside the live database, prove it, change places.

use super::{Blueprint, Job, Restored, fill, nothing_changed, prove, somebody_wrote};
use crate::domain::event::Event;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::postgres::PgConnection;
use crate::postgres::databases::{self, Database, Like, Mark, Standing, Watch};
use crate::postgres::session::connect;
use crate::postgres::structure::{self, Frame};
use crate::postgres::tools::{self, Program};

/// The databases that take part, by name.
struct Names {
    scratch: String,
    aside: String,
}

pub(super) async fn apply(job: &Job<'_>, interrupt: &Interrupt) -> Result<Restored> {
    let mut desk = open_desk(job).await.map_err(nothing_changed)?;
    let live = databases::find(&mut desk, &job.url.database).await.map_err(nothing_changed)?;
    if live.is_none() != job.plan.creates_database {
        let what = if live.is_some() { "appeared" } else { "vanished" };
        let error = Error::new(ErrorKind::Other, format!("The database {} {what} meanwhile", job.url.database));
        return Err(nothing_changed(error.hint("Try again.")));
    }
    let names = Names {
        scratch: databases::free_name(&job.url.database, Standing::Scratch),
        aside: databases::free_name(&job.url.database, Standing::Replaced),
    };
    let prepared = interrupt.or(prepare(job, &mut desk, live.as_ref(), &names)).await;
    let ready = match prepared {
        Ok(watch) => close_both(&mut desk, job, live.as_ref(), &names, watch).await,
        Err(error) => Err(other_way(job, error)),
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
    finish(job, live.as_ref(), &names).await
}

/// What fails for lack of a right beside the live database may work inside it.
fn other_way(job: &Job<'_>, error: Error) -> Error {
    let may_help = matches!(error.kind, ErrorKind::Server | ErrorKind::Other) && job.plan.in_place_is_possible;
    if may_help { error.hint("`--strategy in-place` restores inside the live database.") } else { error }
}

/// A session from which databases are made, renamed and dropped; one rollback of a database at a time.
async fn open_desk(job: &Job<'_>) -> Result<PgConnection> {
    let desk = databases::maintenance(job.url).await?;
    let mut desk =
        desk.ok_or_else(|| Error::new(ErrorKind::Server, "This role gets into no other database of the server"))?;
    databases::work_lock(&mut desk, &job.url.database).await?;
    Ok(desk)
}

/// Everything that can be dropped again without a trace. Gives the watch over the live database.
async fn prepare(
    job: &Job<'_>,
    desk: &mut PgConnection,
    live: Option<&Database>,
    names: &Names,
) -> Result<Option<Watch>> {
    let watch = match job.plan.pulse.clone() {
        Some(pulse) => Some(Watch::start(connect(job.url).await?, pulse).await?),
        None => None,
    };
    job.stage("Restoring beside the live database", job.backup.bytes());
    let blueprint = Blueprint::read(job.store, job.backup).await?;
    let encoding = &job.backup.database.encoding;
    let like = live.map_or(Like::Encoding(encoding), |database| Like::Database(database, encoding));
    let mark = mark(job, Standing::Scratch);
    databases::create(desk, &names.scratch, &like, &mark).await?;
    restore(job, &blueprint, &names.scratch).await?;
    match live {
        Some(live) => databases::carry_over(desk, live, &names.scratch).await?,
        None => databases::default_rights(desk, &names.scratch).await?,
    }
    Ok(watch)
}

fn mark(job: &Job<'_>, standing: Standing) -> Mark {
    Mark { safemigrate: standing, live: job.url.database.clone(), backup: job.backup.id.clone(), comment: None }
}

async fn restore(job: &Job<'_>, blueprint: &Blueprint, scratch: &str) -> Result<()> {
    let url = job.url.with_database(scratch);
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let mut sessions = structure::scratch_sessions(&url, cores.clamp(2, 8)).await?;
    let [first, ..] = sessions.as_mut_slice() else { return Ok(()) };
    for entry in &blueprint.before_rows {
        structure::run_entry(first, entry, Frame::Transaction, &job.paths).await?;
    }
    // a new database has a `public` that the old one may have dropped
    structure::drop_schemas_but(first, &job.backup.schemas).await?;
    fill::rows(job, &mut sessions).await?;
    let [first, ..] = sessions.as_mut_slice() else { return Ok(()) };
    structure::begin(first).await?;
    fill::large_objects(job, blueprint, first).await?;
    structure::commit(first).await?;
    fill::sequences(job, first).await?;
    job.stage("Building indexes and constraints", 0);
    structure::run_parallel(&mut sessions, &blueprint.after_rows, &job.paths).await?;
    let [first, ..] = sessions.as_mut_slice() else { return Ok(()) };
    for entry in &blueprint.last {
        structure::run_entry(first, entry, Frame::Transaction, &job.paths).await?;
    }
    fill::materialized_views(job, first, Frame::Transaction).await?;
    job.stage("Proving the restored copy", job.backup.bytes());
    prove::contents(job, &mut sessions).await?;
    prove_structure(job, blueprint, scratch).await?;
    let [first, ..] = sessions.as_mut_slice() else { return Ok(()) };
    structure::analyze(first).await;
    structure::close(sessions).await
}

/// Every object, right and comment of the backup is there, and nothing else.
async fn prove_structure(job: &Job<'_>, blueprint: &Blueprint, scratch: &str) -> Result<()> {
    let pg_dump = tools::find(Program::PgDump, job.plan.server_version)?;
    let found = structure::describe(&pg_dump, &job.url.with_database(scratch)).await?;
    let differences = prove::structure(found.iter(), blueprint.entries());
    if differences.is_empty() {
        return Ok(());
    }
    // another version of pg_dump may call the same things by other names
    if job.backup.structure.as_ref().is_some_and(|s| s.pg_dump != pg_dump.version) {
        job.observer.on(Event::Note(format!(
            "pg_dump {} describes the copy differently: {}",
            pg_dump.version,
            differences.join("; ")
        )));
        return Ok(());
    }
    let mut error =
        Error::new(ErrorKind::Other, format!("The restored copy is not equal to the backup: {}", differences[0]));
    error.hints.extend(differences.into_iter().skip(1).take(10));
    Err(error)
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
    if watch.has_seen_writes(job.plan.server_version).await? {
        return Err(somebody_wrote(&live.name));
    }
    databases::close(desk, &live.name, None).await
}

async fn change_places(job: &Job<'_>, desk: &mut PgConnection, live: Option<&Database>, names: &Names) -> Result<()> {
    match live {
        Some(live) => {
            databases::exchange(desk, live, &names.scratch, &names.aside, &mark(job, Standing::Replaced)).await
        }
        None => databases::install(desk, &names.scratch, &job.url.database, None).await,
    }
}

async fn has_changed_places(job: &Job<'_>, live: Option<&Database>, names: &Names) -> Result<bool> {
    let mut desk = reopen_desk(job).await?;
    let sign = if live.is_some() { &names.aside } else { &job.url.database };
    Ok(databases::find(&mut desk, sign).await?.is_some())
}

/// A new session: the old one may be what broke.
async fn reopen_desk(job: &Job<'_>) -> Result<PgConnection> {
    let desk = databases::maintenance(job.url).await?;
    desk.ok_or_else(|| Error::new(ErrorKind::Server, "The server does not let this role in any more"))
}

/// The live database opens again, the scratch one goes.
async fn undo(job: &Job<'_>, live: Option<&Database>, names: &Names, error: Error) -> Error {
    let undone = async {
        let mut desk = reopen_desk(job).await?;
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
async fn finish(job: &Job<'_>, live: Option<&Database>, names: &Names) -> Result<Restored> {
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
        let dropped = async { databases::drop_if_exists(&mut reopen_desk(job).await?, &names.aside).await };
        if let Err(error) = dropped.await {
            notes.push(format!(
                "The replaced database could not be dropped: {error}. DROP DATABASE \"{}\" does it.",
                names.aside
            ));
        }
    }
    Ok(job.restored(notes))
}
