//! Indexes of an empty table that many rows go into: built in one go afterwards, which is quicker than row by row.

use super::transaction::run;
use crate::domain::names::QualifiedName;
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::Row;
use sqlx::postgres::PgConnection;

/// Below this, dropping and building costs more than it saves.
const MANY_ROWS: u64 = 10_000;

/// Only indexes of which `pg_get_indexdef` says everything, so that they come back as they were: no constraint stands on them (nor
/// any foreign key), no mark, comment, statistics target or tablespace of their own, no function that might look for names in a
/// search path (PostgreSQL 17 builds indexes under a path of its own).
const PLAIN_INDEXES: &str = "
    SELECT format('%I.%I', n.nspname, x.relname) AS name, pg_get_indexdef(x.oid) AS definition
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = x.relnamespace
    WHERE t.relnamespace = to_regnamespace(quote_ident($1)) AND t.relname = $2 AND t.relkind = 'r'
      AND x.relkind = 'i' AND NOT x.relispartition AND x.reltablespace = 0
      AND i.indisvalid AND i.indisready AND NOT i.indisclustered AND NOT i.indisreplident
      AND i.indexprs IS NULL AND i.indpred IS NULL AND obj_description(x.oid, 'pg_class') IS NULL
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid)
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = x.oid AND coalesce(a.attstattarget, -1) <> -1)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = x.oid AND d.deptype NOT IN ('a', 'n'))
    ORDER BY name";

/// Indexes that are dropped, and how they come back.
#[derive(Debug, Default)]
pub struct DroppedIndexes(Vec<String>);

impl DroppedIndexes {
    /// Drops what is quicker to build anew once `rows` rows are in. The table must be empty.
    ///
    /// # Errors
    /// `Server`.
    pub async fn of(connection: &mut PgConnection, table: &QualifiedName, rows: u64) -> Result<Self> {
        if rows < MANY_ROWS {
            return Ok(Self::default());
        }
        let found = sqlx::query(PLAIN_INDEXES).bind(&table.schema).bind(&table.name).fetch_all(&mut *connection).await;
        let found = found.map_err(doing("looking at the indexes"))?;
        let text = |row: &sqlx::postgres::PgRow, column: &str| {
            row.try_get::<String, _>(column).map_err(doing("looking at the indexes"))
        };
        let (mut names, mut definitions) = (Vec::new(), Vec::new());
        for row in &found {
            names.push(text(row, "name")?);
            definitions.push(text(row, "definition")?);
        }
        if !names.is_empty() {
            run(connection, "putting indexes aside", &format!("DROP INDEX {}", names.join(", "))).await?;
        }
        Ok(Self(definitions))
    }

    /// Builds them.
    ///
    /// # Errors
    /// `Server`; with SQLSTATE 23505 when two rows have the same unique value.
    pub async fn build(self, connection: &mut PgConnection) -> Result<()> {
        for definition in &self.0 {
            run(connection, "building the indexes", definition).await?;
        }
        Ok(())
    }
}
