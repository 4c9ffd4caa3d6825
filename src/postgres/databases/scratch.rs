//! Databases of our own beside the user's: named after it, and marked by their comment so that a later run knows them.

use super::describe::Database;
use super::get;
use crate::domain::manifest::Locale;
use crate::domain::names::{quote_ident, quote_literal};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::session::{doing, server_error};
use serde::{Deserialize, Serialize};
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64;

/// In the name of a database that is being restored.
pub const NEW: &str = "_safemigrate_new_";
/// In the name of a database that was replaced.
pub const OLD: &str = "_safemigrate_old_";
/// PostgreSQL cuts longer names off.
const LONGEST_NAME: usize = 63;
/// At the end of our names.
const RANDOM_DIGITS: usize = 6;
/// How long sessions may take to end after they were told to.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Being restored; worth nothing without the run that fills it.
    Scratch,
    /// The database that was live before a rollback.
    Replaced,
}

/// The comment on a database of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub safemigrate: Standing,
    /// The database that it stands beside.
    pub live: String,
    /// Id of the backup.
    pub backup: String,
    /// The user's own comment on a replaced database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Mark {
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "safemigrate".into())
    }
}

/// A database with our mark on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    pub name: String,
    pub mark: Mark,
}

/// A name that no database has yet: `shop_safemigrate_new_3f…`, never longer than PostgreSQL allows.
pub fn free_name(live: &str, standing: Standing) -> String {
    // every RandomState is seeded anew
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), live);
    format!("{}{:06x}", beginning(live, standing), random >> 40)
}

/// What the names of all our databases beside `live` begin with: it tells, where `live` has to be cut off, too.
fn beginning(live: &str, standing: Standing) -> String {
    let middle = if standing == Standing::Scratch { NEW } else { OLD };
    let tail = format!("{middle}{:06x}", xxh3_64(live.as_bytes()) >> 40);
    let mut end = live.len().min(LONGEST_NAME - RANDOM_DIGITS - tail.len());
    while !live.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{tail}", &live[..end])
}

/// Makes an empty, unfriendly database with the properties of `like`: nobody but owner and superusers gets in. It is
/// closed until it has its mark, so that one whose maker was killed in between is known by that and by its name.
///
/// # Errors
/// `Server`; nothing is left then.
pub async fn create(connection: &mut PgConnection, name: &str, like: &Like<'_>, mark: &Mark) -> Result<()> {
    let statement = format!("CREATE DATABASE {}{} ALLOW_CONNECTIONS false", quote_ident(name), like.options());
    connection.execute(statement.as_str()).await.map_err(doing("creating a scratch database"))?;
    fault::at("scratch.made");
    dress(connection, name, mark).await
}

/// Marks a database that was just made and is still closed, and opens it to ourselves.
async fn dress(connection: &mut PgConnection, name: &str, mark: &Mark) -> Result<()> {
    let dress = format!(
        "COMMENT ON DATABASE {0} IS {1}; REVOKE ALL ON DATABASE {0} FROM PUBLIC; ALTER DATABASE {0} WITH ALLOW_CONNECTIONS true",
        quote_ident(name),
        quote_literal(&mark.text())
    );
    if let Err(error) = connection.execute(dress.as_str()).await {
        // without its mark nobody would ever clear it away
        let _ = drop_if_exists(connection, name).await;
        return Err(server_error("marking a scratch database", error));
    }
    fault::at("scratch.marked");
    Ok(())
}

/// How the server copies a database whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copying {
    /// The file system shares the blocks; PostgreSQL 18 and newer, where the file system can.
    Clone,
    /// Block by block, file by file.
    Files,
}

/// From so many bytes on copying files is faster than copying through the write-ahead log.
const WORTH_A_CHECKPOINT: i64 = 64 << 20;

/// How often it is looked again whether sessions have left, and how soon.
const LEAVING: u32 = 6;
const MOMENT: Duration = Duration::from_millis(50);

/// Makes a database of ours as a copy of `live`, where nobody is connected to that one and this role may copy it.
/// Gives how it was made, `None` where it was not.
///
/// # Errors
/// `Server`; nothing is left then.
pub async fn copy_whole(
    connection: &mut PgConnection,
    name: &str,
    live: &Database,
    mark: &Mark,
) -> Result<Option<Copying>> {
    let sql =
        "SELECT current_setting('server_version_num')::int4 AS version, pg_catalog.pg_database_size($1::name) AS bytes";
    let asked = sqlx::query(sql).bind(&live.name).fetch_one(&mut *connection).await;
    let Ok(row) = asked else { return Ok(None) };
    if !is_left_alone(connection, &live.name).await? {
        return Ok(None);
    }
    let version: i32 = get(&row, "version")?;
    let large = get::<i64>(&row, "bytes")? > WORTH_A_CHECKPOINT;
    let strategy = if version >= 150_000 && large { " STRATEGY file_copy" } else { "" };
    let statement = format!(
        "CREATE DATABASE {} TEMPLATE {} OWNER {}{strategy} ALLOW_CONNECTIONS false",
        quote_ident(name),
        quote_ident(&live.name),
        quote_ident(&live.owner)
    );
    if version >= 180_000 && large {
        let set = connection.execute("SET file_copy_method = clone").await;
        let cloned = set.is_ok() && connection.execute(statement.as_str()).await.is_ok();
        connection.execute("RESET file_copy_method").await.map_err(doing("setting up the session"))?;
        if cloned {
            return dress(connection, name, mark).await.map(|()| Some(Copying::Clone));
        }
    }
    match connection.execute(statement.as_str()).await {
        Ok(_) => dress(connection, name, mark).await.map(|()| Some(Copying::Files)),
        // somebody came in, or the role may not: restoring is always possible
        Err(error) if error.as_database_error().is_some() => Ok(None),
        Err(error) => Err(server_error("copying the database", error)),
    }
}

/// Whether nobody is connected to it; those that have just been closed, our own among them, are given a moment to go.
async fn is_left_alone(connection: &mut PgConnection, name: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE datname = $1::name)";
    for _ in 0..LEAVING {
        let sessions = sqlx::query_scalar::<_, bool>(sql).bind(name).fetch_one(&mut *connection).await;
        if !sessions.map_err(doing("looking who is connected"))? {
            return Ok(true);
        }
        tokio::time::sleep(MOMENT).await;
    }
    Ok(false)
}

/// What a new database is to be like.
pub struct Like<'a> {
    pub encoding: &'a str,
    /// `None`: the server's own.
    pub locale: Option<&'a Locale>,
    /// Whose owner and tablespace it gets; `None` where there is none.
    pub live: Option<&'a Database>,
}

impl Like<'_> {
    fn options(&self) -> String {
        let mut options = format!(" TEMPLATE template0 ENCODING {}", quote_literal(self.encoding));
        options.push_str(&self.locale.map(locale_options).unwrap_or_default());
        if let Some(live) = self.live {
            options.push_str(&format!(" OWNER {}", quote_ident(&live.owner)));
            // naming the tablespace that it would get anyway needs a right of its own
            if live.tablespace != "pg_default" {
                options.push_str(&format!(" TABLESPACE {}", quote_ident(&live.tablespace)));
            }
        }
        options
    }
}

fn locale_options(locale: &Locale) -> String {
    let mut options = String::new();
    let mut add = |name: &str, value: &str| options.push_str(&format!(" {name} {}", quote_literal(value)));
    add("LC_COLLATE", &locale.collate);
    add("LC_CTYPE", &locale.ctype);
    let name = locale.name.as_deref().unwrap_or_default();
    match locale.provider.as_str() {
        "i" => {
            add("ICU_LOCALE", name);
            if let Some(rules) = &locale.icu_rules {
                add("ICU_RULES", rules);
            }
            options.push_str(" LOCALE_PROVIDER icu");
        }
        "b" => {
            add("BUILTIN_LOCALE", name);
            options.push_str(" LOCALE_PROVIDER builtin");
        }
        _ => {}
    }
    options
}

/// Drops a database of ours, whoever sits in it.
///
/// # Errors
/// `Server` when it is still there.
pub async fn drop_if_exists(connection: &mut PgConnection, name: &str) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let statement = format!("DROP DATABASE IF EXISTS {}", quote_ident(name));
    loop {
        super::terminate(connection, name, &[]).await?;
        match connection.execute(statement.as_str()).await {
            Ok(_) => return Ok(()),
            // somebody's last breath: object_in_use
            Err(error) if error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == "55006") => {
                if Instant::now() > until {
                    return Err(server_error("dropping a scratch database", error));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(server_error("dropping a scratch database", error)),
        }
    }
}

/// Databases of ours that stand beside `live`, also one that was made and has no mark yet. Under the work lock nobody is
/// at work on them.
///
/// # Errors
/// `Server`.
pub async fn marked(connection: &mut PgConnection, live: &str) -> Result<Vec<Marked>> {
    let sql =
        "SELECT datname::text AS name, shobj_description(oid, 'pg_database') AS comment, datallowconn FROM pg_database
        WHERE datname ~ '_safemigrate_(new|old)_[0-9a-f]{12}$' ORDER BY datname";
    let rows = sqlx::query(sql).fetch_all(connection).await.map_err(doing("looking for scratch databases"))?;
    let mut found = Vec::new();
    for row in &rows {
        let (name, comment): (String, Option<String>) = (get(row, "name")?, get(row, "comment")?);
        let bare = comment.is_none() && !get::<bool>(row, "datallowconn")?;
        let mark = match comment {
            Some(text) => serde_json::from_str::<Mark>(&text).ok().filter(|mark| mark.live == live),
            None if bare && name.starts_with(&beginning(live, Standing::Scratch)) => Some(Mark {
                safemigrate: Standing::Scratch,
                live: live.to_owned(),
                backup: String::new(),
                comment: None,
            }),
            None => None,
        };
        found.extend(mark.map(|mark| Marked { name, mark }));
    }
    Ok(found)
}

/// Together a second.
const LOCK_TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Takes the lock that says "somebody works beside this database", held until the connection ends.
///
/// # Errors
/// `Locked` when another safemigrate holds it.
pub async fn work_lock(connection: &mut PgConnection, live: &str) -> Result<()> {
    let sql = "SELECT pg_try_advisory_lock(hashtext('safemigrate rollback'), hashtext($1))";
    // the session of one that has just ended, or was killed, takes a moment to go
    for _ in 0..LOCK_TRIES {
        let asked = sqlx::query_scalar(sql).bind(live).fetch_one(&mut *connection);
        if asked.await.map_err(doing("taking the rollback lock"))? {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Err(Error::new(
        ErrorKind::Locked,
        format!("Another rollback or trial restore of {live} is at work on this server. Nothing was changed"),
    )
    .hint("Wait until it is done."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_keep_whole_letters() {
        let name = free_name(&"ö".repeat(31), Standing::Scratch);
        assert!(name.len() <= LONGEST_NAME && name.starts_with("öö") && name.contains(NEW), "{name}");
        assert_ne!(free_name("shop", Standing::Replaced), free_name("shop", Standing::Replaced));
        // cut off they look the same, and yet each is known
        let (one, other) = ("s".repeat(60), "s".repeat(61));
        let name = free_name(&one, Standing::Scratch);
        assert!(name.starts_with(&beginning(&one, Standing::Scratch)) && name.len() == LONGEST_NAME);
        assert!(!name.starts_with(&beginning(&other, Standing::Scratch)));
        let tail = free_name("shop", Standing::Scratch).split_off("shop".len() + NEW.len());
        assert!(tail.len() == 12 && tail.bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn marks_survive_their_comment() {
        let mark =
            Mark { safemigrate: Standing::Replaced, live: "it's \"x\"".into(), backup: "f-1".into(), comment: None };
        assert_eq!(serde_json::from_str::<Mark>(&mark.text()).unwrap(), mark);
    }
}
