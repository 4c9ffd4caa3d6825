//! The journals of the projects that migrations belong to.

use crate::domain::lint::evidence::{Ran, ran};
use crate::domain::run::Run;
use crate::prisma::Settings;
use crate::store::Store;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Where runs are looked for: in the store of the nearest folder upwards that has one.
#[derive(Debug, Default)]
pub struct Journals {
    /// The roots of the files; with worktrees there are two.
    roots: Vec<PathBuf>,
    /// `--store`.
    store: Option<PathBuf>,
    read: Mutex<BTreeMap<String, Vec<Run>>>,
}

impl Journals {
    pub fn new(roots: Vec<PathBuf>, store: Option<PathBuf>) -> Self {
        Self { roots, store, read: Mutex::default() }
    }

    /// Whether there is any: where nothing ever ran under safemigrate (on a CI machine), that tells nothing of a migration.
    pub fn exist(&self, folder: &str) -> bool {
        !self.stores(folder).is_empty()
    }

    /// What became of a migration of this folder here.
    pub fn ran(&self, folder: &str, name: &str, text: &str) -> Ran {
        let mut read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        ran(read.entry(folder.to_owned()).or_insert_with(|| self.runs(folder)), name, text)
    }

    /// Newest first; none where the store cannot be read, which proves nothing.
    fn runs(&self, folder: &str) -> Vec<Run> {
        let mut runs: Vec<Run> =
            self.stores(folder).iter().filter_map(|store| Store::open(store).ok()?.runs().ok()).flatten().collect();
        runs.sort_by(|a, b| (&b.started_at, &b.id).cmp(&(&a.started_at, &a.id)));
        runs
    }

    fn stores(&self, folder: &str) -> Vec<PathBuf> {
        match &self.store {
            Some(store) => vec![store.clone()],
            None => self.roots.iter().filter_map(|root| nearest(root, folder)).collect(),
        }
    }
}

fn nearest(root: &Path, folder: &str) -> Option<PathBuf> {
    let inside = root.join(folder);
    inside.ancestors().take_while(|dir| dir.starts_with(root)).find_map(|dir| {
        let named = Settings::load(dir).ok().and_then(|settings| settings.store.path);
        let store = named.unwrap_or_else(|| dir.join(".safemigrate"));
        store.is_dir().then_some(store)
    })
}
