//! Reading the catalog: tables with their columns and keys, foreign keys, sequences, materialized views.

use super::session::doing;
use super::waiting;
use crate::domain::names::QualifiedName;
use crate::domain::schema::{Catalog, Column, ForeignKey, Identity, Sequence, Table};
use crate::error::Result;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use std::collections::HashMap;

/// What belongs to an extension is made by CREATE EXTENSION and is no user data.
const NOT_OF_AN_EXTENSION: &str = "NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')";
/// Configuration tables, whose rows are the user's all the same.
const CONFIGURATION: &str = "EXISTS (SELECT FROM pg_extension x WHERE c.oid = ANY (x.extconfig))";
/// Schemas of users; they cannot begin with pg_.
const USER_SCHEMA: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Reads everything that decides how data is copied and compared, as this connection's transaction sees it.
///
/// # Errors
/// `Server`, naming who holds the lock when a table stays locked.
pub async fn read_catalog(connection: &mut PgConnection) -> Result<Catalog> {
    let catalog = read_everything(connection).await;
    waiting::named(connection, catalog).await
}

async fn read_everything(connection: &mut PgConnection) -> Result<Catalog> {
    let (mut tables, partitioned) = read_tables(connection).await?;
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Catalog {
        tables,
        partitioned,
        foreign_keys: read_foreign_keys(connection, NOT_OF_AN_EXTENSION).await?,
        extension_keys: read_foreign_keys(connection, CONFIGURATION).await?,
        sequences: read_sequences(connection).await?,
        materialized_views: read_materialized_views(connection).await?,
        schemas: read_schemas(connection).await?,
    })
}

async fn rows(connection: &mut PgConnection, sql: String) -> Result<Vec<PgRow>> {
    sqlx::query(&sql).fetch_all(connection).await.map_err(doing("reading the catalog"))
}

fn get<'r, T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(
    row: &'r PgRow,
    column: &str,
) -> Result<T> {
    row.try_get(column).map_err(doing("reading the catalog"))
}

async fn read_tables(connection: &mut PgConnection) -> Result<(Vec<Table>, Vec<Table>)> {
    let found = rows(
        connection,
        format!(
            "SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind, x.condition,
                    rn.nspname::text AS root_schema, rc.relname::text AS root_name
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_class rc ON c.relispartition AND rc.oid = pg_partition_root(c.oid)
             LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace
             LEFT JOIN (SELECT unnest(extconfig) AS oid, unnest(extcondition) AS condition FROM pg_extension) x ON x.oid = c.oid
             WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u') AND {USER_SCHEMA}
               AND (x.oid IS NOT NULL OR {NOT_OF_AN_EXTENSION})
             ORDER BY 2, 3"
        ),
    )
    .await?;
    let mut columns = read_columns(connection).await?;
    let mut keys = read_keys(connection).await?;
    let (mut plain, mut partitioned) = (Vec::new(), Vec::new());
    for row in &found {
        let oid = get::<sqlx::postgres::types::Oid>(row, "oid")?.0;
        let (primary_key, unique_keys) = keys.remove(&oid).unwrap_or_default();
        let root = (get::<Option<String>>(row, "root_schema")?, get::<Option<String>>(row, "root_name")?);
        let table = Table {
            name: QualifiedName::new(get::<String>(row, "schema")?, get::<String>(row, "name")?),
            oid,
            columns: columns.remove(&oid).unwrap_or_default(),
            primary_key,
            unique_keys,
            partition_root: if let (Some(schema), Some(name)) = root {
                Some(QualifiedName::new(schema, name))
            } else {
                None
            },
            extension_condition: get(row, "condition")?,
        };
        if get::<String>(row, "kind")? == "p" { partitioned.push(table) } else { plain.push(table) }
    }
    Ok((plain, partitioned))
}

async fn read_columns(connection: &mut PgConnection) -> Result<HashMap<u32, Vec<Column>>> {
    let found = rows(
        connection,
        format!(
            "SELECT a.attrelid, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnum, a.attnotnull,
                    a.attidentity::text AS identity, a.attgenerated::text AS generated, pg_get_expr(d.adbin, d.adrelid) AS default
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND {USER_SCHEMA}
             ORDER BY a.attrelid, a.attnum"
        ),
    )
    .await?;
    let mut columns: HashMap<u32, Vec<Column>> = HashMap::new();
    for row in &found {
        let generated = !get::<String>(row, "generated")?.is_empty();
        let default: Option<String> = get(row, "default")?;
        columns.entry(get::<sqlx::postgres::types::Oid>(row, "attrelid")?.0).or_default().push(Column {
            name: get(row, "name")?,
            type_name: get(row, "type")?,
            number: get(row, "attnum")?,
            not_null: get(row, "attnotnull")?,
            default: default.filter(|_| !generated),
            identity: match get::<String>(row, "identity")?.as_str() {
                "a" => Some(Identity::Always),
                "d" => Some(Identity::ByDefault),
                _ => None,
            },
            generated,
        });
    }
    Ok(columns)
}

/// Primary key and other unique keys.
type Keys = (Vec<String>, Vec<Vec<String>>);

async fn read_keys(connection: &mut PgConnection) -> Result<HashMap<u32, Keys>> {
    let found = rows(
        connection,
        format!(
            "SELECT i.indrelid, i.indisprimary,
                    ARRAY(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(num, pos)
                          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num ORDER BY k.pos) AS columns
             FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
               AND c.relkind IN ('r', 'p') AND {USER_SCHEMA}
             ORDER BY i.indrelid, i.indexrelid"
        ),
    )
    .await?;
    let mut keys: HashMap<u32, Keys> = HashMap::new();
    for row in &found {
        let of_table = keys.entry(get::<sqlx::postgres::types::Oid>(row, "indrelid")?.0).or_default();
        let columns: Vec<String> = get(row, "columns")?;
        if get(row, "indisprimary")? {
            of_table.0 = columns;
        } else if !of_table.1.contains(&columns) {
            of_table.1.push(columns);
        }
    }
    Ok(keys)
}

async fn read_foreign_keys(connection: &mut PgConnection, whose: &str) -> Result<Vec<ForeignKey>> {
    let names = |of: &str, key: &str| {
        format!(
            "ARRAY(SELECT a.attname::text FROM unnest(k.{key}) WITH ORDINALITY AS u(num, pos)
                   JOIN pg_attribute a ON a.attrelid = k.{of} AND a.attnum = u.num ORDER BY u.pos)"
        )
    };
    let found = rows(
        connection,
        format!(
            "SELECT k.conname::text AS name, n.nspname::text AS schema, c.relname::text AS table,
                    rn.nspname::text AS ref_schema, rc.relname::text AS ref_table,
                    {} AS columns, {} AS ref_columns,
                    pg_get_constraintdef(k.oid) AS definition, k.convalidated, obj_description(k.oid, 'pg_constraint') AS comment
             FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_class rc ON rc.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = rc.relnamespace
             WHERE k.contype = 'f' AND k.conparentid = 0 AND {USER_SCHEMA} AND {whose}
             ORDER BY 2, 3, 1",
            names("conrelid", "conkey"),
            names("confrelid", "confkey"),
        ),
    )
    .await?;
    let read = |row: &PgRow| -> Result<ForeignKey> {
        Ok(ForeignKey {
            name: get(row, "name")?,
            table: QualifiedName::new(get::<String>(row, "schema")?, get::<String>(row, "table")?),
            columns: get(row, "columns")?,
            referenced: QualifiedName::new(get::<String>(row, "ref_schema")?, get::<String>(row, "ref_table")?),
            referenced_columns: get(row, "ref_columns")?,
            definition: get(row, "definition")?,
            validated: get(row, "convalidated")?,
            comment: get(row, "comment")?,
        })
    };
    found.iter().map(read).collect()
}

async fn read_sequences(connection: &mut PgConnection) -> Result<Vec<Sequence>> {
    let found = rows(
        connection,
        format!(
            "SELECT n.nspname::text AS schema, c.relname::text AS name, s.seqincrement,
                    tn.nspname::text AS owner_schema, t.relname::text AS owner_table, a.attname::text AS owner_column
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
             LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
             LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
             LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE c.relkind = 'S' AND c.relpersistence IN ('p', 'u') AND {USER_SCHEMA}
               AND ({NOT_OF_AN_EXTENSION} OR EXISTS (SELECT FROM pg_extension x WHERE c.oid = ANY (x.extconfig)))
             ORDER BY 1, 2"
        ),
    )
    .await?;
    let mut sequences = Vec::with_capacity(found.len());
    for row in &found {
        let owner = match (get::<Option<String>>(row, "owner_schema")?, get::<Option<String>>(row, "owner_table")?) {
            (Some(schema), Some(table)) => {
                Some((QualifiedName::new(schema, table), get::<String>(row, "owner_column")?))
            }
            _ => None,
        };
        sequences.push(Sequence {
            name: QualifiedName::new(get::<String>(row, "schema")?, get::<String>(row, "name")?),
            last_value: 0,
            is_called: false,
            increment: get(row, "seqincrement")?,
            owner,
        });
    }
    read_sequence_values(connection, &mut sequences).await?;
    Ok(sequences)
}

/// `pg_sequences` hides a value that was set but not called yet, so each sequence is asked itself.
async fn read_sequence_values(connection: &mut PgConnection, sequences: &mut [Sequence]) -> Result<()> {
    for part in sequences.chunks_mut(200) {
        let ask: Vec<String> = (0..)
            .zip(part.iter())
            .map(|(n, s)| format!("SELECT {n}::int4 AS n, last_value, is_called FROM {}", s.name.sql()))
            .collect();
        for row in rows(connection, ask.join(" UNION ALL ")).await? {
            if let Some(sequence) = usize::try_from(get::<i32>(&row, "n")?).ok().and_then(|n| part.get_mut(n)) {
                sequence.last_value = get(&row, "last_value")?;
                sequence.is_called = get(&row, "is_called")?;
            }
        }
    }
    Ok(())
}

/// One that needs another, also through plain views, comes after it: it reaches more of them.
async fn read_materialized_views(connection: &mut PgConnection) -> Result<Vec<QualifiedName>> {
    let found = rows(
        connection,
        format!(
            "WITH RECURSIVE needs(dependent, needed) AS (
                 SELECT DISTINCT r.ev_class, d.refobjid FROM pg_rewrite r
                 JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                 WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class),
             reach(view, reached) AS (
                 SELECT c.oid, c.oid FROM pg_class c WHERE c.relkind = 'm'
                 UNION SELECT reach.view, needs.needed FROM reach JOIN needs ON needs.dependent = reach.reached)
             SELECT n.nspname::text AS schema, c.relname::text AS name,
                    (SELECT count(*) FROM reach JOIN pg_class m ON m.oid = reach.reached AND m.relkind = 'm' WHERE reach.view = c.oid) AS depth
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'm' AND c.relispopulated AND {USER_SCHEMA} AND {NOT_OF_AN_EXTENSION}
             ORDER BY depth, 1, 2"
        ),
    )
    .await?;
    found.iter().map(|row| Ok(QualifiedName::new(get::<String>(row, "schema")?, get::<String>(row, "name")?))).collect()
}

async fn read_schemas(connection: &mut PgConnection) -> Result<Vec<String>> {
    let found =
        rows(connection, format!("SELECT n.nspname::text AS name FROM pg_namespace n WHERE {USER_SCHEMA} ORDER BY 1"))
            .await?;
    found.iter().map(|row| get(row, "name")).collect()
}
