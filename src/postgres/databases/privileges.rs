//! What this role may do, and what stands in the way, asked before anything changes.

use super::describe::Database;
use super::get;
use crate::error::Result;
use crate::postgres::session::doing;
use crate::postgres::waiting::SESSION;
use serde::Serialize;
use sqlx::postgres::PgConnection;

/// The role of this session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    pub name: String,
    pub superuser: bool,
    pub may_create_databases: bool,
}

/// # Errors
/// `Server`.
pub async fn me(connection: &mut PgConnection) -> Result<Me> {
    let sql = "SELECT rolname::text AS name, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user";
    let row = sqlx::query(sql).fetch_one(connection).await.map_err(doing("asking for the role's rights"))?;
    let superuser = get(&row, "rolsuper")?;
    Ok(Me { name: get(&row, "name")?, superuser, may_create_databases: superuser || get(&row, "rolcreatedb")? })
}

/// Somebody else who is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    pub process: i32,
    pub role: String,
    pub application: String,
    /// Whether this role may end it.
    pub can_be_ended: bool,
}

/// The other sessions on this session's database, those of safemigrate left out.
///
/// # Errors
/// `Server`.
pub async fn sessions_of(connection: &mut PgConnection) -> Result<Vec<Session>> {
    // what is hidden from this role is NULL
    let sql = "SELECT a.pid, a.usename::text AS role, coalesce(a.application_name, '')::text AS application,
            m.rolsuper OR pg_has_role(a.usesysid, 'USAGE')
                OR (pg_has_role('pg_signal_backend', 'USAGE') AND NOT r.rolsuper) AS can_be_ended
        FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid, pg_roles m
        WHERE m.rolname = current_user AND a.datname = current_database() AND a.pid <> pg_backend_pid()
            AND coalesce(a.backend_type, 'client backend') = 'client backend'
            AND coalesce(a.application_name, '') !~ '^safemigrate( |$)' ORDER BY a.pid";
    let rows = sqlx::query(sql).fetch_all(connection).await.map_err(doing("asking who is connected"))?;
    let read = |row| {
        Ok(Session {
            process: get(row, "pid")?,
            role: get(row, "role")?,
            application: get(row, "application")?,
            can_be_ended: get(row, "can_be_ended")?,
        })
    };
    rows.iter().map(read).collect()
}

/// What forbids replacing this session's database at all, each as a sentence: things outside of it hang on it.
///
/// # Errors
/// `Server`.
pub async fn blockers(connection: &mut PgConnection) -> Result<Vec<String>> {
    // that of another role is seen as far as this one may see it
    let sql = format!(
        "SELECT 'the logical replication slot ' || slot_name || ' reads from this database' AS why
            FROM pg_replication_slots WHERE database = current_database()
        UNION ALL SELECT 'the prepared transaction ' || gid || ' of ' || owner || ' is open (COMMIT PREPARED or ROLLBACK PREPARED)'
            FROM pg_prepared_xacts WHERE database = current_database()
        UNION ALL SELECT 'the subscription ' || subname || ' writes into this database'
            FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()
        UNION ALL SELECT 'an open transaction has written, or locked a table: ' || {SESSION}
            FROM pg_stat_activity a WHERE datname = current_database() AND backend_xid IS NOT NULL AND state LIKE 'idle in transaction%'"
    );
    sqlx::query_scalar(&sql).fetch_all(connection).await.map_err(doing("looking for replication"))
}

/// What of the live database a new one under its name could not be given by this role; empty for a superuser but
/// for security labels.
///
/// # Errors
/// `Server`.
pub async fn carry_hindrances(connection: &mut PgConnection, live: &Database, me: &Me) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let labels: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_shseclabel WHERE classoid = 'pg_database'::regclass AND objoid = $1",
    )
    .bind(sqlx::postgres::types::Oid(live.oid))
    .fetch_one(&mut *connection)
    .await
    .map_err(doing("asking for the role's rights"))?;
    if labels > 0 {
        found.push("the database has a security label".to_owned());
    }
    if me.superuser {
        return Ok(found);
    }
    let foreign = live.grants.iter().flatten().find(|g| g.grantor != live.owner);
    found.extend(foreign.map(|g| format!("a right on the database was granted by {}", g.grantor)));
    for setting in &live.settings {
        let other_role = setting.role.as_ref().is_some_and(|role| *role != me.name);
        if other_role || !may_set(connection, &setting.name).await? {
            found.push(format!("the database's setting {} can be made by a superuser only", setting.name));
        }
    }
    if live.tablespace != "pg_default" {
        let sql = "SELECT has_tablespace_privilege($1, 'CREATE')";
        let may: bool = sqlx::query_scalar(sql)
            .bind(&live.tablespace)
            .fetch_one(connection)
            .await
            .map_err(doing("asking for the role's rights"))?;
        if !may {
            found.push(format!("this role may not create anything in the tablespace {}", live.tablespace));
        }
    }
    Ok(found)
}

/// Whether a plain role may make it the default of a database. An unknown (custom) setting needs a superuser.
async fn may_set(connection: &mut PgConnection, setting: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM pg_settings WHERE name = $1 AND context IN ('user', 'backend'))";
    sqlx::query_scalar(sql).bind(setting).fetch_one(connection).await.map_err(doing("asking for the role's rights"))
}

/// Of these owners those to whom this role cannot give an object: missing ones, and roles that it is no member of.
///
/// # Errors
/// `Server`.
pub async fn foreign_owners(connection: &mut PgConnection, owners: &[String]) -> Result<Vec<(String, bool)>> {
    // since version 16 one may be a member without being able to give anything to the role
    let version = "SELECT current_setting('server_version_num')::int4";
    let version: i32 =
        sqlx::query_scalar(version).fetch_one(&mut *connection).await.map_err(doing("asking for the role's rights"))?;
    let right = if version >= 160_000 { "SET" } else { "MEMBER" };
    let sql = format!(
        "SELECT o.name, r.oid IS NOT NULL AS exists FROM unnest($1::text[]) AS o(name)
        LEFT JOIN pg_roles r ON r.rolname = o.name::name
        WHERE r.oid IS NULL OR NOT pg_has_role(r.oid, '{right}') ORDER BY 1"
    );
    let rows =
        sqlx::query(&sql).bind(owners).fetch_all(connection).await.map_err(doing("asking for the role's rights"))?;
    rows.iter().map(|row| Ok((get(row, "name")?, get(row, "exists")?))).collect()
}

/// Every role of the server.
///
/// # Errors
/// `Server`.
pub async fn roles(connection: &mut PgConnection) -> Result<Vec<String>> {
    let sql = "SELECT rolname::text FROM pg_roles";
    sqlx::query_scalar(sql).fetch_all(connection).await.map_err(doing("asking for the roles"))
}

/// Of these extensions those that this role cannot create in a new database, each with the reason.
///
/// # Errors
/// `Server`.
pub async fn uncreatable_extensions(connection: &mut PgConnection, names: &[String], me: &Me) -> Result<Vec<String>> {
    // trusted extensions came with version 13
    let sql = "SELECT o.name, a.name IS NOT NULL AS available,
            coalesce(v.superuser AND NOT coalesce((to_jsonb(v)->>'trusted')::bool, false), true) AS closed
        FROM unnest($1::text[]) AS o(name) LEFT JOIN pg_available_extensions a ON a.name = o.name::name
        LEFT JOIN pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version ORDER BY 1";
    let rows = sqlx::query(sql).bind(names).fetch_all(connection).await.map_err(doing("asking for extensions"))?;
    let mut found = Vec::new();
    for row in &rows {
        let name: String = get(row, "name")?;
        if !get::<bool>(row, "available")? {
            found.push(format!("the extension {name} is not installed on this server"));
        } else if !me.superuser && get::<bool>(row, "closed")? {
            found.push(format!("the extension {name} can be created by a superuser only"));
        }
    }
    Ok(found)
}

/// The search path that role and database set for a session of this role: what the application gets.
///
/// # Errors
/// `Server`.
pub async fn default_search_path(connection: &mut PgConnection) -> Result<String> {
    let sql = "SELECT reset_val FROM pg_settings WHERE name = 'search_path'";
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(doing("asking for the search path"))
}
