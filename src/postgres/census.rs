//! Counting: the figures of a live table, read in the same text as a backup.

use super::copy::{copy_out, copy_out_statement};
use crate::domain::digest::TableStats;
use crate::domain::rows::Counter;
use crate::domain::schema::Table;
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

/// The server sent something that is no COPY text of this table.
pub fn misread(table: &Table) -> Error {
    Error::new(ErrorKind::Server, format!("The rows of {} could not be read whole", table.name))
}
