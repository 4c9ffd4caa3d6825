//! Sequences: made to obey the transaction, and moved forward at its end.

use super::transaction::{relation, run};
use crate::domain::names::{QualifiedName, quote_ident, quote_literal};
use crate::domain::reinsert::sequences::{SequencePlan, forward};
use crate::domain::schema::Sequence;
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::postgres::PgConnection;
use sqlx::{Executor, Row};

/// `nextval` and `setval` are never undone, unless the sequence got a new file in the same transaction: ALTER SEQUENCE gives
/// it one, with the value it has. Says again what is true already (its increment), so that nothing else changes.
/// Gives those that obey now: the ones that this user owns.
///
/// # Errors
/// `Server`.
pub async fn make_transactional(connection: &mut PgConnection, sequences: &[&Sequence]) -> Result<Vec<QualifiedName>> {
    let sql = "SELECT w.schema, w.name FROM unnest($1::text[], $2::text[]) AS w(schema, name)
               JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
               WHERE c.relkind = 'S' AND pg_has_role(c.relowner, 'USAGE')";
    let schemas: Vec<&str> = sequences.iter().map(|s| s.name.schema.as_str()).collect();
    let names: Vec<&str> = sequences.iter().map(|s| s.name.name.as_str()).collect();
    let rows = sqlx::query(sql)
        .bind(schemas)
        .bind(names)
        .fetch_all(&mut *connection)
        .await
        .map_err(doing("looking at the sequences"))?;
    let mut owned = Vec::new();
    for row in &rows {
        let get = |column: &str| row.try_get::<String, _>(column).map_err(doing("looking at the sequences"));
        owned.push(QualifiedName::new(get("schema")?, get("name")?));
    }
    let alter: Vec<String> = sequences
        .iter()
        .filter(|s| owned.contains(&s.name))
        .map(|s| format!("ALTER SEQUENCE {} INCREMENT BY {}", s.name.sql(), s.increment))
        .collect();
    if !alter.is_empty() {
        run(connection, "holding the sequences", &alter.join(";")).await?;
    }
    Ok(owned)
}

/// Moves a sequence to where the backup had it and to where its rows need it, never back.
/// `partitioned` tells of a column's table whether its rows lie in partitions.
///
/// # Errors
/// `Server`.
pub async fn move_forward(
    connection: &mut PgConnection,
    plan: &SequencePlan,
    partitioned: impl Fn(&QualifiedName) -> bool,
) -> Result<()> {
    let name = quote_literal(&plan.name.sql());
    let state = format!(
        "SELECT s.last_value, s.is_called, p.seqmin, p.seqmax FROM {} s, pg_sequence p WHERE p.seqrelid = {name}::regclass",
        plan.name.sql()
    );
    let row = connection.fetch_one(state.as_str()).await.map_err(doing("reading a sequence"))?;
    let get = |n: usize| row.try_get::<i64, _>(n).map_err(doing("reading a sequence"));
    let now = (get(0)?, row.try_get::<bool, _>(1).map_err(doing("reading a sequence"))?);
    let (lowest, highest) = (get(2)?, get(3)?);
    let mut wanted: Vec<(i64, bool)> = plan.in_backup.into_iter().collect();
    for (table, column) in &plan.columns {
        let furthest = if plan.increment < 0 { "min" } else { "max" };
        // least and greatest pass over NULL: without rows they would give the sequence's end
        let ask = format!(
            "SELECT CASE WHEN r.v IS NOT NULL THEN greatest(least(r.v, {highest}), {lowest})::bigint END
             FROM (SELECT {furthest}({})::numeric AS v FROM {}) r",
            quote_ident(column),
            relation(table, partitioned(table))
        );
        let row = connection.fetch_one(ask.as_str()).await.map_err(doing("reading how far the numbers go"))?;
        let value: Option<i64> = row.try_get(0).map_err(doing("reading how far the numbers go"))?;
        wanted.extend(value.map(|v| (v, true)));
    }
    wanted.retain(|(value, _)| (lowest..=highest).contains(value));
    let Some((value, called)) = forward(plan.increment, now, &wanted) else { return Ok(()) };
    run(connection, "moving a sequence forward", &format!("SELECT setval({name}::regclass, {value}, {called})"))
        .await
        .map(|_| ())
}
