//! The journey around a command that may destroy data: checkpoint → the command → a backup of the new state → proof.

use super::checkpoint::{Kinds, Request, Taken, take};
use super::interrupt::Interrupt;
use super::{ids, retention, verification};
use crate::domain::compare::Verification;
use crate::domain::ending::{Conclusion, Facts, Migration, conclude};
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Manifest, ProjectInfo, Reason};
use crate::domain::run::{Run, State};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::postgres::url::DatabaseUrl;
use crate::prisma::Project;
use crate::store::{Holder, Lock, Store};

/// Where a guarded command works.
pub struct Place<'a> {
    pub url: &'a DatabaseUrl,
    pub store: &'a Store,
    pub project: &'a Project,
    /// Backups of each kind that stay.
    pub keep: usize,
    pub observer: &'a dyn Observer,
    pub interrupt: &'a Interrupt,
}

/// How it ended.
#[derive(Debug)]
pub struct Outcome {
    pub run: Run,
    pub conclusion: Conclusion,
    pub verification: Verification,
    pub exit_code: i32,
}

/// Takes the store for one command, and tells of runs that a crash left open.
///
/// # Errors
/// `Locked`, `Store`.
pub fn enter(store: &Store, command: &str, observer: &dyn Observer) -> Result<Lock> {
    store.prepare()?;
    let lock = store.lock(&Holder { pid: std::process::id(), command: command.to_owned(), since: ids::now() })?;
    for mut run in store.runs()?.into_iter().filter(Run::is_unfinished) {
        observer.on(Event::Note(format!("The run {} (safemigrate {}) of {} did not end. {}", run.id, run.command, run.started_at, run.next_step())));
        run.outcome = Some(format!("interrupted in state {:?}. {}", run.state, run.next_step()));
        run.state = State::Failed;
        store.write_run(&run)?;
    }
    Ok(lock)
}

/// Guards `work`, which gives the exit code of the command. It is not begun before the checkpoint is durable.
///
/// # Errors
/// Those of the checkpoint (nothing was changed then), and of reading the new state.
pub async fn guarded(place: &Place<'_>, command: &str, work: impl Future<Output = Result<i32>>) -> Result<Outcome> {
    let _lock = enter(place.store, command, place.observer)?;
    let mut run = Run::begin(ids::run_id(), command, &place.url.database, ids::now());
    place.store.write_run(&run)?;
    let outcome = journey(place, &mut run, work).await;
    run.finished_at = Some(ids::now());
    match &outcome {
        Ok((conclusion, ..)) => {
            run.state = State::Finished;
            run.outcome = Some(conclusion.happened.clone());
        }
        Err(error) => {
            run.state = State::Failed;
            run.outcome = Some(error.to_string());
        }
    }
    let written = place.store.write_run(&run);
    let (conclusion, verification, exit_code) = outcome?;
    written?;
    if let Err(error) = retention::prune(place.store, place.keep, &run.before) {
        place.observer.on(Event::Note(format!("Old backups could not be removed: {error}")));
    }
    Ok(Outcome { run, conclusion, verification, exit_code })
}

async fn journey(place: &Place<'_>, run: &mut Run, work: impl Future<Output = Result<i32>>) -> Result<(Conclusion, Verification, i32)> {
    let before = look(place, Reason::BeforeMigration, Kinds::Both, run).await?;
    let folders = place.project.migrations_on_disk();
    if let Some(taken) = &before.taken {
        run.before = taken.ids();
        place.observer.on(Event::Note(format!("Checkpoint {} taken", run.before.join(" and "))));
    }
    run.state = State::Migrating;
    place.store.write_run(run)?;

    let exit_code = {
        let _ours_to_survive = place.interrupt.mute();
        work.await?
    };
    run.prisma_exit_code = Some(exit_code);
    run.state = State::Verifying;
    place.store.write_run(run)?;

    let after = look(place, Reason::AfterMigration, Kinds::Full, run).await.map_err(|e| unverified(run, e))?;
    run.after = after.taken.iter().flat_map(Taken::ids).collect();
    let verification = prove(place, &before, &after).await.map_err(|e| unverified(run, e))?;
    let facts = facts(run, place, &before, &after, &folders);
    run.migrations_applied.clone_from(&facts.applied);
    run.verification = Some(verification.clone());
    Ok((conclude(&facts, &verification), verification, exit_code))
}

/// The database at one moment.
struct Seen {
    /// `None`: there is no such database.
    taken: Option<Taken>,
    migrations: Vec<Migration>,
}

impl Seen {
    fn full(&self) -> Option<&Manifest> {
        self.taken.as_ref().and_then(|t| t.full.as_ref())
    }
}

async fn look(place: &Place<'_>, reason: Reason, kinds: Kinds, run: &Run) -> Result<Seen> {
    let mut connection = match place.interrupt.or(connect(place.url)).await {
        Err(e) if e.kind == ErrorKind::NoDatabase => {
            place.observer.on(Event::Note(format!("The database {} does not exist: there is nothing to back up", place.url.database)));
            return Ok(Seen { taken: None, migrations: Vec::new() });
        }
        opened => opened?,
    };
    let migrations = prisma_journal::read(&mut connection, place.url.prisma_schema()).await?;
    drop(connection);
    let info = ProjectInfo {
        prisma: Some(place.project.prisma_version.text.clone()),
        git_commit: place.project.git_commit(),
        migrations: migrations.iter().filter(|m| m.is_applied()).map(|m| m.name.clone()).collect(),
    };
    let request = Request { kinds, reason, run: Some(run.id.clone()), project: Some(info) };
    let taken = take(place.url, place.store, &request, place.observer, place.interrupt).await?;
    Ok(Seen { taken: Some(taken), migrations })
}

async fn prove(place: &Place<'_>, before: &Seen, after: &Seen) -> Result<Verification> {
    let empty = |m: &Manifest| Manifest { tables: Vec::new(), ..m.clone() };
    let (was, is) = match (before.full(), after.full()) {
        (Some(was), Some(is)) => (was.clone(), is.clone()),
        (None, Some(is)) => (empty(is), is.clone()),
        (Some(was), None) => (was.clone(), empty(was)),
        (None, None) => return Ok(Verification { ok: true, tables: Vec::new() }),
    };
    let store = place.store.clone();
    let comparing = async {
        let compared = tokio::task::spawn_blocking(move || verification::compare(&store, &was, &is)).await;
        compared.map_err(|e| Error::new(ErrorKind::Other, "The comparison stopped").because(e))?
    };
    place.interrupt.or(comparing).await
}

fn facts(run: &Run, place: &Place<'_>, before: &Seen, after: &Seen, folders: &[String]) -> Facts {
    let names = |seen: &Seen, of: fn(&Migration) -> bool| -> Vec<String> {
        seen.migrations.iter().filter(|m| of(m)).map(|m| m.name.clone()).collect()
    };
    let without = |all: Vec<String>, known: &[String]| -> Vec<String> { all.into_iter().filter(|n| !known.contains(n)).collect() };
    let applied_now = names(after, Migration::is_applied);
    let failed_before = names(before, Migration::is_failed);
    let drafted = without(without(place.project.migrations_on_disk(), folders), &applied_now);
    Facts {
        command: run.command.clone(),
        exit_code: run.prisma_exit_code.unwrap_or(0),
        failed: without(names(after, Migration::is_failed), &failed_before),
        failed_before: failed_before.into_iter().filter(|n| names(after, Migration::is_failed).contains(n)).collect(),
        applied: without(applied_now, &names(before, Migration::is_applied)),
        drafted,
        existed: before.taken.is_some(),
        exists: after.taken.is_some(),
        full: run.full().map(str::to_owned),
        data_only: run.data_only().map(str::to_owned),
    }
}

/// Prisma ran, but what it did could not be looked at: the checkpoint is what the user needs to know.
fn unverified(run: &Run, error: Error) -> Error {
    let code = run.prisma_exit_code.unwrap_or(0);
    let kind = error.kind;
    let mut ours = Error::new(kind, format!("Prisma ended (exit code {code}), but what became of the data could not be proven"));
    if let Some(full) = run.full() {
        ours = ours
            .hint(format!("The state before is safe in the checkpoint {full}. Compare: safemigrate verify {full}"))
            .hint(format!("Structure and data as before: safemigrate rollback {full}"));
    }
    ours.because(error)
}
