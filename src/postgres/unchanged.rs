//! What the server tells of its own history: which rows were there at an earlier snapshot, and whether they read as they did.

use super::session::{doing, text_settings};
use super::snapshot::Snapshot;
use crate::domain::schema::Table;
use crate::domain::unchanged::{Found, Moment, can_be_told};
use crate::error::Result;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Executor, Row};
use std::collections::HashMap;

/// On a standby, where statistics may not be asked for, and where anything is missing: no row.
///
/// A crash of one session makes the server recover without a new start time, and what it had not written to its log by then
/// never was: the ids of such transactions are given away again. But its statistics begin anew, and so do its own processes.
/// Of `pg_database` the row's transaction: `CREATE DATABASE … OID` can make another of the same number.
const MOMENT: &str =
    "SELECT pg_snapshot_xmin(s.now)::text AS xmin, pg_snapshot_xmax(s.now)::text AS xmax, trunc(pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text AS wal,
            extract(epoch FROM pg_postmaster_start_time())::text || '/' || extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time())::text || '/'
              || coalesce((SELECT min(a.pid::text || ':' || extract(epoch FROM a.backend_start)::text) FROM pg_stat_activity a WHERE a.backend_type = 'checkpointer'), '') AS run,
            d.oid::text || '/' || d.xmin::text AS incarnation
     FROM (SELECT pg_current_snapshot() AS now) s, pg_database d
     WHERE d.datname = current_database() AND NOT pg_is_in_recovery()";

/// Types whose text is made of the bytes of the value alone, under our settings. Those that print a name of something in
/// the catalog (`regclass`, `aclitem`) are not among them.
const PLAIN_TYPES: &str = "bool bytea char name int8 int2 int4 text oid tid xid cid json xml point lseg path box polygon line float4 float8 \
    circle money macaddr macaddr8 inet cidr bpchar varchar date time timestamp timestamptz interval timetz bit varbit numeric refcursor \
    uuid pg_lsn tsvector tsquery jsonb jsonpath int2vector oidvector xid8 txid_snapshot pg_snapshot int4range numrange tsrange tstzrange \
    daterange int8range int4multirange nummultirange tsmultirange tstzmultirange datemultirange int8multirange";

/// Types of extensions of which the same is known: extension.type.
const EXTENSION_TYPES: &str = "citext.citext hstore.hstore ltree.ltree cube.cube vector.vector vector.halfvec vector.sparsevec \
    postgis.geometry postgis.geography";

/// Of each table of which all can be told: its file, and for each column that is copied what its type is made of. An
/// enum's labels change without any row being touched, so they are in it, each with the transaction that wrote it: one that
/// was renamed back may have stood in rows that were read meanwhile. The same goes for the function that writes an
/// extension's type.
const LAYOUTS: &str = "WITH RECURSIVE link(of, type, depth) AS (
         SELECT DISTINCT a.atttypid, a.atttypid, 0 FROM pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
         UNION ALL
         SELECT link.of, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END, link.depth + 1
         FROM link JOIN pg_type t ON t.oid = link.type LEFT JOIN pg_type e ON e.oid = t.typelem
         WHERE t.typtype = 'd' OR t.typtype = 'b' AND e.typarray = t.oid),
     told AS (
         SELECT link.of, link.depth, CASE
             WHEN t.typtype = 'd' THEN 'domain ' || t.oid
             WHEN t.typtype = 'b' AND e.typarray = t.oid THEN 'array ' || t.oid
             WHEN t.oid < 16384 AND t.typnamespace = 'pg_catalog'::regnamespace AND t.typname = ANY ($2) THEN 'plain ' || t.oid
             WHEN t.typtype = 'e' THEN 'enum ' || t.oid || (SELECT coalesce(string_agg(format(' %s %s %L', l.oid, l.xmin, l.enumlabel), '' ORDER BY l.oid), '')
                                                          FROM pg_enum l WHERE l.enumtypid = t.oid)
             WHEN t.typtype = 'b' THEN (SELECT format('extension %s %s %s %L %L', t.oid, f.oid, f.xmin, f.prosrc, f.probin)
                 FROM pg_proc f JOIN pg_language l ON l.oid = f.prolang AND l.lanname IN ('c', 'internal')
                 JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
                 JOIN pg_extension x ON x.oid = d.refobjid
                 WHERE f.oid = t.typoutput AND x.extname || '.' || t.typname = ANY ($3))
             END AS text
         FROM link JOIN pg_type t ON t.oid = link.type LEFT JOIN pg_type e ON e.oid = t.typelem),
     type AS (SELECT of, string_agg(text, ' of ' ORDER BY depth) AS text FROM told GROUP BY of HAVING count(*) = count(text))
     SELECT c.oid, format('%s %s %s', c.relpersistence, pg_relation_filenode(c.oid),
                string_agg(format('%s %s', a.attnum, type.text), ', ' ORDER BY a.attnum)) AS layout
     FROM pg_class c
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     LEFT JOIN type ON type.of = a.atttypid
     WHERE c.oid = ANY ($1) AND c.relkind = 'r' AND c.relpersistence IN ('p', 'u') AND c.relam = (SELECT m.oid FROM pg_am m WHERE m.amname = 'heap')
       AND pg_relation_filenode(c.oid) IS NOT NULL
     GROUP BY c.oid HAVING count(a.attnum) = count(type.text)";

impl Snapshot {
    /// Where the snapshot stands in the life of the database; `None` where the server cannot be held to it.
    ///
    /// # Errors
    /// `Server` when the connection is lost.
    pub async fn moment(&mut self) -> Result<Option<Moment>> {
        if !can_be_told(&self.database) {
            return Ok(None);
        }
        let row = attempt(&mut self.leader, MOMENT).await?.and_then(|rows| rows.into_iter().next());
        Ok(row.and_then(|row| moment(&row)))
    }

    /// Of each table, by its oid, whatever the text of its rows depends on beside their bytes. Of some that cannot be told.
    ///
    /// # Errors
    /// `Server`.
    pub async fn layouts(&mut self) -> Result<HashMap<u32, String>> {
        let oid = sqlx::postgres::types::Oid;
        let tables = self.catalog.tables.iter().filter(|t| t.extension_condition.is_none());
        let list = |text: &'static str| text.split_ascii_whitespace().collect::<Vec<_>>();
        let found = sqlx::query(LAYOUTS)
            .bind(tables.map(|t| oid(t.oid)).collect::<Vec<_>>())
            .bind(list(PLAIN_TYPES))
            .bind(list(EXTENSION_TYPES))
            .fetch_all(&mut self.leader)
            .await
            .map_err(doing("reading how the tables lie"))?;
        let settings = text_settings();
        let mut layouts = HashMap::new();
        for row in &found {
            let table: sqlx::postgres::types::Oid = row.try_get("oid").map_err(doing("reading how the tables lie"))?;
            let layout: String = row.try_get("layout").map_err(doing("reading how the tables lie"))?;
            let hash = blake3::hash(format!("{settings}{layout}").as_bytes()).to_hex();
            layouts.insert(table.0, hash.as_str().chars().take(32).collect());
        }
        Ok(layouts)
    }
}

/// Text everywhere: the simple protocol gives nothing else.
fn moment(row: &PgRow) -> Option<Moment> {
    let text = |name: &str| row.try_get::<Option<String>, _>(name).ok().flatten();
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    Some(Moment {
        xmin: number("xmin")?,
        xmax: number("xmax")?,
        wal: number("wal")?,
        server_run: text("run")?,
        incarnation: text("incarnation")?,
    })
}

/// Asks something that may be refused. The transaction lives on.
async fn attempt(connection: &mut PgConnection, sql: &str) -> Result<Option<Vec<PgRow>>> {
    // one message: there are many of these
    let sql = format!("SAVEPOINT safemigrate_attempt; {sql}; RELEASE safemigrate_attempt");
    if let Ok(rows) = connection.fetch_all(sql.as_str()).await {
        return Ok(Some(rows));
    }
    let back = "ROLLBACK TO safemigrate_attempt; RELEASE safemigrate_attempt";
    connection.execute(back).await.map_err(doing("asking the server for its history"))?;
    Ok(None)
}

/// Of each condition, how many rows are seen, and how many of them were not provably seen by a snapshot with this xmin.
/// `None` where the server refuses to say so. `xmin`: the low 32 bits of a transaction less than 2³⁰ ago.
///
/// # Errors
/// `Server` when the connection is lost.
pub async fn probe(
    connection: &mut PgConnection,
    table: &Table,
    conditions: &[&str],
    xmin: u32,
) -> Result<Option<Vec<Found>>> {
    let parts = conditions.iter().enumerate().map(|(n, condition)| {
        // without a condition an index might do
        let condition = if condition.is_empty() { "ctid >= '(0,0)'" } else { condition };
        // `age` is the distance to a transaction that begins now, and 2147483647 of what is no transaction
        format!(
            "SELECT {n}::int4 AS n, count(*) AS rows,
                 count(*) FILTER (WHERE (age(xmin) > (SELECT age('{xmin}'::xid)) AND age(xmin) < 2147483647) IS NOT TRUE) AS suspects
             FROM ONLY {} WHERE {condition}",
            table.name.sql()
        )
    });
    let sql = format!("{} ORDER BY n", parts.collect::<Vec<_>>().join(" UNION ALL "));
    let Some(rows) = attempt(connection, &sql).await? else { return Ok(None) };
    let number = |row: &PgRow, name: &str| row.try_get::<i64, _>(name).ok().and_then(|n| u64::try_from(n).ok());
    let found = rows.iter().map(|row| Some(Found { rows: number(row, "rows")?, suspects: number(row, "suspects")? }));
    Ok(found.collect::<Option<Vec<_>>>().filter(|found| found.len() == conditions.len()))
}
