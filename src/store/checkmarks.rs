//! Checkmarks: one file a backup, of the last time that somebody looked. They are a memory and no proof: whatever is
//! restored is read and compared again. One that cannot be read is as none.

use super::{Store, files};
use crate::domain::checkmark::Checkmark;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

impl Store {
    /// Those that are remembered, by the backup's id.
    pub fn checkmarks(&self) -> BTreeMap<String, Checkmark> {
        let names = super::names_in(&self.checkmarks_folder()).unwrap_or_default();
        let read = |name: String| {
            let id = name.strip_suffix(".json")?.to_owned();
            let text = files::read_regular(&self.checkmarks_folder().join(&name)).ok()?;
            Some((id, serde_json::from_slice(&text).ok()?))
        };
        names.into_iter().filter_map(read).collect()
    }

    /// Remembers what a check found. In a store that cannot be written nothing is remembered.
    pub fn remember_check(&self, id: &str, found: &Checkmark) {
        let write = || -> io::Result<()> {
            match fs::DirBuilder::new().mode(0o700).create(self.checkmarks_folder()) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            // what a crash leaves there is swept with the rest
            let mut file = tempfile::NamedTempFile::new_in(self.tmp())?;
            file.write_all(&serde_json::to_vec(found)?)?;
            file.persist(self.checkmark(id))?;
            Ok(())
        };
        let _ = write();
    }

    pub(super) fn forget_check(&self, id: &str) {
        let _ = fs::remove_file(self.checkmark(id));
    }

    fn checkmarks_folder(&self) -> PathBuf {
        self.root().join("checks")
    }

    fn checkmark(&self, id: &str) -> PathBuf {
        self.checkmarks_folder().join(format!("{id}.json"))
    }
}
