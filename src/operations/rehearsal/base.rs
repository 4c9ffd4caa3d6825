//! Which data is rehearsed on: the newest backup, where it is as good as a new one.

use super::super::checkpoint::{Kinds, Request, take};
use super::super::journal::{Purpose, claim};
use super::super::retention;
use super::super::workplace::Place;
use crate::domain::ending::Migration;
use crate::domain::manifest::{Kind, Manifest, ProjectInfo, Reason, TableData};
use crate::domain::names::QualifiedName;
use crate::domain::schema::{Catalog, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::catalog::read_catalog;
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::postgres::snapshot::read_database_info;
use crate::prisma::Project;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Older data may hold no row of what was written since. As often as backups are taken by the clock.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

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
pub async fn choose(place: &Place<'_>, project: &Project, base: Base<'_>, run: &str) -> Result<Manifest> {
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
            None => take_one(place, project, run).await,
        },
        Base::New => take_one(place, project, run).await,
    }
}

async fn newest(place: &Place<'_>) -> Result<Option<Manifest>> {
    let (backups, _) = place.store.manifests()?;
    let mut of_this = backups.into_iter().filter(|b| b.kind == Kind::Full && b.database.name == place.url.database);
    let Some(backup) = of_this.next().filter(|b| is_fresh(&b.created_at)) else { return Ok(None) };
    let mut connection = place.interrupt.or(connect(place.url)).await?;
    let info = read_database_info(&mut connection).await?;
    let migrations = prisma_journal::read(&mut connection, place.url.prisma_schema()).await?;
    let catalog = read_catalog(&mut connection).await?;
    let applied: Vec<String> = migrations.iter().filter(|m| m.is_applied()).map(|m| m.name.clone()).collect();
    let same_migrations = backup.project.as_ref().is_some_and(|p| p.migrations == applied);
    let same_server = info.system_identifier == backup.database.system_identifier;
    let usable = same_server && same_migrations && backup.imported.is_none() && has_shape_of(&catalog, &backup.tables);
    Ok(usable.then_some(backup))
}

fn is_fresh(created_at: &str) -> bool {
    created_at.parse::<Timestamp>().is_ok_and(|at| Timestamp::now().duration_since(at) < FRESH)
}

/// The same tables with the same columns.
fn has_shape_of(now: &Catalog, then: &[TableData]) -> bool {
    let shape = |tables: &mut dyn Iterator<Item = &Table>| -> BTreeMap<QualifiedName, Table> {
        tables.map(|table| (table.name.clone(), table.clone())).collect()
    };
    shape(&mut now.tables.iter()) == shape(&mut then.iter().map(|data| &data.table))
}

async fn take_one(place: &Place<'_>, project: &Project, run: &str) -> Result<Manifest> {
    let claim = claim(place.url, "rehearse", Purpose::Read, place.interrupt).await?;
    let mut connection = place.interrupt.or(connect(place.url)).await?;
    let migrations = prisma_journal::read(&mut connection, place.url.prisma_schema()).await?;
    drop(connection);
    let info = ProjectInfo {
        prisma: Some(project.prisma_version.text.clone()),
        git_commit: project.git_commit().await,
        migrations: migrations.into_iter().filter(Migration::is_applied).map(|m| m.name).collect(),
    };
    let request =
        Request { kinds: Kinds::Both, reason: Reason::Manual, run: Some(run.to_owned()), project: Some(info) };
    let taken = take(place.url, place.store, &request, place.observer, place.interrupt).await?;
    if let Some(claim) = claim {
        claim.release().await;
    }
    retention::make_room(place.store, place.keep, &taken.ids(), place.observer);
    taken.full.ok_or_else(|| Error::new(ErrorKind::Other, "No full backup was taken. Nothing was changed"))
}
