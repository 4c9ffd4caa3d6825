//! Making a database beside the live one and restoring into it; proving it against the backup.

use super::prove::{self, Words};
use super::{Blueprint, Job, fill, plan};
use crate::domain::event::Event;
use crate::domain::names::quote_ident;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::operations::interrupt::Interrupt;
use crate::postgres::PgConnection;
use crate::postgres::commit::{Backend, backend, end};
use crate::postgres::databases::{self, Database, Like, Mark, Standing};
use crate::postgres::snapshot::read_database_info;
use crate::postgres::structure::{self, Frame};
use crate::postgres::tools::{self, Program};
use crate::postgres::url::DatabaseUrl;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;

/// A session from which databases are made, renamed and dropped; one restore beside a database at a time.
pub(in crate::operations) struct Desk {
    pub session: PgConnection,
    backend: Backend,
}

impl Desk {
    /// # Errors
    /// `Locked` while another is at work; `Server`.
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        let session = databases::maintenance(url).await?;
        let mut session = session
            .ok_or_else(|| Error::new(ErrorKind::Server, "This role gets into no other database of the server"))?;
        databases::work_lock(&mut session, &url.database).await?;
        let backend = backend(&mut session).await?;
        Ok(Self { session, backend })
    }

    /// A new session in place of one that may be broken, or in the middle of a statement. What that was at has come to its
    /// end afterwards: it has happened, or will never.
    ///
    /// # Errors
    /// Those of connecting.
    pub async fn again(self, url: &DatabaseUrl) -> Result<PgConnection> {
        let Self { session, backend } = self;
        drop(session);
        let session = databases::maintenance(url).await?;
        let mut session =
            session.ok_or_else(|| Error::new(ErrorKind::Server, "The server does not let this role in any more"))?;
        end(&mut session, &backend).await?;
        Ok(session)
    }
}

/// Gives clearing up after an interrupt some time in which a second one does not stop it.
const TIME_TO_CLEAR_UP: Duration = Duration::from_secs(10);

/// Clears up, to the end, unless that takes long and somebody does not want to wait for it.
///
/// # Errors
/// The work's own; `Interrupted`.
pub(in crate::operations) async fn clear_up<T>(
    interrupt: &Interrupt,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let again = interrupt.anew();
    let mut work = pin!(work);
    match timeout(TIME_TO_CLEAR_UP, &mut work).await {
        Ok(done) => done,
        Err(_) => again.or(work).await,
    }
}

pub(super) fn mark(job: &Job<'_>, standing: Standing) -> Mark {
    Mark { safemigrate: standing, live: job.url.database.clone(), backup: job.backup.id.clone(), comment: None }
}

/// An empty database: it sorts and encodes as the one in the backup did; all else as the live one has it.
pub(super) async fn create(
    job: &Job<'_>,
    desk: &mut PgConnection,
    live: Option<&Database>,
    scratch: &str,
) -> Result<()> {
    let then = &job.backup.database;
    let moved = plan::is_of_another_server(then, &read_database_info(desk).await?);
    // another server may not know the locale of that time, but it knows its own
    let locale = live.filter(|_| moved).map(|database| &database.locale).or(then.locale.as_ref());
    let like = Like { encoding: &then.encoding, locale: locale.or(live.map(|d| &d.locale)), live };
    let made = databases::create(desk, scratch, &like, &mark(job, Standing::Scratch)).await;
    made.map_err(|error| match (locale, live) {
        (Some(locale), None) => {
            let (name, database) = (locale.name.as_ref().unwrap_or(&locale.collate), quote_ident(&job.url.database));
            error.hint(format!("It had the locale {name}. Does this server know it? Else: CREATE DATABASE {database} by hand, then try again."))
        }
        _ => error,
    })
}

/// Sessions on the scratch database, at least one.
pub(super) async fn sessions(job: &Job<'_>, scratch: &str) -> Result<Vec<PgConnection>> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    structure::scratch_sessions(&job.url.with_database(scratch), cores.clamp(2, 8)).await
}

/// Structure and data of the backup into the empty database.
pub(super) async fn restore(job: &Job<'_>, blueprint: &Blueprint, sessions: &mut [PgConnection]) -> Result<()> {
    let [first, ..] = sessions else { return Ok(()) };
    for entry in &blueprint.schemas {
        structure::run_entry(first, entry, Frame::Transaction, &job.paths).await?;
    }
    let lent = structure::lend_schemas(first, &blueprint.owners()).await?;
    for entry in &blueprint.before_rows {
        structure::run_entry(first, entry, Frame::Transaction, &job.paths).await?;
    }
    fault::at("beside.structure");
    // a new database has a `public` that the old one may have dropped
    structure::drop_schemas_but(first, &job.backup.schemas).await?;
    fill::rows(job, sessions).await?;
    let [first, ..] = sessions else { return Ok(()) };
    structure::begin(first).await?;
    fill::large_objects(job, blueprint, first).await?;
    structure::commit(first).await?;
    fill::sequences(job, first).await?;
    fault::at("beside.sequences");
    job.stage("Building indexes and constraints", 0);
    structure::run_parallel(sessions, &blueprint.after_rows, &job.paths).await?;
    fault::at("beside.indexes");
    let [first, ..] = sessions else { return Ok(()) };
    structure::take_schemas_back(first, &lent).await?;
    for entry in &blueprint.last {
        structure::run_entry(first, entry, Frame::Transaction, &job.paths).await?;
    }
    fill::materialized_views(job, first, Frame::Transaction).await
}

/// Every row, value, object, right and comment of the backup is there, and nothing else.
///
/// # Errors
/// `Other`, naming what differs.
pub(super) async fn proof(job: &Job<'_>, blueprint: &Blueprint, scratch: &str) -> Result<()> {
    job.stage("Proving the restored copy", job.backup.bytes());
    prove::beside(job, scratch).await?;
    let pg_dump = tools::find(Program::PgDump, job.server_version)?;
    let found = structure::describe(&pg_dump, &job.url.with_database(scratch), job.server_version).await?;
    let differences = prove::structure(found.iter(), blueprint.entries(), Words::of(job.backup, &pg_dump));
    fault::at("beside.compared");
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
