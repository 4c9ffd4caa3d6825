//! Changes to the user's files, done as they were shown: all of them, or none.

use crate::domain::changes::{Change, Changes};
use crate::error::{Context, Error, ErrorKind, Result};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Does what `changes` says, in its order. What fails in the middle is taken back.
///
/// # Errors
/// `Other` where a file is not any more what it was when the changes were planned, or cannot be written; nothing is
/// changed then.
pub fn apply(changes: &Changes) -> Result<()> {
    for (done, change) in changes.list.iter().enumerate() {
        let Err(error) = is_as_planned(change).and_then(|()| {
            perform(change).context(ErrorKind::Other, || format!("{} cannot be written", change.path().display()))
        }) else {
            continue;
        };
        let back = changes.list[..done].iter().rev().try_for_each(|done| perform(&reverse(done)));
        return Err(match back {
            Ok(()) => error.nothing_changed(),
            Err(_) => {
                Error::new(error.kind, format!("{}; other files were changed before", error.message)).because(error)
            }
        });
    }
    Ok(())
}

fn is_as_planned(change: &Change) -> Result<()> {
    let (shown, planned) = match change {
        Change::Text { path, before, .. } => {
            let now = text(path).context(ErrorKind::Other, || format!("{} cannot be read", path.display()));
            (path, now.map_err(Error::nothing_changed)?.as_ref() == before.as_ref())
        }
        Change::Move { from, to } => (from, from.is_file() && to.symlink_metadata().is_err()),
    };
    let message = || format!("{} was changed by somebody else meanwhile", shown.display());
    planned.then_some(()).ok_or_else(|| Error::new(ErrorKind::Other, message()).hint("Do it again."))
}

/// The text of a file; `None` where there is none.
///
/// # Errors
/// Those of the disk; `InvalidData` where it is no text.
pub fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn perform(change: &Change) -> io::Result<()> {
    match change {
        Change::Move { from, to } => fs::rename(from, to),
        Change::Text { path, after: None, .. } => fs::remove_file(path),
        Change::Text { path, after: Some(text), mode, .. } => write(path, text, *mode),
    }
}

fn reverse(change: &Change) -> Change {
    match change {
        Change::Move { from, to } => Change::Move { from: to.clone(), to: from.clone() },
        Change::Text { path, before, after, .. } => {
            Change::Text { path: path.clone(), before: after.clone(), after: before.clone(), mode: None }
        }
    }
}

/// Whole or not at all, and through a link to where it leads.
fn write(path: &Path, text: &str, mode: Option<u32>) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let kept = fs::metadata(&path).map(|there| there.permissions()).ok();
    let permissions = mode.map(fs::Permissions::from_mode).or(kept);
    let beside = fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().prefix(".safemigrate-").permissions(beside).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn text_change(path: PathBuf, before: Option<&str>, after: Option<&str>) -> Change {
        Change::Text { path, before: before.map(str::to_owned), after: after.map(str::to_owned), mode: None }
    }

    #[test]
    fn makes_rewrites_removes_and_moves() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old"), "1").unwrap();
        fs::set_permissions(at("old"), fs::Permissions::from_mode(0o750)).unwrap();
        fs::write(at("gone"), "x").unwrap();
        fs::write(at("here"), [0xff]).unwrap();
        let made = Change::Text { path: at("sub/new"), before: None, after: Some("n".into()), mode: Some(0o755) };
        let list = vec![
            text_change(at("old"), Some("1"), Some("2")),
            made,
            text_change(at("gone"), Some("x"), None),
            Change::Move { from: at("here"), to: at("there") },
        ];
        apply(&Changes { list, notes: Vec::new() }).unwrap();
        assert_eq!(fs::read_to_string(at("old")).unwrap(), "2");
        assert_eq!(fs::metadata(at("old")).unwrap().permissions().mode() & 0o777, 0o750);
        assert_eq!(fs::metadata(at("sub/new")).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(!at("gone").exists() && !at("here").exists());
        assert_eq!(fs::read(at("there")).unwrap(), [0xff]);
    }

    #[test]
    fn all_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "1").unwrap();
        fs::write(at("folder"), "a file where a folder should be").unwrap();
        let edited = text_change(at("a"), Some("1"), Some("2"));
        for second in [
            text_change(at("folder/b"), None, Some("b")),
            text_change(at("b"), Some("was there"), Some("b")),
            Change::Move { from: at("c"), to: at("d") },
        ] {
            let changes = Changes { list: vec![edited.clone(), second], notes: Vec::new() };
            let error = apply(&changes).unwrap_err();
            assert!(error.to_string().contains("Nothing was changed"), "{error}");
            assert_eq!(fs::read_to_string(at("a")).unwrap(), "1");
        }
    }
}
