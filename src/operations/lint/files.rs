//! Files of the disk, for CI and before a commit.

use super::push::check_brought;
use super::{Checked, Journals, Migration, is_of_other_database, read_folder};
use crate::domain::lint::Kind;
use crate::domain::lint::published::SCRIPT;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::git::Git;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Checks files: scripts, folders of migrations, or folders in which there are some. Paths are said as seen from `cwd`.
///
/// # Errors
/// `Usage` where a file is missing or a folder has no migration; `Other` where one cannot be read.
pub fn check_files(cwd: &Path, wanted: &[PathBuf], journals: &Journals) -> Result<Checked> {
    let mut new: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    for path in wanted {
        let there = cwd.join(path);
        if !there.exists() {
            return Err(Error::new(ErrorKind::Usage, format!("There is no {}", path.display())));
        }
        let found = scripts(&there);
        if found.is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("No migration in {}", path.display()))
                .hint("Name a migration.sql, the folder of one, or the folder of all."));
        }
        for script in found {
            new.entry(folder_of(&script)).or_default().insert(script);
        }
    }
    let mut checked = Checked::default();
    for (folder, new) in new {
        let lock = fs::read_to_string(folder.join("migration_lock.toml")).unwrap_or_default();
        if is_of_other_database(&lock) {
            checked.notes.push(format!("{} is for another database: not checked", said(cwd, &folder)));
            continue;
        }
        checked.and(check_folder(cwd, &folder, &new, journals)?);
    }
    Ok(checked.tidied())
}

/// Checks what HEAD brings that `since` does not have, as a push would.
///
/// # Errors
/// `Usage` where `since` is no commit; those of `check_push`.
pub fn check_since(git: &Git, since: &str, within: &str, journals: &Journals) -> Result<Checked> {
    let Some(base) = git.commit(since)? else {
        return Err(Error::new(ErrorKind::Usage, format!("{since} is no commit here"))
            .hint("In CI, fetch it first (actions/checkout: fetch-depth: 0)."));
    };
    let Some(head) = git.commit("HEAD")? else { return Ok(Checked::default()) };
    let brought = git.since(&head, &base)?;
    Ok(check_brought(git, &brought, within, journals)?.tidied())
}

fn check_folder(cwd: &Path, folder: &Path, new: &BTreeSet<PathBuf>, journals: &Journals) -> Result<Checked> {
    let mut migrations = Vec::new();
    let mut paths: BTreeSet<PathBuf> = siblings(folder).into_iter().collect();
    paths.extend(new.iter().cloned());
    for path in paths {
        let bytes = fs::read(&path).context(ErrorKind::Other, || format!("{} cannot be read", path.display()))?;
        let named =
            if path.file_name().is_some_and(|name| name == SCRIPT) { path.parent() } else { Some(path.as_path()) };
        let name = named.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        migrations.push(Migration { path: said(cwd, &path), name, text: String::from_utf8_lossy(&bytes).into_owned() });
    }
    let new = new.iter().map(|path| said(cwd, path)).collect();
    let folder = folder.to_string_lossy();
    let mut checked = read_folder(migrations, &new, journals, &folder);
    if !journals.exist(&folder) {
        checked.findings.retain(|finding| finding.kind != Kind::Unproven);
    }
    Ok(checked)
}

/// The folder of all migrations that a script belongs to.
fn folder_of(script: &Path) -> PathBuf {
    let is_named = script.file_name().is_some_and(|name| name == SCRIPT);
    let parent = script.parent().unwrap_or(Path::new("/"));
    if is_named { parent.parent().unwrap_or(parent).to_owned() } else { parent.to_owned() }
}

/// The migrations that stand in the folder already.
fn siblings(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join(SCRIPT)).filter(|script| script.is_file()).collect()
}

fn scripts(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let walk = WalkDir::new(path).into_iter().filter_entry(|entry| {
        entry.depth() == 0 || !matches!(entry.file_name().to_str(), Some("node_modules" | ".git" | ".safemigrate"))
    });
    let files = walk.flatten().filter(|entry| entry.file_name() == SCRIPT && entry.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

fn said(cwd: &Path, path: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).to_string_lossy().into_owned()
}
