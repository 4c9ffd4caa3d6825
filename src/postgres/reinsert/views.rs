//! Materialized views: which of them read, directly or through others, a table that was changed.

use crate::domain::names::QualifiedName;
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::postgres::PgConnection;

/// Those of `views` that must be refreshed when rows of these tables changed, in the order of `views`. A view that calls
/// a function is among them: the catalog does not tell what a function reads.
///
/// # Errors
/// `Server`.
pub async fn reading(
    connection: &mut PgConnection,
    views: &[QualifiedName],
    changed: &[QualifiedName],
) -> Result<Vec<QualifiedName>> {
    let ask = "
        WITH RECURSIVE
        named(schema, name) AS (SELECT * FROM unnest($1::text[], $2::text[])),
        -- rows that go into a partitioned table lie in its leaves, and those of a leaf are seen in its root
        changed(oid) AS (
            SELECT t.relid::oid FROM named w
            JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name,
            LATERAL (SELECT c.oid AS relid UNION SELECT relid FROM pg_partition_tree(c.oid) UNION SELECT relid FROM pg_partition_ancestors(c.oid)) t
            UNION
            SELECT i.inhparent FROM changed JOIN pg_inherits i ON i.inhrelid = changed.oid),
        asked(place, oid) AS (
            SELECT v.place, c.oid FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS v(schema, name, place)
            JOIN pg_namespace n ON n.nspname = v.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name),
        reads(place, class, oid) AS (
            SELECT place, 'pg_class'::regclass::oid, oid FROM asked
            UNION
            SELECT r.place, d.refclassid, d.refobjid FROM reads r
            JOIN pg_rewrite w ON r.class = 'pg_class'::regclass AND w.ev_class = r.oid
            JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass))
        SELECT DISTINCT place FROM reads WHERE class = 'pg_proc'::regclass OR oid IN (SELECT oid FROM changed) ORDER BY place";
    let schemas = |names: &[QualifiedName]| names.iter().map(|n| n.schema.clone()).collect::<Vec<_>>();
    let bare = |names: &[QualifiedName]| names.iter().map(|n| n.name.clone()).collect::<Vec<_>>();
    let places: Vec<i64> = sqlx::query_scalar(ask)
        .bind(schemas(changed))
        .bind(bare(changed))
        .bind(schemas(views))
        .bind(bare(views))
        .fetch_all(connection)
        .await
        .map_err(doing("looking for materialized views"))?;
    Ok(places.iter().filter_map(|p| views.get(usize::try_from(*p - 1).ok()?).cloned()).collect())
}
