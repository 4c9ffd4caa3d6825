//! Small statements that put content into structure: search paths, sequences, parts of large objects.

use super::{Entry, Paths};
use crate::domain::names::quote_literal;
use crate::domain::schema::{Sequence, Table};
use crate::error::Result;
use crate::postgres::session::{doing, server_error};
use crate::postgres::waiting::LOCK_WAIT_SECONDS;
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use std::collections::BTreeSet;

/// Functions of the user in domains and checks find what they name without a schema.
///
/// # Errors
/// `Server`.
pub async fn search_like_the_application(connection: &mut PgConnection, paths: &Paths) -> Result<()> {
    set_path(connection, paths.application()).await
}

/// Back to the path under which every name prints with its schema.
///
/// # Errors
/// `Server`.
pub async fn search_nothing(connection: &mut PgConnection) -> Result<()> {
    set_path(connection, "pg_catalog").await
}

async fn set_path(connection: &mut PgConnection, path: &str) -> Result<()> {
    let statement = format!("SELECT pg_catalog.set_config('search_path', {}, false)", quote_literal(path));
    connection.execute(statement.as_str()).await.map(drop).map_err(doing("setting up the session"))
}

/// Removes the rows of an extension's configuration table that the backup holds as well.
///
/// # Errors
/// `Server`.
pub async fn clear_extension_rows(connection: &mut PgConnection, table: &Table) -> Result<()> {
    let Some(condition) = &table.extension_condition else { return Ok(()) };
    // the condition comes with its own WHERE, or empty
    let statement = format!("DELETE FROM ONLY {} {condition}", table.name.sql());
    let cleared = connection.execute(statement.as_str()).await;
    cleared.map(drop).map_err(|e| server_error(&format!("clearing {}", table.name), e))
}

/// The tables' places in an order in which each comes after those that its foreign keys lead to.
///
/// # Errors
/// `Server`.
pub async fn referenced_first(connection: &mut PgConnection, tables: &[&Table]) -> Result<Vec<usize>> {
    // one that needs another reaches more of them
    let sql = "WITH RECURSIVE wanted AS (SELECT name::regclass::oid AS oid, n FROM unnest($1::text[]) WITH ORDINALITY AS w(name, n)),
            needs AS (SELECT DISTINCT conrelid, confrelid FROM pg_constraint WHERE contype = 'f'),
            reach(oid, reached) AS (SELECT oid, oid FROM wanted
                UNION SELECT r.oid, needs.confrelid FROM reach r JOIN needs ON needs.conrelid = r.reached)
        SELECT n - 1 FROM wanted ORDER BY (SELECT count(*) FROM reach r WHERE r.oid = wanted.oid), n";
    let names: Vec<String> = tables.iter().map(|t| t.name.sql()).collect();
    let places: Vec<i64> =
        sqlx::query_scalar(sql).bind(names).fetch_all(connection).await.map_err(doing("reading foreign keys"))?;
    Ok(places.into_iter().filter_map(|n| usize::try_from(n).ok()).collect())
}

/// Runs a part of the large objects; the file descriptors inside live as long as the caller's transaction.
///
/// # Errors
/// `Server`.
pub async fn run_part(connection: &mut PgConnection, part: &Entry) -> Result<()> {
    let run = connection.execute(part.sql.as_str()).await;
    run.map(drop).map_err(|e| server_error("restoring large objects", e))
}

/// Sets every sequence to its value and to whether that was given out already.
///
/// # Errors
/// `Server`.
pub async fn set_sequences(connection: &mut PgConnection, sequences: &[Sequence]) -> Result<()> {
    for part in sequences.chunks(200) {
        let sets: Vec<String> = part
            .iter()
            .map(|s| {
                let name = quote_literal(&s.name.sql());
                format!("SELECT pg_catalog.setval({name}::pg_catalog.regclass, {}, {})", s.last_value, s.is_called)
            })
            .collect();
        connection.execute(sets.join("; ").as_str()).await.map_err(doing("setting sequences"))?;
    }
    Ok(())
}

/// Fresh statistics for the planner. Nothing depends on it, so that its failure is none.
pub async fn analyze(connection: &mut PgConnection) {
    let _ = connection.execute("ANALYZE").await;
}

/// Begins the transaction of a restore. A lock that others hold is waited for so long and no longer.
///
/// # Errors
/// `Server`.
pub async fn begin(connection: &mut PgConnection) -> Result<()> {
    let statement = format!("BEGIN; SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'");
    connection.execute(statement.as_str()).await.map(drop).map_err(doing("opening a transaction"))
}

/// Commits what can be made again.
///
/// # Errors
/// `Server`.
pub async fn commit(connection: &mut PgConnection) -> Result<()> {
    connection.execute("COMMIT").await.map(drop).map_err(doing("committing the restore"))
}

/// Lets everybody who will own something in a schema create in it: `ALTER … OWNER TO` asks that of a plain role, and the
/// rights of the backup come last. Gives what takes it back.
///
/// # Errors
/// `Server`.
pub async fn lend_schemas(connection: &mut PgConnection, owners: &BTreeSet<(&str, &str)>) -> Result<Vec<String>> {
    let (schemas, roles): (Vec<&str>, Vec<&str>) = owners.iter().copied().unzip();
    let sql = "SELECT format('CREATE ON SCHEMA %I', n.nspname), quote_ident(r.rolname)
        FROM unnest($1::text[], $2::text[]) AS o(schema, role) JOIN pg_namespace n ON n.nspname = o.schema::name
        JOIN pg_roles r ON r.rolname = o.role::name, pg_roles me
        WHERE me.rolname = current_user AND NOT me.rolsuper AND pg_has_role(n.nspowner, 'USAGE')
            AND NOT has_schema_privilege(r.oid, n.oid, 'CREATE')";
    let lacking: Vec<(String, String)> = sqlx::query_as(sql)
        .bind(schemas)
        .bind(roles)
        .fetch_all(&mut *connection)
        .await
        .map_err(doing("asking for rights on schemas"))?;
    let grants: Vec<String> = lacking.iter().map(|(what, role)| format!("GRANT {what} TO {role}")).collect();
    connection.execute(grants.join("; ").as_str()).await.map_err(doing("lending a schema to the owners in it"))?;
    Ok(lacking.into_iter().map(|(what, role)| format!("REVOKE {what} FROM {role}")).collect())
}

/// Takes back what `lend_schemas` gave.
///
/// # Errors
/// `Server`.
pub async fn take_schemas_back(connection: &mut PgConnection, lent: &[String]) -> Result<()> {
    let taken = connection.execute(lent.join("; ").as_str()).await;
    taken.map(drop).map_err(doing("taking a schema back from the owners in it"))
}

/// Drops the schemas that are not in the list; they must be empty.
///
/// # Errors
/// `Server`.
pub async fn drop_schemas_but(connection: &mut PgConnection, wanted: &[String]) -> Result<()> {
    let sql = "SELECT quote_ident(nspname) FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> ALL ($1::text[])";
    let unwanted: Vec<String> =
        sqlx::query_scalar(sql).bind(wanted).fetch_all(&mut *connection).await.map_err(doing("reading the schemas"))?;
    for schema in unwanted {
        connection.execute(format!("DROP SCHEMA {schema}").as_str()).await.map_err(doing("dropping a schema"))?;
    }
    Ok(())
}
