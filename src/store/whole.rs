//! Objects that this process has proven to be whole, and that nobody has touched since.

use super::Store;
use crate::domain::manifest::ObjectId;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by the clones of a store.
#[derive(Debug, Clone, Default)]
pub(super) struct Whole {
    known: Arc<Mutex<HashMap<ObjectId, Mark>>>,
}

/// A file as it was: whoever writes into it or puts another in its place changes this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

fn mark(path: &Path) -> Option<Mark> {
    let there = fs::symlink_metadata(path).ok()?;
    let changed = (there.ctime(), there.ctime_nsec());
    Some(Mark { device: there.dev(), inode: there.ino(), bytes: there.len(), changed })
}

impl Whole {
    fn has(&self, id: &str, mark: Mark) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(id) == Some(&mark)
    }

    /// Takes down what was written there just now.
    pub fn add(&self, id: &str, path: &Path) {
        if let Some(mark) = mark(path) {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), mark);
        }
    }
}

impl Store {
    /// Whether the object is there and its hash right. It is read once in the life of this process, unless somebody
    /// touches it.
    pub fn is_whole(&self, id: &str) -> bool {
        let path = self.object_path(id);
        // before it is read: what is written meanwhile shows the next time
        let Some(mark) = mark(&path) else { return false };
        if self.whole.has(id, mark) {
            return true;
        }
        let whole = self.examine_object(id).is_ok();
        if whole {
            self.whole.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), mark);
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_is_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        store.prepare().unwrap();
        let batch = store.batch();
        let mut writer = batch.writer().unwrap();
        writer.append(b"1\tone\n").unwrap();
        let (id, _) = writer.finish().unwrap();
        assert!(!store.is_whole(&id), "it has no name yet");
        batch.commit().unwrap();
        assert!(store.is_whole(&id) && store.clone().is_whole(&id));
        let path = store.object_path(&id);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 1]).unwrap();
        assert!(!store.is_whole(&id), "cut");
        fs::write(&path, &text).unwrap();
        assert!(store.is_whole(&id), "mended");
        fs::remove_file(&path).unwrap();
        assert!(!store.is_whole(&id), "gone");
        assert!(!Store::open(store.root()).unwrap().is_whole(&id));
    }
}
