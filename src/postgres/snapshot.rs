//! One instant of a database, shared by several connections and by `pg_dump`.

use super::catalog::read_catalog;
use super::databases::{LOCALE, read_locale};
use super::session::{connect, doing};
use super::url::DatabaseUrl;
use super::waiting::{LOCK_WAIT_SECONDS, Lock, blocked};
use crate::domain::manifest::DatabaseInfo;
use crate::domain::names::{QualifiedName, quote_literal};
use crate::domain::schema::{Catalog, Table};
use crate::domain::unchanged::PageRange;
use crate::error::{Error, ErrorKind, Result};
use sqlx::postgres::PgConnection;
use sqlx::{Executor, Row};
use std::collections::HashMap;

/// The oldest server whose catalog we read.
const OLDEST_SERVER: u32 = 120_000;

/// Pages of 8 kB (or the server's block size).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableSize {
    pub pages: u64,
    /// Those in which its long values are.
    pub toast_pages: u64,
}

/// A part of a table.
#[derive(Debug, Clone)]
pub struct Cut {
    pub pages: PageRange,
    /// The condition on its rows; "" where it is the whole table.
    pub condition: String,
}

/// A transaction that holds the snapshot and a lock on every table, until it is dropped.
pub struct Snapshot {
    url: DatabaseUrl,
    pub(super) leader: PgConnection,
    id: String,
    pub catalog: Catalog,
    pub database: DatabaseInfo,
    /// Per table oid.
    sizes: HashMap<u32, TableSize>,
    page_bytes: u64,
}

impl Snapshot {
    /// Opens the snapshot: ACCESS SHARE on every table first, so that no table can change its shape under us.
    ///
    /// # Errors
    /// Those of `connect`; `Server` naming the blocker when a table stays locked.
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        let mut leader = connect(url).await?;
        let database = read_database_info(&mut leader).await?;
        let catalog = lock_all(&mut leader).await?;
        let id: String = one(&mut leader, "SELECT pg_export_snapshot()").await?;
        let (sizes, page_bytes) = read_sizes(&mut leader).await?;
        Ok(Self { url: url.clone(), leader, id, catalog, database, sizes, page_bytes })
    }

    /// The name that `pg_dump --snapshot` takes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Another connection that sees the same instant.
    ///
    /// # Errors
    /// Those of `connect`; `Server`.
    pub async fn worker(&self) -> Result<PgConnection> {
        let mut connection = connect(&self.url).await?;
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}; SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'",
            quote_literal(&self.id)
        );
        connection.execute(begin.as_str()).await.map_err(doing("joining the snapshot"))?;
        Ok(connection)
    }

    /// Ranges of pages that together are the whole table; none for an empty one. The last has no upper end.
    ///
    /// # Errors
    /// `Server`.
    pub async fn ranges(&mut self, table: &Table, cut: fn(TableSize) -> Vec<PageRange>) -> Result<Vec<Cut>> {
        let size = self.sizes.get(&table.oid).copied().unwrap_or_default();
        if size.pages == 0 {
            return Ok(Vec::new());
        }
        let ranges = cut(size);
        if let &[pages] = ranges.as_slice() {
            return Ok(vec![Cut { pages, condition: String::new() }]);
        }
        // before 14 a range of ctid reads the whole table
        if self.database.server_version < 140_000 || !self.can_be_queried(table).await? {
            let pages = PageRange { first: 0, pages: size.pages };
            return Ok(vec![Cut { pages, condition: String::new() }]);
        }
        let last = ranges.len() - 1;
        let condition = |(n, PageRange { first, pages }): (usize, PageRange)| {
            if n == last {
                format!("ctid >= '({first},0)'")
            } else {
                format!("ctid >= '({first},0)' AND ctid < '({},0)'", first + pages)
            }
        };
        let cuts = ranges.into_iter().enumerate();
        Ok(cuts.map(|(n, pages)| Cut { pages, condition: condition((n, pages)) }).collect())
    }

    /// Whether a query on the table can be planned under our search path: functions in its indexes may rely on another.
    async fn can_be_queried(&mut self, table: &Table) -> Result<bool> {
        let probe = format!("EXPLAIN SELECT FROM ONLY {} WHERE ctid >= '(0,0)'", table.name.sql());
        self.leader.execute("SAVEPOINT safemigrate_probe").await.map_err(doing("planning the backup"))?;
        let planned = self.leader.execute(probe.as_str()).await.is_ok();
        self.leader.execute("ROLLBACK TO safemigrate_probe").await.map_err(doing("planning the backup"))?;
        Ok(planned)
    }

    /// Bytes on disk of all tables, for progress.
    pub fn estimated_bytes(&self) -> u64 {
        self.sizes.values().map(|size| size.pages).sum::<u64>() * self.page_bytes
    }

    /// Ends the transaction and lets the locks go.
    ///
    /// # Errors
    /// `Server` when the snapshot broke before: what was read under it is then not to be trusted.
    pub async fn close(mut self) -> Result<()> {
        self.leader.execute("COMMIT").await.map_err(doing("closing the snapshot"))?;
        Ok(())
    }
}

async fn one<T>(connection: &mut PgConnection, sql: &'static str) -> Result<T>
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(doing("opening the snapshot"))
}

/// What the server says of itself and this database.
///
/// # Errors
/// `Server`; `Tool` for a server that is too old.
pub async fn read_database_info(connection: &mut PgConnection) -> Result<DatabaseInfo> {
    let sql = format!(
        "SELECT current_database()::text AS name, current_setting('server_version_num')::int4 AS version,
             pg_encoding_to_char(d.encoding)::text AS encoding, {LOCALE}
         FROM pg_database d WHERE datname = current_database()"
    );
    let row =
        sqlx::query(&sql).fetch_one(&mut *connection).await.map_err(doing("asking the server for its version"))?;
    let version: i32 = row.try_get("version").map_err(doing("asking the server for its version"))?;
    let server_version = u32::try_from(version).unwrap_or(0);
    if server_version < OLDEST_SERVER {
        return Err(Error::new(
            ErrorKind::Tool,
            format!(
                "The server is PostgreSQL {}; safemigrate needs 12 or newer. Nothing was changed",
                version / 10_000
            ),
        ));
    }
    // not readable on some managed servers
    let system_identifier =
        sqlx::query_scalar("SELECT system_identifier::text FROM pg_control_system()").fetch_one(connection).await.ok();
    Ok(DatabaseInfo {
        name: row.try_get("name").map_err(doing("asking the server for its name"))?,
        encoding: row.try_get("encoding").map_err(doing("asking the server for its encoding"))?,
        locale: Some(read_locale(&row)?),
        server_version,
        system_identifier,
    })
}

/// Locks every table that the catalog names; again when one came or went in between.
async fn lock_all(leader: &mut PgConnection) -> Result<Catalog> {
    let mut known = table_names(&read_catalog(leader).await?);
    for _ in 0..5 {
        let begin =
            format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'");
        leader.execute(begin.as_str()).await.map_err(doing("opening the snapshot"))?;
        if let Err(error) = lock(leader, &known).await {
            let _ = leader.execute("ROLLBACK").await;
            let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
            match code.as_str() {
                "55P03" => return Err(blocked(leader, Lock::ToRead).await.because(error)),
                // a table was dropped since we looked
                "42P01" => {
                    known = table_names(&read_catalog(leader).await?);
                    continue;
                }
                _ => return Err(doing("locking the tables for reading")(error)),
            }
        }
        let catalog = read_catalog(leader).await?;
        let now = table_names(&catalog);
        if now == known {
            return Ok(catalog);
        }
        leader.execute("ROLLBACK").await.map_err(doing("opening the snapshot"))?;
        known = now;
    }
    Err(Error::new(ErrorKind::Server, "Tables come and go faster than they can be locked. Nothing was changed")
        .hint("Try again when other migrations are done."))
}

fn table_names(catalog: &Catalog) -> Vec<QualifiedName> {
    catalog.tables.iter().chain(&catalog.partitioned).map(|t| t.name.clone()).collect()
}

async fn lock(leader: &mut PgConnection, tables: &[QualifiedName]) -> std::result::Result<(), sqlx::Error> {
    for part in tables.chunks(500) {
        let names: Vec<String> = part.iter().map(|t| format!("ONLY {}", t.sql())).collect();
        let statement = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
        leader.execute(statement.as_str()).await?;
    }
    Ok(())
}

async fn read_sizes(leader: &mut PgConnection) -> Result<(HashMap<u32, TableSize>, u64)> {
    let found = sqlx::query(
        "SELECT c.oid, (pg_relation_size(c.oid) + b.size - 1) / b.size AS pages, b.size,
             CASE WHEN c.reltoastrelid <> 0 THEN pg_relation_size(c.reltoastrelid) / b.size END AS toast_pages
         FROM pg_class c, (SELECT current_setting('block_size')::int8 AS size) b WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u')",
    )
    .fetch_all(leader)
    .await
    .map_err(doing("reading the sizes of tables"))?;
    let (mut sizes, mut page_bytes) = (HashMap::new(), 8192);
    for row in &found {
        let oid: sqlx::postgres::types::Oid = row.try_get("oid").map_err(doing("reading the sizes of tables"))?;
        // null for a table that was dropped meanwhile
        let count: Option<i64> = row.try_get("pages").map_err(doing("reading the sizes of tables"))?;
        let toast: Option<i64> = row.try_get("toast_pages").map_err(doing("reading the sizes of tables"))?;
        let size: i64 = row.try_get("size").map_err(doing("reading the sizes of tables"))?;
        let pages = |count: Option<i64>| count.map_or(0, i64::unsigned_abs);
        sizes.insert(oid.0, TableSize { pages: pages(count), toast_pages: pages(toast) });
        page_bytes = size.unsigned_abs();
    }
    Ok((sizes, page_bytes))
}
