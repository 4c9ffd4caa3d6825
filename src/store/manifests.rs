//! Manifests: one small file a backup, written last and with its own checksum.

use super::flaw::Flaw;
use super::{Store, files};
use crate::domain::manifest::{FORMAT, Manifest, Wanted};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::fault;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::fs;
use std::io;

/// The file: the manifest's own text under a version and a checksum, so that the version can be read first.
#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    blake3: String,
    manifest: Box<RawValue>,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// Why a manifest cannot be had.
#[derive(Debug)]
pub enum Unreadable {
    Missing,
    /// Of a format that this program does not know yet.
    Newer,
    Damaged(Flaw),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such backup"),
            Self::Newer => f.write_str("it was written by a newer safemigrate"),
            Self::Damaged(flaw) => write!(f, "its manifest {flaw}"),
        }
    }
}

/// The manifest in a file's text: its version first, then its checksum, then whether what it says can be true.
///
/// # Errors
/// What is wrong with it.
pub fn understand(text: &[u8], id: &str) -> Result<Manifest, Unreadable> {
    let damaged = |how| Unreadable::Damaged(Flaw::new(how));
    let not_whole = |error| Unreadable::Damaged(Flaw::because("is not whole", error));
    let version: Version = serde_json::from_slice(text).map_err(not_whole)?;
    match version.format {
        FORMAT => {}
        newer if newer > FORMAT => return Err(Unreadable::Newer),
        _ => return Err(damaged("is of a format that there never was")),
    }
    let envelope: Envelope = serde_json::from_slice(text).map_err(not_whole)?;
    let raw = envelope.manifest.get();
    if blake3::hash(raw.as_bytes()).to_hex().as_str() != envelope.blake3 {
        return Err(damaged("does not match its checksum"));
    }
    let manifest: Manifest =
        serde_json::from_str(raw).map_err(|error| Unreadable::Damaged(Flaw::because("cannot be understood", error)))?;
    if manifest.id != id {
        return Err(damaged("belongs to another backup"));
    }
    match manifest.contradiction() {
        Some(what) => Err(Unreadable::Damaged(Flaw::because("contradicts itself", what))),
        None => Ok(manifest),
    }
}

impl Store {
    /// A manifest as its file holds it.
    ///
    /// # Errors
    /// `Other`.
    pub(super) fn sealed(manifest: &Manifest) -> Result<Vec<u8>> {
        let raw = serde_json::value::to_raw_value(manifest)
            .context(ErrorKind::Other, || "The manifest cannot be written".into())?;
        let blake3 = blake3::hash(raw.get().as_bytes()).to_hex().to_string();
        let envelope = Envelope { format: FORMAT, blake3, manifest: raw };
        serde_json::to_vec(&envelope).context(ErrorKind::Other, || "The manifest cannot be written".into())
    }

    /// Reads one backup's manifest by its whole id.
    ///
    /// # Errors
    /// `NoSuchBackup`, or `Damaged` when the file was cut or edited or is of a newer format.
    pub fn manifest(&self, id: &str) -> Result<Manifest> {
        self.examine_manifest(id).map_err(|unreadable| {
            let error = |message: String| Error::new(ErrorKind::Damaged, format!("{message}. Nothing was changed"));
            match unreadable {
                Unreadable::Missing => no_such_backup(id),
                Unreadable::Newer => error(format!("The backup {id} was written by a newer safemigrate"))
                    .hint("Update safemigrate, or choose another: `safemigrate list`."),
                Unreadable::Damaged(Flaw { how, cause }) => {
                    let path = self.manifest_path(id);
                    let error = error(format!("The backup {id} is damaged: its manifest {how}"))
                        .hint(format!("`safemigrate list` shows the other backups; the file is {}", path.display()));
                    cause.into_iter().fold(error, Error::because)
                }
            }
        })
    }

    /// Reads one backup's manifest by its whole id.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn examine_manifest(&self, id: &str) -> Result<Manifest, Unreadable> {
        let damaged = |how| Unreadable::Damaged(Flaw::new(how));
        let text = files::read_regular(&self.manifest_path(id)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Unreadable::Missing,
            io::ErrorKind::InvalidInput => damaged("is not a regular file"),
            _ => Unreadable::Damaged(Flaw::because("cannot be read", error)),
        })?;
        understand(&text, id)
    }

    /// Ids of all backups, in no order.
    ///
    /// # Errors
    /// `Store` when the folder cannot be read.
    pub fn backup_ids(&self) -> Result<Vec<String>> {
        let names = super::names_in(&self.backups())?;
        Ok(names
            .iter()
            .filter_map(|n| n.strip_suffix(".json"))
            .filter(|n| !n.starts_with('.'))
            .map(str::to_owned)
            .collect())
    }

    /// Ids of all backups, those first whose files were written last.
    ///
    /// # Errors
    /// `Store` when the folder cannot be read.
    pub fn backup_ids_newest_first(&self) -> Result<Vec<String>> {
        let mut ids = self.backup_ids()?;
        ids.sort_by_cached_key(|id| {
            let written = fs::symlink_metadata(self.manifest_path(id)).and_then(|file| file.modified()).ok();
            (std::cmp::Reverse(written), id.clone())
        });
        Ok(ids)
    }

    /// All backups that can be read, newest first, and what is wrong with the others.
    ///
    /// # Errors
    /// `Store` when the folder cannot be read.
    pub fn manifests(&self) -> Result<(Vec<Manifest>, Vec<Error>)> {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for id in self.backup_ids()? {
            match self.manifest(&id) {
                Ok(manifest) => good.push(manifest),
                Err(error) => bad.push(error),
            }
        }
        good.sort_by(|a, b| (&b.created_at, &a.id).cmp(&(&a.created_at, &b.id)));
        Ok((good, bad))
    }

    /// The backup that a user means: an id, a unique prefix (with or without `f-`/`d-`), or `latest`.
    ///
    /// # Errors
    /// `NoSuchBackup`; `Usage` when several begin so; `Damaged`.
    pub fn resolve(&self, text: &str, wanted: Wanted) -> Result<Manifest> {
        if text == "latest" { self.latest(wanted) } else { self.manifest(&self.resolve_id(text, wanted)?) }
    }

    /// The id that a user means by itself or by its beginning, whether its manifest can be read or not.
    ///
    /// # Errors
    /// `NoSuchBackup`; `Usage` when several begin so.
    pub fn resolve_id(&self, text: &str, wanted: Wanted) -> Result<String> {
        let ids = self.backup_ids()?;
        if ids.iter().any(|id| id == text) {
            return Ok(text.to_owned());
        }
        let begins = |id: &&String| id.starts_with(text) || id.get(2..).is_some_and(|stem| stem.starts_with(text));
        let found: Vec<&String> = ids.iter().filter(|id| wanted.fits(id)).filter(begins).collect();
        match (text.is_empty(), found.as_slice()) {
            (false, [one]) => Ok((*one).clone()),
            (false, [_, _, ..]) => {
                let list: Vec<&str> = found.iter().map(|id| id.as_str()).collect();
                Err(Error::new(ErrorKind::Usage, format!("Several backups begin with {text}: {}", list.join(", ")))
                    .hint("Type more of the id."))
            }
            _ => Err(no_such_backup(text)),
        }
    }

    /// The newest; refused where a damaged one may be newer still.
    fn latest(&self, wanted: Wanted) -> Result<Manifest> {
        let written = |id: &str| fs::symlink_metadata(self.manifest_path(id)).and_then(|m| m.modified()).ok();
        let mut ids = self.backup_ids()?;
        ids.retain(|id| wanted.fits(id));
        let (good, _) = self.manifests()?;
        let newest = good.into_iter().find(|m| wanted.fits(&m.id));
        for id in ids {
            let newer = newest.as_ref().is_none_or(|m| written(&id) >= written(&m.id));
            if let Err(damage) = self.manifest(&id)
                && newer
            {
                return Err(damage.hint("It may be the latest: name the backup that you mean."));
            }
        }
        newest.ok_or_else(|| no_such_backup("latest"))
    }

    /// Takes a backup out of the list; its objects go with the next sweep. An (empty) folder in its place goes too.
    /// Gives the bytes that this freed.
    ///
    /// # Errors
    /// `Store`.
    pub fn remove_manifest(&self, id: &str) -> Result<u64> {
        let path = self.manifest_path(id);
        let bytes = self.manifest_size(id);
        let folder = fs::symlink_metadata(&path).is_ok_and(|there| there.is_dir());
        let removed = fault::writing("manifest.remove")
            .and_then(|()| if folder { fs::remove_dir(&path) } else { fs::remove_file(&path) });
        removed.map_err(|e| self.cannot("written", e))?;
        self.forget_check(id);
        files::sync_folder(&self.backups()).map(|()| bytes).map_err(|e| self.cannot("written", e))
    }

    /// Bytes that the manifest itself takes on the disk.
    pub fn manifest_size(&self, id: &str) -> u64 {
        files::taken_on_disk(&self.manifest_path(id))
    }

    /// Whether anything stands where this backup's manifest would.
    pub(super) fn has_manifest(&self, id: &str) -> bool {
        fs::symlink_metadata(self.manifest_path(id)).is_ok()
    }

    pub(super) fn manifest_path(&self, id: &str) -> std::path::PathBuf {
        self.backups().join(format!("{id}.json"))
    }
}

fn no_such_backup(text: &str) -> Error {
    let what = match text {
        "latest" => "There is no backup yet".to_owned(),
        "" => "The id is empty".to_owned(),
        text => format!("There is no backup {text}"),
    };
    Error::new(ErrorKind::NoSuchBackup, format!("{what}. Nothing was changed"))
        .hint("`safemigrate list` shows what there is.")
}
