//! The journey around a command that may destroy data: checkpoint → the command → a backup of the new state → proof.

mod ended;
mod facts;

use super::bystanders::{self, Scenery};
use super::checkpoint::{Kinds, Request, Taken, take};
use super::interrupt::Interrupt;
use super::journal::{Entry, Purpose};
use super::reinsert::survey;
use super::telling::Telling;
use super::{report, retention, verification};
use crate::domain::compare::Verification;
use crate::domain::ending::{Conclusion, Migration, actor, conclude, unproven};
use crate::domain::event::{Event, Observer};
use crate::domain::guard::Action;
use crate::domain::lint::evidence::fingerprint;
use crate::domain::manifest::{Manifest, ProjectInfo, Reason};
use crate::domain::reinsert::Options;
use crate::domain::run::{AppliedMigration, Run, State};
use crate::domain::suggest::Suggestion;
use crate::domain::touched::Touched;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::postgres::url::DatabaseUrl;
use crate::postgres::writers;
pub use crate::prisma::Attach;
use crate::prisma::{ChildCommand, Project, run_attached};
use crate::store::Store;
use ended::all_ended;
use facts::{drafted, facts};

/// Where a guarded command works.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub url: &'a DatabaseUrl,
    pub store: &'a Store,
    /// `None`: a command that is not Prisma's, around a database that is given by its URL.
    pub project: Option<&'a Project>,
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
    pub suggestions: Vec<Suggestion>,
    /// `None` without a backup.
    pub verification: Option<Verification>,
}

/// Whether there is a way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backup {
    /// Before anything is done; without it nothing is.
    Before,
    /// None, as typed by the user: nothing can be put back and nothing proven.
    Omitted,
}

/// Guards a command, attached to the terminal. It is not begun before the checkpoint is durable.
///
/// # Errors
/// Those of the checkpoint (nothing was changed then), of starting the command (`Tool`), and of reading the new state.
pub async fn guarded(
    place: &Place<'_>,
    action: Action,
    child: &ChildCommand,
    attach: Attach,
    backup: Backup,
) -> Result<Outcome> {
    let telling = Telling::new(place.store, place.observer);
    let place = &Place { observer: &telling, ..*place };
    let opening = Entry::open(place.store, place.url, action.name(), Purpose::Migrate, place.observer, place.interrupt);
    let mut entry = opening.await?;
    let work = async { Ok(run_attached(child, attach).await?.code) };
    let ended = match backup {
        Backup::Before => journey(place, &mut entry, work).await,
        Backup::Omitted => without_backup(place, &mut entry, work).await,
    };
    let closed = entry.close(ended, |(conclusion, ..)| conclusion.happened.clone()).await;
    report::write(place.store, &entry.run, place.project, place.observer);
    let (conclusion, suggestions, verification) = closed?;
    retention::make_room(place.store, place.keep, &entry.run.before, place.observer);
    Ok(Outcome { run: entry.run.clone(), conclusion, suggestions, verification })
}

type Ended = (Conclusion, Vec<Suggestion>, Option<Verification>);

async fn without_backup(
    place: &Place<'_>,
    entry: &mut Entry,
    work: impl Future<Output = Result<i32>>,
) -> Result<Ended> {
    refuse_two_meanings(place.url).await?;
    entry.run.without_backup = true;
    let (before, clock) = migrations(place).await?;
    entry.step(State::Migrating).map_err(Error::nothing_changed)?;
    let exit_code = {
        let _ours_to_survive = place.interrupt.mute();
        work.await?
    };
    entry.run.prisma_exit_code = Some(exit_code);
    let looked = async {
        all_ended(place, actor(&entry.run.command), clock.as_deref()).await?;
        migrations(place).await
    };
    let (after, _) = looked.await.map_err(|e| unverified(&entry.run, e))?;
    let applied = after.into_iter().filter(|m| m.is_applied() && !before.contains(m)).map(|m| m.name);
    entry.run.migrations_applied = applied.collect();
    Ok((unproven(&entry.run.command, exit_code, &entry.run.migrations_applied), Vec::new(), None))
}

/// Prisma's journal, and the server's clock before the look; of a database that does not exist nothing.
async fn migrations(place: &Place<'_>) -> Result<(Vec<Migration>, Option<String>)> {
    let mut connection = match place.interrupt.or(connect(place.url)).await {
        Err(e) if e.kind == ErrorKind::NoDatabase => return Ok((Vec::new(), None)),
        opened => opened?,
    };
    let clock = writers::clock(&mut connection).await?;
    Ok((prisma_journal::read(&mut connection, place.url.prisma_schema()).await?, Some(clock)))
}

async fn journey(place: &Place<'_>, entry: &mut Entry, work: impl Future<Output = Result<i32>>) -> Result<Ended> {
    refuse_two_meanings(place.url).await?;
    let before = look(place, Reason::BeforeMigration, Kinds::Both, &entry.run).await?;
    let folders = place.folders()?;
    if let Some(taken) = &before.taken {
        entry.run.before = taken.ids();
        place.observer.on(Event::Note(format!("Checkpoint {} taken", entry.run.before.join(" and "))));
    }
    if place.interrupt.is_set() {
        let who = actor(&entry.run.command);
        let message = format!("Interrupted after the checkpoint: {who} was not started and the database is untouched");
        return Err(Error::new(ErrorKind::Interrupted, message));
    }
    entry.step(State::Migrating).map_err(Error::nothing_changed)?;
    let exit_code = {
        let _ours_to_survive = place.interrupt.mute();
        work.await?
    };
    fault::at("run.prisma-ended");
    entry.run.prisma_exit_code = Some(exit_code);
    entry.step(State::Verifying).map_err(|e| unverified(&entry.run, e))?;

    let others_are_connected = all_ended(place, actor(&entry.run.command), before.clock.as_deref())
        .await
        .map_err(|e| unverified(&entry.run, e))?;
    let after =
        look(place, Reason::AfterMigration, Kinds::Full, &entry.run).await.map_err(|e| unverified(&entry.run, e))?;
    fault::at("run.new-state");
    let run = &mut entry.run;
    run.after = after.taken.iter().flat_map(Taken::ids).collect();
    let touched = touched(place, run, &before, others_are_connected)?;
    let verification = prove(place, &before, &after, touched).await.map_err(|e| unverified(run, e))?;
    if let Some(told) = bystanders::told(&verification) {
        place.observer.on(Event::Note(told));
    }
    fault::at("run.proven");
    let drafted = drafted(place, &after, &folders)?;
    let mut facts = facts(run, &before, &after, drafted);
    if !verification.ok && after.taken.is_some() {
        facts.suggestions = suggestions(place, &before, &verification).await;
    }
    run.migrations_applied.clone_from(&facts.applied);
    run.migrations = place.as_they_ran(&facts.applied);
    run.verification = Some(verification.clone());
    Ok((conclude(&facts, &verification), facts.suggestions, Some(verification)))
}

impl Place<'_> {
    /// The migration folders on disk.
    fn folders(&self) -> Result<Vec<String>> {
        self.project.map_or_else(|| Ok(Vec::new()), Project::migrations_on_disk)
    }

    fn as_they_ran(&self, applied: &[String]) -> Vec<AppliedMigration> {
        let project = self.project.iter();
        project.flat_map(|project| applied.iter().filter_map(|name| as_it_ran(project, name))).collect()
    }
}

/// Older Prismas do not decode the name in the URL. Where a database has that for its name, the one that is backed up
/// may not be the one that is migrated.
async fn refuse_two_meanings(url: &DatabaseUrl) -> Result<()> {
    let Some(written) = &url.database_as_written else { return Ok(()) };
    match connect(&url.with_database(written)).await {
        Err(e) if e.kind == ErrorKind::NoDatabase => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Url,
            format!("The database URL can mean {} or {written}, and the server has {written}: Prisma before 7.4 takes it. Nothing was changed", url.database),
        )
        .hint("Rename one of them to a name that needs no % in the URL.")),
    }
}

/// The database at one moment.
struct Seen {
    /// `None`: there is no such database.
    taken: Option<Taken>,
    migrations: Vec<Migration>,
    /// The server's, before the look.
    clock: Option<String>,
    scenery: Option<Scenery>,
}

impl Seen {
    fn full(&self) -> Option<&Manifest> {
        self.taken.as_ref().and_then(|t| t.full.as_ref())
    }

    fn names(&self, of: fn(&Migration) -> bool) -> Vec<String> {
        self.migrations.iter().filter(|m| of(m)).map(|m| m.name.clone()).collect()
    }
}

async fn look(place: &Place<'_>, reason: Reason, kinds: Kinds, run: &Run) -> Result<Seen> {
    let mut connection = match place.interrupt.or(connect(place.url)).await {
        Err(e) if e.kind == ErrorKind::NoDatabase => {
            let (name, before) = (&place.url.database, reason == Reason::BeforeMigration);
            let what = if before { "does not exist: there is nothing to back up" } else { "is not there any more" };
            place.observer.on(Event::Note(format!("The database {name} {what}")));
            return Ok(Seen { taken: None, migrations: Vec::new(), clock: None, scenery: None });
        }
        opened => opened?,
    };
    let migrations = prisma_journal::read(&mut connection, place.url.prisma_schema()).await?;
    let clock = Some(writers::clock(&mut connection).await?);
    drop(connection);
    let git_commit = match place.project {
        Some(project) => project.git_commit().await,
        None => None,
    };
    let info = ProjectInfo {
        prisma: place.project.map(|project| project.prisma_version.text.clone()),
        git_commit,
        migrations: migrations.iter().filter(|m| m.is_applied()).map(|m| m.name.clone()).collect(),
    };
    let request = Request { kinds, reason, run: Some(run.id.clone()), project: Some(info) };
    let taken = take(place.url, place.store, &request, place.observer, place.interrupt).await?;
    let scenery = if reason == Reason::BeforeMigration { scenery(place).await } else { None };
    Ok(Seen { taken: Some(taken), migrations, clock, scenery })
}

/// Without it every loss is the migration's, which is no reason to stop.
async fn scenery(place: &Place<'_>) -> Option<Scenery> {
    let reading = async { Scenery::read(&mut connect(place.url).await?).await };
    place.interrupt.or(reading).await.ok()
}

/// What the migrations that were not applied before can have touched; whatever else happens to a database is no loss of theirs.
fn touched(place: &Place<'_>, run: &Run, before: &Seen, others_are_connected: bool) -> Result<Touched> {
    let only_migrates = [Action::Dev, Action::Deploy].iter().any(|action| action.name() == run.command);
    let (Some(scenery), Some(project)) = (before.scenery.as_ref().filter(|_| only_migrates), place.project) else {
        return Ok(Touched::Everything);
    };
    let applied = before.names(Migration::is_applied);
    let pending = project.migrations_on_disk()?.into_iter().filter(|name| !applied.contains(name));
    let scripts: Option<Vec<String>> = pending.map(|name| project.migration_sql(&name)).collect();
    let schema = place.url.prisma_schema();
    Ok(scripts.map_or(Touched::Everything, |scripts| scenery.touched(&scripts, schema, others_are_connected)))
}

async fn prove(place: &Place<'_>, before: &Seen, after: &Seen, touched: Touched) -> Result<Verification> {
    let empty = |m: &Manifest| Manifest { tables: Vec::new(), ..m.clone() };
    let (was, is) = match (before.full(), after.full()) {
        (Some(was), Some(is)) => (was.clone(), is.clone()),
        (None, Some(is)) => (empty(is), is.clone()),
        (Some(was), None) => (was.clone(), empty(was)),
        (None, None) => return Ok(Verification { ok: true, tables: Vec::new() }),
    };
    let store = place.store.clone();
    let comparing = async {
        let compared = tokio::task::spawn_blocking(move || verification::compare(&store, &was, &is, &touched)).await;
        compared.map_err(|e| Error::new(ErrorKind::Other, "The comparison stopped").because(e))?
    };
    place.interrupt.or(comparing).await
}

/// `None` where its text cannot be read any more.
fn as_it_ran(project: &Project, name: &str) -> Option<AppliedMigration> {
    Some(AppliedMigration { name: name.to_owned(), blake3: fingerprint(&project.migration_sql(name)?) })
}

/// What `reinsert` should be told to bring back what is lost. That it cannot be found out loses nothing more.
async fn suggestions(place: &Place<'_>, before: &Seen, verification: &Verification) -> Vec<Suggestion> {
    let Some(backup) = before.taken.as_ref().and_then(|t| t.data_only.as_ref()) else { return Vec::new() };
    let found = async {
        let options = Options::default();
        let mut survey = survey(place.url, place.store, place.project, backup, Some(verification.clone())).await?;
        let lossy: Vec<String> = verification.tables.iter().filter(|t| t.is_loss()).map(|t| t.table.clone()).collect();
        survey.look_for_labels(place.store, backup, &options, &lossy).await?;
        survey.suggest(backup, &options, &[])
    };
    place.interrupt.or(found).await.unwrap_or_else(|error| {
        place.observer.on(Event::Note(format!("What could bring it back was not found out: {error}")));
        Vec::new()
    })
}

/// The command ran, but what it did could not be looked at: the checkpoint is what the user needs to know.
fn unverified(run: &Run, error: Error) -> Error {
    let code = run.prisma_exit_code.unwrap_or(0);
    let kind = error.kind;
    let mut ours = Error::new(
        kind,
        format!("{} ended (exit code {code}), but what became of the data could not be proven", actor(&run.command)),
    );
    if let Some(full) = run.full() {
        ours = ours
            .hint(format!("The state before is safe in the checkpoint {full}. Compare: safemigrate verify {full}"))
            .hint(format!("Structure and data as before: safemigrate rollback {full}"));
    }
    ours.hints.extend(error.hints.iter().cloned());
    ours.because(error.promising_nothing())
}
