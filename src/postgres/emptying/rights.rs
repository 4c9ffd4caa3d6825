//! Schemas and default privileges of a database that is restored in place.

use super::{USER_SCHEMA, get};
use crate::domain::names::{quote_ident, quote_literal};
use crate::error::Result;
use crate::postgres::session::{doing, server_error};
use sqlx::Executor;
use sqlx::postgres::PgConnection;

/// One user schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub name: String,
    pub owner: String,
    /// Whether this role may drop it and change its rights.
    pub mine: bool,
}

/// # Errors
/// `Server`.
pub async fn schemas(connection: &mut PgConnection) -> Result<Vec<Schema>> {
    let sql = format!(
        "SELECT n.nspname::text AS name, pg_get_userbyid(n.nspowner)::text AS owner, pg_has_role(n.nspowner, 'USAGE') AS mine
         FROM pg_namespace n WHERE {USER_SCHEMA} ORDER BY 1"
    );
    let rows = sqlx::query(&sql).fetch_all(connection).await.map_err(doing("reading the schemas"))?;
    rows.iter()
        .map(|row| Ok(Schema { name: get(row, "name")?, owner: get(row, "owner")?, mine: get(row, "mine")? }))
        .collect()
}

/// Drops an empty schema that the backup does not know.
///
/// # Errors
/// `Server`; a schema that still holds something stays.
pub async fn drop_schema(connection: &mut PgConnection, name: &str) -> Result<()> {
    let dropped = connection.execute(format!("DROP SCHEMA {}", quote_ident(name)).as_str()).await;
    dropped.map(drop).map_err(|e| server_error(&format!("dropping the schema {name}"), e))
}

/// Makes `public` anew, which every backup takes for granted.
///
/// # Errors
/// `Server`.
pub async fn create_schema(connection: &mut PgConnection, name: &str) -> Result<()> {
    let made = connection.execute(format!("CREATE SCHEMA {}", quote_ident(name)).as_str()).await;
    made.map(drop).map_err(|e| server_error(&format!("making the schema {name}"), e))
}

/// Puts a schema's owner, rights and comment back to those that the backup's statements start from: a new schema's,
/// and for `public` those of a new database. `owner`: whose it shall be, if not whose it is.
///
/// # Errors
/// `Server`.
pub async fn renew_schema(
    connection: &mut PgConnection,
    schema: &Schema,
    owner: Option<&str>,
    version: u32,
) -> Result<()> {
    let name = quote_ident(&schema.name);
    let is_public = schema.name == "public";
    let by_birth = if is_public && version >= 150_000 { DATABASE_OWNER } else { &schema.owner };
    let owner = owner.unwrap_or(by_birth);
    let mut statements = Vec::new();
    if owner != schema.owner {
        statements.push(format!("ALTER SCHEMA {name} OWNER TO {}", quote_ident(owner)));
    }
    let sql = "SELECT DISTINCT coalesce(quote_ident(r.rolname), 'PUBLIC') FROM pg_namespace n, aclexplode(n.nspacl) a
        LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE n.nspname = $1";
    let mut grantees: Vec<String> = sqlx::query_scalar(sql)
        .bind(&schema.name)
        .fetch_all(&mut *connection)
        .await
        .map_err(doing("reading the rights on a schema"))?;
    // with the schema an owner takes over what the one before him had been given, even the right to give it on
    grantees.push(quote_ident(owner));
    statements.extend(grantees.iter().map(|g| format!("REVOKE ALL ON SCHEMA {name} FROM {g} CASCADE")));
    statements.push(format!("GRANT ALL ON SCHEMA {name} TO {}", quote_ident(owner)));
    if is_public {
        let right = if version >= 150_000 { "USAGE" } else { "ALL" };
        statements.push(format!("GRANT {right} ON SCHEMA {name} TO PUBLIC"));
    }
    let comment = if is_public { quote_literal("standard public schema") } else { "NULL".to_owned() };
    statements.push(format!("COMMENT ON SCHEMA {name} IS {comment}"));
    let renewed = connection.execute(statements.join("; ").as_str()).await;
    renewed.map(drop).map_err(|e| server_error(&format!("renewing the rights on the schema {}", schema.name), e))
}

/// Owner of `public` since version 15: whoever owns the database.
const DATABASE_OWNER: &str = "pg_database_owner";

/// How `ALTER DEFAULT PRIVILEGES` calls what `pg_default_acl.defaclobjtype` stands for, and what PUBLIC may do by birth.
const KINDS: &[(&str, &str, &str)] = &[
    ("r", "TABLES", ""),
    ("S", "SEQUENCES", ""),
    ("f", "ROUTINES", "EXECUTE"),
    ("T", "TYPES", "USAGE"),
    ("n", "SCHEMAS", ""),
    ("L", "LARGE OBJECTS", ""),
];

/// Takes all default privileges back that this role may take back: they would add rights to everything that is
/// restored. The backup's own come last.
///
/// # Errors
/// `Server`.
pub async fn clear_default_privileges(connection: &mut PgConnection) -> Result<()> {
    let sql = "SELECT r.rolname::text AS role, n.nspname::text AS schema, d.defaclobjtype::text AS kind,
            ARRAY(SELECT DISTINCT coalesce(quote_ident(g.rolname), 'PUBLIC') FROM aclexplode(d.defaclacl) a
                  LEFT JOIN pg_roles g ON g.oid = a.grantee) AS grantees
        FROM pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
        WHERE pg_has_role(d.defaclrole, 'USAGE')";
    let rows = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(doing("reading default privileges"))?;
    for row in &rows {
        let (role, schema): (String, Option<String>) = (get(row, "role")?, get(row, "schema")?);
        let (kind, grantees): (String, Vec<String>) = (get(row, "kind")?, get(row, "grantees")?);
        let Some((_, kind, for_public)) = KINDS.iter().find(|(letter, ..)| *letter == kind) else { continue };
        let within = schema.as_ref().map_or(String::new(), |s| format!(" IN SCHEMA {}", quote_ident(s)));
        let alter = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{within}", quote_ident(&role));
        let mut statements: Vec<String> =
            grantees.iter().map(|g| format!("{alter} REVOKE ALL ON {kind} FROM {g} CASCADE")).collect();
        // those without a schema replace the rights by birth, those of a schema come on top of them
        if schema.is_none() {
            statements.push(format!("{alter} GRANT ALL ON {kind} TO {}", quote_ident(&role)));
            if !for_public.is_empty() {
                statements.push(format!("{alter} GRANT {for_public} ON {kind} TO PUBLIC"));
            }
        }
        let cleared = connection.execute(statements.join("; ").as_str()).await;
        cleared.map_err(|e| server_error("clearing default privileges", e))?;
    }
    Ok(())
}

/// Roles whose default privileges stay because this role may not change them.
///
/// # Errors
/// `Server`.
pub async fn kept_default_privileges(connection: &mut PgConnection) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT pg_get_userbyid(defaclrole)::text FROM pg_default_acl WHERE NOT pg_has_role(defaclrole, 'USAGE')";
    sqlx::query_scalar(sql).fetch_all(connection).await.map_err(doing("reading default privileges"))
}
