//! How far the command is that holds the lock. It is for looking at: nothing is decided by it, and it may be missing.

use super::{Store, files};
use crate::domain::progress::Progress;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(Serialize, Deserialize)]
struct Note {
    pid: u32,
    progress: Progress,
}

impl Store {
    /// Of the command with this process number, if it has written anything.
    pub fn progress_of(&self, pid: u32) -> Option<Progress> {
        let text = files::read_regular(&self.progress_file()).ok()?;
        let note: Note = serde_json::from_slice(&text).ok()?;
        (note.pid == pid).then_some(note.progress)
    }

    /// Writes down how far this process is. Call it under the lock.
    pub fn note_progress(&self, progress: &Progress) {
        let note = Note { pid: std::process::id(), progress: progress.clone() };
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(self.tmp())?;
            file.write_all(&serde_json::to_vec(&note)?)?;
            file.persist(self.progress_file())?;
            Ok(())
        };
        let _ = write();
    }

    pub fn forget_progress(&self) {
        let _ = fs::remove_file(self.progress_file());
    }

    /// Where a crash leaves it, it goes with the next sweep.
    fn progress_file(&self) -> PathBuf {
        self.tmp().join("progress")
    }
}
