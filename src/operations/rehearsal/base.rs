//! Which data is rehearsed on: the newest backup, where it is as good as a new one.

use super::super::checkpoint::{Kinds, Request, take};
use super::super::ids;
use super::super::journal::{Purpose, claim};
use super::super::retention;
use super::super::workplace::{Place, applied};
use crate::domain::manifest::{Kind, Manifest, Reason};
use crate::domain::rehearsal::base::{Present, is_fresh, stands_for};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::catalog::read_catalog;
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::postgres::snapshot::read_database_info;

/// Which backup is wanted.
#[derive(Debug, Clone, Copy)]
pub enum Base<'a> {
    /// The newest, unless it is old or the schema is another by now; then one is taken.
    Newest,
    /// One that is taken now.
    New,
    /// This one, however old.
    This(&'a Manifest),
}

/// The full backup to rehearse on. Call it under the store's lock.
///
/// # Errors
/// `Usage` for one that is not full or of another database; those of a checkpoint.
pub async fn choose(place: &Place<'_>, base: Base<'_>, run: &str) -> Result<Manifest> {
    match base {
        Base::This(backup) => {
            let usable = backup.kind == Kind::Full && backup.database.name == place.url.database;
            let wrong = || {
                let message = format!("{} is no full backup of the database {}", backup.id, place.url.database);
                Error::new(ErrorKind::Usage, message).nothing_changed()
            };
            usable.then(|| backup.clone()).ok_or_else(wrong)
        }
        Base::Newest => match newest(place).await? {
            Some(backup) => Ok(backup),
            None => take_one(place, run).await,
        },
        Base::New => take_one(place, run).await,
    }
}

async fn newest(place: &Place<'_>) -> Result<Option<Manifest>> {
    let (backups, _) = place.store.manifests()?;
    let mut of_this = backups.into_iter().filter(|b| b.kind == Kind::Full && b.database.name == place.url.database);
    let Some(backup) = of_this.next().filter(|b| is_fresh(b, ids::seconds_since(&b.created_at))) else {
        return Ok(None);
    };
    let mut connection = place.interrupt.or(connect(place.url)).await?;
    let info = read_database_info(&mut connection).await?;
    let migrations = prisma_journal::read(&mut connection, place.url.prisma_schema()).await?;
    let present = Present {
        system_identifier: info.system_identifier.as_deref(),
        applied: &applied(&migrations),
        catalog: &read_catalog(&mut connection).await?,
    };
    Ok(stands_for(&backup, present).then_some(backup))
}

async fn take_one(place: &Place<'_>, run: &str) -> Result<Manifest> {
    let claim = claim(place.url, "rehearse", Purpose::Read, place.interrupt).await?;
    let mut connection = place.interrupt.or(connect(place.url)).await?;
    let migrations = prisma_journal::read(&mut connection, place.url.prisma_schema()).await?;
    drop(connection);
    let project = Some(place.project_info(&migrations).await);
    let request =
        Request { kinds: Kinds::Both, reason: Reason::Manual, run: Some(run.to_owned()), project, read: place.read };
    let taken = take(place.url, place.store, &request, place.observer, place.interrupt).await?;
    if let Some(claim) = claim {
        claim.release().await;
    }
    retention::make_room(place.store, place.keep, &taken.ids(), place.observer);
    taken.full.ok_or_else(|| Error::new(ErrorKind::Other, "No full backup was taken. Nothing was changed"))
}
