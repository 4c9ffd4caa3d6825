//! Restore inside the live database, in one transaction.

use super::kept::{Kept, extension_schema};
use super::prove::{self, Words};
use super::{Blueprint, Job, Plan, Restored, fill, nothing_changed, somebody_wrote};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::postgres::PgConnection;
use crate::postgres::databases;
use crate::postgres::emptying::{self, Schema};
use crate::postgres::session::connect;
use crate::postgres::structure::{self, Entry, Frame, Outcome};
use crate::postgres::tools::{self, Program};
use std::collections::BTreeSet;

pub(super) async fn apply(job: &Job<'_>, plan: &Plan, interrupt: &Interrupt) -> Result<Restored> {
    job.stage("Restoring inside the live database", job.backup.bytes());
    let prepared = interrupt.or(prepare(job, plan)).await.map_err(nothing_changed)?;
    let (mut connection, blueprint, transaction) = prepared;
    // from here on nothing but the commit decides
    if let Err(error) = structure::commit(&mut connection).await {
        drop(connection);
        settle(job, &transaction, error).await?;
    }
    let mut notes = differences(job, &blueprint).await;
    if let Ok(mut connection) = connect(job.url).await {
        structure::analyze(&mut connection).await;
    }
    notes.truncate(20);
    Ok(plan.restored(notes))
}

/// All the work, ready to be committed. Dropped, the server forgets it.
async fn prepare(job: &Job<'_>, plan: &Plan) -> Result<(PgConnection, Blueprint, String)> {
    let blueprint = Blueprint::read(job.store, job.backup).await?;
    let mut connection = connect(job.url).await?;
    structure::prepare_session(&mut connection).await?;
    structure::begin(&mut connection).await?;
    let transaction = structure::transaction_id(&mut connection).await?;
    emptying::lock_tables(&mut connection).await?;
    let now = databases::pulse(&mut connection).await?;
    if plan.pulse.as_ref().is_some_and(|before| *before != now) {
        return Err(somebody_wrote(&job.url.database));
    }
    let kept = empty(job, &blueprint, &mut connection).await?;
    run(job, &blueprint.schemas, &kept, &mut connection).await?;
    let lent = structure::lend_schemas(&mut connection, &blueprint.owners()).await?;
    run(job, &blueprint.before_rows, &kept, &mut connection).await?;
    let connections = std::slice::from_mut(&mut connection);
    fill::rows(job, connections).await?;
    fill::large_objects(job, &blueprint, &mut connection).await?;
    fill::sequences(job, &mut connection).await?;
    job.stage("Building indexes and constraints", 0);
    run(job, &blueprint.after_rows, &kept, &mut connection).await?;
    structure::take_schemas_back(&mut connection, &lent).await?;
    run(job, &blueprint.last, &kept, &mut connection).await?;
    fill::materialized_views(job, &mut connection, Frame::Savepoint).await?;
    job.stage("Proving the restored database", job.backup.bytes());
    prove::contents(job, std::slice::from_mut(&mut connection)).await?;
    Ok((connection, blueprint, transaction))
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
            emptying::renew_schema(connection, &schema, owner, job.server_version).await?;
        } else {
            kept.foreign_schemas.insert(schema.name.clone());
        }
        kept.schemas.insert(schema.name);
    }
    Ok(())
}

fn owner_in<'a>(blueprint: &'a Blueprint, schema: &Schema) -> Option<&'a str> {
    let entry = blueprint.entries().find(|e| e.kind == "SCHEMA" && e.name == schema.name)?;
    entry.owner.as_deref()
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
async fn settle(job: &Job<'_>, transaction: &str, error: Error) -> Result<()> {
    let asked = async { structure::outcome_of(&mut connect(job.url).await?, transaction).await };
    match asked.await {
        Ok(Outcome::Committed) => Ok(()),
        Ok(Outcome::Aborted) => Err(nothing_changed(error)),
        Ok(Outcome::Unknown) | Err(_) => Err(Error::new(
            ErrorKind::NeedsYou,
            format!(
                "The connection broke at the very end of the rollback of {}: it has happened whole, or not at all",
                job.url.database
            ),
        )
        .hint(format!("`safemigrate verify {}` tells which, as soon as the server answers again.", job.backup.id))
        .because(error)),
    }
}

/// What this role could not make exactly as in the backup. The rows are proven; this is about rights and the like.
async fn differences(job: &Job<'_>, blueprint: &Blueprint) -> Vec<String> {
    let described = async {
        let pg_dump = tools::find(Program::PgDump, job.server_version)?;
        let found = structure::describe(&pg_dump, job.url).await?;
        Ok::<_, Error>((found, Words::of(job.backup, &pg_dump)))
    };
    match described.await {
        Ok((found, words)) => prove::structure(found.iter(), blueprint.entries(), words),
        Err(error) => vec![format!("The structure could not be compared afterwards: {error}")],
    }
}
