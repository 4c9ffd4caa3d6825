//! One run at a time: a lock that the kernel lets go when its holder dies.

use super::{Store, files};
pub use crate::domain::holder::Holder;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

/// How long a holder may take to write down who it is.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(20);

/// Whoever only asks who holds it (`lock_holder`, every other second by an open page) has it for some microseconds.
const GLANCES: u32 = 5;
const GLANCE: Duration = Duration::from_millis(3);

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
        let mut taken = file.try_lock();
        for _ in 0..GLANCES {
            if !matches!(taken, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(GLANCE);
            taken = file.try_lock();
        }
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(wait_for_holder(&mut file))),
            Err(TryLockError::Error(e)) => return Err(self.cannot("locked", e)),
        }
        let mut write = || -> std::io::Result<()> {
            fault::writing("lock.write")?;
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&serde_json::to_vec(holder)?)
        };
        write().map_err(|e| self.cannot("written", e))?;
        fault::at("lock.taken");
        Ok(Lock { _file: file })
    }

    /// Who holds the lock right now, if somebody does.
    pub fn lock_holder(&self) -> Option<Holder> {
        let mut file = files::open_regular(&self.root().join("lock")).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => wait_for_holder(&mut file),
            _ => None,
        }
    }

    fn lock_file(&self) -> std::io::Result<File> {
        fault::writing("lock.open")?;
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

/// Whoever has just taken the lock has not written yet who it is: what stands there is of the one before, or nothing.
fn wait_for_holder(file: &mut File) -> Option<Holder> {
    for _ in 0..TRIES {
        match read_holder(file) {
            Some(holder) if is_alive(holder.pid) => return Some(holder),
            _ => std::thread::sleep(BETWEEN),
        }
    }
    // one on another machine, or in another container, is not seen from here
    read_holder(file)
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    !matches!(test_kill_process(pid), Err(Errno::SRCH))
}

fn locked(holder: Option<Holder>) -> Error {
    let who = match holder {
        Some(holder) => holder.at_work("in this store"),
        None => "Another safemigrate is at work in this store".to_owned(),
    };
    Error::new(ErrorKind::Locked, format!("{who}. Nothing was changed")).hint("Wait until it is done, then try again.")
}
