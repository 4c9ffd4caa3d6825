//! Migrations before they run: what is about to be pushed, or files.

mod evidence;
mod files;
mod push;
mod schema;

pub use evidence::Journals;
pub use files::{check_files, check_since};
pub use push::{PushedRef, check_push, parse_refs};

use crate::domain::lint::Finding;
use crate::domain::lint::evidence::weigh;
use crate::domain::lint::published::accepted;
use crate::domain::lint::{Kind, Known, read};
use std::collections::BTreeSet;

/// What was found, and how much was looked at.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// New migrations that were read.
    pub migrations: usize,
    /// What could not be found out, a sentence each.
    pub notes: Vec<String>,
}

impl Checked {
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_error()).count()
    }

    fn and(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.migrations += other.migrations;
        self.notes.extend(other.notes);
    }

    /// What two refs bring alike is said once.
    fn tidied(mut self) -> Self {
        self.findings.sort_by(|a, b| (&a.file, a.line, a.kind).cmp(&(&b.file, b.line, b.kind)));
        self.findings.dedup();
        self.notes.sort();
        self.notes.dedup();
        self
    }
}

/// A migration with its text; `path` is what is said of it.
struct Migration {
    path: String,
    name: String,
    text: String,
}

/// Reads the migrations of one folder in their order, and says what is found in the new ones.
fn read_folder(mut migrations: Vec<Migration>, new: &BTreeSet<String>, journals: &Journals, folder: &str) -> Checked {
    migrations.sort_by(|a, b| a.name.cmp(&b.name));
    let mut known = Known::default();
    let mut checked = Checked::default();
    for Migration { path, name, text } in migrations {
        let found = read(&path, &text, &mut known);
        if !new.contains(&path) {
            continue;
        }
        checked.migrations += 1;
        let accepted = accepted(&text);
        let found = weigh(&path, found, &journals.ran(folder, &name, &text));
        checked
            .findings
            .extend(found.into_iter().filter(|f| !(f.kind == Kind::Unproven && accepted.contains(&f.kind))));
    }
    checked
}

/// Prisma's lock file says which database the folder's SQL is for; nothing is said of another one's.
fn is_of_other_database(lock: &str) -> bool {
    let provider = lock.lines().find_map(|line| line.trim().strip_prefix("provider")?.trim_start().strip_prefix('='));
    provider.is_some_and(|provider| !provider.contains("postgres"))
}

/// Runs what goes down once for each level of nesting where there is room for it.
///
/// # Errors
/// Those of `work`; `Other` where no thread can be started.
pub fn with_room<T: Send>(work: impl FnOnce() -> crate::error::Result<T> + Send) -> crate::error::Result<T> {
    use crate::error::{Context, Error, ErrorKind};
    const ROOM: usize = 256 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(ROOM).spawn_scoped(scope, work);
        let thread = thread.context(ErrorKind::Other, || "No thread can be started".into())?;
        thread.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "The check stopped in the middle")))
    })
}
