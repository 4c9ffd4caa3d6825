//! Finding the rows that a statement fails on.

use crate::domain::names::{QualifiedName, quote_ident, quote_literal};
use crate::domain::rehearsal::recipe::recipe;
use crate::domain::rehearsal::suspect::{Suspect, Wants, suspects};
use crate::domain::rehearsal::{BadRow, BadRows, Failure};
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::postgres::{PgConnection, PgDatabaseError, PgRow};
use sqlx::{Executor, Row};

/// How many rows are shown.
const EXAMPLES: usize = 5;
/// How much of a value is shown.
const LONGEST: usize = 80;

/// Adds to the failure which rows are in the way, and what to do. What cannot be found out is left open. Leaves the
/// transaction as it was.
///
/// # Errors
/// `Server` where the session is lost.
pub async fn explain(
    connection: &mut PgConnection,
    statement: &str,
    error: &PgDatabaseError,
    failure: &mut Failure,
    in_block: bool,
) -> Result<()> {
    let send = async |connection: &mut PgConnection, sql: &str| {
        if !in_block {
            return Ok(());
        }
        connection.execute(sql).await.map(drop).map_err(doing("looking for the rows in the way"))
    };
    for mut suspect in suspects(statement, error.code(), error.column()) {
        send(connection, "SAVEPOINT looking").await?;
        let found = look(connection, &mut suspect).await;
        send(connection, "ROLLBACK TO SAVEPOINT looking").await?;
        let Ok(Some((rows, key))) = found else { continue };
        failure.recipe = recipe(statement, &suspect, &rows, &key);
        failure.rows = Some(rows);
        return Ok(());
    }
    Ok(())
}

/// The table behind a name in SQL.
struct Table {
    name: QualifiedName,
    /// The columns of its primary key, quoted.
    key: Vec<String>,
    rows: u64,
}

async fn look(
    connection: &mut PgConnection,
    suspect: &mut Suspect,
) -> Result<Option<(BadRows, Vec<String>)>, sqlx::Error> {
    let table = table(connection, &suspect.table).await?;
    if let Wants::Partner { referenced, referenced_columns, .. } = &mut suspect.wants
        && referenced_columns.is_empty()
    {
        // what a foreign key without columns means
        *referenced_columns = self::table(connection, referenced).await?.key;
    }
    let Search { what, sql } = Search::plan(connection, suspect, &table).await?;
    let rows = sqlx::query(&sql).fetch_all(&mut *connection).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let bad = BadRows {
        table: table.name.to_string(),
        count: unsigned(first, "total")?,
        of: table.rows,
        what,
        examples: rows.iter().map(example).collect::<Result<_, _>>()?,
    };
    Ok(Some((bad, table.key)))
}

pub(super) fn example(row: &PgRow) -> Result<BadRow, sqlx::Error> {
    let value: Option<String> = row.try_get("value")?;
    Ok(BadRow { key: row.try_get("key")?, value: value.map(shortened), rows: unsigned(row, "rows")? })
}

pub(super) fn unsigned(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default())
}

fn shortened(value: String) -> String {
    if value.chars().count() <= LONGEST {
        return value;
    }
    value.chars().take(LONGEST).chain(['…']).collect()
}

async fn table(connection: &mut PgConnection, sql_name: &str) -> Result<Table, sqlx::Error> {
    let about = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, (SELECT count(*) FROM {sql_name}) AS rows,
            coalesce((SELECT array_agg(a.attname::text ORDER BY k.place) FROM pg_catalog.pg_index i
                CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                WHERE i.indrelid = c.oid AND i.indisprimary), '{{}}') AS key
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = {}::pg_catalog.regclass",
        quote_literal(sql_name)
    );
    let row = sqlx::query(&about).fetch_one(connection).await?;
    let key: Vec<String> = row.try_get("key")?;
    Ok(Table {
        name: QualifiedName::new(row.try_get::<String, _>("schema")?, row.try_get::<String, _>("name")?),
        key: key.iter().map(|column| quote_ident(column)).collect(),
        rows: unsigned(&row, "rows")?,
    })
}

/// A query for `total`, and for examples: `key`, `value`, `rows`.
pub(super) struct Search {
    pub what: String,
    pub sql: String,
}

impl Search {
    async fn plan(connection: &mut PgConnection, suspect: &Suspect, table: &Table) -> Result<Self, sqlx::Error> {
        let from = format!("{} t", suspect.table);
        Ok(match &suspect.wants {
            Wants::NewValue { column, .. } => {
                Self::single(format!("have no value for the new column {}", bare(column)), &from, "true", table)
            }
            Wants::Value { column } => {
                Self::single(format!("have no value in {}", bare(column)), &from, &format!("t.{column} IS NULL"), table)
            }
            Wants::Condition { expression } => {
                Self::single(format!("break the condition {expression}"), &from, &format!("NOT ({expression})"), table)
            }
            Wants::Partner { columns, referenced, referenced_columns } => {
                let pairs: Vec<String> = columns
                    .iter()
                    .zip(referenced_columns)
                    .map(|(own, theirs)| format!("r.{theirs} = t.{own}"))
                    .collect();
                let set: Vec<String> = columns.iter().map(|own| format!("t.{own} IS NOT NULL")).collect();
                let condition = format!(
                    "{} AND NOT EXISTS (SELECT FROM {referenced} r WHERE {})",
                    set.join(" AND "),
                    pairs.join(" AND ")
                );
                let value = columns.iter().map(|own| format!("t.{own}::text")).collect::<Vec<_>>().join(" || ', ' || ");
                let list = columns.iter().map(|c| bare(c)).collect::<Vec<_>>().join(", ");
                Self::with_value(
                    format!("reference by {list} a row that is not there"),
                    &from,
                    &condition,
                    &value,
                    table,
                )
            }
            Wants::Different { columns, condition } => Self::groups(&from, columns, condition.as_deref()),
            Wants::Castable { column, expression, ty } => {
                Self::castable(connection, &suspect.table, column, expression, ty, &table.key).await?
            }
        })
    }

    fn single(what: String, from: &str, condition: &str, table: &Table) -> Self {
        Self::with_value(what, from, condition, "NULL", table)
    }

    fn with_value(what: String, from: &str, condition: &str, value: &str, table: &Table) -> Self {
        let sql = format!(
            "SELECT count(*) OVER () AS total, {} AS key, ({value})::text AS value, 1::bigint AS rows
            FROM {from} WHERE {condition} ORDER BY {} LIMIT {EXAMPLES}",
            which(&table.key),
            order(&table.key)
        );
        Self { what, sql }
    }

    fn groups(from: &str, columns: &[String], condition: Option<&str>) -> Self {
        let list = columns.join(", ");
        let set = columns.iter().map(|column| format!("({column}) IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
        let and = condition.map(|c| format!(" AND ({c})")).unwrap_or_default();
        let value = columns.iter().map(|column| format!("({column})::text")).collect::<Vec<_>>().join(" || ', ' || ");
        let sql = format!(
            "SELECT (sum(count(*)) OVER ())::bigint AS total, {} || ({value}) AS key, NULL::text AS value, count(*) AS rows
            FROM {from} WHERE {set}{and} GROUP BY {list} HAVING count(*) > 1 ORDER BY 4 DESC, 2 LIMIT {EXAMPLES}",
            quote_literal(&format!("{} = ", columns.iter().map(|c| bare(c)).collect::<Vec<_>>().join(", ")))
        );
        Self { what: "share their value with another row".to_owned(), sql }
    }

    /// Every row is cast for itself; the values that cannot be are put together.
    pub async fn castable(
        connection: &mut PgConnection,
        own: &str,
        column: &str,
        expression: &str,
        ty: &str,
        key: &[String],
    ) -> Result<Self, sqlx::Error> {
        let function = format!(
            "CREATE OR REPLACE FUNCTION pg_temp.safemigrate_fits(r {own}) RETURNS boolean LANGUAGE plpgsql AS $safemigrate$
            #variable_conflict use_column
            DECLARE done {ty};
            BEGIN
                SELECT ({expression}) INTO done FROM (SELECT r.*) AS t;
                RETURN true;
            EXCEPTION WHEN OTHERS THEN RETURN false;
            END $safemigrate$"
        );
        connection.execute(function.as_str()).await?;
        let sql = format!(
            "SELECT (sum(count(*)) OVER ())::bigint AS total, (array_agg({} ORDER BY {}))[1] AS key, t.{column}::text AS value, count(*) AS rows
            FROM {own} t WHERE NOT pg_temp.safemigrate_fits(t) GROUP BY t.{column}::text ORDER BY 4 DESC, 3 LIMIT {EXAMPLES}",
            which(key),
            order(key)
        );
        Ok(Self { what: format!("have a value in {} that does not fit into {ty}", bare(column)), sql })
    }
}

/// An expression that tells which row it is, of the row `t` with this key.
fn which(key: &[String]) -> String {
    if key.is_empty() {
        return format!("left(t::text, {LONGEST})");
    }
    let parts = key.iter().map(|column| {
        format!("{} || coalesce(t.{column}::text, 'NULL')", quote_literal(&format!("{} = ", bare(column))))
    });
    parts.collect::<Vec<_>>().join(" || ', ' || ")
}

fn order(key: &[String]) -> String {
    let columns: Vec<String> = key.iter().map(|column| format!("t.{column}")).collect();
    if columns.is_empty() { "t.ctid".to_owned() } else { columns.join(", ") }
}

/// A quoted name as people say it.
fn bare(column: &str) -> String {
    match column.strip_prefix('"').and_then(|c| c.strip_suffix('"')) {
        Some(inside) => inside.replace("\"\"", "\""),
        None => column.to_owned(),
    }
}
