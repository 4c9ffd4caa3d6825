//! COPY in both directions, in pieces large enough for hashing and compression.

use super::session::{doing, server_error};
use crate::domain::names::quote_list;
use crate::domain::schema::Table;
use crate::error::{Error, ErrorKind, Result};
use futures_util::StreamExt;
use sqlx::postgres::PgConnection;
use std::io::Read;
use tokio::sync::mpsc;

/// Bytes handed on at once.
const PIECE: usize = 128 << 10;

/// The quoted column list of a table's data for `COPY t (…)`, or "" for a table without columns.
pub fn copy_columns(table: &Table) -> String {
    let names = quote_list(table.data_columns().map(|c| c.name.as_str()));
    if names.is_empty() { names } else { format!("({names})") }
}

/// The statement that reads the rows of a table (never those of its children), `condition` without WHERE or "".
/// Without any condition it is a plain COPY: a query would be planned, and planning looks into functions of indexes,
/// which may not find what they name under our search path.
pub fn copy_out_statement(table: &Table, condition: &str) -> String {
    let columns = quote_list(table.data_columns().map(|c| c.name.as_str()));
    let own = table.extension_condition.as_deref().unwrap_or_default().trim();
    let own = own.strip_prefix("WHERE").or_else(|| own.strip_prefix("where")).unwrap_or(own);
    let conditions: Vec<String> = [own, condition].iter().filter(|c| !c.is_empty()).map(|c| format!("({c})")).collect();
    match (conditions.as_slice(), columns.as_str()) {
        ([], columns) if !columns.is_empty() => format!("COPY {} ({columns}) TO STDOUT", table.name.sql()),
        ([], _) => format!("COPY (SELECT FROM ONLY {}) TO STDOUT", table.name.sql()),
        (all, columns) => {
            format!("COPY (SELECT {columns} FROM ONLY {} WHERE {}) TO STDOUT", table.name.sql(), all.join(" AND "))
        }
    }
}

/// Runs a `COPY … TO STDOUT` and hands its text on in pieces.
///
/// # Errors
/// `Server`, or what `sink` says.
pub async fn copy_out(
    connection: &mut PgConnection,
    statement: &str,
    mut sink: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut stream = connection.copy_out_raw(statement).await.map_err(doing("reading a table"))?;
    let mut piece: Vec<u8> = Vec::with_capacity(PIECE + (16 << 10));
    while let Some(row) = stream.next().await {
        let row = row.map_err(doing("reading a table"))?;
        if row.len() >= PIECE {
            // as large as it is, it is not held twice
            if !piece.is_empty() {
                sink(&piece)?;
                piece.clear();
            }
            sink(&row)?;
            continue;
        }
        piece.extend_from_slice(&row);
        if piece.len() >= PIECE {
            sink(&piece)?;
            piece.clear();
        }
    }
    if piece.is_empty() { Ok(()) } else { sink(&piece) }
}

/// Runs a `COPY … FROM STDIN` with what the reader gives; tells how many rows PostgreSQL took.
/// On an error the COPY is cancelled: in a transaction nothing of it stays.
///
/// # Errors
/// `Server` with PostgreSQL's reason; `Damaged` when the reader finds its content damaged.
pub async fn copy_in(
    connection: &mut PgConnection,
    statement: &str,
    reader: impl Read + Send + 'static,
) -> Result<u64> {
    let mut pieces = read_ahead(reader);
    let mut copy = connection.copy_in_raw(statement).await.map_err(doing("writing a table"))?;
    while let Some(piece) = pieces.recv().await {
        match piece {
            Ok(bytes) => {
                if let Err(error) = copy.send(bytes).await {
                    // the server's own reason comes with the end of the COPY
                    return Err(match copy.finish().await {
                        Err(reason) => server_error("writing a table", reason),
                        Ok(_) => server_error("writing a table", error),
                    });
                }
            }
            Err(error) => {
                let _ = copy.abort("the backup cannot be read").await;
                return Err(
                    Error::new(ErrorKind::Damaged, "The backup is damaged: an object cannot be read").because(error)
                );
            }
        }
    }
    copy.finish().await.map_err(doing("writing a table"))
}

/// Decompression on a thread of its own, two pieces ahead of the network.
fn read_ahead(mut reader: impl Read + Send + 'static) -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let mut filled = 0;
            let end = loop {
                match reader.read(&mut piece[filled..]) {
                    Ok(0) => break Ok(true),
                    Ok(n) => filled += n,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => break Err(e),
                }
                if filled == PIECE {
                    break Ok(false);
                }
            };
            piece.truncate(filled);
            let last = !matches!(end, Ok(false));
            let handed = match end {
                Err(e) => sender.blocking_send(Err(e)),
                Ok(_) if piece.is_empty() => Ok(()),
                Ok(_) => sender.blocking_send(Ok(piece)),
            };
            if last || handed.is_err() {
                return;
            }
        }
    });
    receiver
}
