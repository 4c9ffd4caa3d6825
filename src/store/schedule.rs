//! What the store knows of its schedule: three small files, so that two attempts that overlap take nothing away from one
//! another. None is written under the lock: an attempt that is skipped must not wait for it.

use super::{Store, files};
use crate::domain::schedule::{Attempt, Record, Schedule, Taken};
use crate::error::{Context, Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io;
use std::path::PathBuf;

const INSTALLED: &str = "installed.json";
const LAST: &str = "last.json";
const GOOD: &str = "good.json";
/// A command that begins sweeps half-written files away, ours too.
const TRIES: u32 = 3;

impl Store {
    /// All that is known; a store without a schedule knows nothing.
    ///
    /// # Errors
    /// `Damaged` naming a file that cannot be read.
    pub fn schedule(&self) -> Result<Record> {
        Ok(Record { schedule: self.read(INSTALLED)?, last: self.read(LAST)?, good: self.read(GOOD)? })
    }

    /// # Errors
    /// `Store`.
    pub fn write_schedule(&self, schedule: &Schedule) -> Result<()> {
        self.write(INSTALLED, schedule)
    }

    /// Forgets the schedule and what became of its attempts; tells whether there was one.
    ///
    /// # Errors
    /// `Store`.
    pub fn remove_schedule(&self) -> Result<bool> {
        let was = self.schedule_folder().join(INSTALLED).exists();
        match fs::remove_dir_all(self.schedule_folder()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| was).map_err(|e| self.cannot("written", e)),
        }
    }

    /// # Errors
    /// `Store`.
    pub fn write_attempt(&self, attempt: &Attempt) -> Result<()> {
        self.write(LAST, attempt)
    }

    /// # Errors
    /// `Store`.
    pub fn write_taken(&self, taken: &Taken) -> Result<()> {
        self.write(GOOD, taken)
    }

    pub(super) fn schedule_folder(&self) -> PathBuf {
        self.root().join("schedule")
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.schedule_folder().join(name);
        let message = || format!("{} cannot be read", path.display());
        match files::read_regular(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::new(ErrorKind::Damaged, message()).because(error)),
            Ok(text) => serde_json::from_slice(&text).map(Some).context(ErrorKind::Damaged, message),
        }
    }

    fn write(&self, name: &str, content: &impl Serialize) -> Result<()> {
        let text = serde_json::to_vec(content).context(ErrorKind::Other, || "The schedule cannot be written".into())?;
        let path = self.schedule_folder().join(name);
        let write =
            || files::make_private_folder(&self.schedule_folder()).and_then(|()| files::write_whole(&path, &text));
        let mut written = write();
        for _ in 1..TRIES {
            if !written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                break;
            }
            written = write();
        }
        written.map_err(|e| self.cannot("written", e))
    }
}
