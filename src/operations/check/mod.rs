//! Is a backup itself whole? Every manifest and every object is read and its hash compared; no server is asked.
//! `prove` goes further and restores.
//!
//! Nothing is locked, so that a check stands in nobody's way. A backup that is removed meanwhile is left out: its objects
//! go after its manifest.

mod objects;
mod proof;

pub use objects::refuse_damaged;
pub use proof::prove;

use super::ids;
use super::interrupt::Interrupt;
use crate::domain::checkmark::Checkmark;
pub use crate::domain::checkmark::Proof;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Kind, Manifest, ObjectId, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Store, Unreadable, short};
use objects::examine;
use std::collections::BTreeMap;

/// Which backups are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of the newest checkpoint, and every one whose manifest cannot be read: it may be newer still.
    Newest,
    /// The one that this id, or beginning of an id, means.
    One(String),
    All,
}

/// One backup, looked at.
#[derive(Debug, Clone)]
pub struct Finding {
    pub id: String,
    /// Sentences without a full stop; empty when it is whole.
    pub problems: Vec<String>,
    pub proof: Proof,
    /// What a user may want to know of a proof that is less than he asked for.
    pub note: Option<String>,
    /// Objects that it needs, and bytes inside of them.
    pub objects: usize,
    pub bytes: u64,
    manifest: Option<Manifest>,
}

impl Finding {
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct Checked {
    pub backups: Vec<Finding>,
    /// What is wrong beside the backups: runs of the journal that cannot be read.
    pub journal: Vec<String>,
}

impl Checked {
    pub fn is_whole(&self) -> bool {
        self.journal.is_empty() && self.backups.iter().all(Finding::is_whole)
    }

    fn finding(&mut self, id: &str) -> Option<&mut Finding> {
        self.backups.iter_mut().find(|finding| finding.id == id)
    }

    /// For those who only want to know whether somebody has looked.
    fn remember(&self, store: &Store) {
        for finding in &self.backups {
            let mark = Checkmark { at: ids::now(), proof: finding.proof, problems: finding.problems.clone() };
            store.remember_check(&finding.id, &mark);
        }
    }

    /// Whatever was removed meanwhile is no backup any more.
    fn leave_out_removed(&mut self, store: &Store) {
        let gone = |id: &str| matches!(store.examine_manifest(id), Err(Unreadable::Missing));
        self.backups.retain(|finding| finding.is_whole() || !gone(&finding.id));
    }
}

/// Reads the manifests and all that they need.
///
/// # Errors
/// `NoSuchBackup`, also when there is none at all; `Usage`; `Store` when a folder cannot be read; `Interrupted`.
/// That something is damaged is a finding, not an error.
pub async fn check(store: &Store, scope: &Scope, observer: &dyn Observer, interrupt: &Interrupt) -> Result<Checked> {
    let mut checked = Checked { backups: Vec::new(), journal: Vec::new() };
    let mut needed: BTreeMap<ObjectId, u64> = BTreeMap::new();
    for (id, manifest) in selected(store, scope)? {
        let mut finding = Finding::new(id);
        match manifest {
            Ok(manifest) => {
                let pieces = pieces(&manifest);
                finding.objects = pieces.len();
                finding.bytes = pieces.values().map(|(bytes, _)| bytes).sum();
                needed.extend(pieces.into_iter().map(|(id, (bytes, _))| (id, bytes)));
                finding.manifest = Some(manifest);
            }
            Err(Unreadable::Missing) => continue,
            Err(unreadable) => finding.problems.push(unreadable.to_string()),
        }
        checked.backups.push(finding);
    }
    observer.on(Event::Stage { label: "Reading every hash".into(), total_bytes: needed.values().sum() });
    let examined = interrupt.or(examine(store, needed.keys().cloned().collect(), observer)).await;
    observer.on(Event::StageDone);
    let examined = examined?;
    for finding in &mut checked.backups {
        let pieces = finding.manifest.as_ref().map(pieces).unwrap_or_default();
        for (object, (bytes, what)) in pieces {
            finding.problems.extend(match examined.get(&object) {
                Some(Ok(found)) if *found == bytes => None,
                Some(Ok(found)) => Some(format!("{} ({what}) holds {found} bytes, not {bytes}", short(&object))),
                Some(Err(how)) => Some(format!("{} ({what}) {how}", short(&object))),
                None => Some(format!("{} ({what}) was not read", short(&object))),
            });
        }
    }
    checked.leave_out_removed(store);
    checked.remember(store);
    if !matches!(scope, Scope::One(_)) {
        let unreadable = store.unreadable_runs()?;
        checked
            .journal
            .extend(unreadable.iter().map(|run| format!("the journal of a run cannot be read: {}", run.display())));
    }
    Ok(checked)
}

impl Finding {
    fn new(id: String) -> Self {
        Self { id, problems: Vec::new(), proof: Proof::Hashes, note: None, objects: 0, bytes: 0, manifest: None }
    }
}

type Read = (String, Result<Manifest, Unreadable>);

fn selected(store: &Store, scope: &Scope) -> Result<Vec<Read>> {
    let read = |id: String| {
        let manifest = store.examine_manifest(&id);
        (id, manifest)
    };
    if let Scope::One(id) = scope {
        return Ok(vec![read(store.resolve_id(id, Wanted::Any)?)]);
    }
    let mut all: Vec<Read> = store.backup_ids()?.into_iter().map(read).collect();
    if all.is_empty() {
        return Err(Error::new(ErrorKind::NoSuchBackup, "There is no backup yet. Nothing was checked")
            .hint("`safemigrate backup` takes one; --store names another place."));
    }
    // newest first, and before them what has no time of its own
    let time = |(id, manifest): &Read| (manifest.as_ref().ok().map(|m| m.created_at.clone()), id.clone());
    all.sort_by_key(|read| {
        let (time, id) = time(read);
        (time.is_some(), std::cmp::Reverse(time), std::cmp::Reverse(id))
    });
    if *scope == Scope::Newest {
        let stem = |id: &str| id.get(2..).map(str::to_owned);
        let newest = all.iter().find(|(_, manifest)| manifest.is_ok()).and_then(|(id, _)| stem(id));
        all.retain(|(id, manifest)| manifest.is_err() || stem(id) == newest);
    }
    Ok(all)
}

/// The objects of a backup, each with the bytes inside and what it is.
fn pieces(manifest: &Manifest) -> BTreeMap<ObjectId, (u64, String)> {
    let rows = manifest.tables.iter().flat_map(|data| {
        let what = format!("rows of {}", data.table.name);
        data.segments.iter().map(move |s| (s.object.clone(), (s.bytes, what.clone())))
    });
    let structure = manifest.structure.iter().map(|s| (s.object.clone(), (s.bytes, "the structure".to_owned())));
    rows.chain(structure).collect()
}

/// Which structure the rows of a backup fit into: its own, or that of the full backup from the same checkpoint.
fn restorable(store: &Store, backup: &Manifest) -> Option<Manifest> {
    if backup.structure.is_some() {
        return Some(backup.clone());
    }
    let full = store.examine_manifest(&Kind::Full.id(backup.id.get(2..)?)).ok()?;
    // whatever is wrong with the full one is not wrong with this one
    let structure = full.structure.filter(|s| store.examine_object(&s.object).is_ok())?;
    Some(Manifest { structure: Some(structure), ..backup.clone() })
}
