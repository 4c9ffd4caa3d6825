//! The manifests of a checkpoint come together or not at all, also when the power goes in between: all are durable under
//! names that nobody reads before the first of them gets its own.

use super::{Store, files};
use crate::domain::manifest::{Kind, Manifest};
use crate::error::Result;
use crate::fault;
use std::fs;
use std::io;
use std::path::PathBuf;

const PENDING: &str = ".pending-";

impl Store {
    /// Writes the manifests of one moment. Their objects must be durable by now: with this the backups exist.
    ///
    /// # Errors
    /// `Store`; none of them exists then.
    pub fn write_manifests(&self, manifests: &[&Manifest]) -> Result<()> {
        let texts = manifests.iter().map(|m| Ok((m.id.as_str(), Self::sealed(m)?))).collect::<Result<Vec<_>>>()?;
        let place = || -> io::Result<()> {
            for (id, text) in &texts {
                files::write_durable(&self.pending_path(id), text)?;
            }
            files::sync_folder(&self.backups())?;
            for (id, _) in &texts {
                fault::writing("manifest.rename")?;
                fs::rename(self.pending_path(id), self.manifest_path(id))?;
            }
            files::sync_folder(&self.backups())
        };
        place().map_err(|error| {
            for (id, _) in &texts {
                // what cannot be taken back is whole all the same
                let _ = fs::remove_file(self.manifest_path(id));
                let _ = fs::remove_file(self.pending_path(id));
            }
            self.cannot("written", error)
        })
    }

    /// What a crash left in between: where one of a pair has got its name the other gets it, too; else both go.
    ///
    /// # Errors
    /// `Store`.
    pub(super) fn settle_pending(&self) -> Result<()> {
        let names = super::names_in(&self.backups())?;
        let pending: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(PENDING)).collect();
        if pending.is_empty() {
            return Ok(());
        }
        let settle = |id: &str| {
            let begun = [Kind::Full, Kind::DataOnly].iter().any(|k| self.manifest_path(&k.id(stem(id))).exists());
            if begun {
                fs::rename(self.pending_path(id), self.manifest_path(id))
            } else {
                fs::remove_file(self.pending_path(id))
            }
        };
        pending
            .iter()
            .try_for_each(|id| settle(id))
            .and_then(|()| files::sync_folder(&self.backups()))
            .map_err(|e| self.cannot("written", e))
    }

    fn pending_path(&self, id: &str) -> PathBuf {
        self.backups().join(format!("{PENDING}{id}"))
    }
}

/// What the ids of a pair share.
fn stem(id: &str) -> &str {
    id.split_once('-').map_or(id, |(_, stem)| stem)
}
