//! Running entries of a structure on our own connections.

use super::Entry;
use crate::domain::names::quote_literal;
use crate::error::{Error, Result};
use crate::postgres::session::{connect, doing, server_error};
use crate::postgres::url::DatabaseUrl;
use futures_util::future::try_join_all;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// What holds an entry together when one of its statements fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// A transaction of its own.
    Transaction,
    /// A savepoint of the transaction that the connection is in.
    Savepoint,
}

/// The search path of a session as the application has it; asked for where a function of the user needs it.
#[derive(Debug, Clone)]
pub struct Paths {
    application: String,
}

/// Everything that the script names is qualified, so that nothing needs to be searched.
const STRICT: &str = "";

impl Paths {
    /// `schema`: Prisma's, first on the path; `default`: what role and database set (`"$user", public`).
    pub fn new(schema: Option<&str>, default: &str) -> Self {
        let schema = schema.map(|s| format!("{}, ", crate::domain::names::quote_ident(s)));
        Self { application: format!("{}{default}", schema.unwrap_or_default()) }
    }

    /// The list as `set_config('search_path', …)` takes it.
    pub fn application(&self) -> &str {
        &self.application
    }
}

/// Makes a fresh session fit for making structure and filling it.
///
/// # Errors
/// `Server`.
pub async fn prepare_session(connection: &mut PgConnection) -> Result<()> {
    // the timeouts are younger than the oldest server
    let sql = "SET check_function_bodies = off; SET xmloption = content; SET client_min_messages = warning;
        SET transform_null_equals = off; SET quote_all_identifiers = off; SET default_tablespace = '';
        SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings
        WHERE name IN ('idle_session_timeout', 'transaction_timeout')";
    connection.execute(sql).await.map_err(doing("setting up the session"))?;
    Ok(())
}

/// Makes one object: with an empty search path, as `pg_restore` would; where that fails because a function of the
/// user names things without their schema, once more with the application's path.
///
/// # Errors
/// `Server`, naming the object.
pub async fn run_entry(connection: &mut PgConnection, entry: &Entry, frame: Frame, paths: &Paths) -> Result<()> {
    let what = format!("restoring {}", entry.label());
    run_sql(connection, &entry.sql, &what, frame, paths).await
}

/// The same for any statements; `what` completes "… failed while ‹what›".
///
/// # Errors
/// `Server`.
pub async fn run_sql(connection: &mut PgConnection, sql: &str, what: &str, frame: Frame, paths: &Paths) -> Result<()> {
    let Err(first) = attempt(connection, sql, frame, STRICT).await else { return Ok(()) };
    abandon(connection, frame).await?;
    if !is_unknown_name(&first) {
        return Err(server_error(what, first));
    }
    match attempt(connection, sql, frame, &paths.application).await {
        Ok(()) => Ok(()),
        Err(error) => {
            abandon(connection, frame).await?;
            Err(server_error(what, error))
        }
    }
}

async fn attempt(connection: &mut PgConnection, sql: &str, frame: Frame, path: &str) -> Result<(), sqlx::Error> {
    let (begin, end) = match frame {
        Frame::Transaction => ("BEGIN", "COMMIT"),
        // what is read later in this transaction must print qualified names again
        Frame::Savepoint => ("SAVEPOINT entry", "SET LOCAL search_path = pg_catalog; RELEASE SAVEPOINT entry"),
    };
    let path = quote_literal(path);
    let statements = format!("{begin}; SELECT pg_catalog.set_config('search_path', {path}, true);\n{sql}\n;{end}");
    connection.execute(statements.as_str()).await.map(drop)
}

async fn abandon(connection: &mut PgConnection, frame: Frame) -> Result<()> {
    let end = match frame {
        Frame::Transaction => "ROLLBACK",
        Frame::Savepoint => "ROLLBACK TO SAVEPOINT entry; RELEASE SAVEPOINT entry",
    };
    connection.execute(end).await.map_err(doing("undoing a statement"))?;
    Ok(())
}

/// Undefined function, table, object, schema: what a search path can cure.
pub fn is_unknown_name(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    matches!(code.as_str(), "42883" | "42P01" | "42704" | "3F000")
}

/// Whether the server said that something is not ready yet: a materialized view that was read is not filled.
pub fn came_too_early(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|s| s.downcast_ref::<sqlx::Error>());
    source.and_then(sqlx::Error::as_database_error).and_then(|e| e.code()).is_some_and(|code| code == "55000")
}

/// Runs post-data entries, each in a transaction of its own: runs of indexes and keys over all connections,
/// everything else in order.
///
/// # Errors
/// `Server`, naming the object.
pub async fn run_parallel(connections: &mut [PgConnection], entries: &[Entry], paths: &Paths) -> Result<()> {
    for batch in batches(entries) {
        let queue = Mutex::new(VecDeque::from(batch));
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let workers = connections.iter_mut().map(|connection| async {
            while let Some(entry) = next() {
                run_entry(connection, entry, Frame::Transaction, paths).await?;
            }
            Ok::<(), Error>(())
        });
        try_join_all(workers).await?;
    }
    Ok(())
}

/// Entries of a batch may run side by side: each locks one table alone. Comments wait until what they speak of is there.
fn batches(entries: &[Entry]) -> Vec<Vec<&Entry>> {
    let mut batches: Vec<Vec<&Entry>> = Vec::new();
    let mut together: Vec<&Entry> = Vec::new();
    let mut comments: Vec<&Entry> = Vec::new();
    for entry in entries {
        match entry.kind.as_str() {
            "INDEX" | "CONSTRAINT" if !takes_another_lock(entry) => together.push(entry),
            "COMMENT" if !together.is_empty() => comments.push(entry),
            _ => {
                batches.push(std::mem::take(&mut together));
                batches.extend(comments.drain(..).map(|c| vec![c]));
                batches.push(vec![entry]);
            }
        }
    }
    batches.push(together);
    batches.extend(comments.into_iter().map(|c| vec![c]));
    batches.retain(|b| !b.is_empty());
    batches
}

/// An index that its table is clustered by or identified by in replication: after CREATE INDEX comes an ALTER TABLE,
/// and two such on one table would wait for each other.
fn takes_another_lock(entry: &Entry) -> bool {
    entry.kind == "INDEX" && entry.sql.lines().any(|line| line.starts_with("ALTER TABLE "))
}

/// Several sessions on a scratch database. What they write is durable only with what is committed elsewhere later.
///
/// # Errors
/// Those of `connect`.
pub async fn scratch_sessions(url: &DatabaseUrl, count: usize) -> Result<Vec<PgConnection>> {
    let mut sessions = Vec::with_capacity(count);
    for _ in 0..count {
        let mut session = connect(url).await?;
        prepare_session(&mut session).await?;
        // they wait for each other while they build indexes, and for nobody else
        session
            .execute("SET synchronous_commit = off; SET lock_timeout = 0")
            .await
            .map_err(doing("setting up the session"))?;
        sessions.push(session);
    }
    Ok(sessions)
}

/// Ends sessions in order, so that nobody sits in the database any more.
///
/// # Errors
/// `Server`.
pub async fn close(sessions: Vec<PgConnection>) -> Result<()> {
    for session in sessions {
        session.close().await.map_err(doing("closing a session"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, name: &str) -> Entry {
        Entry { kind: kind.into(), schema: None, name: name.into(), owner: None, sql: String::new() }
    }

    #[test]
    fn indexes_run_together_and_the_rest_in_order() {
        let entries = [
            entry("CONSTRAINT", "a"),
            entry("COMMENT", "on a"),
            entry("INDEX", "b"),
            entry("VIEW", "v"),
            entry("INDEX", "on v"),
            entry("FK CONSTRAINT", "f"),
        ];
        let batches = batches(&entries);
        let names: Vec<Vec<&str>> = batches.iter().map(|b| b.iter().map(|e| e.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["a", "b"], vec!["on a"], vec!["v"], vec!["on v"], vec!["f"]]);
    }

    #[test]
    fn an_index_that_takes_the_table_runs_alone() {
        let alone = |name: &str, then: &str| Entry {
            sql: format!("CREATE INDEX {name} ON t (a);\n\nALTER TABLE ONLY t {then} {name};\n"),
            ..entry("INDEX", name)
        };
        let entries = [
            entry("INDEX", "a"),
            alone("b", "REPLICA IDENTITY USING INDEX"),
            alone("c", "CLUSTER ON"),
            entry("INDEX", "d"),
            entry("INDEX", "e"),
        ];
        assert_eq!(batches(&entries).iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 2]);
    }

    #[test]
    fn the_application_path_begins_with_prismas_schema() {
        assert_eq!(Paths::new(Some("my app"), "\"$user\", public").application(), "\"my app\", \"$user\", public");
        assert_eq!(Paths::new(None, "public").application(), "public");
    }
}
