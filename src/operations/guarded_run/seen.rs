//! The database before and after the command.

use super::Place;
use crate::domain::ending::Migration;
use crate::domain::event::Event;
use crate::domain::manifest::{Manifest, Reason};
use crate::domain::run::Run;
use crate::error::{ErrorKind, Result};
use crate::operations::bystanders::Scenery;
use crate::operations::checkpoint::{Kinds, Request, Taken, take};
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::postgres::writers;

/// Prisma's journal, and the server's clock before the look; of a database that does not exist nothing.
pub(super) async fn migrations(place: &Place<'_>) -> Result<(Vec<Migration>, Option<String>)> {
    let mut connection = match place.interrupt.or(connect(place.url)).await {
        Err(e) if e.kind == ErrorKind::NoDatabase => return Ok((Vec::new(), None)),
        opened => opened?,
    };
    let clock = writers::clock(&mut connection).await?;
    Ok((prisma_journal::read(&mut connection, place.url.prisma_schema()).await?, Some(clock)))
}

/// The database at one moment.
pub(super) struct Seen {
    /// `None`: there is no such database.
    pub taken: Option<Taken>,
    pub migrations: Vec<Migration>,
    /// The server's, before the look.
    pub clock: Option<String>,
    pub scenery: Option<Scenery>,
}

impl Seen {
    pub fn full(&self) -> Option<&Manifest> {
        self.taken.as_ref().and_then(|t| t.full.as_ref())
    }

    pub fn names(&self, of: fn(&Migration) -> bool) -> Vec<String> {
        self.migrations.iter().filter(|m| of(m)).map(|m| m.name.clone()).collect()
    }
}

pub(super) async fn look(place: &Place<'_>, reason: Reason, kinds: Kinds, run: &Run) -> Result<Seen> {
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
    let project = Some(place.project_info(&migrations).await);
    let request = Request { kinds, reason, run: Some(run.id.clone()), project, read: place.read };
    let taken = take(place.url, place.store, &request, place.observer, place.interrupt).await?;
    let scenery = if reason == Reason::BeforeMigration { scenery(place).await } else { None };
    Ok(Seen { taken: Some(taken), migrations, clock, scenery })
}

/// Without it every loss is the migration's, which is no reason to stop.
async fn scenery(place: &Place<'_>) -> Option<Scenery> {
    let reading = async { Scenery::read(&mut connect(place.url).await?).await };
    place.interrupt.or(reading).await.ok()
}
