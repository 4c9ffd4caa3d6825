//! Keeping the newest backups of each kind and removing what nothing needs.

use crate::domain::manifest::Manifest;
use crate::domain::retention::superfluous;
use crate::error::{Error, Result};
use crate::store::{Store, Swept};
use std::collections::HashSet;

/// What a pruning took away.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    pub backups: Vec<String>,
    pub swept: Swept,
}

/// Removes backups beyond `keep` of each kind, then unreferenced objects. Call it under the lock.
/// Backups that an unfinished run names, and those in `hold`, stay.
///
/// # Errors
/// `Store`.
pub fn prune(store: &Store, keep: usize, hold: &[String]) -> Result<Pruned> {
    let (manifests, _) = store.manifests()?;
    let mut held: HashSet<String> = hold.iter().cloned().collect();
    for run in store.runs()?.iter().filter(|run| run.is_unfinished()) {
        held.extend(run.before.iter().chain(&run.after).cloned());
    }
    let gone = superfluous(&manifests, keep, &held);
    for id in &gone {
        store.remove_manifest(id)?;
    }
    Ok(Pruned { backups: gone, swept: store.sweep()? })
}

/// Backups, each with the bytes that it alone adds.
pub type WithSizes = Vec<(Manifest, u64)>;

/// Backups, newest first, with what each alone adds to the store.
///
/// # Errors
/// `Store`.
pub fn with_sizes(store: &Store) -> Result<(WithSizes, Vec<Error>)> {
    let (manifests, unreadable) = store.manifests()?;
    let sizes = store.stored_bytes(&manifests);
    let size = |m: &Manifest| sizes.get(&m.id).copied().unwrap_or(0);
    Ok((
        manifests
            .into_iter()
            .map(|m| {
                let s = size(&m);
                (m, s)
            })
            .collect(),
        unreadable,
    ))
}
