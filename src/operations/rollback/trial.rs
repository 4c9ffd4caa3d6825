//! Proving a full backup by a restore: into a scratch database beside the live one, which nobody ever sees.

use super::beside::{self, Desk, clear_up};
use super::decide::Findings;
use super::kept::Kept;
use super::obstacles::{find_extensions, find_owners, find_rights_given_on};
use super::{Blueprint, Job, plan};
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::operations::interrupt::Interrupt;
use crate::postgres::PgConnection;
use crate::postgres::databases::{self, Standing};
use crate::postgres::session::connect;
use crate::postgres::snapshot::read_database_info;
use crate::postgres::structure::{self, Paths};
use crate::postgres::url::DatabaseUrl;
use crate::store::Store;

/// How a trial restore came out. The scratch database is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// Counts, digests, structure: all as in the backup.
    Proven,
    /// It was restored, and is not what the backup says: this is how it differs.
    Differs(String),
}

/// Restores a full backup beside the URL's database, proves the copy against the manifest, and drops it, also after a
/// failure and an interrupt. Scratch databases that a killed trial left are dropped first. The live database is not touched.
///
/// # Errors
/// `Damaged`; `Other` when this server or role cannot restore it; `Locked` while a rollback is at work; `Tool`; `Server`;
/// `Interrupted`.
pub async fn trial(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Trial> {
    let tried = try_beside(url, store, backup, observer, interrupt).await;
    observer.on(Event::StageDone);
    tried.map_err(|mut error| {
        if error.kind == ErrorKind::Interrupted {
            error.message = "Interrupted while restoring into a scratch database, which was dropped".to_owned();
        }
        error
    })
}

async fn try_beside(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Trial> {
    let mut desk = interrupt.or(Desk::open(url)).await?;
    interrupt.or(drop_left_overs(&mut desk.session, url)).await?;
    let blueprint = interrupt.or(Blueprint::read(store, backup)).await?;
    let server_version = read_database_info(&mut desk.session).await?.server_version;
    refuse_hindrances(&mut desk.session, &blueprint, server_version, backup).await?;
    let search_path = match connect(url).await {
        Ok(mut live) => databases::default_search_path(&mut live).await?,
        // the application's own path is not known where its database is gone
        Err(_) => "\"$user\", public".to_owned(),
    };
    let paths = Paths::new(url.schema.as_deref(), &search_path);
    let job = Job { url, store, backup, observer, paths, server_version };
    let scratch = databases::free_name(&url.database, Standing::Scratch);
    let live = databases::find(&mut desk.session, &url.database).await?;
    let trying = async {
        beside::create(&job, &mut desk.session, live.as_ref(), &scratch).await?;
        restore_and_prove(&job, &blueprint, &scratch).await
    };
    let tried = interrupt.or(trying).await;
    let dropped = async { databases::drop_if_exists(&mut desk.again(url).await?, &scratch).await };
    let dropped = clear_up(interrupt, dropped).await;
    fault::at("trial.dropped");
    match (tried, dropped) {
        (tried, Ok(())) => tried,
        (tried, Err(error)) => {
            let what = tried.err().map(|e| format!(" after it failed ({e})")).unwrap_or_default();
            let message = format!("The scratch database {scratch} of the trial could not be dropped{what}");
            Err(Error::new(ErrorKind::Server, format!("{message}. The live database was not touched"))
                .hint("`safemigrate recover` drops it.")
                .because(error))
        }
    }
}

async fn restore_and_prove(job: &Job<'_>, blueprint: &Blueprint, scratch: &str) -> Result<Trial> {
    job.stage("Restoring into a scratch database", job.backup.bytes());
    let mut sessions = beside::sessions(job, scratch).await?;
    beside::restore(job, blueprint, &mut sessions).await?;
    let proof = beside::proof(job, blueprint, scratch, &mut sessions).await;
    structure::close(sessions).await?;
    fault::at("trial.proven");
    match proof {
        Ok(()) => Ok(Trial::Proven),
        Err(error) if error.kind == ErrorKind::Other => {
            Ok(Trial::Differs(std::iter::once(error.to_string()).chain(error.hints).collect::<Vec<_>>().join("; ")))
        }
        Err(error) => Err(error),
    }
}

/// The lock of the desk says that nobody is at work on them.
pub(in crate::operations) async fn drop_left_overs(desk: &mut PgConnection, url: &DatabaseUrl) -> Result<()> {
    let left = databases::marked(desk, &url.database).await?;
    let is_closed = databases::find(desk, &url.database).await?.is_some_and(|live| !live.allows_connections);
    if is_closed && !left.is_empty() {
        // by what is left `recover` knows that it was a rollback that closed it
        return Err(plan::half_done(url));
    }
    for left in left {
        if left.mark.safemigrate == Standing::Scratch {
            databases::drop_if_exists(desk, &left.name).await?;
        }
    }
    Ok(())
}

/// What says nothing about the backup, but stands in the way of restoring it here.
async fn refuse_hindrances(
    desk: &mut PgConnection,
    blueprint: &Blueprint,
    server_version: u32,
    backup: &Manifest,
) -> Result<()> {
    plan::refuse_older_server(server_version, backup)?;
    let me = databases::me(desk).await?;
    let mut findings = Findings::default();
    if !me.may_create_databases {
        findings.against_swap.push("this role may not create databases".to_owned());
    }
    find_owners(desk, blueprint, &Kept::default(), &mut findings).await?;
    find_extensions(desk, blueprint, &me, &mut findings).await?;
    find_rights_given_on(blueprint, &me, &Kept::default(), &mut findings);
    if !findings.missing_roles.is_empty() {
        let roles = findings.missing_roles.join(", ");
        findings.against_swap.push(format!("roles that own something in it do not exist here: {roles}"));
    }
    if findings.against_swap.is_empty() {
        return Ok(());
    }
    let why = findings.against_swap.join("; ");
    Err(Error::new(ErrorKind::Other, format!("A trial restore of {} cannot be made here: {why}", backup.id))
        .hint("Use a role that may: --url. Without --restore every hash is read all the same."))
}
