//! Re-insert: the rows of a backup into the schema as it is now, all in one transaction, every row accounted for.
//!
//! `prepare` reads and decides, `apply` does it, `dry_run` does it and takes it back.

mod attempt;
mod ending;
mod feed;
mod load;
mod pending;
mod rejects;
mod survey;

use super::interrupt::Interrupt;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::Manifest;
use crate::domain::reinsert::{Options, Plan, Report, plan};
use crate::domain::schema::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::PgConnection;
use crate::postgres::catalog::read_catalog;
use crate::postgres::commit::{BeforeCommit, terminate};
pub use crate::postgres::commit::{Fate, fate};
use crate::postgres::reinsert::transaction::{backend_pid, close, rollback};
use crate::postgres::reinsert::types::read_shapes;
use crate::postgres::session::{connect, explain_rights};
use crate::postgres::url::DatabaseUrl;
use crate::postgres::waiting::{Lock, name_holder, naming};
use crate::store::Store;
use load::Load;
pub use survey::{Survey, survey};

/// How it ended. In both cases every row of the backup is in the report.
#[derive(Debug)]
pub enum Outcome {
    Done(Report),
    /// Rows do not fit and `--rejects fail` holds: nothing was changed. `Report::misfit` is the error to show.
    DoesNotFit(Report),
}

impl Outcome {
    pub fn report(&self) -> &Report {
        match self {
            Self::Done(report) | Self::DoesNotFit(report) => report,
        }
    }
}

/// Whether the rows shall stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Keep,
    /// They are put in so that the counts are real, and taken back.
    Count,
}

/// What is carried out, where, and who listens.
struct Job<'a> {
    url: &'a DatabaseUrl,
    store: &'a Store,
    backup: &'a Manifest,
    plan: &'a Plan,
    observer: &'a dyn Observer,
    interrupt: &'a Interrupt,
}

/// Reads the schema of today, decides what will happen, and makes sure that the backup is whole before anything is touched.
///
/// # Errors
/// Those of the connection; `Usage` and `RowsDoNotFit` of the plan; `Damaged`.
pub async fn prepare(url: &DatabaseUrl, store: &Store, backup: &Manifest, options: &Options) -> Result<Plan> {
    naming(url, decide(url, store, backup, options)).await.map_err(nothing_changed)
}

async fn decide(url: &DatabaseUrl, store: &Store, backup: &Manifest, options: &Options) -> Result<Plan> {
    let mut connection = connect(url).await?;
    let (plan, _) = plan_now(&mut connection, backup, options).await.map_err(explain_rights)?;
    close(connection).await;
    check_objects(store, backup, &plan).await?;
    Ok(plan)
}

/// Does it: whole, or not at all. `before_commit` writes down that it will be committed, and by what the server knows it.
///
/// # Errors
/// Those of the connection; `Server`, `Damaged`, `Store` and `Interrupted`, after all of which nothing was changed, unless
/// the message says that nobody knows; what `before_commit` says.
pub async fn apply(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    plan: &Plan,
    observer: &dyn Observer,
    interrupt: &Interrupt,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<Outcome> {
    perform(&Job { url, store, backup, plan, observer, interrupt }, Purpose::Keep, before_commit).await
}

/// Does it all to the last row, so that the counts are real, and takes it back. Other sessions wait as they would for `apply`.
///
/// # Errors
/// As `apply`.
pub async fn dry_run(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    plan: &Plan,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let job = Job { url, store, backup, plan, observer, interrupt };
    perform(&job, Purpose::Count, &mut |_| Ok(())).await
}

async fn plan_now(connection: &mut PgConnection, backup: &Manifest, options: &Options) -> Result<(Plan, Catalog)> {
    let now = read_catalog(connection).await?;
    let types = read_shapes(connection).await?;
    Ok((plan(backup, &now, &types, options)?, now))
}

/// Reads every object that the plan needs, so that a damaged backup is known before the live database is touched.
async fn check_objects(store: &Store, backup: &Manifest, plan: &Plan) -> Result<()> {
    let parts = plan.tables.iter().flat_map(|t| &t.parts).filter_map(|name| backup.table(name));
    let mut objects: Vec<String> = parts.flat_map(|t| t.segments.iter().map(|s| s.object.clone())).collect();
    objects.sort_unstable();
    objects.dedup();
    let store = store.clone();
    let check = move || objects.iter().try_for_each(|id| store.check_object(id));
    tokio::task::spawn_blocking(check)
        .await
        .map_err(|e| Error::new(ErrorKind::Other, "Checking the backup stopped").because(e))?
}

async fn perform(job: &Job<'_>, purpose: Purpose, before_commit: &mut BeforeCommit<'_>) -> Result<Outcome> {
    let (plan, url) = (job.plan, job.url);
    let opened = job.interrupt.or(async {
        let mut connection = connect(url).await?;
        let pid = backend_pid(&mut connection).await?;
        Ok((connection, pid))
    });
    let (mut connection, pid) = opened.await.map_err(nothing_changed)?;
    let parts = plan.tables.iter().flat_map(|t| &t.parts).filter_map(|name| job.backup.table(name));
    let bytes = parts.map(|t| t.stats.bytes).sum();
    job.observer.on(Event::Stage { label: "Re-inserting".into(), total_bytes: bytes });
    let load = Load { url, store: job.store, backup: job.backup, plan, observer: job.observer, purpose };
    let loaded = job.interrupt.or(naming(url, load.run(&mut connection))).await;
    job.observer.on(Event::StageDone);
    let ended = match loaded {
        Ok(loaded) => ending::finish(connection, job, loaded, purpose, before_commit).await,
        Err(error) if error.kind == ErrorKind::Interrupted => {
            // dropped in the middle of a statement: the server must not go on with it
            drop(connection);
            if let Ok(mut other) = connect(url).await {
                terminate(&mut other, pid).await;
            }
            Err(error)
        }
        Err(error) => {
            rollback(&mut connection).await;
            let error = name_holder(&mut connection, Lock::ToChange, error).await;
            close(connection).await;
            Err(error)
        }
    };
    ended.map_err(nothing_changed)
}

fn nothing_changed(error: Error) -> Error {
    if error.kind == ErrorKind::Interrupted {
        return Error::new(ErrorKind::Interrupted, "Interrupted while re-inserting: nothing was changed");
    }
    if error.message.contains("either all back or none") { error } else { error.nothing_changed() }
}
