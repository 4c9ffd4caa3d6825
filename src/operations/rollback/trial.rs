//! Proving a full backup by a restore: into a scratch database beside the live one, which nobody ever sees.

use super::{Blueprint, Job, beside, scratch};
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::Manifest;
use crate::error::{ErrorKind, Result};
use crate::fault;
use crate::operations::interrupt::Interrupt;
use crate::postgres::structure;
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
    scratch::beside(url, store, backup, observer, interrupt, async |scratch| {
        scratch.create().await?;
        restore_and_prove(scratch.job, scratch.blueprint, scratch.name).await
    })
    .await
}

async fn restore_and_prove(job: &Job<'_>, blueprint: &Blueprint, scratch: &str) -> Result<Trial> {
    job.stage("Restoring into a scratch database", job.backup.bytes());
    let mut sessions = beside::sessions(job, scratch).await?;
    beside::restore(job, blueprint, &mut sessions).await?;
    let proof = beside::proof(job, blueprint, scratch).await;
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
