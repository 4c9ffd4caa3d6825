//! Whole databases: what one is apart from its content, scratch ones beside it, and changing places with them.

mod carry;
mod describe;
mod exchange;
mod privileges;
mod scratch;
mod watch;

pub use carry::{carry_over, carry_settings, default_rights};
pub use describe::{Database, Grant, LOCALE, Setting, find, read_locale};
pub use exchange::{close, exchange, install, reopen, terminate};
pub use privileges::{
    Me, Session, blockers, carry_hindrances, default_search_path, foreign_owners, me, roles, sessions_of,
    uncreatable_extensions,
};
pub use scratch::{
    Copying, Like, Mark, Marked, Standing, copy_whole, create, drop_if_exists, free_name, marked, work_lock,
};
pub use watch::{Pulse, Seen, Watch, pulse};

use super::session::{connect, doing};
use super::structure::prepare_session;
use super::url::DatabaseUrl;
use crate::error::{ErrorKind, Result};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

/// A session on another database of the same server, from which this one can be renamed; `None` when this role
/// gets into no other.
///
/// # Errors
/// `Unreachable` and `Authentication`; that a database is missing or closed to us is no error.
pub async fn maintenance(url: &DatabaseUrl) -> Result<Option<PgConnection>> {
    let mut names = vec!["postgres".to_owned(), "template1".to_owned(), "defaultdb".to_owned(), url.user.clone()];
    names.retain(|name| *name != url.database);
    for name in &names {
        if let Some(connection) = try_connect(url, name).await? {
            return Ok(Some(connection));
        }
    }
    let Some(mut live) = try_connect(url, &url.database).await? else { return Ok(None) };
    let others = "SELECT datname::text FROM pg_database WHERE datallowconn AND datname <> current_database()
         AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT') ORDER BY datname";
    let others: Vec<String> =
        sqlx::query_scalar(others).fetch_all(&mut live).await.map_err(doing("looking for another database"))?;
    for name in others.iter().filter(|name| !names.contains(name)) {
        // a scratch database may vanish under us
        let scratch = name.contains(scratch::NEW) || name.contains(scratch::OLD);
        if !scratch && let Some(connection) = try_connect(url, name).await? {
            return Ok(Some(connection));
        }
    }
    Ok(None)
}

async fn try_connect(url: &DatabaseUrl, database: &str) -> Result<Option<PgConnection>> {
    match connect(&url.with_database(database)).await {
        Ok(mut connection) => {
            // it waits while databases are filled: no timeout may end it
            prepare_session(&mut connection).await?;
            Ok(Some(connection))
        }
        // no such database, no right to connect, or pg_hba.conf has no line for it
        Err(error) if matches!(error.kind, ErrorKind::NoDatabase | ErrorKind::Server) => Ok(None),
        Err(error) if error.kind == ErrorKind::Authentication && database != url.database => Ok(None),
        Err(error) => Err(error),
    }
}

fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(doing("reading what the server says of its databases"))
}
