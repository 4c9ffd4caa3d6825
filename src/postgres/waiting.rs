//! Waiting for somebody's lock has an end, and names them.

use super::session::doing;
use crate::error::{Error, ErrorKind, Result};
use sqlx::Row;
use sqlx::postgres::PgConnection;

/// How long we wait for somebody's lock before we name them, in seconds.
pub const LOCK_WAIT_SECONDS: u32 = 10;

/// Gives waiting an end where it has none; the answer goes to `lift`. Also the catalog's own functions
/// (`pg_get_expr` …) wait for a table that a migration has locked.
///
/// # Errors
/// `Server`.
pub async fn limit(connection: &mut PgConnection) -> Result<String> {
    let sql = "SELECT current_setting('lock_timeout') AS before,
                      CASE current_setting('lock_timeout') WHEN '0' THEN set_config('lock_timeout', $1, false) END";
    let row = sqlx::query(sql).bind(format!("{LOCK_WAIT_SECONDS}s")).fetch_one(connection).await;
    row.and_then(|row| row.try_get("before")).map_err(doing("preparing to read"))
}

/// Puts back what `limit` changed; a wait that came to its end becomes the sentence that names who holds the lock.
///
/// # Errors
/// The result's own.
pub async fn lift<T>(connection: &mut PgConnection, before: &str, result: Result<T>) -> Result<T> {
    // in a transaction that has failed this fails, and the setting goes with the transaction
    let back = sqlx::query("SELECT set_config('lock_timeout', $1, false)").bind(before).execute(&mut *connection).await;
    match result {
        Ok(_) if back.is_err() => {
            result.and(Err(Error::new(ErrorKind::Server, "The connection to the server was lost")))
        }
        Err(error) => Err(name_holder(connection, Lock::ToRead, error).await),
        done => done,
    }
}

/// What a lock is wanted for.
#[derive(Debug, Clone, Copy)]
pub enum Lock {
    /// Only who changes a table's structure is in the way.
    ToRead,
    /// Everybody who has touched a table in an open transaction can be in the way.
    ToChange,
}

/// Where a wait has come to its end, the sentence that names who holds the lock; every other error as it is.
/// The session's transaction must not be a failed one.
pub async fn name_holder(connection: &mut PgConnection, lock: Lock, error: Error) -> Error {
    if is_lock_timeout(&error) { blocked(connection, lock).await.because(error) } else { error }
}

fn is_lock_timeout(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|s| s.downcast_ref::<sqlx::Error>());
    source.and_then(sqlx::Error::as_database_error).and_then(|e| e.code()).is_some_and(|c| c == "55P03")
}

/// The sentence that names who holds the lock.
pub async fn blocked(connection: &mut PgConnection, lock: Lock) -> Error {
    let row = sqlx::query(
        "SELECT l.relation::regclass::text AS table, a.pid, a.usename::text AS role, left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120) AS query,
                extract(epoch FROM clock_timestamp() - a.xact_start)::int8 AS seconds
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE (l.mode = 'AccessExclusiveLock' OR $1) AND l.granted AND l.relation >= 16384 AND l.locktype = 'relation' AND a.pid <> pg_backend_pid()
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         ORDER BY a.xact_start LIMIT 1",
    )
    .bind(matches!(lock, Lock::ToChange))
    .fetch_optional(connection)
    .await;
    let who = row.ok().flatten().and_then(|row| {
        let (table, pid): (String, i32) = (row.try_get("table").ok()?, row.try_get("pid").ok()?);
        let (role, query): (String, String) = (row.try_get("role").ok()?, row.try_get("query").ok()?);
        let seconds: i64 = row.try_get("seconds").ok()?;
        Some(format!(
            "{table} is locked by process {pid} of user {role} for {seconds} s: {}",
            query.trim_end_matches([';', ' '])
        ))
    });
    let who = who.unwrap_or_else(|| "another transaction holds it".to_owned());
    Error::new(
        ErrorKind::Server,
        format!("A table stayed locked for {LOCK_WAIT_SECONDS} seconds: {who}. Nothing was changed"),
    )
    .hint("End that transaction (or wait for it), then try again.")
}
