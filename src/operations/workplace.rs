//! Where a journey around migrations works.

use super::interrupt::Interrupt;
use crate::domain::ending::Migration;
use crate::domain::event::Observer;
use crate::domain::expected::LossPattern;
use crate::domain::lint::evidence::fingerprint;
use crate::domain::manifest::ProjectInfo;
use crate::domain::run::AppliedMigration;
use crate::domain::unchanged::ReadRows;
use crate::error::Result;
use crate::postgres::url::DatabaseUrl;
use crate::prisma::Project;
use crate::store::Store;

/// The database, the project that migrates it, and what is kept of it.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub url: &'a DatabaseUrl,
    pub store: &'a Store,
    /// `None`: a command that is not Prisma's, around a database that is given by its URL.
    pub project: Option<&'a Project>,
    /// Backups of each kind that stay.
    pub keep: usize,
    /// Which rows a checkpoint reads.
    pub read: ReadRows,
    /// Losses that are no surprise.
    pub expect_loss: &'a [LossPattern],
    pub observer: &'a dyn Observer,
    pub interrupt: &'a Interrupt,
}

/// The names of those that are applied.
pub fn applied(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().filter(|m| m.is_applied()).map(|m| m.name.clone()).collect()
}

impl Place<'_> {
    /// What manifests say of the project; `migrations`: Prisma's journal.
    pub(super) async fn project_info(&self, migrations: &[Migration]) -> ProjectInfo {
        let git_commit = match self.project {
            Some(project) => project.git_commit().await,
            None => None,
        };
        let prisma = self.project.map(|project| project.prisma_version.text.clone());
        ProjectInfo { prisma, git_commit, migrations: applied(migrations) }
    }

    /// The migration folders on disk.
    pub(super) fn folders(&self) -> Result<Vec<String>> {
        self.project.map_or_else(|| Ok(Vec::new()), Project::migrations_on_disk)
    }

    pub(super) fn as_they_ran(&self, applied: &[String]) -> Vec<AppliedMigration> {
        let project = self.project.iter();
        project.flat_map(|project| applied.iter().filter_map(|name| as_it_ran(project, name))).collect()
    }
}

/// `None` where its text cannot be read any more.
fn as_it_ran(project: &Project, name: &str) -> Option<AppliedMigration> {
    Some(AppliedMigration { name: name.to_owned(), blake3: fingerprint(&project.migration_sql(name)?) })
}
