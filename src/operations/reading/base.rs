//! The earlier backup that a new one can stand on.

use crate::domain::manifest::{Manifest, Reason, TableData};
use crate::domain::schema::Table;
use crate::domain::unchanged::{Fit, Known, Moment, PageRange, Part, ReadRows, fit, match_up, must_read_all};
use crate::error::Result;
use crate::operations::ids;
use crate::postgres::snapshot::Snapshot;
use crate::store::Store;
use std::collections::{HashMap, HashSet};

/// So many backups are looked into: of a store that many databases share not all are read for one.
const LOOKED_INTO: usize = 20;

/// The backups that were there before the snapshot was opened: what they have seen is not newer than it.
pub struct Candidates {
    /// The newest first.
    ids: Vec<String>,
}

/// An earlier backup of the same life of the same database.
pub struct Base {
    pub manifest: Manifest,
    /// Where its tables stand in it, by their oid.
    places: HashMap<u32, usize>,
    /// How the tables lie now, by their oid.
    layouts: HashMap<u32, String>,
    /// Low bits of the first transaction of which that backup need not have seen everything.
    pub xmin: u32,
}

impl Candidates {
    /// # Errors
    /// `Store`.
    pub fn before_the_snapshot(store: &Store) -> Result<Self> {
        Ok(Self { ids: store.backup_ids_newest_first()? })
    }

    /// The newest that can be built on, if everything need not be read. `now` and `layouts`: of the open snapshot.
    pub fn choose(
        self,
        store: &Store,
        snapshot: &Snapshot,
        (now, layouts): (&Moment, &HashMap<u32, String>),
        (wanted, reason): (ReadRows, Reason),
    ) -> Option<Base> {
        if wanted == ReadRows::All {
            return None;
        }
        // the two of a checkpoint say the same
        let mut seen = HashSet::new();
        let once = self.ids.iter().filter(|id| seen.insert(id.get(2..).unwrap_or_default().to_owned()));
        for id in once.take(LOOKED_INTO) {
            let Ok(manifest) = store.examine_manifest(id) else { continue };
            match fit(&manifest, &snapshot.database, now) {
                Fit::Foreign => {}
                Fit::Past => return None,
                Fit::Good => {
                    let then = manifest.snapshot.as_ref()?;
                    let since = ids::seconds_since(&then.read_all_at);
                    if must_read_all(wanted, reason, since) {
                        return None;
                    }
                    let (xmin, layouts) = (then.moment.low_xmin(), layouts.clone());
                    let places = manifest.tables.iter().enumerate().map(|(n, data)| (data.table.oid, n)).collect();
                    return Some(Base { manifest, places, layouts, xmin });
                }
            }
        }
        None
    }
}

impl Base {
    pub fn table(&self, oid: u32) -> Option<&TableData> {
        self.manifest.tables.get(*self.places.get(&oid)?)
    }

    /// When every row was read for the last time.
    pub fn read_all_at(&self) -> Option<&str> {
        self.manifest.snapshot.as_ref().map(|snapshot| snapshot.read_all_at.as_str())
    }

    /// A table's ranges with what they held then; `None` where it has to be read.
    pub fn parts(&self, table: &Table, ranges: &[PageRange]) -> Option<Vec<Part>> {
        let data = self.table(table.oid)?;
        let trace = self.manifest.snapshot.as_ref()?.tables.get(&table.oid)?;
        match_up(table, self.layouts.get(&table.oid).map(String::as_str), ranges, Known { data, trace })
    }
}
