//! Counting: the figures of a live table, read in the same text as a backup.

use super::copy::{copy_out, copy_out_statement};
use super::session::doing;
use super::waiting;
use crate::domain::digest::TableStats;
use crate::domain::names::QualifiedName;
use crate::domain::rows::Counter;
use crate::domain::schema::{Catalog, Table};
use crate::error::{Error, ErrorKind, Result};
use sqlx::postgres::PgConnection;

/// Reads the whole table on this connection (in its transaction, if it has one) and gives rows, bytes and digests.
///
/// # Errors
/// `Server`.
pub async fn census(connection: &mut PgConnection, table: &Table) -> Result<TableStats> {
    let mut counter = Counter::new(table.data_columns().count());
    copy_out(connection, &copy_out_statement(table, ""), |piece| {
        counter.feed(piece);
        Ok(())
    })
    .await?;
    counter.finish().ok_or_else(|| misread(table))
}

/// The tables that hold no row. One that this role may not look into counts as filled.
///
/// # Errors
/// `Server`, naming who holds the lock when a table stays locked.
pub async fn empty_tables(connection: &mut PgConnection, catalog: &Catalog) -> Result<Vec<QualifiedName>> {
    let empty = look_into(connection, catalog).await;
    waiting::named(connection, empty).await
}

async fn look_into(connection: &mut PgConnection, catalog: &Catalog) -> Result<Vec<QualifiedName>> {
    let mut empty = Vec::new();
    for table in catalog.tables.iter().chain(&catalog.partitioned) {
        let sql = format!("SELECT NOT EXISTS (SELECT FROM {})", table.name.sql());
        match sqlx::query_scalar::<_, bool>(&sql).fetch_one(&mut *connection).await {
            Ok(true) => empty.push(table.name.clone()),
            Ok(false) => {}
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {}
            Err(error) => return Err(doing("looking for empty tables")(error)),
        }
    }
    Ok(empty)
}

/// The server sent something that is no COPY text of this table.
pub fn misread(table: &Table) -> Error {
    Error::new(ErrorKind::Server, format!("The rows of {} could not be read whole", table.name))
}
