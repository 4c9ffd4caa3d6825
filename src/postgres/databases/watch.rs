//! Noticing that somebody writes to a database that is about to be replaced.

use super::privileges::blockers;
use crate::error::Result;
use crate::postgres::session::doing;
use crate::postgres::structure::prepare_session;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use std::time::Duration;

/// What changes when somebody writes to the database of this session or changes its structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// So many rows were written, as far as it was reported.
    rows: i64,
    /// The same for parts of large objects.
    parts: i64,
    structure: i64,
    /// Which transactions of the whole server had ended.
    ended: String,
}

impl Pulse {
    /// Whether writes of rows were reported in between. They may be older than both.
    pub fn reports_rows_since(&self, before: &Self) -> bool {
        self.rows != before.rows
    }

    /// Whether anything else was changed in between.
    pub fn shows_other_changes_since(&self, before: &Self) -> bool {
        (self.parts, self.structure) != (before.parts, before.structure)
    }

    /// Whether not one writing transaction has ended in between, on the whole server: then nobody wrote, reported or not.
    pub fn is_of_the_same_instant_as(&self, before: &Self) -> bool {
        self.ended == before.ended
    }
}

/// A session that watches a database without ever writing.
pub struct Watch {
    pub connection: PgConnection,
    pub process: i32,
}

/// What a watch sees.
pub struct Seen {
    /// With every report, once all other sessions have ended: each reports at its end.
    pub pulse: Pulse,
    /// What hangs on the database and was not there when the watch began: as `blockers` says it.
    pub blockers: Vec<String>,
}

impl Watch {
    /// # Errors
    /// `Server`.
    pub async fn start(mut connection: PgConnection) -> Result<Self> {
        prepare_session(&mut connection).await?;
        let process = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await;
        Ok(Self { connection, process: process.map_err(doing("asking who writes"))? })
    }

    /// # Errors
    /// `Server`.
    pub async fn look(&mut self, server_version: u32) -> Result<Seen> {
        if server_version < 150_000 {
            // figures reach the server's collector with a delay
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let pulse = pulse(&mut self.connection).await?;
        Ok(Seen { pulse, blockers: blockers(&mut self.connection).await? })
    }

    /// Ends its session: one that is closed by halves would be in the way of the exchange.
    ///
    /// # Errors
    /// `Server`.
    pub async fn close(self) -> Result<()> {
        self.connection.close().await.map_err(doing("asking who writes"))
    }
}

/// Catalogs whose rows belong to a relation, by the column that says to which.
const OF_RELATIONS: &[(&str, &str)] = &[
    ("pg_class", "oid"),
    ("pg_attribute", "attrelid"),
    ("pg_attrdef", "adrelid"),
    ("pg_constraint", "conrelid"),
    ("pg_index", "indrelid"),
    ("pg_trigger", "tgrelid"),
    ("pg_rewrite", "ev_class"),
    ("pg_policy", "polrelid"),
    ("pg_inherits", "inhrelid"),
];

/// Catalogs whose rows stand for themselves, and which of them users make.
const OTHERS: &[(&str, &str)] = &[
    ("pg_namespace", "nspname !~ '^pg_(temp|toast_temp)_'"),
    ("pg_proc", "oid >= 16384"),
    ("pg_type", "oid >= 16384 AND typnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_')"),
    ("pg_constraint", "contypid <> 0"),
    ("pg_enum", "true"),
    ("pg_description", "objoid >= 16384 OR classoid = 'pg_namespace'::regclass"),
    ("pg_seclabel", "true"),
    ("pg_default_acl", "true"),
    ("pg_extension", "true"),
    ("pg_event_trigger", "true"),
    ("pg_publication", "true"),
    ("pg_statistic_ext", "true"),
    ("pg_operator", "oid >= 16384"),
    ("pg_cast", "oid >= 16384"),
    ("pg_collation", "oid >= 16384"),
    ("pg_foreign_server", "true"),
    ("pg_largeobject_metadata", "true"),
];

/// Feels the pulse of this session's database. Sessions report what rows they wrote at their end, or some seconds late;
/// what they changed in the structure is there at once.
///
/// # Errors
/// `Server`.
pub async fn pulse(connection: &mut PgConnection) -> Result<Pulse> {
    let of_relations = OF_RELATIONS.iter().map(|(catalog, relation)| {
        format!("SELECT c.tableoid, c.ctid, c.xmin FROM {catalog} c JOIN mine ON mine.oid = c.{relation}")
    });
    let others =
        OTHERS.iter().map(|(catalog, which)| format!("SELECT tableoid, ctid, xmin FROM {catalog} WHERE {which}"));
    let parts: Vec<String> = of_relations.chain(others).collect();
    // a row that was changed is another version of it at another place
    let sql = format!(
        "WITH written AS MATERIALIZED (SELECT n_tup_ins + n_tup_upd + n_tup_del AS rows, relname = 'pg_largeobject' AND schemaname = 'pg_catalog' AS large
             FROM pg_stat_all_tables WHERE schemaname !~ '^pg_' OR relname = 'pg_largeobject'), mine AS MATERIALIZED (SELECT oid FROM pg_class WHERE relpersistence <> 't'
             AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace, 'information_schema'::regnamespace))
         SELECT (SELECT coalesce(sum(rows), 0)::int8 FROM written WHERE NOT large),
             (SELECT coalesce(sum(rows), 0)::int8 FROM written WHERE large),
             (SELECT coalesce(sum(hashtext(concat_ws(' ', r.*))), 0)::int8 FROM ({}) r),
             txid_current_snapshot()::text",
        parts.join(" UNION ALL ")
    );
    let felt = sqlx::query_as(&sql).fetch_one(connection).await;
    let (rows, parts, structure, ended) = felt.map_err(doing("asking who writes"))?;
    Ok(Pulse { rows, parts, structure, ended })
}
