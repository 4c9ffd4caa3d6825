//! Which backups go.

use super::manifest::{Kind, Manifest};
use std::collections::HashSet;

/// Backups of each kind that are kept.
pub const DEFAULT_KEEP: usize = 10;

/// Ids beyond the newest `keep` of each kind, except the `held` ones (pinned, or named by a run that is not over),
/// which do not count. `newest_first` is what `Store::manifests` gives.
pub fn superfluous(newest_first: &[Manifest], keep: usize, held: &HashSet<String>) -> Vec<String> {
    [Kind::Full, Kind::DataOnly]
        .iter()
        .flat_map(|kind| {
            newest_first.iter().filter(|m| m.kind == *kind && !held.contains(&m.id)).skip(keep).map(|m| m.id.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::manifest::{DatabaseInfo, Reason};
    use proptest::prelude::*;

    fn backup(n: usize, kind: Kind) -> Manifest {
        Manifest {
            id: kind.id(&n.to_string()),
            kind,
            reason: Reason::Manual,
            created_at: format!("2026-01-01T00:00:{:02}Z", 59 - n),
            run: None,
            database: DatabaseInfo {
                name: "shop".into(),
                server_version: 150_000,
                system_identifier: None,
                encoding: "UTF8".into(),
            },
            project: None,
            structure: None,
            tables: Vec::new(),
            sequences: Vec::new(),
            materialized_views: Vec::new(),
            schemas: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn keeps_the_newest_of_each_kind(full in 0usize..25, data in 0usize..25, keep in 0usize..12, held in 0usize..25) {
            let all: Vec<Manifest> = (0..full).map(|n| backup(n, Kind::Full)).chain((0..data).map(|n| backup(n, Kind::DataOnly))).collect();
            let held: HashSet<String> = [Kind::Full.id(&held.to_string())].into();
            let gone: HashSet<String> = superfluous(&all, keep, &held).into_iter().collect();
            for (kind, count) in [(Kind::Full, full), (Kind::DataOnly, data)] {
                let left: Vec<&Manifest> = all.iter().filter(|m| m.kind == kind && !gone.contains(&m.id)).collect();
                let free = left.iter().filter(|m| !held.contains(&m.id)).count();
                let counted = count - all.iter().filter(|m| m.kind == kind && held.contains(&m.id)).count();
                prop_assert_eq!(free, keep.min(counted));
                // whatever went is older than whatever stayed
                let oldest = left.iter().filter(|m| !held.contains(&m.id)).map(|m| &m.created_at).min();
                if let Some(oldest) = oldest {
                    prop_assert!(all.iter().filter(|m| m.kind == kind && gone.contains(&m.id)).all(|m| m.created_at < *oldest));
                }
            }
            prop_assert!(gone.is_disjoint(&held));
        }
    }
}
