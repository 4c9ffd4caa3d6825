//! Changes to the user's own files, as a value: it is shown before it is done, and nothing but it is done.

use std::path::{Path, PathBuf};

/// One change to one file. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A text file that is made (`before` is `None`), rewritten, or removed (`after` is `None`).
    Text {
        path: PathBuf,
        /// What must stand there when the change is applied.
        before: Option<String>,
        after: Option<String>,
        /// The file's permissions afterwards (`0o755`); `None`: as they are, or as the user's other new files.
        mode: Option<u32>,
    },
    /// A file goes to another name as it is, which may be no text at all.
    Move { from: PathBuf, to: PathBuf },
}

impl Change {
    /// The file that the user knows.
    pub fn path(&self) -> &Path {
        match self {
            Self::Text { path, .. } => path,
            Self::Move { from, .. } => from,
        }
    }

    /// The text change, if it changes anything.
    pub fn text(path: PathBuf, before: Option<String>, after: Option<String>, mode: Option<u32>) -> Option<Self> {
        (before != after).then_some(Self::Text { path, before, after, mode })
    }
}

/// What is to be done, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub list: Vec<Change>,
    /// What the user should know or type besides, a sentence each.
    pub notes: Vec<String>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Both, one after the other.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        self.notes.extend(other.notes);
        self
    }
}
