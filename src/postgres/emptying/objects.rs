//! What users made, and dropping it.

use super::{USER_SCHEMA, get};
use crate::error::Result;
use crate::postgres::session::{doing, server_error};
use sqlx::Executor;
use sqlx::postgres::PgConnection;

/// One object that stands for itself: not part of another, not of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserObject {
    /// PostgreSQL's word: `table`, `function`, `event trigger` …
    pub kind: String,
    /// Qualified and quoted, as SQL takes it.
    pub identity: String,
    /// Outside of every schema.
    pub global: bool,
    /// Whether this role may drop it.
    pub mine: bool,
}

impl UserObject {
    fn drop_statement(&self) -> String {
        if let ("transform", Some((of, language))) = (self.kind.as_str(), self.identity.rsplit_once(" on language ")) {
            return format!("DROP TRANSFORM IF EXISTS {of} LANGUAGE {language} CASCADE");
        }
        let kind = match self.kind.as_str() {
            "function" | "procedure" | "aggregate" => "ROUTINE".to_owned(),
            "foreign-data wrapper" => "FOREIGN DATA WRAPPER".to_owned(),
            "statistics object" => "STATISTICS".to_owned(),
            kind => kind.to_uppercase(),
        };
        format!("DROP {kind} IF EXISTS {} CASCADE", self.identity)
    }
}

/// Catalog, its schema column ("" for none), its owner column, which of its rows; in the order of dropping.
const CATALOGS: &[(&str, &str, &str, &str)] = &[
    ("pg_event_trigger", "", "evtowner", "true"),
    ("pg_publication", "", "pubowner", "true"),
    ("pg_class", "relnamespace", "relowner", "relkind IN ('v', 'm', 'r', 'p', 'f') AND relpersistence <> 't'"),
    ("pg_class", "relnamespace", "relowner", "relkind = 'S' AND relpersistence <> 't'"),
    ("pg_foreign_server", "", "srvowner", "true"),
    ("pg_foreign_data_wrapper", "", "fdwowner", "true"),
    ("pg_statistic_ext", "stxnamespace", "stxowner", "true"),
    ("pg_proc", "pronamespace", "proowner", "true"),
    ("pg_operator", "oprnamespace", "oprowner", "true"),
    ("pg_opclass", "opcnamespace", "opcowner", "true"),
    ("pg_opfamily", "opfnamespace", "opfowner", "true"),
    ("pg_ts_config", "cfgnamespace", "cfgowner", "true"),
    ("pg_ts_dict", "dictnamespace", "dictowner", "true"),
    ("pg_ts_parser", "prsnamespace", "10::oid", "true"),
    ("pg_ts_template", "tmplnamespace", "10::oid", "true"),
    ("pg_conversion", "connamespace", "conowner", "true"),
    ("pg_type", "typnamespace", "typowner", "true"),
    ("pg_collation", "collnamespace", "collowner", "true"),
    ("pg_cast", "", "(SELECT typowner FROM pg_type t WHERE t.oid = o.castsource)", "o.oid >= 16384"),
    ("pg_transform", "", "(SELECT typowner FROM pg_type t WHERE t.oid = o.trftype)", "o.oid >= 16384"),
    ("pg_language", "", "lanowner", "o.oid >= 16384"),
    ("pg_am", "", "10::oid", "o.oid >= 16384"),
];

/// Everything that users made in this session's database, in an order in which it can be dropped.
///
/// # Errors
/// `Server`.
pub async fn user_objects(connection: &mut PgConnection) -> Result<Vec<UserObject>> {
    let parts: Vec<String> = (0..).zip(CATALOGS).map(|(rank, part)| catalog_query(rank, part)).collect();
    let sql = format!(
        "SELECT i.type AS kind, i.identity, x.global, pg_has_role(x.owner, 'USAGE') AS mine
         FROM ({}) x, pg_identify_object(x.classid, x.objid, 0) i
         WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.classid AND d.objid = x.objid AND d.objsubid = 0
                           AND d.deptype IN ('e', 'i'))
         ORDER BY x.rank, x.objid",
        parts.join(" UNION ALL ")
    );
    let rows = sqlx::query(&sql).fetch_all(connection).await.map_err(doing("reading what is in the database"))?;
    let read = |row| {
        Ok(UserObject {
            kind: get(row, "kind")?,
            identity: get(row, "identity")?,
            global: get(row, "global")?,
            mine: get(row, "mine")?,
        })
    };
    rows.iter().map(read).collect()
}

fn catalog_query(rank: i32, (catalog, schema, owner, condition): &(&str, &str, &str, &str)) -> String {
    let (global, within) = match *schema {
        "" => (true, String::new()),
        schema => (false, format!("JOIN pg_namespace n ON n.oid = o.{schema} AND {USER_SCHEMA} ")),
    };
    format!(
        "SELECT {rank} AS rank, '{catalog}'::regclass::oid AS classid, o.oid AS objid, {owner} AS owner, {global} AS global
         FROM {catalog} o {within}WHERE {condition}"
    )
}

/// Drops the objects with all that hangs on them.
///
/// # Errors
/// `Server`, naming the object; `55P03` (somebody holds a lock) is in the cause.
pub async fn drop_all(connection: &mut PgConnection, objects: &[&UserObject]) -> Result<()> {
    for object in objects {
        let dropped = connection.execute(object.drop_statement().as_str()).await;
        dropped.map_err(|e| server_error(&format!("dropping the {} {}", object.kind, object.identity), e))?;
    }
    Ok(())
}

/// Objects outside of schemas that stay because this role may not drop them, by kind and name as the archive has
/// them: `SERVER files`. The backup's statements for these are not run.
///
/// # Errors
/// `Server`.
pub async fn foreign_globals(connection: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let sql = "SELECT kind, name::text FROM (
            SELECT 'EVENT TRIGGER' AS kind, evtname AS name, evtowner AS owner FROM pg_event_trigger
            UNION ALL SELECT 'PUBLICATION', pubname, pubowner FROM pg_publication
            UNION ALL SELECT 'SERVER', srvname, srvowner FROM pg_foreign_server
            UNION ALL SELECT 'FOREIGN DATA WRAPPER', fdwname, fdwowner FROM pg_foreign_data_wrapper
            UNION ALL SELECT 'PROCEDURAL LANGUAGE', lanname, lanowner FROM pg_language WHERE lanispl
            UNION ALL SELECT 'ACCESS METHOD', amname, 10 FROM pg_am WHERE oid >= 16384) o
        WHERE NOT pg_has_role(o.owner, 'USAGE')
        UNION ALL SELECT 'PUBLICATION TABLE', p.pubname || ' ' || c.relname FROM pg_publication_rel r
            JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid WHERE NOT pg_has_role(p.pubowner, 'USAGE')
        UNION ALL SELECT 'USER MAPPING', 'USER MAPPING ' || m.usename || ' SERVER ' || m.srvname FROM pg_user_mappings m
            JOIN pg_foreign_server s ON s.oid = m.srvid WHERE NOT pg_has_role(s.srvowner, 'USAGE')";
    let rows = sqlx::query(sql).fetch_all(connection).await.map_err(doing("reading what is in the database"))?;
    rows.iter().map(|row| Ok((get(row, "kind")?, get(row, "name")?))).collect()
}

/// Takes every table for this transaction, so that nothing is dropped before all of it can be.
///
/// # Errors
/// `Server`, saying that others hold a lock, when one cannot be had within the session's `lock_timeout`.
pub async fn lock_tables(connection: &mut PgConnection) -> Result<()> {
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND {USER_SCHEMA}
         WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1"
    );
    let tables: Vec<String> =
        sqlx::query_scalar(&sql).fetch_all(&mut *connection).await.map_err(doing("reading what is in the database"))?;
    for part in tables.chunks(500) {
        let statement = format!("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE", part.join(", ONLY "));
        connection.execute(statement.as_str()).await.map_err(|error| {
            let held = error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == "55P03");
            let ours = server_error("taking the tables for the restore", error);
            if held { ours.hint("Another session works on these tables: stop it, then try again.") } else { ours }
        })?;
    }
    Ok(())
}

/// How many large objects there are, and how many of them this role may not remove.
///
/// # Errors
/// `Server`.
pub async fn large_objects(connection: &mut PgConnection) -> Result<(u64, u64)> {
    let sql =
        "SELECT count(*), count(*) FILTER (WHERE NOT pg_has_role(lomowner, 'USAGE')) FROM pg_largeobject_metadata";
    let (all, foreign): (i64, i64) =
        sqlx::query_as(sql).fetch_one(connection).await.map_err(doing("counting large objects"))?;
    Ok((all.unsigned_abs(), foreign.unsigned_abs()))
}

/// Removes all large objects.
///
/// # Errors
/// `Server`.
pub async fn unlink_large_objects(connection: &mut PgConnection) -> Result<()> {
    let sql = "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata";
    connection.execute(sql).await.map(drop).map_err(doing("removing large objects"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_how_each_kind_is_dropped() {
        let transform = UserObject {
            kind: "transform".into(),
            identity: "for integer on language sql".into(),
            global: true,
            mine: true,
        };
        assert_eq!(transform.drop_statement(), "DROP TRANSFORM IF EXISTS for integer LANGUAGE sql CASCADE");
        for (kind, statement) in [
            ("table", "DROP TABLE IF EXISTS public.x CASCADE"),
            ("aggregate", "DROP ROUTINE IF EXISTS public.x CASCADE"),
            ("statistics object", "DROP STATISTICS IF EXISTS public.x CASCADE"),
            ("foreign-data wrapper", "DROP FOREIGN DATA WRAPPER IF EXISTS public.x CASCADE"),
        ] {
            let object = UserObject { kind: kind.into(), identity: "public.x".into(), global: false, mine: true };
            assert_eq!(object.drop_statement(), statement);
        }
    }
}
