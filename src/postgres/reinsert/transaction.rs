//! The one transaction of a re-insert.

use crate::domain::names::{QualifiedName, quote_ident};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::session::{doing, server_error};
use crate::postgres::waiting::LOCK_WAIT_SECONDS;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor, Row};
use std::error::Error as _;

/// What building indexes and checking foreign keys may use at least; a server that allows more keeps that.
const BUILD_MEMORY: &str = "128MB";

/// SQLSTATE classes that say "this row", not "this statement" or "this server": features and cardinality (0A, 21),
/// data (22), integrity (23), errors of user functions (38, 39, P0), check options (44), limits such as an index row's size (54).
pub const ROW_FAULTS: [&str; 9] = ["0A", "21", "22", "23", "38", "39", "44", "54", "P0"];

/// What is being done where temporary tables are made, for which a database's owner may have taken the right away.
pub const MAKING_TABLES: &str = "making temporary tables";

/// Runs one or several statements without a result.
///
/// # Errors
/// `Server`; `what` completes "… refused while ‹what›".
pub async fn run(connection: &mut PgConnection, what: &str, sql: &str) -> Result<u64> {
    let done = connection.execute(sql).await.map_err(|e| refusal(what, e))?;
    Ok(done.rows_affected())
}

/// Asks for one number.
///
/// # Errors
/// `Server`.
pub async fn count(connection: &mut PgConnection, what: &str, sql: &str) -> Result<u64> {
    let row = connection.fetch_one(sql).await.map_err(|e| server_error(what, e))?;
    let number: i64 = row.try_get(0).map_err(|e| server_error(what, e))?;
    Ok(u64::try_from(number).unwrap_or(0))
}

/// Begins, and locks the tables against everybody who would write to them. Partitioned tables are locked with their leaves.
///
/// # Errors
/// `Server`; when another session holds a table, with what to do about it.
pub async fn begin(connection: &mut PgConnection, tables: &[(QualifiedName, bool)]) -> Result<()> {
    // constraint checks come at once, so that they name the row that broke them
    run(
        connection,
        "beginning",
        &format!(
            "BEGIN; SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'; SET CONSTRAINTS ALL IMMEDIATE;
             SELECT set_config('maintenance_work_mem', '{BUILD_MEMORY}', true)
             WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('{BUILD_MEMORY}')"
        ),
    )
    .await?;
    let ours = writable(connection, tables).await?;
    let names: Vec<String> = ours.iter().map(|(name, partitioned)| relation(name, *partitioned)).collect();
    if !names.is_empty() {
        let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", names.join(", "));
        connection.execute(lock.as_str()).await.map_err(held)?;
    }
    Ok(())
}

/// Tables that this user may not write to are only compared: should rows be missing there, it is refused later.
async fn writable(
    connection: &mut PgConnection,
    tables: &[(QualifiedName, bool)],
) -> Result<Vec<(QualifiedName, bool)>> {
    let ask = "SELECT w.place FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(schema, name, place)
               JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
               WHERE has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')";
    let schemas: Vec<&str> = tables.iter().map(|(t, _)| t.schema.as_str()).collect();
    let names: Vec<&str> = tables.iter().map(|(t, _)| t.name.as_str()).collect();
    let rows = sqlx::query_scalar::<_, i64>(ask).bind(schemas).bind(names).fetch_all(connection).await;
    let places = rows.map_err(doing("looking for rights"))?;
    let place = |n: usize| i64::try_from(n + 1).unwrap_or(0);
    Ok(tables.iter().enumerate().filter(|(n, _)| places.contains(&place(*n))).map(|(_, t)| t.clone()).collect())
}

/// The table in FROM and UPDATE: without children, unless it is partitioned.
pub fn relation(name: &QualifiedName, partitioned: bool) -> String {
    if partitioned { name.sql() } else { format!("ONLY {}", name.sql()) }
}

/// A lock that does not come says who is in the way; everything else is a server's refusal.
fn refusal(what: &str, error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|e| e.code()).as_deref() {
        Some("55P03" | "40P01") => held(error),
        Some("42501") if what == MAKING_TABLES => Error::new(
            ErrorKind::Server,
            "This user may not make temporary tables: rows that are cast, filled or compared need them. Nothing was changed",
        )
        .hint("The database's owner can allow it: GRANT TEMPORARY ON DATABASE … TO …")
        .hint("Or re-insert as the database's owner: --url with that user.")
        .because(error),
        Some("54011") if what == MAKING_TABLES => Error::new(
            ErrorKind::Server,
            "A table has so many columns that its rows find no room in a temporary one, where each is numbered. Nothing was changed",
        )
        .hint("Into an empty table rows go straight: empty it first, or --on-conflict replace (rows that came later are gone then).")
        .because(error),
        _ => server_error(what, error),
    }
}

fn held(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|e| e.code()).as_deref() {
        Some("55P03" | "40P01") => Error::new(
            ErrorKind::Server,
            format!(
                "Another session holds the tables and did not let go within {LOCK_WAIT_SECONDS} s. Nothing was changed"
            ),
        )
        .hint("Stop the application or end its open transaction, then try again.")
        .hint("Who it is: SELECT pid, application_name, state, query FROM pg_stat_activity WHERE state <> 'idle'")
        .because(error),
        Some("42501") => {
            Error::new(ErrorKind::Server, "This user may not put rows back into these tables. Nothing was changed")
                .hint("Re-insert as the owner of the tables: --url with that user.")
                .because(error)
        }
        _ => server_error("locking the tables", error),
    }
}

/// The user's own functions in defaults, checks and expressions find what they find in the application's sessions.
///
/// # Errors
/// `Server`.
pub async fn widen_search_path(connection: &mut PgConnection, first: &str, schemas: &[String]) -> Result<()> {
    let mut path = vec!["pg_catalog".to_owned()];
    let wanted = [first, "public"].into_iter().chain(schemas.iter().map(String::as_str));
    for schema in wanted.filter(|s| schemas.iter().any(|known| known == s)).map(quote_ident) {
        if !path.contains(&schema) {
            path.push(schema);
        }
    }
    let sql = format!("SET LOCAL search_path = {}, pg_temp", path.join(", "));
    run(connection, "setting the search path", &sql).await.map(|_| ())
}

/// # Errors
/// `Server`.
pub async fn savepoint(connection: &mut PgConnection, name: &str) -> Result<()> {
    connection.execute(format!("SAVEPOINT {name}").as_str()).await.map_err(doing("setting a savepoint"))?;
    Ok(())
}

/// Forgets the savepoint and keeps what was done.
///
/// # Errors
/// `Server`.
pub async fn release(connection: &mut PgConnection, name: &str) -> Result<()> {
    connection.execute(format!("RELEASE SAVEPOINT {name}").as_str()).await.map_err(doing("releasing a savepoint"))?;
    Ok(())
}

/// Undoes everything since the savepoint, which is forgotten.
///
/// # Errors
/// `Server`.
pub async fn undo(connection: &mut PgConnection, name: &str) -> Result<()> {
    let sql = format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}");
    connection.execute(sql.as_str()).await.map_err(doing("going back to a savepoint"))?;
    Ok(())
}

/// The SQLSTATE behind an error of ours.
pub fn sqlstate(error: &Error) -> Option<String> {
    let cause = error.source()?.downcast_ref::<sqlx::Error>()?;
    cause.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// Whether a row of the data is to blame, so that another way of loading can single it out.
pub fn is_row_fault(error: &Error) -> bool {
    sqlstate(error).is_some_and(|code| ROW_FAULTS.contains(&code.get(..2).unwrap_or_default()))
}

/// The server's number of this session, for ending it from another.
///
/// # Errors
/// `Server`.
pub async fn backend_pid(connection: &mut PgConnection) -> Result<i32> {
    let row = connection.fetch_one("SELECT pg_backend_pid()").await.map_err(doing("asking for the session"))?;
    row.try_get(0).map_err(doing("asking for the session"))
}

/// Undoes everything; a connection that is gone has done so by itself.
pub async fn rollback(connection: &mut PgConnection) {
    let _ = connection.execute("ROLLBACK").await;
}

/// Says goodbye, so that the server does not log a lost connection.
pub async fn close(connection: PgConnection) {
    let _ = connection.close().await;
}
