//! The end of the transaction, and asking for it later when nobody has heard it.

use super::transaction::terminate;
use crate::domain::run::Committing;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::session::{connect, doing, server_error};
use crate::postgres::url::DatabaseUrl;
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

/// What became of a transaction whose session is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Committed,
    Undone,
    /// The server cannot be asked, or it is not the one that was at work.
    Unknown,
}

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
        return ask(&mut connection, of).await.unwrap_or(Fate::Unknown);
    }
    Fate::Unknown
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

/// Nobody knows: the sentence that says so.
pub fn unknown(error: Error) -> Error {
    Error::new(
        ErrorKind::Server,
        "The connection to the server was lost while committing: the rows are either all back or none is",
    )
    .hint("Run the same command again: rows that are there stay as they are, and its report tells.")
    .because(error)
}
