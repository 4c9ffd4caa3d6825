//! One at a time on a database, from whichever store and machine: an advisory lock that ends with its session.

use super::session::{connect, doing};
use super::url::DatabaseUrl;
use crate::domain::holder::Holder;
use crate::error::{Error, ErrorKind, Result};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor, Row};
use std::time::Duration;

/// The first number of our advisory locks: "Safe".
const OURS: i32 = 0x5361_6665;
/// Whoever migrates or replaces the database has it alone.
const CHANGING: i32 = 1;
/// Whoever replaces what is in the database has it alone; who reads it as a backup shares it.
const REPLACING: i32 = 2;

/// How often we look whether it is the same session that is in the way before we name it: a dead holder's session takes a
/// moment to end, and others try as we do.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(50);
/// Where it is another one each time.
const TRIES: u32 = 60;

/// What a command is about to do with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Read all of it. Migrations may go on meanwhile: a backup is of one instant.
    Read,
    /// Migrate it. Backups may be taken meanwhile.
    Migrate,
    /// Replace what is in it.
    Replace,
}

impl Purpose {
    /// All locks or none, in one statement.
    fn try_all(self) -> String {
        let (one, other) = (format!("{OURS}, {REPLACING}"), format!("{OURS}, {CHANGING}"));
        match self {
            Self::Read => format!("SELECT pg_try_advisory_lock_shared({one})"),
            Self::Migrate => format!("SELECT pg_try_advisory_lock({other})"),
            Self::Replace => format!(
                "SELECT CASE WHEN pg_try_advisory_lock({one}) THEN
                    CASE WHEN pg_try_advisory_lock({other}) THEN true ELSE NOT pg_advisory_unlock({one}) END ELSE false END"
            ),
        }
    }

    fn locks(self) -> Vec<i64> {
        match self {
            Self::Read => vec![REPLACING.into()],
            Self::Migrate => vec![CHANGING.into()],
            Self::Replace => vec![REPLACING.into(), CHANGING.into()],
        }
    }
}

/// Holds the database for one command, until it is released, dropped, or its process dies.
pub struct Claim(PgConnection);

impl Claim {
    /// # Errors
    /// `Locked`, naming who is at work; those of connecting.
    pub async fn take(url: &DatabaseUrl, holder: &Holder, purpose: Purpose) -> Result<Self> {
        let mut connection = connect(url).await?;
        let named = sqlx::query("SELECT set_config('application_name', $1, false)").bind(holder.session_name());
        named.execute(&mut connection).await.map_err(doing("claiming the database"))?;
        let (mut holder, mut looks) = (None, 0);
        for _ in 0..TRIES {
            let taken = connection.fetch_one(purpose.try_all().as_str()).await.and_then(|row| row.try_get(0));
            if taken.map_err(doing("claiming the database"))? {
                return Ok(Self(connection));
            }
            let now = who_holds(&mut connection, purpose).await?;
            looks = if now.is_some() && now == holder { looks + 1 } else { 1 };
            holder = now;
            if holder.is_some() && looks == LOOKS {
                break;
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Err(locked(&url.database, holder))
    }

    /// Lets others in before this returns.
    pub async fn release(self) {
        let Self(mut connection) = self;
        // a session that is gone has let them in already
        let _ = connection.execute("SELECT pg_advisory_unlock_all()").await;
        let _ = connection.close().await;
    }
}

/// The name, process and role of a session that holds a lock.
type Session = (String, i32, String);

async fn who_holds(connection: &mut PgConnection, purpose: Purpose) -> Result<Option<Session>> {
    let sql = "SELECT coalesce(a.application_name, ''), a.pid, coalesce(a.usename, '')::text
        FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::int8::oid AND l.objid::int8 = ANY ($2) AND l.objsubid = 2
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.pid <> pg_backend_pid() LIMIT 1";
    let asked = sqlx::query_as(sql).bind(i64::from(OURS)).bind(purpose.locks()).fetch_optional(connection);
    asked.await.map_err(doing("asking who is at work on the database"))
}

fn locked(database: &str, session: Option<Session>) -> Error {
    let place = format!("on the database {database}");
    let (who, end) = match session {
        None => (format!("Another safemigrate was at work {place}"), None),
        Some((name, process, role)) => {
            let who = match Holder::of_session(&name) {
                Some(holder) => holder.at_work(&place),
                None => format!("Another safemigrate ({name}) is at work {place}"),
            };
            let end = format!(
                "If it hangs on a machine that is gone: SELECT pg_terminate_backend({process}) ends its session (of user {role})."
            );
            (who, Some(end))
        }
    };
    let error = Error::new(ErrorKind::Locked, format!("{who}. Nothing was changed"));
    let error = error.hint("Wait until it is done, then try again.");
    match end {
        Some(end) => error.hint(end),
        None => error,
    }
}
