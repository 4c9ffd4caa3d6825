//! The only place that knows the files of the store:
//!
//! ```text
//! .safemigrate/
//!   format            the layout's version
//!   objects/ab/abcd…  zstd; named by the BLAKE3 of what is inside
//!   backups/<id>.json manifests, written last: a backup exists whole or not at all
//!   runs/<id>.json    journal of guarded commands
//!   reports/<id>.html how a run went, for people; <id>.md the same for a pull request
//!   pins/<id>         backups that the user wants to keep
//!   tmp/              objects that no backup claims yet; left-overs are swept
//!   schedule/         what is backed up by itself, and what became of the last attempt
//!   lock              held by the one run that writes
//!   .gitignore        "*"
//! ```

mod checkmarks;
pub mod claims;
mod files;
mod flaw;
pub mod lock;
mod manifests;
mod new_file;
mod objects;
mod pair;
mod pins;
mod progress;
mod reports;
mod runs;
mod schedule;
mod sweep;
mod whole;

pub use files::{create_private_file, make_private_folder};
pub use flaw::Flaw;
pub use lock::{Holder, Lock};
pub use manifests::{Unreadable, understand as understand_manifest};
pub use new_file::NewFile;
pub use objects::{Batch, ObjectReader, ObjectWriter, short};
pub use reports::ReportFormat;
pub use sweep::Swept;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::fault;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The newest layout that this program writes.
const LAYOUT: u32 = 1;
/// What may stand in a store that is not made to its end, or at the root of a disk of its own.
const OURS: &[&str] = &[
    "objects",
    "backups",
    "runs",
    "tmp",
    "lock",
    "pins",
    "checks",
    "rejects",
    "reports",
    "set-aside",
    "schedule",
    ".gitignore",
    "format",
    "lost+found",
];

/// Where backups and runs are kept. Cheap to clone; nothing is created before `prepare`.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    whole: whole::Whole,
}

impl Store {
    /// Opens a store for reading; one that does not exist yet is empty.
    ///
    /// # Errors
    /// `Store` when it is of a newer layout or no folder; `Damaged` when others than the user could write in it.
    pub fn open(root: &Path) -> Result<Self> {
        let store = Self { root: root.to_owned(), whole: whole::Whole::default() };
        match files::read_regular(&store.root.join("format")) {
            Ok(text) => match std::str::from_utf8(&text).unwrap_or_default().trim().parse::<u32>() {
                Ok(LAYOUT) => store.refuse_foreign_hands().map(|()| store),
                _ => Err(Error::new(
                    ErrorKind::Store,
                    format!("The store {} was written by a newer safemigrate", root.display()),
                )
                .hint("Update safemigrate; nothing was changed.")),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(store),
            Err(e) => Err(store.cannot("read", e).nothing_changed()),
        }
    }

    /// Whoever can write into a store can put words into a rollback. As ssh does with its keys, root is trusted.
    fn refuse_foreign_hands(&self) -> Result<()> {
        let me = rustix::process::geteuid().as_raw();
        for folder in [
            self.root.clone(),
            self.objects(),
            self.backups(),
            self.runs_folder(),
            self.reports_folder(),
            self.pins_folder(),
        ] {
            // what is missing is made by `prepare`
            let Ok(there) = fs::metadata(&folder) else { continue };
            let why = if there.uid() != me && there.uid() != 0 {
                "belongs to another user"
            } else if there.mode() & 0o002 != 0 {
                "can be written by everybody"
            } else {
                continue;
            };
            let shown = folder.display();
            let message = format!("The store cannot be trusted: {shown} {why}. Nothing was changed");
            return Err(Error::new(ErrorKind::Damaged, message)
                .hint(format!(
                    "If you know what is in it: chown -R \"$(id -u)\" {0} && chmod -R go= {0}",
                    self.root.display()
                ))
                .hint(
                    "Where a disk knows no owners and rights (such as /mnt/c), give another place with --store DIR.",
                ));
        }
        Ok(())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the folders, private to the user and ignored by git, and proves that they can be written.
    ///
    /// # Errors
    /// `Store` with the reason of the disk.
    pub fn prepare(&self) -> Result<()> {
        self.refuse_foreign_folder()?;
        let make = || -> std::io::Result<()> {
            for folder in [self.root.clone(), self.objects(), self.backups(), self.runs_folder(), self.tmp()] {
                files::make_private_folder(&folder)?;
            }
            files::write_if_absent(&self.root.join(".gitignore"), b"*\n")?;
            files::write_if_absent(&self.root.join("format"), format!("{LAYOUT}\n").as_bytes())?;
            fault::writing("store.probe")?;
            tempfile::tempfile_in(self.tmp()).map(drop)
        };
        make().map_err(|e| self.cannot("written", e))
    }

    /// A mistyped `--store` must neither close somebody's folder to others nor make a path on the wrong disk.
    fn refuse_foreign_folder(&self) -> Result<()> {
        let shown = self.root.display();
        let parent = self.root.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(missing) = parent.filter(|p| !p.exists()) {
            let message = format!(
                "The store {shown} cannot be made: there is no folder {}. Nothing was changed",
                missing.display()
            );
            return Err(Error::new(ErrorKind::Store, message)
                .hint(format!("Make it (mkdir -p {}), or give another place with --store DIR.", missing.display())));
        }
        if !self.root.is_dir() || self.root.join("format").exists() {
            return Ok(());
        }
        let names = names_in(&self.root)?;
        match names.iter().find(|name| !OURS.contains(&name.as_str()) && !name.starts_with(".tmp")) {
            None => Ok(()),
            Some(other) => Err(Error::new(
                ErrorKind::Store,
                format!("The folder {shown} is not empty ({other} is in it) and no store. Nothing was changed"),
            )
            .hint(format!("Give a folder of its own: --store {}", self.root.join("safemigrate").display()))),
        }
    }

    /// Where set-aside migration folders of a run go.
    /// A store for a while among the temporary files of this one; it goes with its folder.
    ///
    /// # Errors
    /// `Store`.
    pub fn beside(&self) -> Result<(tempfile::TempDir, Self)> {
        let folder = tempfile::tempdir_in(self.tmp()).map_err(|error| self.cannot("written", error))?;
        let store = Self::open(folder.path())?;
        store.prepare()?;
        Ok((folder, store))
    }

    pub fn set_aside_folder(&self, run: &str) -> PathBuf {
        self.root.join("set-aside").join(run)
    }

    pub fn rejects_dir(&self) -> PathBuf {
        self.root.join("rejects")
    }

    /// A file that nobody else can read and that goes with the value, for a program that is told its path.
    ///
    /// # Errors
    /// `Store`.
    pub fn private_file(&self, suffix: &str, content: &str) -> Result<tempfile::TempPath> {
        let write = || -> std::io::Result<tempfile::TempPath> {
            let mut file = tempfile::Builder::new().prefix("open-").suffix(suffix).tempfile_in(self.tmp())?;
            file.write_all(content.as_bytes())?;
            Ok(file.into_temp_path())
        };
        write().map_err(|e| self.cannot("written", e))
    }

    fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    fn runs_folder(&self) -> PathBuf {
        self.root.join("runs")
    }

    fn reports_folder(&self) -> PathBuf {
        self.root.join("reports")
    }

    fn pins_folder(&self) -> PathBuf {
        self.root.join("pins")
    }

    fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    fn cannot(&self, participle: &str, error: std::io::Error) -> Error {
        use std::io::ErrorKind as Io;
        let full = matches!(error.kind(), Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge);
        let ours = Error::new(ErrorKind::Store, format!("The store {} cannot be {participle}", self.root.display()));
        let ours = if full {
            ours.hint("The disk is full: make room, or give another place with --store DIR.")
        } else if error.kind() == Io::NotADirectory {
            ours.hint("A file stands in its place: give a folder with --store DIR.")
        } else {
            ours.hint("Check the folder's owner and rights, or give another place with --store DIR.")
        };
        ours.because(error)
    }
}

/// Reads a folder's file names; a missing folder is empty.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::new(ErrorKind::Store, format!("{} cannot be read", folder.display())).because(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.context(ErrorKind::Store, || format!("{} cannot be read", folder.display()))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}
