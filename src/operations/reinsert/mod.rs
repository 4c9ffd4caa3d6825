//! Re-insert: the rows of a backup into the schema as it is now, all in one transaction, every row accounted for.
//!
//! `prepare` reads and decides, `apply` does it, `dry_run` does it and takes it back.

mod attempt;
mod feed;
mod load;
mod pending;
mod rejects;
mod survey;

use super::interrupt::Interrupt;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::Manifest;
use crate::domain::reinsert::{Options, Plan, Rejects, Report, plan};
use crate::domain::schema::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::PgConnection;
use crate::postgres::catalog::read_catalog;
use crate::postgres::reinsert::transaction::{backend_pid, close, commit, rollback, terminate};
use crate::postgres::reinsert::types::read_shapes;
use crate::postgres::session::connect;
use crate::postgres::url::DatabaseUrl;
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

/// Reads the schema of today, decides what will happen, and makes sure that the backup is whole before anything is touched.
///
/// # Errors
/// Those of the connection; `Usage` and `RowsDoNotFit` of the plan; `Damaged`.
pub async fn prepare(url: &DatabaseUrl, store: &Store, backup: &Manifest, options: &Options) -> Result<Plan> {
    let mut connection = connect(url).await?;
    let (plan, _) = plan_now(&mut connection, backup, options).await?;
    close(connection).await;
    check_objects(store, backup, &plan).await?;
    Ok(plan)
}

/// Does it: whole, or not at all.
///
/// # Errors
/// Those of the connection; `Server`, `Damaged`, `Store` and `Interrupted`, after all of which nothing was changed.
pub async fn apply(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    plan: &Plan,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    perform(url, store, backup, plan, observer, interrupt, false).await
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
    perform(url, store, backup, plan, observer, interrupt, true).await
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

async fn perform(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    plan: &Plan,
    observer: &dyn Observer,
    interrupt: &Interrupt,
    dry_run: bool,
) -> Result<Outcome> {
    let mut connection = interrupt.or(connect(url)).await?;
    let pid = backend_pid(&mut connection).await?;
    let bytes =
        plan.tables.iter().flat_map(|t| &t.parts).filter_map(|name| backup.table(name)).map(|t| t.stats.bytes).sum();
    observer.on(Event::Stage { label: "Re-inserting".into(), total_bytes: bytes });
    let load = Load { url, store, backup, plan, observer, dry_run };
    let loaded = interrupt.or(load.run(&mut connection)).await;
    observer.on(Event::StageDone);
    match loaded {
        Ok(loaded) => {
            let outcome = finish(&mut connection, loaded, dry_run).await;
            close(connection).await;
            outcome
        }
        Err(error) if error.kind == ErrorKind::Interrupted => {
            // dropped in the middle of a statement: the server must not go on with it
            drop(connection);
            if let Ok(mut other) = connect(url).await {
                terminate(&mut other, pid).await;
            }
            Err(Error::new(ErrorKind::Interrupted, "Interrupted while re-inserting: nothing was changed"))
        }
        Err(error) => {
            rollback(&mut connection).await;
            Err(nothing_changed(error))
        }
    }
}

/// The transaction holds the whole result: keep it, or take it back.
async fn finish(connection: &mut PgConnection, loaded: load::Loaded, dry_run: bool) -> Result<Outcome> {
    let load::Loaded { report, rejects, saved } = loaded;
    if rejects == Rejects::Fail && report.rejected() > 0 {
        rollback(connection).await;
        return Ok(Outcome::DoesNotFit(report));
    }
    if dry_run {
        rollback(connection).await;
        return Ok(Outcome::Done(report));
    }
    match commit(connection).await {
        Ok(()) => {
            saved.keep();
            Ok(Outcome::Done(report))
        }
        Err(error) => Err(error),
    }
}

fn nothing_changed(mut error: Error) -> Error {
    if !error.message.contains("othing was changed") {
        error.message.push_str(". Nothing was changed");
    }
    error
}
