//! Rights on what stays in a database that is restored in place: what came with extensions and with the server itself.

use crate::error::Result;
use crate::postgres::session::{doing, server_error};
use sqlx::Executor;
use sqlx::postgres::PgConnection;

/// Everything of an extension or of the server that has rights: `letter` is for `acldefault()`, `word` for `GRANT`.
const OBJECTS: &str = "
    SELECT 'pg_class'::regclass AS classid, oid, relowner AS owner, relacl AS acl, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END AS letter,
        CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS word FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'S', 'f', 'p')
    UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, proacl, 'f', 'ROUTINE' FROM pg_proc
    UNION ALL SELECT 'pg_type'::regclass, oid, typowner, typacl, 'T', 'TYPE' FROM pg_type
    UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner, nspacl, 'n', 'SCHEMA' FROM pg_namespace WHERE nspname <> 'public'
    UNION ALL SELECT 'pg_language'::regclass, oid, lanowner, lanacl, 'l', 'LANGUAGE' FROM pg_language
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, fdwowner, fdwacl, 'F', 'FOREIGN DATA WRAPPER' FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid, srvowner, srvacl, 'S', 'FOREIGN SERVER' FROM pg_foreign_server";

/// Puts the rights on everything that came with extensions and with the server, as far as this role owns it, back to
/// those that it came with: the backup's statements start from there.
///
/// # Errors
/// `Server`.
pub async fn reset_rights(connection: &mut PgConnection) -> Result<()> {
    // as texts in order: a list of rights has none
    let sorted = |acl: &str| format!("ARRAY(SELECT a::text FROM unnest({acl}) a ORDER BY 1)");
    let sql = format!(
        "WITH own AS (
            SELECT o.*, coalesce(o.acl, acldefault(o.letter::\"char\", o.owner)) AS now,
                coalesce(i.initprivs, acldefault(o.letter::\"char\", o.owner)) AS initial
            FROM ({OBJECTS}) o LEFT JOIN pg_init_privs i ON i.classoid = o.classid AND i.objoid = o.oid AND i.objsubid = 0
            WHERE pg_has_role(o.owner, 'USAGE') AND (o.oid < 16384 OR EXISTS (
                SELECT FROM pg_depend d WHERE d.classid = o.classid AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype = 'e'))),
        columns AS (
            SELECT own.classid, own.oid, a.attname, a.attacl AS now, i.initprivs AS initial
            FROM own JOIN pg_attribute a ON own.classid = 'pg_class'::regclass AND a.attrelid = own.oid
            LEFT JOIN pg_init_privs i ON i.classoid = own.classid AND i.objoid = own.oid AND i.objsubid = a.attnum
            WHERE a.attacl IS NOT NULL OR i.initprivs IS NOT NULL),
        changed AS (
            SELECT own.*, own.word || ' ' || coalesce(
                    -- the standard's names of types are not known everywhere
                    (SELECT format('%I.%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                     WHERE own.classid = 'pg_type'::regclass AND t.oid = own.oid),
                    (pg_identify_object(own.classid, own.oid, 0)).identity) AS name
            FROM own WHERE {now} <> {initial} OR EXISTS (
                SELECT FROM columns c WHERE c.classid = own.classid AND c.oid = own.oid AND {column_now} <> {column_initial}))
        SELECT format('REVOKE ALL ON %s FROM %s CASCADE', c.name, coalesce(quote_ident(r.rolname), 'PUBLIC'))
        FROM changed c, LATERAL (
            SELECT grantee FROM aclexplode(c.now) UNION SELECT e.grantee FROM columns k, aclexplode(k.now) e WHERE k.classid = c.classid AND k.oid = c.oid
        ) g LEFT JOIN pg_roles r ON r.oid = g.grantee
        UNION ALL SELECT format('GRANT %s%s ON %s TO %s%s', g.privilege_type, g.of, c.name, coalesce(quote_ident(r.rolname), 'PUBLIC'),
            CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM changed c, LATERAL (
            SELECT grantee, privilege_type, is_grantable, '' AS of FROM aclexplode(c.initial)
            UNION ALL SELECT e.grantee, e.privilege_type, e.is_grantable, format(' (%I)', k.attname)
            FROM columns k, aclexplode(k.initial) e WHERE k.classid = c.classid AND k.oid = c.oid
        ) g LEFT JOIN pg_roles r ON r.oid = g.grantee",
        now = sorted("own.now"),
        initial = sorted("own.initial"),
        column_now = sorted("c.now"),
        column_initial = sorted("c.initial"),
    );
    let statements: Vec<String> =
        sqlx::query_scalar(&sql).fetch_all(&mut *connection).await.map_err(doing("reading rights"))?;
    let reset = connection.execute(statements.join("; ").as_str()).await;
    reset.map(drop).map_err(|e| server_error("putting rights back on what came with extensions and the server", e))
}
