//! Finishing or undoing a rollback that a crash stopped.

use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::databases::{self, Marked, Standing};
use crate::postgres::session::connect;
use crate::postgres::url::DatabaseUrl;
use serde::Serialize;

/// What was found and done; empty when there was nothing to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CleanUp {
    /// Databases that were dropped: half-restored copies, and replaced ones whose successor is in place.
    pub dropped: Vec<String>,
    /// The live database refused sessions and accepts them again.
    pub reopened: bool,
    /// The replaced database was put back, because its successor is gone.
    pub put_back: bool,
    /// A rollback had come so far that the restored database is in place of the one before it.
    pub has_replaced: bool,
}

impl CleanUp {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Clears up beside the URL's database what a crashed rollback left: the live database opens again, scratch databases
/// go. The exchange itself is one transaction, so that it has happened or has not.
///
/// # Errors
/// Those of the connection; `Locked` while a rollback is at work; `Server`.
pub async fn clean_up(url: &DatabaseUrl) -> Result<CleanUp> {
    let Some(mut desk) = databases::maintenance(url).await? else {
        // a role that gets nowhere else has never made a database beside this one
        return Ok(CleanUp::default());
    };
    // before we look: somebody may just be making one
    databases::work_lock(&mut desk, &url.database).await?;
    let ours = databases::marked(&mut desk, &url.database).await?;
    if ours.is_empty() {
        return Ok(CleanUp::default());
    }
    let mut done = CleanUp::default();
    put_back_or_open(&mut desk, url, &ours, &mut done).await?;
    let left = databases::marked(&mut desk, &url.database).await?;
    if left.iter().any(|m| m.mark.safemigrate == Standing::Replaced) {
        done.has_replaced = true;
        // not dropped before its successor can be entered
        connect(url).await?;
    }
    for database in left {
        databases::drop_if_exists(&mut desk, &database.name).await?;
        fault::at("recover.dropped");
        done.dropped.push(database.name);
    }
    Ok(done)
}

async fn put_back_or_open(
    desk: &mut PgConnection,
    url: &DatabaseUrl,
    ours: &[Marked],
    done: &mut CleanUp,
) -> Result<()> {
    if let Some(live) = databases::find(desk, &url.database).await? {
        if !live.allows_connections {
            databases::reopen(desk, &live.name).await?;
            fault::at("recover.reopened");
            done.reopened = true;
        }
        return Ok(());
    }
    let replaced: Vec<&Marked> = ours.iter().filter(|m| m.mark.safemigrate == Standing::Replaced).collect();
    match replaced.as_slice() {
        [] => Ok(()),
        [one] => {
            databases::install(desk, &one.name, &url.database, one.mark.comment.as_deref(), &mut |_| Ok(())).await?;
            done.put_back = true;
            Ok(())
        }
        several => {
            let names: Vec<&str> = several.iter().map(|m| m.name.as_str()).collect();
            Err(Error::new(
                ErrorKind::NeedsYou,
                format!("{} does not exist, and several databases were it once: {}", url.database, names.join(", ")),
            )
            .hint("Rename the one you want: ALTER DATABASE … RENAME TO …, then ALLOW_CONNECTIONS true."))
        }
    }
}
