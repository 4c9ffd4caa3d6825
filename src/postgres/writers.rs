//! Who may still be writing: a client that is gone does not stop the statement that its session is in.

use super::session::doing;
use crate::error::Result;
use sqlx::postgres::PgConnection;

/// The advisory lock that Prisma's session holds for as long as it migrates.
const PRISMA_LOCK: i64 = 72_707_369;

/// The server's clock, as `at_work` takes it.
///
/// # Errors
/// `Server`.
pub async fn clock(connection: &mut PgConnection) -> Result<String> {
    let asked = sqlx::query_scalar("SELECT clock_timestamp()::text").fetch_one(connection);
    asked.await.map_err(doing("asking for the time"))
}

/// Whether a client that is none of ours is connected to this database.
///
/// # Errors
/// `Server`.
pub async fn others_are_connected(connection: &mut PgConnection) -> Result<bool> {
    // who may not look at other roles' sessions sees NULL; workers have no user
    let asked = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
              AND coalesce(backend_type, 'client backend') = 'client backend' AND application_name IS DISTINCT FROM 'safemigrate')",
    )
    .fetch_one(connection);
    asked.await.map_err(doing("looking for other sessions"))
}

/// Whether the database holds code that may change rows which no statement names: triggers, rules, functions.
///
/// # Errors
/// `Server`.
pub async fn has_code_of_its_own(connection: &mut PgConnection) -> Result<bool> {
    let asked = sqlx::query_scalar(
        "WITH theirs AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
         SELECT EXISTS (SELECT FROM pg_trigger WHERE NOT tgisinternal)
             OR EXISTS (SELECT FROM pg_event_trigger)
             OR EXISTS (SELECT FROM pg_extension WHERE extname = 'dblink')
             OR EXISTS (SELECT FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
                WHERE r.rulename <> '_RETURN' AND c.relnamespace IN (SELECT oid FROM theirs))
             OR EXISTS (SELECT FROM pg_proc p WHERE p.provolatile = 'v' AND p.pronamespace IN (SELECT oid FROM theirs)
                AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))",
    )
    .fetch_one(connection);
    asked.await.map_err(doing("looking for code in the database"))
}

/// Whether a session of this database still holds Prisma's lock, or one of this role that began after `since` is in a
/// statement.
///
/// # Errors
/// `Server`.
pub async fn at_work(connection: &mut PgConnection, since: &str) -> Result<bool> {
    let asked = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                WHERE l.locktype = 'advisory' AND l.granted AND l.objid = $1::bigint::oid AND l.pid <> pg_backend_pid()
                  AND d.datname = current_database())
             OR EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
                  AND backend_type = 'client backend' AND state = 'active' AND backend_start >= $2::text::timestamptz)",
    )
    .bind(PRISMA_LOCK)
    .bind(since)
    .fetch_one(connection);
    asked.await.map_err(doing("looking for sessions that are still at work"))
}
