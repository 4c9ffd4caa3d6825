//! A backup by itself: under the lock, and the old ones make room for it.

use super::checkpoint::{self, Kinds, ReadRows, Request, Taken};
use super::interrupt::Interrupt;
use super::journal::{Purpose, claim, enter};
use super::retention;
use super::target::Target;
use super::telling::Telling;
use crate::domain::event::Observer;
use crate::domain::manifest::Reason;
use crate::error::Result;

/// Takes it and removes those that are too old. That they could not be removed is a note: the new one exists all the same.
///
/// # Errors
/// `Locked`; those of the checkpoint.
pub async fn back_up(
    target: &Target,
    kinds: Kinds,
    reason: Reason,
    read: ReadRows,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Taken> {
    let _lock = enter(&target.place.store, "backup", observer)?;
    let _claim = claim(&target.url, "backup", Purpose::Read, interrupt).await?;
    under_lock(target, kinds, reason, read, observer, interrupt).await
}

/// The same for who holds the lock and the claim.
///
/// # Errors
/// Those of the checkpoint.
pub async fn under_lock(
    target: &Target,
    kinds: Kinds,
    reason: Reason,
    read: ReadRows,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Taken> {
    let store = &target.place.store;
    let observer = &Telling::new(store, observer);
    let project = target.project_info(interrupt).await?;
    let read = if read == ReadRows::All { read } else { target.place.settings.backup.reads() };
    let request = Request { kinds, reason, run: None, project, read };
    let taken = checkpoint::take(&target.url, store, &request, observer, interrupt).await?;
    retention::make_room(store, target.place.settings.retention.keep, &taken.ids(), observer);
    Ok(taken)
}
