//! Waiting for somebody's lock has an end, and names them.

use super::session::{connect, doing};
use super::url::DatabaseUrl;
use crate::error::{Error, ErrorKind, Result};
use sqlx::postgres::PgConnection;
use sqlx::{Executor, Row};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long we wait for somebody's lock before we name them, in seconds. Every session of ours has it as its `lock_timeout`,
/// but those on databases of our own.
pub const LOCK_WAIT_SECONDS: u32 = 10;
/// The same as `lock_timeout` takes it.
pub const LOCK_TIMEOUT: &str = "10s";

/// How often we look who keeps us waiting, from the moment on when somebody could.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A session of `pg_stat_activity a` in words. Of a stranger's session this role may not see everything.
pub const SESSION: &str = r"concat('process ', a.pid, ' of user ', a.usename,
    ' for ' || extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change))::int8 || ' s',
    ': ' || rtrim(left(regexp_replace(a.query, '\s+', ' ', 'g'), 120), '; '))";

/// Who holds a lock that belongs to no session, by the lock `l`.
const PREPARED: &str = "(SELECT concat('the prepared transaction ', quote_literal(p.gid), ' of user ', p.owner,
        ' for ', extract(epoch FROM clock_timestamp() - p.prepared)::int8, ' s (COMMIT PREPARED or ROLLBACK PREPARED ends it)')
    FROM pg_prepared_xacts p JOIN pg_locks x ON x.transactionid = p.transaction
    WHERE l.pid IS NULL AND x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction LIMIT 1)";

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
    if names_nobody(&error) { blocked(connection, lock).await.because(error) } else { error }
}

/// The same for a session whose transaction may have failed with it: the answer is looked for outside of it.
///
/// # Errors
/// The result's own.
pub async fn named<T>(connection: &mut PgConnection, result: Result<T>) -> Result<T> {
    match result {
        Err(error) => Err(name_holder(connection, Lock::ToRead, error).await),
        done => done,
    }
}

/// Somebody's lock was waited for to the end, and nobody is named yet.
fn names_nobody(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|s| s.downcast_ref::<sqlx::Error>());
    let text = error.to_string();
    let waited = source.is_some_and(is_lock_timeout) || text.contains("canceling statement due to lock timeout");
    // what pg_dump hands on: its lock timeout is a timeout of the statement
    let waited =
        waited || (text.contains("canceling statement due to statement timeout") && text.contains("LOCK TABLE"));
    waited && (!error.message.contains(" stayed locked for ") || error.message.contains(UNKNOWN))
}

pub fn is_lock_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "55P03")
}

const UNKNOWN: &str = "another transaction holds it";

/// The sentence that names who holds a table.
pub async fn blocked(connection: &mut PgConnection, lock: Lock) -> Error {
    let sql = format!(
        "SELECT concat(l.relation::regclass, CASE WHEN l.granted THEN ' is locked by ' ELSE ' is wanted, and kept from all others, by ' END,
                coalesce({PREPARED}, {SESSION}))
         FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'relation' AND l.relation >= 16384 AND l.pid IS DISTINCT FROM pg_backend_pid()
           AND (l.mode = 'AccessExclusiveLock' OR ($1 AND l.granted))
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         ORDER BY l.granted DESC, a.xact_start LIMIT 1"
    );
    let asked = sqlx::query_scalar::<_, String>(&sql).bind(matches!(lock, Lock::ToChange)).fetch_optional(connection);
    match asked.await {
        Ok(Some(who)) => stayed_locked_by("A table", &who),
        _ => stayed_locked_by("A table", UNKNOWN),
    }
}

/// The sentence for a lock on `what`, which `holder` (as `SESSION` says it) does not give up.
pub fn stayed_locked(what: &str, holder: &str) -> Error {
    stayed_locked_by(what, &format!("it is held by {holder}"))
}

fn stayed_locked_by(what: &str, who: &str) -> Error {
    Error::new(
        ErrorKind::Server,
        format!("{what} stayed locked for {LOCK_WAIT_SECONDS} seconds: {who}. Nothing was changed"),
    )
    .hint("End that transaction (or wait for it), then try again.")
}

/// Who has locked a system catalog of the database of the URL, in which nobody can do anything then; asked from outside.
pub async fn catalog_holder(outside: &mut PgConnection, database: &str) -> Option<Error> {
    let sql = format!(
        "SELECT coalesce({PREPARED}, {SESSION}) FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'AccessExclusiveLock' AND l.relation < 16384
           AND l.database = (SELECT oid FROM pg_database WHERE datname = $1) ORDER BY a.xact_start LIMIT 1"
    );
    let who = sqlx::query_scalar::<_, String>(&sql).bind(database).fetch_optional(outside).await.ok()??;
    Some(stayed_locked(&format!("A system catalog of {database}"), &who))
}

/// Does a piece of work in the database of the URL. Where a session of ours, or `pg_dump`, waits there for anybody's lock of
/// any kind until its patience ends, the error names them: while it waits, another session asks.
///
/// # Errors
/// The work's own.
pub async fn naming<T>(url: &DatabaseUrl, work: impl Future<Output = Result<T>>) -> Result<T> {
    let seen = Mutex::new(None);
    let result = {
        let (mut work, mut lookout) = (pin!(work), pin!(look_out(url, &seen)));
        tokio::select! {
            done = &mut work => done,
            () = &mut lookout => work.await,
        }
    };
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (result, seen) {
        (Err(error), Some(blocker)) if names_nobody(&error) => Err(blocker.named_now(url).await.because(error)),
        (result, _) => result,
    }
}

/// Whom we waited for when we looked last.
struct Blocker {
    /// What is locked: "A table", "An advisory lock" …
    what: String,
    /// How who holds it begins: "public.shop is locked by ", "it is held by ".
    how: String,
    process: i32,
    who: String,
}

impl Blocker {
    /// As it is by now: a while has gone by since we looked.
    async fn named_now(self, url: &DatabaseUrl) -> Error {
        let sql = format!("SELECT {SESSION} FROM pg_stat_activity a WHERE a.pid = $1");
        let asked = async {
            let mut connection = connect(url).await.ok()?;
            sqlx::query_scalar(&sql).bind(self.process).fetch_optional(&mut connection).await.ok()?
        };
        let who: String = asked.await.unwrap_or(self.who);
        stayed_locked_by(&self.what, &format!("{}{who}", self.how))
    }
}

/// Until it is dropped: looks whom we wait for. Ends where it cannot be asked.
async fn look_out(url: &DatabaseUrl, seen: &Mutex<Option<Blocker>>) {
    tokio::time::sleep(LOOK_EVERY).await;
    let Ok(mut connection) = connect(url).await else { return };
    // not one of those at work
    if connection.execute("SET application_name = 'safemigrate lookout'").await.is_err() {
        return;
    }
    while let Ok(blocker) = who_blocks(&mut connection).await {
        if blocker.is_some() {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = blocker;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn who_blocks(connection: &mut PgConnection) -> Result<Option<Blocker>> {
    let sql = format!(
        "SELECT CASE l.locktype WHEN 'relation' THEN 'A table'
                    WHEN 'advisory' THEN 'An advisory lock'
                    WHEN 'object' THEN coalesce('The database ' || (SELECT datname FROM pg_database d WHERE d.oid = l.objid AND l.classid = 'pg_database'::regclass), 'An object')
                    ELSE 'A row' END AS what,
                CASE l.locktype WHEN 'relation' THEN concat(l.relation::regclass, ' is locked by ') ELSE 'it is held by ' END AS how,
                b.pid AS process,
                CASE WHEN b.pid = 0 THEN 'a prepared transaction (see pg_prepared_xacts)' ELSE {SESSION} END AS who
         FROM pg_stat_activity w JOIN pg_locks l ON l.pid = w.pid AND NOT l.granted, unnest(pg_blocking_pids(w.pid)) AS b(pid)
         LEFT JOIN pg_stat_activity a ON a.pid = b.pid
         WHERE w.application_name = 'safemigrate' AND w.datname = current_database() LIMIT 1"
    );
    let row = sqlx::query(&sql).fetch_optional(connection).await.map_err(doing("looking who is in the way"))?;
    let read = |row: sqlx::postgres::PgRow| {
        Ok(Blocker {
            what: row.try_get("what")?,
            how: row.try_get("how")?,
            process: row.try_get("process")?,
            who: row.try_get("who")?,
        })
    };
    row.map(read).transpose().map_err(doing("looking who is in the way"))
}
