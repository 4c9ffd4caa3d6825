//! Who may still be writing: a client that is gone does not stop the statement that its session is in.

use super::session::doing;
use super::waiting::SESSION;
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
              AND coalesce(backend_type, 'client backend') = 'client backend' AND coalesce(application_name, '') !~ '^safemigrate')",
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

/// A session that may still change the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtWork {
    /// As `waiting::SESSION` says it.
    pub who: String,
    /// It is in no statement, and holds Prisma's lock all the same.
    pub idle: bool,
    /// Who keeps it waiting for a lock.
    pub waits_for: Option<String>,
}

/// A session of this database that still holds Prisma's lock, or one of this role that began after `since` and is in a
/// statement. What an idle session of another role may do is none of our Prisma's doing.
///
/// # Errors
/// `Server`.
pub async fn at_work(connection: &mut PgConnection, since: &str, until: &str) -> Result<Option<AtWork>> {
    let of_blocker = SESSION.replace("a.", "b.");
    let sql = format!(
        "SELECT {SESSION} AS who, a.state <> 'active' AS idle,
            (SELECT CASE WHEN k.pid = 0 THEN 'a prepared transaction (see pg_prepared_xacts)' ELSE {of_blocker} END
             FROM unnest(pg_blocking_pids(a.pid)) AS k(pid) LEFT JOIN pg_stat_activity b ON b.pid = k.pid LIMIT 1) AS waits_for
         FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.state IS NOT NULL
           AND (EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted
                        AND l.objid = $1::bigint::oid AND l.objsubid = 1)
             OR (a.usename = current_user AND a.backend_type = 'client backend' AND a.state = 'active'
                 AND a.backend_start >= $2::text::timestamptz AND a.query_start <= $3::text::timestamptz))
         ORDER BY idle LIMIT 1"
    );
    let asked = sqlx::query_as::<_, (String, bool, Option<String>)>(&sql).bind(PRISMA_LOCK).bind(since).bind(until);
    let found = asked.fetch_optional(connection).await.map_err(doing("looking for sessions that are still at work"))?;
    Ok(found.map(|(who, idle, waits_for)| AtWork { who, idle, waits_for }))
}
