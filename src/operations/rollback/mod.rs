//! Rollback: structure and data exactly as a full backup holds them.
//!
//! `plan` looks at everything and changes nothing; `apply` takes the plan. **Swap** restores into a scratch database,
//! proves it against the backup and lets the two change places in one transaction. **In place** is one transaction
//! inside the live database. Either way it fails whole or succeeds whole. Taking a checkpoint of what is replaced
//! comes before `apply` and is the caller's. `trial` does what comes first in a swap, and nothing else.

mod beside;
mod clean_up;
mod decide;
mod fill;
mod in_place;
mod kept;
mod obstacles;
mod plan;
mod prove;
mod scratch;
mod staying;
mod swap;
mod trial;
mod writes;

pub(super) use beside::{Desk, clear_up};
pub use clean_up::{CleanUp, clean_up};
pub use plan::plan;
pub(super) use scratch::{Scratch, beside as beside_the_live, drop_left_overs};
pub use trial::{Trial, trial};

use super::interrupt::Interrupt;
use super::structure::unpack;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::commit::BeforeCommit;
use crate::postgres::databases::{Pulse, Session};
use crate::postgres::structure::{Archive, Entry, Paths, Section};
use crate::postgres::url::DatabaseUrl;
use crate::store::Store;
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Restore beside the live database, then exchange the two.
    Swap,
    /// One transaction inside the live database.
    InPlace,
}

/// What a rollback will do. Nothing has changed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Id of the backup.
    pub backup: String,
    pub database: String,
    pub strategy: Strategy,
    /// Why this strategy, as the end of a sentence: "this role may create databases".
    pub why: String,
    /// There is no live database: one is made.
    pub creates_database: bool,
    pub tables: usize,
    pub rows: u64,
    pub bytes: u64,
    /// Tables that are there now and will be gone, as `schema.name`.
    pub tables_removed: Vec<String>,
    /// Tables that are missing now and will be back.
    pub tables_brought_back: Vec<String>,
    /// Who else is connected: their sessions end (swap), or must not stand in the way (in place).
    pub sessions: Vec<Session>,
    /// What the user should know before saying yes.
    pub notes: Vec<String>,
    #[serde(skip)]
    server_version: u32,
    /// Felt before the caller's checkpoint: what is written after that would be in no backup.
    #[serde(skip)]
    pulse: Option<Pulse>,
    /// The checkpoint of what is replaced.
    #[serde(skip)]
    replaces: Option<Manifest>,
    /// A way that is left when the swap fails for a right that this role lacks.
    #[serde(skip)]
    in_place_is_possible: bool,
    /// The application's default search path.
    #[serde(skip)]
    search_path: String,
}

/// What a rollback did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    pub strategy: Strategy,
    pub tables: usize,
    pub rows: u64,
    /// What could not be made exactly as before, and left-overs; empty as a rule.
    pub notes: Vec<String>,
}

/// Does what the plan says. `before_commit` writes down that it will be committed, and by what the server knows it.
///
/// # Errors
/// `Damaged`, `Server`, `Interrupted` and others: the database is then as it was, and the message says so.
/// `NeedsYou` when the connection broke at the moment of the commit and the server cannot be asked; `clean_up` finishes
/// or undoes an exchange.
pub async fn apply(
    url: &DatabaseUrl,
    store: &Store,
    plan: &Plan,
    backup: &Manifest,
    observer: &dyn Observer,
    interrupt: &Interrupt,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<Restored> {
    let paths = Paths::new(url.schema.as_deref(), &plan.search_path);
    let job = Job { url, store, backup, observer, paths, server_version: plan.server_version };
    let restored = match plan.strategy {
        Strategy::Swap => swap::apply(&job, plan, interrupt, before_commit).await,
        Strategy::InPlace => in_place::apply(&job, plan, interrupt, before_commit).await,
    };
    observer.on(Event::StageDone);
    restored
}

impl Plan {
    /// Names the checkpoint of what is replaced: whatever is not in it must not be lost.
    #[must_use]
    pub fn replacing(self, checkpoint: Option<Manifest>) -> Self {
        Self { replaces: checkpoint, ..self }
    }

    fn restored(&self, notes: Vec<String>) -> Restored {
        Restored { strategy: self.strategy, tables: self.tables, rows: self.rows, notes }
    }
}

/// What every step of a restore needs to know.
struct Job<'a> {
    /// The live database.
    url: &'a DatabaseUrl,
    store: &'a Store,
    backup: &'a Manifest,
    observer: &'a dyn Observer,
    paths: Paths,
    server_version: u32,
}

impl Job<'_> {
    fn stage(&self, label: &str, total_bytes: u64) {
        self.observer.on(Event::Stage { label: label.to_owned(), total_bytes });
    }
}

/// The structure of a backup, ready to be run.
struct Blueprint {
    archive: Archive,
    schemas: Vec<Entry>,
    before_rows: Vec<Entry>,
    after_rows: Vec<Entry>,
    /// Rights and event triggers, which must not meddle with what comes before them.
    last: Vec<Entry>,
}

impl Blueprint {
    /// Unpacks the archive beside the store's own files.
    ///
    /// # Errors
    /// `Tool` without a fitting `pg_restore`; `Damaged`; `Store`.
    async fn read(store: &Store, backup: &Manifest) -> Result<Self> {
        let structure = backup.structure.as_ref().ok_or_else(|| not_full(backup))?;
        let archive = unpack(store, structure, backup.database.server_version).await?;
        let mut last = Vec::new();
        let making = without_rights(archive.entries(Section::PreData).await?, &mut last);
        let (schemas, before_rows) = making.into_iter().partition(|e| e.kind == "SCHEMA");
        let after_rows = without_rights(archive.entries(Section::PostData).await?, &mut last);
        // event triggers would fire on the rights
        last.sort_by_key(is_event_trigger);
        Ok(Self { archive, schemas, before_rows, after_rows, last })
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.schemas.iter().chain(&self.before_rows).chain(&self.after_rows).chain(&self.last)
    }

    /// Schemas, and who owns something in them.
    fn owners(&self) -> BTreeSet<(&str, &str)> {
        let making = self.before_rows.iter().chain(&self.after_rows);
        making.filter_map(|e| Some((e.schema.as_deref()?, e.owner.as_deref()?))).collect()
    }
}

fn is_event_trigger(entry: &Entry) -> bool {
    entry.kind == "EVENT TRIGGER" || (entry.kind == "COMMENT" && entry.name.starts_with("EVENT TRIGGER "))
}

fn without_rights(entries: Vec<Entry>, last: &mut Vec<Entry>) -> Vec<Entry> {
    let is_last = |e: &Entry| matches!(e.kind.as_str(), "ACL" | "DEFAULT ACL") || is_event_trigger(e);
    let (rights, making): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(is_last);
    last.extend(rights);
    making
}

fn not_full(backup: &Manifest) -> Error {
    let full = backup.id.strip_prefix("d-").map(|stem| format!("f-{stem}")).unwrap_or_default();
    Error::new(ErrorKind::Usage, format!("{} is no full backup: it holds data alone", backup.id))
        .hint(format!("The full backup of the same moment, if it is there: safemigrate rollback {full}"))
        .hint(format!("Or put its rows into the schema as it is now: safemigrate reinsert {}", backup.id))
}

/// Adds the sentence that a user looks for first.
fn nothing_changed(mut error: Error) -> Error {
    if error.kind == ErrorKind::Interrupted {
        error.message = "Interrupted while restoring".to_owned();
    }
    error.nothing_changed()
}
