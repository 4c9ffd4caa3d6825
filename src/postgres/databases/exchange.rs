//! Two databases change places in one transaction; before that nobody may sit in either.

use super::describe::Database;
use super::scratch::Mark;
use crate::domain::names::{quote_ident, quote_literal};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::session::doing;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::time::{Duration, Instant};

/// How long sessions may take to end after they were told to.
const PATIENCE: Duration = Duration::from_secs(20);

/// Refuses new sessions, superusers' too, and ends those that are there, but for the one of process `spared`.
///
/// # Errors
/// `Server` when a session cannot be ended; the caller then has to `reopen`.
pub async fn close(connection: &mut PgConnection, name: &str, spared: Option<i32>) -> Result<()> {
    let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", quote_ident(name));
    connection.execute(statement.as_str()).await.map_err(doing("closing the database to new sessions"))?;
    let until = Instant::now() + PATIENCE;
    while terminate(connection, name, spared).await? > 0 {
        if Instant::now() > until {
            return Err(Error::new(ErrorKind::Server, format!("Sessions on {name} do not end"))
                .hint("Stop what is connected to the database, then try again."));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Lets sessions in again.
///
/// # Errors
/// `Server`.
pub async fn reopen(connection: &mut PgConnection, name: &str) -> Result<()> {
    let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", quote_ident(name));
    connection.execute(statement.as_str()).await.map(drop).map_err(doing("opening the database again"))
}

/// Tells all sessions of a database to end, but for the one of process `spared`; gives how many there were.
///
/// # Errors
/// `Server` when one belongs to a role that this one may not end.
pub async fn terminate(connection: &mut PgConnection, name: &str, spared: Option<i32>) -> Result<i64> {
    // autovacuum is nobody's session and gives way by itself; of a stranger's session we see no more than this
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1
        AND pid <> pg_backend_pid() AND pid IS DISTINCT FROM $2 AND usesysid IS NOT NULL";
    let told = sqlx::query_scalar(sql).bind(name).bind(spared).fetch_one(connection).await;
    told.map_err(doing("ending the sessions of the database"))
}

/// In one transaction: `live` becomes `aside` (with the mark), `incoming` becomes `live` and opens.
/// Both must be closed and free of sessions.
///
/// # Errors
/// `Server`; nothing has changed then, unless the connection broke at the very end.
pub async fn exchange(
    connection: &mut PgConnection,
    live: &Database,
    incoming: &str,
    aside: &str,
    mark: &Mark,
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
    let exchanging = doing("exchanging the databases");
    let mut transaction = connection.begin().await.map_err(&exchanging)?;
    // dropped on an error: rolled back with the next use of the connection
    transaction.execute(statements.as_str()).await.map_err(&exchanging)?;
    fault::at("swap.exchanging");
    transaction.commit().await.map_err(&exchanging)
}

/// Gives a closed database of ours a name that is free and the user's comment instead of our mark, and opens it.
///
/// # Errors
/// `Server`; nothing has changed then, unless the connection broke at the very end.
pub async fn install(connection: &mut PgConnection, incoming: &str, name: &str, comment: Option<&str>) -> Result<()> {
    let statements = format!(
        "ALTER DATABASE {incoming} RENAME TO {name};
         COMMENT ON DATABASE {name} IS {comment};
         ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true",
        incoming = quote_ident(incoming),
        name = quote_ident(name),
        comment = comment.map_or("NULL".to_owned(), quote_literal),
    );
    let installing = doing("giving the restored database its name");
    let mut transaction = connection.begin().await.map_err(&installing)?;
    transaction.execute(statements.as_str()).await.map_err(&installing)?;
    fault::at("swap.installing");
    transaction.commit().await.map_err(&installing)
}
