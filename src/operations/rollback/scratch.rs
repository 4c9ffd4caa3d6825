//! A database beside the live one for as long as some work takes: made from a backup or the live one, dropped at the end.

use super::beside::{self, Desk, clear_up};
use super::decide::Findings;
use super::kept::Kept;
use super::obstacles::{find_extensions, find_owners, find_rights_given_on};
use super::{Blueprint, Job, plan, prove};
use crate::domain::event::Observer;
use crate::domain::manifest::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::operations::interrupt::Interrupt;
use crate::postgres::PgConnection;
use crate::postgres::databases::{self, Copying, Database, Standing};
use crate::postgres::session::connect;
use crate::postgres::snapshot::read_database_info;
use crate::postgres::structure::{self, Paths};
use crate::postgres::url::DatabaseUrl;
use crate::store::Store;

/// A place for a database, and what it can be filled with. Nothing is there until it is created.
pub(in crate::operations) struct Scratch<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) blueprint: &'a Blueprint,
    /// The database's name.
    pub name: &'a str,
    desk: &'a mut PgConnection,
    live: Option<Database>,
}

/// Does the work with a scratch database beside the URL's, which is dropped afterwards, also after a failure and an
/// interrupt. What a killed process left is dropped first.
///
/// # Errors
/// The work's own; `Damaged`; `Other` when this server or role cannot make one; `Locked` while another safemigrate works
/// beside this database; `Tool`; `Server`; `Interrupted`.
pub(in crate::operations) async fn beside<T>(
    url: &DatabaseUrl,
    store: &Store,
    backup: &Manifest,
    observer: &dyn Observer,
    interrupt: &Interrupt,
    work: impl AsyncFnOnce(&mut Scratch<'_>) -> Result<T>,
) -> Result<T> {
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
    let name = databases::free_name(&url.database, Standing::Scratch);
    let live = databases::find(&mut desk.session, &url.database).await?;
    let mut scratch = Scratch { job: &job, blueprint: &blueprint, name: &name, desk: &mut desk.session, live };
    let worked = interrupt.or(work(&mut scratch)).await;
    let dropped = async { databases::drop_if_exists(&mut desk.again(url).await?, &name).await };
    let dropped = clear_up(interrupt, dropped).await;
    fault::at("trial.dropped");
    match (worked, dropped) {
        (worked, Ok(())) => worked,
        (worked, Err(error)) => {
            let what = worked.err().map(|e| format!(" after it failed ({e})")).unwrap_or_default();
            let message = format!("The scratch database {name} could not be dropped{what}");
            Err(Error::new(ErrorKind::Server, format!("{message}. The live database was not touched"))
                .hint("`safemigrate recover` drops it.")
                .because(error))
        }
    }
}

impl Scratch<'_> {
    /// Makes the database, empty.
    ///
    /// # Errors
    /// `Server`.
    pub async fn create(&mut self) -> Result<()> {
        beside::create(self.job, self.desk, self.live.as_ref(), self.name).await
    }

    /// Makes it a copy of the live database, where the server lets us, and where that still holds what is in the backup.
    /// Otherwise nothing is made.
    ///
    /// # Errors
    /// `Server`.
    pub async fn copy_live(&mut self) -> Result<Option<Copying>> {
        let Some(live) = self.live.as_ref().filter(|live| live.allows_connections) else { return Ok(None) };
        let mark = beside::mark(self.job, Standing::Scratch);
        let Some(copying) = databases::copy_whole(self.desk, self.name, live, &mark).await? else { return Ok(None) };
        self.job.stage("Comparing the copy with the backup", self.job.backup.bytes());
        match prove::beside(self.job, self.name).await {
            Ok(()) => Ok(Some(copying)),
            // somebody has written since
            Err(error) if error.kind == ErrorKind::Other => {
                databases::drop_if_exists(self.desk, self.name).await.map(|()| None)
            }
            Err(error) => Err(error),
        }
    }

    /// The settings that the live database gives to sessions.
    ///
    /// # Errors
    /// `Server`.
    pub async fn carry_settings(&mut self) -> Result<()> {
        match &self.live {
            Some(live) => databases::carry_settings(self.desk, live, self.name).await,
            None => Ok(()),
        }
    }

    /// Structure and data of the backup into the empty database.
    ///
    /// # Errors
    /// `Server`; `Damaged`.
    pub async fn restore(&mut self) -> Result<()> {
        let mut sessions = beside::sessions(self.job, self.name).await?;
        beside::restore(self.job, self.blueprint, &mut sessions).await?;
        structure::close(sessions).await
    }

    /// Its structure alone.
    ///
    /// # Errors
    /// `Server`.
    pub async fn restore_structure(&mut self) -> Result<()> {
        let empty = Manifest { tables: Vec::new(), materialized_views: Vec::new(), ..self.job.backup.clone() };
        let job = Job { backup: &empty, paths: self.job.paths.clone(), ..*self.job };
        let mut sessions = beside::sessions(&job, self.name).await?;
        beside::restore(&job, self.blueprint, &mut sessions).await?;
        structure::close(sessions).await
    }

    /// Its address.
    pub fn url(&self) -> DatabaseUrl {
        self.job.url.with_database(self.name)
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
    let message = format!("A scratch copy of {} cannot be made here: {why}", backup.id);
    Err(Error::new(ErrorKind::Other, message).hint("Use a role that may: --url."))
}
