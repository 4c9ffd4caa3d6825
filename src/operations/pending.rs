//! What is to be applied: by the database's journal and the project's folders.

use super::workplace::Place;
use crate::domain::ending::Migration;
use crate::domain::manifest::Manifest;
use crate::error::Result;
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::prisma::Project;

/// As which of Prisma's commands the migrations are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// `migrate dev`: what is pending, and what Prisma would draft from the schema.
    Dev,
    /// `migrate deploy`: what is pending.
    Deploy,
    /// `db push`: what Prisma would draft from the schema.
    Push,
}

/// What is to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Folders that the database does not know as applied, oldest first.
    pub migrations: Vec<String>,
    /// In Prisma's journal as failed: Prisma refuses to go on.
    pub failed: Vec<String>,
}

impl Pending {
    /// # Errors
    /// Those of connecting; `Config` when the folder cannot be read.
    pub async fn look(place: &Place<'_>, project: &Project, wanted: As) -> Result<Self> {
        let mut connection = place.interrupt.or(connect(place.url)).await?;
        let journal = prisma_journal::read(&mut connection, place.url.prisma_schema()).await?;
        let names = |of: fn(&Migration) -> bool| journal.iter().filter(|m| of(m)).map(|m| m.name.clone()).collect();
        let applied: Vec<String> = names(Migration::is_applied);
        let mut migrations = if wanted == As::Push { Vec::new() } else { project.migrations_on_disk()? };
        migrations.retain(|name| !applied.contains(name));
        Ok(Self { migrations, failed: names(Migration::is_failed) })
    }

    /// The same as it was when a backup was taken: what was applied since is still to come.
    ///
    /// # Errors
    /// `Config` when the folder cannot be read.
    pub fn as_of(self, backup: &Manifest, project: &Project, wanted: As) -> Result<Self> {
        let Some(then) = backup.project.as_ref().filter(|_| wanted != As::Push) else { return Ok(self) };
        let mut migrations = project.migrations_on_disk()?;
        migrations.retain(|name| !then.migrations.contains(name));
        Ok(Self { migrations, ..self })
    }
}
