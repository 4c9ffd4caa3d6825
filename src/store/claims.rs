//! What people at this machine have said: which databases are theirs to develop with. Belongs to no project and to no
//! store, so that a fresh clone does not ask again.

use super::files;
use crate::domain::guard::Claim;
use crate::error::{Context, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// A newer file is read for what we know and not written over.
const FORMAT: u32 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    format: u32,
    #[serde(default)]
    development: Vec<Claim>,
}

/// What was said. A file that cannot be read says nothing: then it is asked again.
pub fn claims() -> Vec<Claim> {
    file().map(|file| read(&file).development).unwrap_or_default()
}

/// Remembers one more; an older one about the same database goes.
///
/// # Errors
/// `Store` where it cannot be written: then it will be asked again.
pub fn remember(claim: Claim) -> Result<()> {
    let file =
        file().ok_or_else(|| Error::new(ErrorKind::Store, "There is no home folder (HOME) to remember it in"))?;
    let mut known = read(&file);
    if known.format > FORMAT {
        return Err(Error::new(ErrorKind::Store, format!("{} is of a newer safemigrate", file.display())));
    }
    known.format = FORMAT;
    known.development.retain(|old| !old.is_of(Some(&claim.database), &claim.host));
    known.development.push(claim);
    let write = || {
        file.parent().map_or(Ok(()), files::make_private_folder)?;
        files::write_whole(&file, &serde_json::to_vec_pretty(&known)?)
    };
    write().context(ErrorKind::Store, || format!("{} cannot be written", file.display()))
}

fn read(file: &Path) -> File {
    fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// `$XDG_CONFIG_HOME/safemigrate/databases.json`, usually below `~/.config`.
fn file() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(folder.join("safemigrate/databases.json"))
}
