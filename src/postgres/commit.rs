//! The end of a transaction on which everything hangs, and asking for it later when nobody has heard it.

use super::session::{connect, doing, server_error};
use super::url::DatabaseUrl;
use crate::domain::run::Committing;
use crate::error::{Error, ErrorKind, Result};
use sqlx::postgres::{PgConnection, PgDatabaseError, PgSeverity};
use sqlx::{Executor, Row};
use std::time::Duration;

/// How often a server that does not answer is asked, and how long we wait in between.
const TRIES: u32 = 4;
const BETWEEN: Duration = Duration::from_millis(500);

/// How a COMMIT can fail.
pub enum Failed {
    /// PostgreSQL refused: it has undone everything.
    Undone(Error),
    /// The answer did not arrive.
    Unheard(Error),
}

/// A session as the server knows it, for ending it from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    process: i32,
    /// Another start of the server gives the same number to somebody else.
    server_since: String,
}

/// # Errors
/// `Server`.
pub async fn backend(connection: &mut PgConnection) -> Result<Backend> {
    let row = connection.fetch_one("SELECT pg_backend_pid(), pg_postmaster_start_time()::text").await;
    let row = row.map_err(doing("asking for the session"))?;
    let read = || Ok(Backend { process: row.try_get(0)?, server_since: row.try_get(1)? });
    read().map_err(doing("asking for the session"))
}

/// Ends the session where it is still there: nothing of it happens any more after this.
///
/// # Errors
/// `Server`.
pub async fn end(connection: &mut PgConnection, of: &Backend) -> Result<()> {
    if backend(connection).await?.server_since == of.server_since {
        terminate(connection, of.process).await;
    }
    Ok(())
}

/// What became of a transaction whose session is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Committed,
    Undone,
    /// The server cannot be asked, or it is not the one that was at work.
    Unknown,
}

/// Told what will be committed, before it is.
pub type BeforeCommit<'a> = dyn FnMut(&Committing) -> Result<()> + Send + 'a;

/// By what the server knows this transaction when the session is gone.
///
/// # Errors
/// `Server`.
pub async fn mark(connection: &mut PgConnection) -> Result<Committing> {
    let ask = "SELECT txid_current(), pg_postmaster_start_time()::text, pg_backend_pid()";
    let row = connection.fetch_one(ask).await.map_err(doing("asking for the transaction"))?;
    let read =
        || Ok(Committing { transaction: row.try_get(0)?, server_since: row.try_get(1)?, session: row.try_get(2)? });
    read().map_err(doing("asking for the transaction"))
}

/// # Errors
/// Whether the rows are in is known only when PostgreSQL itself refuses and lives on.
pub async fn commit(connection: &mut PgConnection) -> Result<(), Failed> {
    let Err(error) = connection.execute("COMMIT").await else { return Ok(()) };
    let refused = error.as_database_error().and_then(|e| e.try_downcast_ref::<PgDatabaseError>());
    // the end of a session says nothing about the transaction; a pooler in between sends such ends, too
    if refused.is_some_and(|e| e.severity() == PgSeverity::Error) {
        return Err(Failed::Undone(server_error("committing", error)));
    }
    Err(Failed::Unheard(server_error("committing", error)))
}

/// Ends the session if it is still there, and asks what became of its transaction.
pub async fn fate(url: &DatabaseUrl, of: &Committing) -> Fate {
    for n in 0..TRIES {
        if n > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        let Ok(mut connection) = connect(url).await else { continue };
        return fate_here(&mut connection, of).await;
    }
    Fate::Unknown
}

/// The same, asked on a session that is there, on whichever database of the server.
pub async fn fate_here(connection: &mut PgConnection, of: &Committing) -> Fate {
    ask(connection, of).await.unwrap_or(Fate::Unknown)
}

async fn ask(connection: &mut PgConnection, of: &Committing) -> Result<Fate, sqlx::Error> {
    let row = connection.fetch_one("SELECT pg_postmaster_start_time()::text").await?;
    // a server that was started since may be a copy that never saw the transaction, and count it anew
    if row.try_get::<String, _>(0)? != of.server_since {
        return Ok(Fate::Unknown);
    }
    let mut status = txid_status(connection, of).await?;
    if status.as_deref() == Some("in progress") {
        // only then the session is still ours
        terminate(connection, of.session).await;
        status = txid_status(connection, of).await?;
    }
    Ok(match status.as_deref() {
        Some("committed") => Fate::Committed,
        Some("aborted") => Fate::Undone,
        _ => Fate::Unknown,
    })
}

async fn txid_status(connection: &mut PgConnection, of: &Committing) -> Result<Option<String>, sqlx::Error> {
    connection.fetch_one(format!("SELECT txid_status({})", of.transaction).as_str()).await?.try_get(0)
}

/// Ends a session of ours that may still be at work, so that its transaction is undone before we go on.
pub async fn terminate(connection: &mut PgConnection, pid: i32) {
    // it may have ended by itself
    let _ = connection.execute(format!("SELECT pg_terminate_backend({pid})").as_str()).await;
    let alive = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    for _ in 0..100 {
        let asked = connection.fetch_one(alive.as_str()).await;
        if !matches!(asked.and_then(|row| row.try_get::<i64, _>(0)), Ok(1..)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Nobody knows whether the rows of a re-insert are in: the sentence that says so.
pub fn unknown(error: Error) -> Error {
    Error::new(
        ErrorKind::Server,
        "The connection to the server was lost while committing: the rows are either all back or none is",
    )
    .hint("Run the same command again: rows that are there stay as they are, and its report tells.")
    .because(error)
}
