//! What a server shows of itself: which database this is, where it really runs, who else uses it.

use super::session::doing;
use crate::domain::guard::{Identity, Surroundings};
use crate::error::Result;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use std::net::IpAddr;

/// Roles that only a provider's servers have, and whose they are.
const PROVIDERS: [(&str, &str); 9] = [
    ("rds_superuser", "Amazon RDS"),
    ("cloudsqlsuperuser", "Google Cloud SQL"),
    ("alloydbsuperuser", "Google AlloyDB"),
    ("azure_pg_admin", "Azure"),
    ("neon_superuser", "Neon"),
    ("supabase_admin", "Supabase"),
    ("doadmin", "DigitalOcean"),
    ("avnadmin", "Aiven"),
    ("crunchy_superuser", "Crunchy Bridge"),
];

/// The identity of the database that the session is in.
///
/// # Errors
/// `Server`.
pub async fn identity(connection: &mut PgConnection) -> Result<Identity> {
    let asked = sqlx::query_as("SELECT datname::text, oid FROM pg_database WHERE datname = current_database()");
    let (database, oid): (String, sqlx::postgres::types::Oid) =
        asked.fetch_one(&mut *connection).await.map_err(doing("asking for the database's name"))?;
    Ok(Identity { system: system(connection).await?, database, oid: Some(oid.0) })
}

/// The system identifier of the server's cluster; `None` where a provider keeps it to itself.
///
/// # Errors
/// `Server`.
pub async fn system(connection: &mut PgConnection) -> Result<Option<String>> {
    ask_system(connection).await.map_err(doing("asking for the server's identity"))
}

/// The same, with the driver's own error.
pub(super) async fn ask_system(connection: &mut PgConnection) -> sqlx::Result<Option<String>> {
    // one message there and one back, at each session that is opened
    let asked = sqlx::raw_sql("SELECT system_identifier::text FROM pg_catalog.pg_control_system()");
    match asked.fetch_one(connection).await {
        Ok(row) => row.try_get(0).map(Some),
        Err(error) if is_kept_to_itself(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Not allowed, or taken away.
fn is_kept_to_itself(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|e| e.code()).is_some_and(|code| ["42501", "42883", "0A000"].contains(&&*code))
}

/// What stands around the database that the session is in.
///
/// # Errors
/// `Server`.
pub async fn surroundings(connection: &mut PgConnection) -> Result<Surroundings> {
    let names: Vec<&str> = PROVIDERS.iter().map(|(role, _)| *role).collect();
    // who may not look at other roles' sessions sees no address of theirs
    let asked = sqlx::query_as(
        "SELECT host(inet_server_addr()), (SELECT count(*) FROM pg_stat_replication),
            (SELECT rolname::text FROM pg_roles WHERE rolname = ANY($1) ORDER BY rolname LIMIT 1),
            ARRAY(SELECT DISTINCT host(client_addr) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND client_addr IS NOT NULL
                  AND host(client_addr) IS DISTINCT FROM host(inet_client_addr()) ORDER BY 1)",
    )
    .bind(names)
    .fetch_one(connection);
    let (address, standbys, role, clients): (Option<String>, i64, Option<String>, Vec<String>) =
        asked.await.map_err(doing("asking the server about itself"))?;
    let whose = |role: String| PROVIDERS.iter().find(|(name, _)| *name == role).map(|(_, whose)| *whose);
    let clients = clients.into_iter().filter(|client| client.parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback()));
    Ok(Surroundings {
        address: address.and_then(|address| address.parse().ok()),
        standbys: u64::try_from(standbys).unwrap_or_default(),
        provider: role.and_then(whose),
        clients: clients.collect(),
    })
}
