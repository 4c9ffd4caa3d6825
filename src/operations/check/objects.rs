//! Reading objects to their end, several at a time.

use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Manifest, ObjectId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes inside of each object, or what is wrong with it.
pub(super) async fn examine(
    store: &Store,
    objects: Vec<ObjectId>,
    observer: &dyn Observer,
) -> Result<BTreeMap<ObjectId, Result<u64, String>>> {
    let read = |object: ObjectId| {
        let store = store.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let found = store.examine_object(&object).map_err(|flaw| flaw.to_string());
            (object, found)
        });
        async {
            reading
                .await
                .map_err(stopped)
                .inspect(|(_, found)| observer.on(Event::Bytes(*found.as_ref().unwrap_or(&0))))
        }
    };
    stream::iter(objects).map(read).buffer_unordered(readers()).try_collect().await
}

/// Reads a whole backup, so that a damaged one is known before anything else is done.
///
/// # Errors
/// `Damaged`, naming the object.
pub async fn refuse_damaged(store: &Store, backup: &Manifest) -> Result<()> {
    let objects: BTreeSet<ObjectId> = backup.objects().cloned().collect();
    let read = |object: ObjectId| {
        let store = store.clone();
        let reading = tokio::task::spawn_blocking(move || store.check_object(&object));
        async { reading.await.map_err(stopped)? }
    };
    stream::iter(objects).map(read).buffer_unordered(readers()).try_collect().await
}

fn stopped(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Other, "Reading the backup stopped. Nothing was changed").because(error)
}

fn readers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(1, 8)
}
