//! What `pg_dump` without `--create` leaves out: the database's own properties, rights, settings and comment.

use super::get;
use crate::domain::manifest::Locale;
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::postgres::{PgConnection, PgRow};

/// One database of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub oid: u32,
    pub name: String,
    pub owner: String,
    pub encoding: String,
    pub locale: Locale,
    pub tablespace: String,
    pub connection_limit: i32,
    pub allows_connections: bool,
    pub is_template: bool,
    pub comment: Option<String>,
    /// `None`: the rights that every new database has.
    pub grants: Option<Vec<Grant>>,
    pub settings: Vec<Setting>,
}

/// One right on the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub grantor: String,
    /// `None`: PUBLIC.
    pub grantee: Option<String>,
    pub privilege: String,
    pub grantable: bool,
}

/// `ALTER DATABASE … SET`, or `ALTER ROLE … IN DATABASE … SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub role: Option<String>,
    pub name: String,
    /// As `pg_db_role_setting` holds it: lists are quoted inside.
    pub value: String,
}

/// Reads one database; `None` when there is none of that name.
///
/// # Errors
/// `Server`.
pub async fn find(connection: &mut PgConnection, name: &str) -> Result<Option<Database>> {
    let sql = format!(
        "SELECT d.oid, d.datname::text AS name, pg_get_userbyid(d.datdba)::text AS owner,
            pg_encoding_to_char(d.encoding)::text AS encoding, {LOCALE}, t.spcname::text AS tablespace, d.datconnlimit,
            d.datallowconn, d.datistemplate, shobj_description(d.oid, 'pg_database') AS comment, d.datacl IS NOT NULL AS has_acl
        FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1"
    );
    let found = sqlx::query(&sql).bind(name).fetch_optional(&mut *connection).await;
    let Some(row) = found.map_err(doing("reading the database's properties"))? else { return Ok(None) };
    let oid = get::<sqlx::postgres::types::Oid>(&row, "oid")?.0;
    let grants = if get(&row, "has_acl")? { Some(grants(connection, oid).await?) } else { None };
    Ok(Some(Database {
        oid,
        name: get(&row, "name")?,
        owner: get(&row, "owner")?,
        encoding: get(&row, "encoding")?,
        locale: read_locale(&row)?,
        tablespace: get(&row, "tablespace")?,
        connection_limit: get(&row, "datconnlimit")?,
        allows_connections: get(&row, "datallowconn")?,
        is_template: get(&row, "datistemplate")?,
        comment: get(&row, "comment")?,
        grants,
        settings: settings(connection, oid).await?,
    }))
}

/// The columns of `read_locale`, of `pg_database d`. Those of later servers are taken through JSON, where they may be missing.
pub const LOCALE: &str = "d.datcollate::text AS collate, d.datctype::text AS ctype,
    coalesce(to_jsonb(d)->>'datlocprovider', 'c') AS provider,
    coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale') AS locale, to_jsonb(d)->>'daticurules' AS rules";

/// # Errors
/// `Server`.
pub fn read_locale(row: &PgRow) -> Result<Locale> {
    Ok(Locale {
        provider: get(row, "provider")?,
        collate: get(row, "collate")?,
        ctype: get(row, "ctype")?,
        name: get(row, "locale")?,
        icu_rules: get(row, "rules")?,
    })
}

async fn grants(connection: &mut PgConnection, oid: u32) -> Result<Vec<Grant>> {
    let sql = "SELECT pg_get_userbyid(a.grantor)::text AS grantor, r.rolname::text AS grantee, a.privilege_type, a.is_grantable
        FROM pg_database d, aclexplode(d.datacl) WITH ORDINALITY AS a(grantor, grantee, privilege_type, is_grantable, n)
        LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE d.oid = $1 ORDER BY a.n";
    let oid = sqlx::postgres::types::Oid(oid);
    let rows =
        sqlx::query(sql).bind(oid).fetch_all(connection).await.map_err(doing("reading the database's rights"))?;
    let read = |row| {
        Ok(Grant {
            grantor: get(row, "grantor")?,
            grantee: get(row, "grantee")?,
            privilege: get(row, "privilege_type")?,
            grantable: get(row, "is_grantable")?,
        })
    };
    rows.iter().map(read).collect()
}

async fn settings(connection: &mut PgConnection, oid: u32) -> Result<Vec<Setting>> {
    let sql = "SELECT r.rolname::text AS role, split_part(c.setting, '=', 1) AS name,
            substr(c.setting, strpos(c.setting, '=') + 1) AS value
        FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) WITH ORDINALITY AS c(setting, n)
        WHERE s.setdatabase = $1 ORDER BY s.setrole, c.n";
    let oid = sqlx::postgres::types::Oid(oid);
    let rows =
        sqlx::query(sql).bind(oid).fetch_all(connection).await.map_err(doing("reading the database's settings"))?;
    rows.iter()
        .map(|row| Ok(Setting { role: get(row, "role")?, name: get(row, "name")?, value: get(row, "value")? }))
        .collect()
}
