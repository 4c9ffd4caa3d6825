//! The migrations folder: what is in it, and moving folders out of Prisma's sight.

use super::project::Project;
use crate::error::{Context, Error, ErrorKind, Result};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The file that makes a folder a migration.
const SCRIPT: &str = "migration.sql";

impl Project {
    /// The names of the migrations on disk, oldest first; none where there is no folder yet.
    ///
    /// # Errors
    /// `Config` where the folder cannot be read.
    pub fn migrations_on_disk(&self) -> Result<Vec<String>> {
        on_disk(&self.migrations)
    }

    /// The SQL of a migration; `None` where its folder is gone or cannot be read.
    pub fn migration_sql(&self, name: &str) -> Option<String> {
        fs::read_to_string(folder(&self.migrations, name).ok()?.join(SCRIPT)).ok()
    }

    /// Where the SQL of a migration is.
    ///
    /// # Errors
    /// `Config` for a name that is no folder's.
    pub fn migration_file(&self, name: &str) -> Result<PathBuf> {
        Ok(folder(&self.migrations, name)?.join(SCRIPT))
    }

    /// Moves migration folders into `destination`, each whole or not at all; returns where they are now.
    ///
    /// # Errors
    /// `Config` for the first that cannot be moved; the message says which were moved before it.
    pub fn set_aside(&self, names: &[String], destination: &Path) -> Result<Vec<PathBuf>> {
        set_aside(&self.migrations, names, destination)
    }
}

fn on_disk(migrations: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(migrations) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.context(ErrorKind::Config, || unreadable(migrations))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.context(ErrorKind::Config, || unreadable(migrations))?;
        if entry.path().join(SCRIPT).is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn unreadable(migrations: &Path) -> String {
    format!("The migrations folder {} cannot be read", migrations.display())
}

/// The folder of a migration; a name is never a way out of the migrations folder.
fn folder(migrations: &Path, name: &str) -> Result<PathBuf> {
    let plain =
        !name.is_empty() && name != "." && name != ".." && !name.contains(|c| c == '\0' || std::path::is_separator(c));
    if plain {
        Ok(migrations.join(name))
    } else {
        Err(Error::new(ErrorKind::Config, format!("{name:?} is no name of a migration")))
    }
}

fn set_aside(migrations: &Path, names: &[String], destination: &Path) -> Result<Vec<PathBuf>> {
    let mut moved: Vec<PathBuf> = Vec::new();
    for name in names {
        let from = folder(migrations, name)?;
        let to = free_name(destination, name);
        let done = fs::create_dir_all(destination).and_then(|()| move_folder(&from, &to));
        done.map_err(|error| {
            let before: Vec<String> = names[..moved.len()].to_vec();
            let before = if before.is_empty() { "nothing was".into() } else { format!("{} were", before.join(", ")) };
            Error::new(ErrorKind::Config, format!("The migration {name} cannot be set aside; {before} moved before it"))
                .hint(format!("Move {} out of the migrations folder by hand.", from.display()))
                .because(error)
        })?;
        moved.push(to);
    }
    Ok(moved)
}

/// A name that is not taken: the same migration may be set aside a second time.
fn free_name(destination: &Path, name: &str) -> PathBuf {
    let first = destination.join(name);
    let others = (2..).map(|n: u32| destination.join(format!("{name}.{n}")));
    std::iter::once(first.clone()).chain(others).find(|path| path.symlink_metadata().is_err()).unwrap_or(first)
}

/// In one rename; onto another disk by a durable copy under a name that does not count, and only then a removal.
fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_then_remove(from, to)?,
        done => done?,
    }
    for dir in [from.parent(), to.parent()].into_iter().flatten() {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

fn copy_then_remove(from: &Path, to: &Path) -> io::Result<()> {
    let beside = to.with_extension("partial");
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    let mut folders = Vec::new();
    for entry in WalkDir::new(from).follow_links(true) {
        let entry = entry?;
        let target = beside.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target)?;
            folders.push(target);
        } else {
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    for folder in folders {
        File::open(folder)?.sync_all()?;
    }
    fs::rename(&beside, to)?;
    to.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())?;
    fs::remove_dir_all(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::{TempDir, tempdir};

    fn migrations(names: &[&str]) -> TempDir {
        let root = tempdir().unwrap();
        for name in names {
            fs::create_dir_all(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join(SCRIPT), format!("-- {name}")).unwrap();
        }
        root
    }

    #[test]
    fn lists_folders_with_a_script() {
        let root = migrations(&["2_b", "1_a"]);
        fs::create_dir(root.path().join("3_empty")).unwrap();
        fs::write(root.path().join("migration_lock.toml"), "").unwrap();
        assert_eq!(on_disk(root.path()).unwrap(), ["1_a", "2_b"]);
        assert!(on_disk(&root.path().join("gone")).unwrap().is_empty());
    }

    #[test]
    fn sets_aside_twice_without_overwriting() {
        let (root, store) = (migrations(&["1_a", "2_b"]), tempdir().unwrap());
        let aside = store.path().join("aside");
        assert_eq!(set_aside(root.path(), &["2_b".into()], &aside).unwrap(), [aside.join("2_b")]);
        assert_eq!(on_disk(root.path()).unwrap(), ["1_a"]);
        fs::create_dir(root.path().join("2_b")).unwrap();
        assert_eq!(set_aside(root.path(), &["2_b".into()], &aside).unwrap(), [aside.join("2_b.2")]);
        assert_eq!(fs::read_to_string(aside.join("2_b").join(SCRIPT)).unwrap(), "-- 2_b");
    }

    #[test]
    fn says_what_was_moved_before_it_failed() {
        let (root, store) = (migrations(&["1_a"]), tempdir().unwrap());
        let error = set_aside(root.path(), &["1_a".into(), "2_gone".into()], store.path()).unwrap_err();
        assert!(error.message.contains("2_gone cannot be set aside; 1_a were moved"), "{error}");
        for name in ["", "..", "a/b"] {
            assert_eq!(set_aside(root.path(), &[name.into()], store.path()).unwrap_err().kind, ErrorKind::Config);
        }
    }

    #[test]
    fn copies_durably_where_a_rename_is_not_possible() {
        let (root, store) = (migrations(&["1_a"]), tempdir().unwrap());
        copy_then_remove(&root.path().join("1_a"), &store.path().join("1_a")).unwrap();
        assert_eq!(fs::read_to_string(store.path().join("1_a").join(SCRIPT)).unwrap(), "-- 1_a");
        assert!(!root.path().join("1_a").exists());
        assert_eq!(fs::read_dir(store.path()).unwrap().count(), 1);
    }
}
