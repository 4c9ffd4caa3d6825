//! Proving backups by a restore, and what can be proven where there is nothing to restore into.

use super::{Checked, Proof, restorable};
use crate::domain::digest::TableStats;
use crate::domain::event::Observer;
use crate::domain::manifest::{Manifest, TableData};
use crate::domain::rows::Counter;
use crate::error::{Context, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::operations::rollback::{Trial, trial};
use crate::postgres::url::DatabaseUrl;
use crate::store::Store;
use std::io::Read;

/// Restores each backup that is whole into a scratch database beside the URL's, compares, and drops it. The two of a
/// checkpoint share structure and rows: one restore proves both. A data-only backup whose full one is gone has no
/// structure: its rows are counted and summed up again as they stand in the store.
///
/// # Errors
/// What stands in the way of a restore here: rights, `Tool`, `Server`, `Locked`, `Interrupted`. The live database is
/// not touched. What is wrong with a backup is added to its problems.
pub async fn prove(
    url: &DatabaseUrl,
    store: &Store,
    checked: &mut Checked,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<()> {
    let whole = checked.backups.iter().filter(|finding| finding.is_whole());
    let whole: Vec<Manifest> = whole.filter_map(|finding| finding.manifest.clone()).collect();
    let mut restored: Vec<Manifest> = Vec::new();
    for backup in whole {
        let (proof, problem) = match restorable(store, &backup) {
            Some(full) if restored.iter().any(|other| is_same(other, &full)) => (Proof::Restored, None),
            Some(full) => {
                let tried = trial(url, store, &full, observer, interrupt).await;
                match of_trial(tried)? {
                    None => {
                        restored.push(full);
                        (Proof::Restored, None)
                    }
                    problem => (Proof::Hashes, problem),
                }
            }
            None => (Proof::Rows, interrupt.or(count_again(store, &backup)).await?),
        };
        let Some(finding) = checked.finding(&backup.id) else { continue };
        finding.problems.extend(problem);
        finding.proof = if finding.is_whole() { proof } else { Proof::Hashes };
        finding.note = (proof == Proof::Rows).then(|| {
            "its full backup is gone or damaged, so there is no structure to restore it into: its rows were counted and their digests compared"
                .to_owned()
        });
    }
    checked.leave_out_removed(store);
    checked.remember(store);
    Ok(())
}

/// What a trial says about the backup; that it could not be made says nothing.
fn of_trial(tried: Result<Trial>) -> Result<Option<String>> {
    match tried {
        Ok(Trial::Proven) => Ok(None),
        Ok(Trial::Differs(how)) => Ok(Some(how)),
        Err(error) if error.kind == ErrorKind::Damaged => Ok(Some(error.to_string())),
        Err(mut error) => {
            if !error.message.contains("live database") {
                error.message = format!("{}. The live database was not touched", error.message.trim_end_matches('.'));
            }
            if error.kind == ErrorKind::Other {
                error.hints.push("Without --restore every hash is read all the same.".to_owned());
            }
            Err(error)
        }
    }
}

/// Whether a restore of one is a restore of the other.
fn is_same(one: &Manifest, other: &Manifest) -> bool {
    one.structure == other.structure
        && one.tables == other.tables
        && one.sequences == other.sequences
        && one.materialized_views == other.materialized_views
        && one.schemas == other.schemas
}

/// The first table whose rows are not those that the manifest counted.
async fn count_again(store: &Store, backup: &Manifest) -> Result<Option<String>> {
    let (store, tables) = (store.clone(), backup.tables.clone());
    let counting = tokio::task::spawn_blocking(move || tables.iter().find_map(|data| miscounted(&store, data)));
    counting.await.context(ErrorKind::Other, || "Counting the rows stopped. Nothing was changed".into())
}

fn miscounted(store: &Store, data: &TableData) -> Option<String> {
    let table = &data.table.name;
    match counted(store, data) {
        Ok(found) if found.as_ref() == Some(&data.stats) => None,
        Ok(_) => Some(format!("the rows of {table} are not those that were counted")),
        Err(error) => Some(format!("the rows of {table} cannot be read: {error}")),
    }
}

/// The figures of the rows in the store; `None` when they are no rows of this table.
fn counted(store: &Store, data: &TableData) -> Result<Option<TableStats>> {
    let mut counter = Counter::new(data.table.data_columns().count());
    let mut buffer = vec![0; 128 << 10];
    for segment in &data.segments {
        let mut reader = store.object(&segment.object)?;
        loop {
            match reader.read(&mut buffer).context(ErrorKind::Damaged, || "The object is damaged".into())? {
                0 => break,
                n => counter.feed(&buffer[..n]),
            }
        }
    }
    Ok(counter.finish())
}
