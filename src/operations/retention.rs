//! Keeping the newest backups of each kind and those that are held; removing what nothing needs.

use crate::domain::checkmark::Checkmark;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Manifest, Reason, Wanted};
use crate::domain::retention::{Hold, Holds, beyond, holds, superfluous};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::store::{Store, Swept, Unreadable};

/// What a pruning took away, or would.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    /// Newest first.
    pub backups: Vec<Gone>,
    /// With the manifests of those backups.
    pub swept: Swept,
    /// Those that would have gone too, newest first, and why they did not.
    pub held: Vec<(String, Vec<Hold>)>,
}

/// A backup that goes.
#[derive(Debug, Clone)]
pub struct Gone {
    pub id: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub reason: Reason,
    /// A clause: what makes it superfluous.
    pub why: String,
}

/// Removes backups beyond `keep` of each kind, then unreferenced objects. Call it under the lock.
/// Held ones stay, and those in `hold`.
///
/// # Errors
/// `Store`.
pub fn prune(store: &Store, keep: usize, hold: &[String]) -> Result<Pruned> {
    let mut pruned = sort_out(store, keep, hold)?;
    let mut manifests = 0;
    for Gone { id, .. } in &pruned.backups {
        manifests += store.remove_manifest(id)?;
        fault::at("prune.manifest");
    }
    pruned.swept = store.sweep()?;
    pruned.swept.bytes += manifests;
    Ok(pruned)
}

/// What `prune` would do now. Nothing is changed.
///
/// # Errors
/// `Store`.
pub fn would_prune(store: &Store, keep: usize) -> Result<Pruned> {
    let mut pruned = sort_out(store, keep, &[])?;
    let gone: Vec<String> = pruned.backups.iter().map(|gone| gone.id.clone()).collect();
    pruned.swept = store.freed_by(&gone)?;
    Ok(pruned)
}

fn sort_out(store: &Store, keep: usize, hold: &[String]) -> Result<Pruned> {
    let (manifests, _) = store.manifests()?;
    let mut holds = holds_in(store, &manifests)?;
    let mut pruned = Pruned::default();
    for old in beyond(&manifests, keep) {
        let id = old.backup.id.clone();
        match holds.remove(&id) {
            Some(why) => pruned.held.push((id, why)),
            None if hold.contains(&id) => {}
            None => {
                let (created_at, why) = (old.backup.created_at.clone(), old.to_string());
                pruned.backups.push(Gone { id, created_at, reason: old.backup.reason, why });
            }
        }
    }
    pruned.backups.sort_by(|a, b| (&b.created_at, &a.id).cmp(&(&a.created_at, &b.id)));
    Ok(pruned)
}

/// Prunes after something that is done and stays so: that the old ones could not be removed is a note.
pub fn make_room(store: &Store, keep: usize, hold: &[String], observer: &dyn Observer) {
    if let Err(error) = prune(store, keep, hold) {
        observer.on(Event::Note(format!("Old backups could not be removed: {error}")));
    }
}

fn holds_in(store: &Store, manifests: &[Manifest]) -> Result<Holds> {
    Ok(holds(manifests, &store.pins()?, &store.runs()?))
}

/// A backup as `list` shows it.
pub struct Listed {
    pub manifest: Manifest,
    /// Bytes that it alone adds to the store.
    pub stored_bytes: u64,
    /// Why it stays, however old; empty for most.
    pub held: Vec<Hold>,
    /// It is not among the newest: without a reason to be held it goes with the next pruning.
    pub is_old: bool,
    /// What the last check of it found, if there was one.
    pub known: Option<Checkmark>,
}

impl Listed {
    pub fn is_pinned(&self) -> bool {
        self.held.contains(&Hold::Pinned)
    }
}

/// All backups, newest first, and what is wrong with those that cannot be read. `keep`: how many of each kind stay.
///
/// # Errors
/// `Store`.
pub fn listed(store: &Store, keep: usize) -> Result<(Vec<Listed>, Vec<Error>)> {
    let (manifests, unreadable) = store.manifests()?;
    let sizes = store.stored_bytes(&manifests);
    let mut holds = holds_in(store, &manifests)?;
    let mut checkmarks = store.checkmarks();
    let old = superfluous(&manifests, keep, |_| false);
    let listed = manifests.into_iter().map(|manifest| Listed {
        is_old: old.contains(&manifest.id),
        stored_bytes: sizes.get(&manifest.id).copied().unwrap_or(0),
        held: holds.remove(&manifest.id).unwrap_or_default(),
        known: checkmarks.remove(&manifest.id),
        manifest,
    });
    Ok((listed.collect(), unreadable))
}

/// A backup that may be deleted: what a user wants to know before he says yes.
pub struct Candidate {
    pub id: String,
    /// `None` when it cannot be read.
    pub manifest: Option<Manifest>,
    pub held: Vec<Hold>,
}

/// The backup that an id, or the beginning of one, means; also one whose manifest cannot be read.
///
/// # Errors
/// `NoSuchBackup`; `Usage` when several begin so; `Store`.
pub fn candidate(store: &Store, id: &str) -> Result<Candidate> {
    let id = if id == "latest" { store.resolve(id, Wanted::Any)?.id } else { store.resolve_id(id, Wanted::Any)? };
    let (manifests, _) = store.manifests()?;
    let held = holds_in(store, &manifests)?.remove(&id).unwrap_or_default();
    Ok(Candidate { manifest: manifests.into_iter().find(|m| m.id == id), held, id })
}

/// What a deletion took away.
pub struct Deleted {
    pub id: String,
    pub swept: Swept,
    /// Backups that cannot be read: as long as they are there no object goes, they may need any of them.
    pub in_the_way: Vec<String>,
}

/// Deletes a backup, its pin, and the objects that nothing needs any more. Call it under the lock.
///
/// # Errors
/// `NoSuchBackup` when it is gone already; `Confirmation` when it is held for a reason that was not known before;
/// `Store`.
pub fn delete(store: &Store, asked: &Candidate) -> Result<Deleted> {
    let now = candidate(store, &asked.id)?;
    if let Some(new) = now.held.iter().find(|why| !asked.held.contains(why)) {
        let message = format!("{} has come to be held meanwhile: {new}. Nothing was changed", now.id);
        return Err(Error::new(ErrorKind::Confirmation, message).hint("Look at it, then try again: safemigrate list"));
    }
    let manifest = store.remove_manifest(&now.id)?;
    fault::at("delete.manifest");
    store.unpin(&now.id)?;
    let mut swept = store.sweep()?;
    swept.bytes += manifest;
    let unreadable =
        |id: &String| matches!(store.examine_manifest(id), Err(Unreadable::Newer | Unreadable::Damaged(_)));
    let in_the_way = store.backup_ids()?.into_iter().filter(unreadable).collect();
    Ok(Deleted { id: now.id, swept, in_the_way })
}
