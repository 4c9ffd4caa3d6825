//! Restore inside the live database, in one transaction.

use super::beside::clear_up;
use super::kept::{Kept, extension_schema};
use super::prove::Words;
use super::writes::{Reports, refuse_writes};
use super::{Blueprint, Job, Plan, Restored, fill, nothing_changed, prove};
use crate::domain::event::Event;
use crate::domain::run::Committing;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::operations::interrupt::Interrupt;
use crate::postgres::PgConnection;
use crate::postgres::commit::{Backend, BeforeCommit, Failed, Fate, backend, commit, end, fate, mark};
use crate::postgres::databases;
use crate::postgres::emptying::{self, Schema};
use crate::postgres::reinsert::transaction::rollback;
use crate::postgres::session::connect;
use crate::postgres::structure::{self, Entry, Frame};
use crate::postgres::tools::{self, Program};
use crate::postgres::waiting::{Lock, name_holder, naming};
use std::collections::BTreeSet;

pub(super) async fn apply(
    job: &Job<'_>,
    plan: &Plan,
    interrupt: &Interrupt,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<Restored> {
    job.stage("Restoring inside the live database", job.backup.bytes());
    let mut connection = interrupt.or(open(job)).await.map_err(nothing_changed)?;
    let by = interrupt.or(backend(&mut connection)).await.map_err(nothing_changed)?;
    let (blueprint, committing) = match interrupt.or(naming(job.url, prepare(job, plan, &mut connection))).await {
        Ok(prepared) => prepared,
        Err(error) => return Err(undo(job, connection, &by, error, interrupt).await),
    };
    if let Err(error) = before_commit(&committing) {
        return Err(undo(job, connection, &by, error, interrupt).await);
    }
    // from here on nothing but the commit decides
    match interrupt.or(async { Ok(commit(&mut connection).await) }).await {
        Ok(Ok(())) => {}
        Ok(Err(Failed::Undone(error))) => return Err(nothing_changed(error)),
        Ok(Err(Failed::Unheard(error))) | Err(error) => {
            drop(connection);
            settle(job, &committing, error).await?;
        }
    }
    fault::at("in-place.committed");
    let mut notes = clear_up(interrupt, differences(job, &blueprint))
        .await
        .unwrap_or_else(|error| vec![format!("The structure could not be compared afterwards: {error}")]);
    notes.truncate(20);
    Ok(plan.restored(notes))
}

async fn open(job: &Job<'_>) -> Result<PgConnection> {
    let mut connection = connect(job.url).await?;
    structure::prepare_session(&mut connection).await?;
    Ok(connection)
}

/// Takes everything back, and names who was in the way.
async fn undo(job: &Job<'_>, mut connection: PgConnection, by: &Backend, error: Error, interrupt: &Interrupt) -> Error {
    if error.kind == ErrorKind::Interrupted {
        // dropped in the middle of a statement: the server must not go on with it
        drop(connection);
        let ending = async { end(&mut connect(job.url).await?, by).await };
        // it is never committed, however long the server is at it
        let _ = clear_up(interrupt, ending).await;
        return nothing_changed(error);
    }
    let named = async {
        rollback(&mut connection).await;
        Ok(name_holder(&mut connection, Lock::ToChange, error).await)
    };
    clear_up(interrupt, named).await.map_or_else(nothing_changed, nothing_changed)
}

/// All the work, ready to be committed.
async fn prepare(job: &Job<'_>, plan: &Plan, connection: &mut PgConnection) -> Result<(Blueprint, Committing)> {
    let blueprint = Blueprint::read(job.store, job.backup).await?;
    structure::begin(connection).await?;
    fault::at("in-place.begun");
    emptying::lock_tables(connection).await?;
    fault::at("in-place.locked");
    // the tables are locked by now, but who had written before goes on, and reports it late
    let now = databases::pulse(connection).await?;
    refuse_writes(job, plan, &now, Reports::SomeAreLate, connection).await?;
    let kept = empty(job, &blueprint, connection).await?;
    fault::at("in-place.emptied");
    run(job, &blueprint.schemas, &kept, connection).await?;
    let lent = structure::lend_schemas(connection, &blueprint.owners()).await?;
    run(job, &blueprint.before_rows, &kept, connection).await?;
    fault::at("in-place.structure");
    fill::rows(job, std::slice::from_mut(connection)).await?;
    fill::large_objects(job, &blueprint, connection).await?;
    fill::sequences(job, connection).await?;
    fault::at("in-place.sequences");
    job.stage("Building indexes and constraints", 0);
    run(job, &blueprint.after_rows, &kept, connection).await?;
    structure::take_schemas_back(connection, &lent).await?;
    run(job, &blueprint.last, &kept, connection).await?;
    fill::materialized_views(job, connection, Frame::Savepoint).await?;
    fault::at("in-place.views");
    job.stage("Proving the restored database", job.backup.bytes());
    prove::contents(job, connection).await?;
    fault::at("in-place.proven");
    Ok((blueprint, mark(connection).await?))
}

async fn run(job: &Job<'_>, entries: &[Entry], kept: &Kept, connection: &mut PgConnection) -> Result<()> {
    for entry in entries.iter().filter(|e| kept.lets_run(e)) {
        structure::run_entry(connection, entry, Frame::Savepoint, &job.paths).await?;
    }
    Ok(())
}

/// What would stay in the live database, as far as that can be told before anything is dropped.
pub(super) async fn foresee(connection: &mut PgConnection, blueprint: &Blueprint) -> Result<Kept> {
    let mut kept = kept_things(connection, blueprint).await?;
    for schema in emptying::schemas(connection).await? {
        if !schema.mine {
            kept.foreign_schemas.insert(schema.name.clone());
        }
        kept.schemas.insert(schema.name);
    }
    for extension in emptying::installed_extensions(connection).await? {
        if !extension.mine {
            kept.foreign_extensions.insert(extension.name.clone());
        }
        kept.extensions.insert(extension.name);
    }
    Ok(kept)
}

/// What this role may not change, outside of schemas.
async fn kept_things(connection: &mut PgConnection, blueprint: &Blueprint) -> Result<Kept> {
    Ok(Kept {
        foreign_roles: foreign_roles(connection, blueprint).await?,
        globals: emptying::foreign_globals(connection).await?.into_iter().collect(),
        default_privileges_of: emptying::kept_default_privileges(connection).await?.into_iter().collect(),
        ..Kept::default()
    })
}

/// Those who own what is in the backup, and this role is no member of. Whoever owns the database is in one of them.
async fn foreign_roles(connection: &mut PgConnection, blueprint: &Blueprint) -> Result<BTreeSet<String>> {
    let mut owners: BTreeSet<String> = blueprint.entries().filter_map(|e| e.owner.clone()).collect();
    owners.extend(databases::roles(connection).await?);
    owners.retain(|owner| owner != "pg_database_owner");
    let foreign = databases::foreign_owners(connection, &Vec::from_iter(owners)).await?;
    Ok(foreign.into_iter().map(|(role, _)| role).collect())
}

/// Takes everything out that users made, and tells what stays.
async fn empty(job: &Job<'_>, blueprint: &Blueprint, connection: &mut PgConnection) -> Result<Kept> {
    let objects = emptying::user_objects(connection).await?;
    if let Some(foreign) = objects.iter().find(|o| !o.mine && !o.global) {
        return Err(Error::new(
            ErrorKind::Other,
            format!("This role does not own {} {}", foreign.kind, foreign.identity),
        ));
    }
    let ours: Vec<_> = objects.iter().filter(|o| o.mine).collect();
    let standing = emptying::foreign_globals(connection).await?;
    emptying::drop_all(connection, &ours).await?;
    emptying::unlink_large_objects(connection).await?;
    let mut kept = kept_things(connection, blueprint).await?;
    if let Some((kind, name)) = standing.iter().find(|thing| !kept.globals.contains(*thing)) {
        let text =
            format!("The restore would take {kind} {name} away, which is not this role's and could not be made again");
        return Err(Error::new(ErrorKind::Other, text).hint("Its owner, or a superuser, may roll back: --url."));
    }
    emptying::clear_default_privileges(connection).await?;
    drop_extensions(blueprint, connection).await?;
    keep_schemas(job, blueprint, connection, &mut kept).await?;
    keep_extensions(blueprint, connection, &mut kept).await?;
    emptying::reset_rights(connection).await?;
    // only now: an extension may have been moved out of one
    for schema in emptying::schemas(connection).await? {
        if !job.backup.schemas.contains(&schema.name) {
            emptying::drop_schema(connection, &schema.name).await?;
        }
    }
    Ok(kept)
}

async fn drop_extensions(blueprint: &Blueprint, connection: &mut PgConnection) -> Result<()> {
    let wanted: BTreeSet<&str> =
        blueprint.entries().filter(|e| e.kind == "EXTENSION").map(|e| e.name.as_str()).collect();
    for extension in emptying::installed_extensions(connection).await? {
        if !extension.built_in && !wanted.contains(extension.name.as_str()) {
            emptying::drop_unknown_extension(connection, &extension.name).await?;
        }
    }
    Ok(())
}

async fn keep_schemas(
    job: &Job<'_>,
    blueprint: &Blueprint,
    connection: &mut PgConnection,
    kept: &mut Kept,
) -> Result<()> {
    let there = emptying::schemas(connection).await?;
    let wants_public = job.backup.schemas.iter().any(|s| s == "public");
    if wants_public && !there.iter().any(|s| s.name == "public") {
        // every backup takes it for granted
        emptying::create_schema(connection, "public").await?;
    }
    for schema in emptying::schemas(connection).await? {
        if !job.backup.schemas.contains(&schema.name) {
            continue;
        }
        if schema.mine {
            let owner = owner_in(blueprint, &schema);
            emptying::renew_schema(connection, &schema, owner.as_deref(), job.server_version).await?;
        } else {
            kept.foreign_schemas.insert(schema.name.clone());
        }
        kept.schemas.insert(schema.name);
    }
    Ok(())
}

/// Whose a schema is in the backup; of `public` there may be no statement, but it has its owner's name.
fn owner_in(blueprint: &Blueprint, schema: &Schema) -> Option<String> {
    let entry = blueprint.entries().find(|e| e.kind == "SCHEMA" && e.schema_made() == schema.name)?;
    entry.given_to().or_else(|| entry.owner.clone())
}

async fn keep_extensions(blueprint: &Blueprint, connection: &mut PgConnection, kept: &mut Kept) -> Result<()> {
    for extension in emptying::installed_extensions(connection).await? {
        let wanted = blueprint.entries().find(|e| e.kind == "EXTENSION" && e.name == extension.name);
        let schema = wanted.and_then(extension_schema).filter(|s| *s != extension.schema);
        if let Some(schema) = schema {
            if !kept.schemas.contains(&schema) {
                emptying::create_schema(connection, &schema).await?;
                kept.schemas.insert(schema.clone());
            }
            emptying::move_extension(connection, &extension.name, &schema).await?;
        }
        if !extension.mine {
            kept.foreign_extensions.insert(extension.name.clone());
        }
        kept.extensions.insert(extension.name);
    }
    Ok(())
}

/// The answer to COMMIT did not come: asks what became of the transaction.
async fn settle(job: &Job<'_>, committing: &Committing, error: Error) -> Result<()> {
    match fate(job.url, committing).await {
        Fate::Committed => {
            job.observer.on(Event::Note(
                "Nobody heard the end of the commit. The server says that the transaction is committed.".into(),
            ));
            Ok(())
        }
        Fate::Undone => Err(nothing_changed(error)),
        Fate::Unknown => Err(Error::new(
            ErrorKind::NeedsYou,
            format!(
                "The connection broke at the very end of the rollback of {}: it has happened whole, or not at all",
                job.url.database
            ),
        )
        .hint("`safemigrate recover` asks the server which, as soon as it answers again.")
        .hint(format!("`safemigrate verify {}` compares the rows.", job.backup.id))
        .because(error)),
    }
}

/// What this role could not make exactly as in the backup. The rows are proven; this is about rights and the like.
async fn differences(job: &Job<'_>, blueprint: &Blueprint) -> Result<Vec<String>> {
    let pg_dump = tools::find(Program::PgDump, job.server_version)?;
    let found = structure::describe(&pg_dump, job.url, job.server_version).await?;
    structure::analyze(&mut connect(job.url).await?).await;
    Ok(prove::structure(found.iter(), blueprint.entries(), Words::of(job.backup, &pg_dump)))
}
