//! The journey around a command that may destroy data: checkpoint → the command → a backup of the new state → proof.

mod ended;
mod facts;
mod held;
mod prepare;
mod seen;
mod silence;
mod wish;
mod work;

use super::bystanders;
use super::checkpoint::{Kinds, Taken};
use super::journal::{Entry, Purpose};
use super::reinsert::survey;
use super::telling::Telling;
use super::{expected, report, retention, verification};
use crate::domain::compare::Verification;
use crate::domain::ending::{Conclusion, Migration, actor, conclude, unproven};
use crate::domain::event::Event;
use crate::domain::guard::Action;
use crate::domain::manifest::{Manifest, Reason};
use crate::domain::reinsert::Options;
use crate::domain::run::{Run, State};
use crate::domain::suggest::Suggestion;
use crate::domain::touched::Touched;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::session::connect;
use crate::postgres::url::DatabaseUrl;
pub use crate::prisma::Attach;
use crate::prisma::ChildCommand;
use ended::all_ended;
use facts::{drafted, facts};
use held::Held;
use prepare::go;
use seen::{Seen, look, migrations};
use work::Work;

use super::workplace::Place;
pub use wish::{Backup, FirstTry, Outcome, Preparation};

/// Guards a command, attached to the terminal. It is not begun before the checkpoint is durable.
///
/// # Errors
/// Those of the checkpoint (nothing was changed then), of starting the command (`Tool`), and of reading the new state.
pub async fn guarded(
    place: &Place<'_>,
    action: Action,
    child: &ChildCommand,
    attach: Attach,
    backup: Backup<'_>,
) -> Result<Outcome> {
    let telling = Telling::new(place.store, place.observer);
    let place = &Place { observer: &telling, ..*place };
    let opening = Entry::open(place.store, place.url, action.name(), Purpose::Migrate, place.observer, place.interrupt);
    let mut entry = opening.await?;
    let work = Work { child, attach };
    let ended = match backup {
        Backup::Before(preparation) => journey(place, &mut entry, preparation, &work).await,
        Backup::Omitted => without_backup(place, &mut entry, &work).await,
    };
    let closed = entry.close(ended, |(conclusion, ..)| conclusion.happened.clone()).await;
    report::write(place.store, &entry.run, place.project, place.observer);
    let (conclusion, suggestions, verification) = closed?;
    retention::make_room(place.store, place.keep, &entry.run.before, place.observer);
    Ok(Outcome { run: entry.run.clone(), conclusion, suggestions, verification })
}

type Ended = (Conclusion, Vec<Suggestion>, Option<Verification>);

async fn without_backup(place: &Place<'_>, entry: &mut Entry, work: &Work<'_>) -> Result<Ended> {
    refuse_two_meanings(place.url).await?;
    entry.run.without_backup = true;
    let (before, clock) = migrations(place).await?;
    entry.step(State::Migrating).map_err(Error::nothing_changed)?;
    let exit_code = {
        let _ours_to_survive = place.interrupt.mute();
        work.run().await?
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

async fn journey(place: &Place<'_>, entry: &mut Entry, preparation: Preparation<'_>, work: &Work<'_>) -> Result<Ended> {
    refuse_two_meanings(place.url).await?;
    let folders = place.folders()?;
    let (before, held) = match Held::start(place, &entry.run, preparation, work).await? {
        Some(held) => {
            let (before, held) = held.look(place, &entry.run).await?;
            (before, Some(held))
        }
        None => (look(place, Reason::BeforeMigration, Kinds::Both, &entry.run).await?, None),
    };
    if let Some(taken) = &before.taken {
        entry.run.before = taken.ids();
        place.observer.on(Event::Note(format!("Checkpoint {} taken", entry.run.before.join(" and "))));
    }
    let exit_code = match held {
        Some(held) => held.go(place, entry).await?,
        None => go(place, entry, preparation, before.full(), work).await?,
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
    let verification = as_expected(place, run, &before, &after, verification).map_err(|e| unverified(run, e))?;
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

/// What the migrations that were not applied before can have touched; whatever else happens to a database is no loss of theirs.
fn touched(place: &Place<'_>, run: &Run, before: &Seen, others_are_connected: bool) -> Result<Touched> {
    let (Some(scenery), Some(project)) = (before.scenery.as_ref().filter(|_| run.only_migrates()), place.project)
    else {
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

/// What was said beforehand to be meant is no loss. A reset means all of it.
fn as_expected(
    place: &Place<'_>,
    run: &Run,
    before: &Seen,
    after: &Seen,
    verification: Verification,
) -> Result<Verification> {
    let Some(was) = before.full().filter(|_| !verification.ok && run.command != Action::Reset.name()) else {
        return Ok(verification);
    };
    let known = before.names(Migration::is_applied);
    let applied: Vec<String> =
        after.names(Migration::is_applied).into_iter().filter(|name| !known.contains(name)).collect();
    let expectations = expected::of_project(place.expect_loss, place.project, &applied, place.url.prisma_schema())?;
    Ok(expectations.mark(verification, &was.tables))
}

/// What `reinsert` should be told to bring back what is lost. That it cannot be found out loses nothing more.
async fn suggestions(place: &Place<'_>, before: &Seen, verification: &Verification) -> Vec<Suggestion> {
    let Some(backup) = before.taken.as_ref().and_then(|t| t.data_only.as_ref()) else { return Vec::new() };
    let found = async {
        let options = Options::default();
        let mut survey = survey(place.url, place.store, place.project, backup, Some(verification.clone())).await?;
        let lossy = verification.tables.iter().filter(|t| t.is_unexpected_loss());
        let lossy: Vec<String> = lossy.map(|t| t.table.clone()).collect();
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
