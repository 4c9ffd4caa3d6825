//! Prisma's own journal, `_prisma_migrations`: read, never written.

use super::session::doing;
use super::waiting;
use crate::domain::ending::Migration;
use crate::domain::names::QualifiedName;
use crate::error::Result;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor, Row};

/// The migrations that Prisma knows in the schema of the URL, in the order in which they were started;
/// empty when there is no journal yet.
///
/// # Errors
/// `Server`.
pub async fn read(connection: &mut PgConnection, schema: &str) -> Result<Vec<Migration>> {
    let migrations = read_migrations(connection, schema).await;
    waiting::named(connection, migrations).await
}

/// An autovacuum is soon out of the way; a migration is not.
const PATIENCE: &str = "2s";

/// While it lives nobody writes into the journal; everybody may read it.
pub struct Hold(PgConnection);

/// Keeps everybody from writing into the journal. `None`: there is none yet, or somebody is at it for long.
///
/// # Errors
/// `Server`.
pub async fn hold(mut connection: PgConnection, schema: &str) -> Result<Option<Hold>> {
    let table = QualifiedName::new(schema, "_prisma_migrations").sql();
    let hold = format!("BEGIN READ ONLY; SET LOCAL lock_timeout = '{PATIENCE}'; LOCK TABLE {table} IN SHARE MODE");
    match connection.execute(hold.as_str()).await {
        Ok(_) => Ok(Some(Hold(connection))),
        Err(sqlx::Error::Database(_)) => Ok(None),
        Err(error) => Err(doing("holding Prisma's journal")(error)),
    }
}

impl Hold {
    /// Lets others write before this returns.
    pub async fn release(self) {
        let Self(mut connection) = self;
        // a session that is gone has let them already
        let _ = connection.execute("ROLLBACK").await;
        let _ = connection.close().await;
    }
}

async fn read_migrations(connection: &mut PgConnection, schema: &str) -> Result<Vec<Migration>> {
    let table = QualifiedName::new(schema, "_prisma_migrations");
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(table.sql())
        .fetch_one(&mut *connection)
        .await
        .map_err(doing("looking for Prisma's migrations"))?;
    if !exists {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT migration_name::text AS name, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back
         FROM {} ORDER BY started_at, migration_name",
        table.sql()
    );
    let rows = sqlx::query(&sql).fetch_all(connection).await.map_err(doing("reading Prisma's migrations"))?;
    rows.iter()
        .map(|row| {
            Ok(Migration {
                name: row.try_get("name")?,
                finished: row.try_get("finished")?,
                rolled_back: row.try_get("rolled_back")?,
            })
        })
        .collect::<std::result::Result<_, sqlx::Error>>()
        .map_err(doing("reading Prisma's migrations"))
}
