//! Two databases change places in one transaction; before that nobody may sit in either.

use super::describe::Database;
use super::scratch::Mark;
use crate::domain::names::{quote_ident, quote_literal};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::commit::{self, BeforeCommit};
use crate::postgres::session::doing;
use crate::postgres::waiting::{LOCK_WAIT_SECONDS, SESSION, stayed_locked};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::time::{Duration, Instant};

/// How long sessions may take to end after they were told to.
const PATIENCE: Duration = Duration::from_secs(20);

/// Refuses new sessions, superusers' too, and ends those that are there, but for those of the processes `spared`.
/// Afterwards there is no other session, not even one that has come in and is not seen yet.
///
/// # Errors
/// `Server` when a session cannot be ended, or somebody holds a lock on the database itself; the caller then has to `reopen`.
pub async fn close(connection: &mut PgConnection, name: &str, spared: &[i32]) -> Result<()> {
    refuse_locked(connection, name).await?;
    let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", quote_ident(name));
    connection.execute(statement.as_str()).await.map_err(doing("closing the database to new sessions"))?;
    let until = Instant::now() + PATIENCE;
    // in this order: who begins is seen among the sessions before he has begun
    while begins(connection, name).await? | (terminate(connection, name, spared).await? > 0) {
        if Instant::now() > until {
            return Err(Error::new(ErrorKind::Server, format!("Sessions on {name} do not end"))
                .hint("Stop what is connected to the database, then try again."));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Whether a session is on its way in: it has read that the database is open, and is not among the sessions yet.
async fn begins(connection: &mut PgConnection, name: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.objid
        WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND d.datname = $1 AND l.mode = 'RowExclusiveLock')";
    let asked = sqlx::query_scalar(sql).bind(name).fetch_one(connection).await;
    asked.map_err(doing("looking for new sessions of the database"))
}

/// A lock on the database itself (of an open `COMMENT ON DATABASE`, `GRANT … ON DATABASE` …) would keep it from being
/// renamed, after all its sessions were ended.
async fn refuse_locked(connection: &mut PgConnection, name: &str) -> Result<()> {
    let sql = format!(
        "SELECT {SESSION} FROM pg_locks l JOIN pg_database d ON d.oid = l.objid JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND d.datname = $1 AND l.granted
           AND l.mode <> 'RowExclusiveLock' AND l.pid <> pg_backend_pid() LIMIT 1"
    );
    let until = Instant::now() + Duration::from_secs(LOCK_WAIT_SECONDS.into());
    loop {
        let found = sqlx::query_scalar::<_, String>(&sql).bind(name).fetch_optional(&mut *connection).await;
        let Some(holder) = found.map_err(doing("looking for locks on the database"))? else { return Ok(()) };
        if Instant::now() > until {
            return Err(stayed_locked(&format!("The database {name}"), &holder));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Lets sessions in again.
///
/// # Errors
/// `Server`.
pub async fn reopen(connection: &mut PgConnection, name: &str) -> Result<()> {
    let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", quote_ident(name));
    connection.execute(statement.as_str()).await.map(drop).map_err(doing("opening the database again"))
}

/// Tells all sessions of a database to end, but for those of the processes `spared`; gives how many there were.
///
/// # Errors
/// `Server` when one belongs to a role that this one may not end.
pub async fn terminate(connection: &mut PgConnection, name: &str, spared: &[i32]) -> Result<i64> {
    // autovacuum is nobody's session and gives way by itself; of a stranger's session we see no more than this
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1
        AND pid <> pg_backend_pid() AND pid <> ALL ($2) AND usesysid IS NOT NULL";
    let told = sqlx::query_scalar(sql).bind(name).bind(spared).fetch_one(connection).await;
    told.map_err(doing("ending the sessions of the database"))
}

/// In one transaction: `live` becomes `aside` (with the mark), `incoming` becomes `live` and opens.
/// Both must be closed and free of sessions. `before_commit` is told by what the server knows the transaction.
///
/// # Errors
/// `Server`; nothing has changed then, unless the connection broke at the very end. What `before_commit` says.
pub async fn exchange(
    connection: &mut PgConnection,
    live: &Database,
    incoming: &str,
    aside: &str,
    mark: &Mark,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<()> {
    let name = quote_ident(&live.name);
    let mark = Mark { comment: live.comment.clone(), ..mark.clone() };
    let statements = format!(
        "ALTER DATABASE {name} RENAME TO {aside};
         COMMENT ON DATABASE {aside} IS {mark};
         ALTER DATABASE {aside} WITH IS_TEMPLATE false;
         ALTER DATABASE {incoming} RENAME TO {name};
         COMMENT ON DATABASE {name} IS {comment};
         ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true CONNECTION LIMIT {limit} IS_TEMPLATE {template}",
        aside = quote_ident(aside),
        incoming = quote_ident(incoming),
        mark = quote_literal(&mark.text()),
        comment = live.comment.as_deref().map_or("NULL".to_owned(), quote_literal),
        limit = live.connection_limit,
        template = live.is_template,
    );
    in_one_transaction(connection, &statements, "exchanging the databases", before_commit).await
}

async fn in_one_transaction(
    connection: &mut PgConnection,
    statements: &str,
    what: &'static str,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<()> {
    let failed = doing(what);
    let mut transaction = connection.begin().await.map_err(&failed)?;
    // dropped on an error: rolled back with the next use of the connection
    transaction.execute(statements).await.map_err(&failed)?;
    before_commit(&commit::mark(&mut transaction).await?)?;
    fault::at("swap.exchanging");
    transaction.commit().await.map_err(&failed)
}

/// Gives a closed database of ours a name that is free and the user's comment instead of our mark, and opens it.
/// `before_commit` is told by what the server knows the transaction.
///
/// # Errors
/// `Server`; nothing has changed then, unless the connection broke at the very end. What `before_commit` says.
pub async fn install(
    connection: &mut PgConnection,
    incoming: &str,
    name: &str,
    comment: Option<&str>,
    before_commit: &mut BeforeCommit<'_>,
) -> Result<()> {
    let statements = format!(
        "ALTER DATABASE {incoming} RENAME TO {name};
         COMMENT ON DATABASE {name} IS {comment};
         ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true",
        incoming = quote_ident(incoming),
        name = quote_ident(name),
        comment = comment.map_or("NULL".to_owned(), quote_literal),
    );
    in_one_transaction(connection, &statements, "giving the restored database its name", before_commit).await
}
