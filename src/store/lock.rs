//! One run at a time: a lock that the kernel lets go when its holder dies.

use super::{Store, files};
use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

/// Who holds the lock, for the others to read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub command: String,
    /// RFC 3339, UTC.
    pub since: String,
}

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Store {
    /// Takes the store's lock, or says at once who holds it.
    ///
    /// # Errors
    /// `Locked` with the holder's name; `Store`.
    pub fn lock(&self, holder: &Holder) -> Result<Lock> {
        let mut file = self.lock_file().map_err(|e| self.cannot("written", e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(read_holder(&mut file))),
            Err(TryLockError::Error(e)) => return Err(self.cannot("locked", e)),
        }
        let mut write = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&serde_json::to_vec(holder)?)
        };
        write().map_err(|e| self.cannot("written", e))?;
        Ok(Lock { _file: file })
    }

    /// Who holds the lock right now, if somebody does.
    pub fn lock_holder(&self) -> Option<Holder> {
        let mut file = files::open_regular(&self.root().join("lock")).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read_holder(&mut file),
            _ => None,
        }
    }

    fn lock_file(&self) -> std::io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(files::no_surprises())
            .open(self.root().join("lock"))?;
        files::make_private(&file)?;
        Ok(file)
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn locked(holder: Option<Holder>) -> Error {
    let who = match holder {
        Some(h) => {
            format!("`safemigrate {}` (process {}, since {}) is at work in this store", h.command, h.pid, h.since)
        }
        None => "Another safemigrate is at work in this store".to_owned(),
    };
    Error::new(ErrorKind::Locked, format!("{who}. Nothing was changed")).hint("Wait until it is done, then try again.")
}
