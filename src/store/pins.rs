//! Pins: one file each, whose name is all that it says. Manifests are written once and stay as they are.

use super::{Store, files};
use crate::error::Result;
use crate::fault;
use std::collections::HashSet;
use std::fs;
use std::io;

impl Store {
    /// Ids of the pinned backups. Whatever stands under a pin's name is a pin: nothing can be damaged in it.
    ///
    /// # Errors
    /// `Store` when the folder cannot be read.
    pub fn pins(&self) -> Result<HashSet<String>> {
        Ok(super::names_in(&self.pins_folder())?.into_iter().filter(|name| !name.starts_with('.')).collect())
    }

    /// Pins a backup, durably; tells whether it was not pinned before. Call it under the lock.
    ///
    /// # Errors
    /// `Store`.
    pub fn pin(&self, id: &str) -> Result<bool> {
        let place = || -> io::Result<bool> {
            files::make_private_folder(&self.pins_folder())?;
            files::sync_folder(self.root())?;
            match files::write_new(&self.pins_folder().join(id), b"") {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                written => written.map(|()| true),
            }
        };
        place().map_err(|e| self.cannot("written", e))
    }

    /// Takes the pin away; tells whether there was one. Call it under the lock.
    ///
    /// # Errors
    /// `Store`.
    pub fn unpin(&self, id: &str) -> Result<bool> {
        let taken = || fault::writing("pin.remove").and_then(|()| fs::remove_file(self.pins_folder().join(id)));
        let remove = || match taken() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.and_then(|()| files::sync_folder(&self.pins_folder())).map(|()| true),
        };
        remove().map_err(|e| self.cannot("written", e))
    }
}
