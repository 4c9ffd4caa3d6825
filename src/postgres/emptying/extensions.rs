//! Extensions of a database that is restored in place: they stay, unless the backup knows nothing of them.

use super::get;
use crate::domain::names::quote_ident;
use crate::error::Result;
use crate::postgres::session::{doing, server_error};
use sqlx::Executor;
use sqlx::postgres::PgConnection;

/// An extension that is installed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    pub name: String,
    pub schema: String,
    pub mine: bool,
    /// Made with the database itself, so that no backup names it (`plpgsql`).
    pub built_in: bool,
}

/// # Errors
/// `Server`.
pub async fn installed(connection: &mut PgConnection) -> Result<Vec<Extension>> {
    let sql = "SELECT e.extname::text AS name, n.nspname::text AS schema, pg_has_role(e.extowner, 'USAGE') AS mine,
            e.oid < 16384 AS built_in
        FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 1";
    let rows = sqlx::query(sql).fetch_all(connection).await.map_err(doing("asking for extensions"))?;
    let read = |row| {
        Ok(Extension {
            name: get(row, "name")?,
            schema: get(row, "schema")?,
            mine: get(row, "mine")?,
            built_in: get(row, "built_in")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Drops an extension that the backup does not know; everything that could need it is gone by now.
///
/// # Errors
/// `Server`.
pub async fn drop_unknown(connection: &mut PgConnection, name: &str) -> Result<()> {
    let statement = format!("DROP EXTENSION {} CASCADE", quote_ident(name));
    let dropped = connection.execute(statement.as_str()).await;
    dropped.map(drop).map_err(|e| server_error(&format!("dropping the extension {name}"), e))
}

/// Moves an extension to the schema where the backup has it.
///
/// # Errors
/// `Server`, for one that cannot be moved.
pub async fn move_to(connection: &mut PgConnection, name: &str, schema: &str) -> Result<()> {
    let statement = format!("ALTER EXTENSION {} SET SCHEMA {}", quote_ident(name), quote_ident(schema));
    let moved = connection.execute(statement.as_str()).await;
    moved.map(drop).map_err(|e| server_error(&format!("moving the extension {name}"), e))
}
