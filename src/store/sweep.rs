//! Removing what no backup needs any more.

use super::Store;
use crate::domain::manifest::{Manifest, ObjectId};
use crate::error::Result;
use crate::fault;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::fs;

/// What a sweep took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    pub objects: u64,
    pub bytes: u64,
}

impl Store {
    /// Removes what a crash left half written, and ends what it left half named. Call it under the lock.
    ///
    /// # Errors
    /// `Store` when a folder cannot be read.
    pub fn sweep_left_overs(&self) -> Result<()> {
        self.settle_pending()?;
        let unnamed = |name: &String| name.starts_with(".tmp");
        for (folder, left) in [
            (self.tmp(), super::names_in(&self.tmp())?),
            (self.root().to_owned(), super::names_in(self.root())?.into_iter().filter(unnamed).collect()),
            (self.backups(), super::names_in(&self.backups())?.into_iter().filter(unnamed).collect()),
            (self.runs_folder(), super::names_in(&self.runs_folder())?.into_iter().filter(unnamed).collect()),
            (
                self.reports_folder(),
                super::names_in(&self.reports_folder()).unwrap_or_default().into_iter().filter(unnamed).collect(),
            ),
            (self.pins_folder(), super::names_in(&self.pins_folder())?.into_iter().filter(unnamed).collect()),
            (self.schedule_folder(), super::names_in(&self.schedule_folder())?.into_iter().filter(unnamed).collect()),
        ] {
            for name in left {
                fault::at("sweep.left-over");
                // somebody else's cleaning is as good as ours
                let left = folder.join(name);
                let _ = fs::remove_file(&left).or_else(|_| fs::remove_dir_all(&left));
            }
        }
        Ok(())
    }

    /// Removes objects that no manifest names, pins and checkmarks of backups that are gone, reports of runs that are, and what a crash left in `tmp/`. Call it under the lock.
    /// With a manifest that cannot be read nothing is removed: it may need any of them.
    ///
    /// # Errors
    /// `Store`.
    pub fn sweep(&self) -> Result<Swept> {
        self.sweep_left_overs()?;
        self.sweep_reports();
        let Some(unneeded) = self.unneeded_without(&[])? else { return Ok(Swept::default()) };
        for id in self.pins()?.iter().filter(|id| !self.has_manifest(id)) {
            self.unpin(id)?;
        }
        // of a check that ended after its backup was deleted
        self.checkmarks().keys().filter(|id| !self.has_manifest(id)).for_each(|id| self.forget_check(id));
        let mut swept = Swept::default();
        for id in &unneeded {
            swept.bytes += self.remove_object(id)?;
            swept.objects += 1;
        }
        Ok(swept)
    }

    /// What would be freed if these backups went and a sweep followed: their manifests, and the objects that no other needs.
    ///
    /// # Errors
    /// `Store`.
    pub fn freed_by(&self, gone: &[String]) -> Result<Swept> {
        let unneeded = self.unneeded_without(gone)?.unwrap_or_default();
        let objects: u64 = unneeded.iter().map(|id| self.stored_size(id)).sum();
        let manifests: u64 = gone.iter().map(|id| self.manifest_size(id)).sum();
        Ok(Swept { objects: unneeded.len() as u64, bytes: objects + manifests })
    }

    /// Objects that no manifest but these names; `None` with a manifest that cannot be read: it may need any of them.
    fn unneeded_without(&self, gone: &[String]) -> Result<Option<Vec<ObjectId>>> {
        let (manifests, unreadable) = self.manifests()?;
        if !unreadable.is_empty() {
            return Ok(None);
        }
        let staying = manifests.iter().filter(|m| !gone.contains(&m.id));
        let needed: HashSet<&String> = staying.flat_map(Manifest::objects).collect();
        let mut ids = self.object_ids()?;
        ids.retain(|id| !needed.contains(id));
        Ok(Some(ids))
    }

    /// For each backup the bytes that only it adds to the store: its manifest and the objects that no other names.
    pub fn stored_bytes(&self, manifests: &[Manifest]) -> HashMap<String, u64> {
        let mut users: HashMap<&str, (usize, usize)> = HashMap::new();
        for (n, manifest) in manifests.iter().enumerate() {
            for object in manifest.objects().collect::<HashSet<_>>() {
                users.entry(object).and_modify(|(count, _)| *count += 1).or_insert((1, n));
            }
        }
        let mut sizes: Vec<u64> = manifests.iter().map(|m| self.manifest_size(&m.id)).collect();
        for (object, (count, owner)) in users {
            if count == 1 {
                sizes[owner] += self.stored_size(object);
            }
        }
        manifests.iter().zip(sizes).map(|(m, size)| (m.id.clone(), size)).collect()
    }
}
