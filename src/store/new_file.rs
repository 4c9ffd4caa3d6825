//! A file outside of the store, for its owner alone: whole under its name, or not there at all.

use super::files;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that has no name yet. Dropped, it is gone.
pub struct NewFile {
    temp: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins it in the folder in which it will stand.
    ///
    /// # Errors
    /// Those of the disk; `InvalidInput` where something that is no file has the name.
    pub fn beside(path: &Path) -> io::Result<Self> {
        if std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "something that is no file has this name"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temp = tempfile::Builder::new().prefix(".safemigrate-").suffix(".part").tempfile_in(folder)?;
        files::make_private(temp.as_file())?;
        Ok(Self { temp, path: path.to_owned() })
    }

    /// Makes it durable under its name.
    ///
    /// # Errors
    /// Those of the disk; `AlreadyExists`.
    pub fn place(self) -> io::Result<()> {
        self.temp.as_file().sync_all()?;
        self.temp.persist_noclobber(&self.path)?;
        files::sync_folder_of(&self.path)
    }

    /// The same in place of a file that may be there.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn replace(self) -> io::Result<()> {
        self.temp.as_file().sync_all()?;
        self.temp.persist(&self.path)?;
        files::sync_folder_of(&self.path)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temp.flush()
    }
}
