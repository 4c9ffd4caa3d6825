//! Noticing that somebody writes to a database that is about to be replaced.

use crate::error::Result;
use crate::postgres::session::doing;
use crate::postgres::structure::prepare_session;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use std::time::Duration;

/// What changes when somebody writes to the database of this session or changes its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    rows: i64,
    relations: i64,
}

/// A session that watches a database without ever writing.
pub struct Watch {
    connection: PgConnection,
    pub process: i32,
    before: Pulse,
}

impl Watch {
    /// Watches for what is written after `before` was felt.
    ///
    /// # Errors
    /// `Server`.
    pub async fn start(mut connection: PgConnection, before: Pulse) -> Result<Self> {
        prepare_session(&mut connection).await?;
        let process = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await;
        Ok(Self { connection, process: process.map_err(doing("asking who writes"))?, before })
    }

    /// Whether somebody wrote since. Exact once all other sessions have ended: each reports at its end.
    ///
    /// # Errors
    /// `Server`.
    pub async fn has_seen_writes(mut self, server_version: u32) -> Result<bool> {
        if server_version < 150_000 {
            // figures reach the server's collector with a delay
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let after = pulse(&mut self.connection).await?;
        // a session that is closed by halves would be in the way of the exchange
        self.connection.close().await.map_err(doing("asking who writes"))?;
        Ok(after != self.before)
    }
}

/// Feels the pulse of this session's database. Sessions report what they wrote at their end, or some seconds late.
///
/// # Errors
/// `Server`.
pub async fn pulse(connection: &mut PgConnection) -> Result<Pulse> {
    let sql = "SELECT (SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 FROM pg_stat_user_tables),
        (SELECT coalesce(sum(hashtext(concat_ws(' ', oid, relname, relfilenode, relnatts))), 0)::int8
         FROM pg_class WHERE relpersistence <> 't' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace))";
    let (rows, relations) = sqlx::query_as(sql).fetch_one(connection).await.map_err(doing("asking who writes"))?;
    Ok(Pulse { rows, relations })
}
