//! Two databases change places in one transaction; before that nobody may sit in either.

use super::describe::{Database, Grant, Setting};
use super::scratch::Mark;
use crate::domain::names::{quote_ident, quote_literal};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::session::{doing, server_error};
use crate::postgres::structure::prepare_session;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::time::{Duration, Instant};

/// How long sessions may take to end after they were told to.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings whose value is a list of names, each quoted for itself.
const LISTS: &[&str] = &[
    "search_path",
    "local_preload_libraries",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// Gives the database `to` the rights and settings of `from`. All or nothing.
///
/// # Errors
/// `Server`, for a setting that this role may not make.
pub async fn carry_over(connection: &mut PgConnection, from: &Database, to: &str) -> Result<()> {
    let mut statements = vec!["BEGIN".to_owned()];
    statements.extend(grant_statements(from, to));
    statements.extend(from.settings.iter().map(|s| setting_statement(s, to)));
    statements.push("COMMIT".to_owned());
    let carried = connection.execute(statements.join(";\n").as_str()).await;
    if let Err(error) = carried {
        // the first error counts
        let _ = connection.execute("ROLLBACK").await;
        return Err(server_error("carrying over the database's rights and settings", error));
    }
    Ok(())
}

/// Gives the database the rights that every new one has.
///
/// # Errors
/// `Server`.
pub async fn default_rights(connection: &mut PgConnection, name: &str) -> Result<()> {
    let statement = format!("GRANT CONNECT, TEMPORARY ON DATABASE {} TO PUBLIC", quote_ident(name));
    connection.execute(statement.as_str()).await.map(drop).map_err(doing("opening the scratch database to all"))
}

fn grant_statements(from: &Database, to: &str) -> Vec<String> {
    let to = quote_ident(to);
    let Some(grants) = &from.grants else {
        return vec![format!("GRANT CONNECT, TEMPORARY ON DATABASE {to} TO PUBLIC")];
    };
    // the owner's rights stand in the list too, if he has them
    let mut statements = vec![format!("REVOKE ALL ON DATABASE {to} FROM PUBLIC, {}", quote_ident(&from.owner))];
    // whoever was given the right to give it on comes before those to whom he gave it
    let (own, others): (Vec<&Grant>, Vec<&Grant>) = grants.iter().partition(|g| g.grantor == from.owner);
    for grant in own.iter().chain(&others) {
        let grantee = grant.grantee.as_deref().map_or("PUBLIC".to_owned(), quote_ident);
        let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
        let give = format!("GRANT {} ON DATABASE {to} TO {grantee}{option}", grant.privilege);
        if grant.grantor == from.owner {
            statements.push(give);
        } else {
            statements.push(format!("SET LOCAL ROLE {}; {give}; RESET ROLE", quote_ident(&grant.grantor)));
        }
    }
    statements
}

fn setting_statement(setting: &Setting, to: &str) -> String {
    let whose = match &setting.role {
        None => format!("DATABASE {}", quote_ident(to)),
        Some(role) => format!("ROLE {} IN DATABASE {}", quote_ident(role), quote_ident(to)),
    };
    let values: Vec<String> = if LISTS.contains(&setting.name.as_str()) {
        list_items(&setting.value).iter().map(|v| quote_literal(v)).collect()
    } else {
        vec![quote_literal(&setting.value)]
    };
    // a custom setting's name has a dot that must stay outside of quotes
    let name = setting.name.split('.').map(quote_ident).collect::<Vec<_>>().join(".");
    format!("ALTER {whose} SET {name} TO {}", values.join(", "))
}

/// `"$user", public` → `$user`, `public`.
fn list_items(text: &str) -> Vec<String> {
    let (mut items, mut item, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => item.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            ' ' if !quoted => {}
            c => item.push(c),
        }
    }
    items.push(item);
    items
}

/// Refuses new sessions, superusers' too, and ends those that are there, but for the one of process `spared`.
///
/// # Errors
/// `Server` when a session cannot be ended; the caller then has to `reopen`.
pub async fn close(connection: &mut PgConnection, name: &str, spared: Option<i32>) -> Result<()> {
    let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", quote_ident(name));
    connection.execute(statement.as_str()).await.map_err(doing("closing the database to new sessions"))?;
    let until = Instant::now() + PATIENCE;
    while terminate(connection, name, spared).await? > 0 {
        if Instant::now() > until {
            return Err(Error::new(ErrorKind::Server, format!("Sessions on {name} do not end"))
                .hint("Stop what is connected to the database, then try again."));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Lets sessions in again.
///
/// # Errors
/// `Server`.
pub async fn reopen(connection: &mut PgConnection, name: &str) -> Result<()> {
    let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", quote_ident(name));
    connection.execute(statement.as_str()).await.map(drop).map_err(doing("opening the database again"))
}

/// Tells all sessions of a database to end, but for the one of process `spared`; gives how many there were.
///
/// # Errors
/// `Server` when one belongs to a role that this one may not end.
pub async fn terminate(connection: &mut PgConnection, name: &str, spared: Option<i32>) -> Result<i64> {
    // autovacuum is nobody's session and gives way by itself; of a stranger's session we see no more than this
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1
        AND pid <> pg_backend_pid() AND pid IS DISTINCT FROM $2 AND usesysid IS NOT NULL";
    let told = sqlx::query_scalar(sql).bind(name).bind(spared).fetch_one(connection).await;
    told.map_err(doing("ending the sessions of the database"))
}

/// What changes when somebody writes to the database of this session or changes its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    rows: i64,
    relations: i64,
}

/// A session that watches a database without ever writing.
pub struct Watch {
    connection: PgConnection,
    pub process: i32,
    before: Pulse,
}

impl Watch {
    /// Starts watching; what was written before does not count.
    ///
    /// # Errors
    /// `Server`.
    pub async fn start(mut connection: PgConnection) -> Result<Self> {
        prepare_session(&mut connection).await?;
        let process = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await;
        let before = pulse(&mut connection).await?;
        Ok(Self { connection, process: process.map_err(doing("asking who writes"))?, before })
    }

    /// Whether somebody wrote since the start. Exact once all other sessions have ended: each reports at its end.
    ///
    /// # Errors
    /// `Server`.
    pub async fn has_seen_writes(mut self, server_version: u32) -> Result<bool> {
        if server_version < 150_000 {
            // figures reach the server's collector with a delay
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let after = pulse(&mut self.connection).await?;
        // a session that is closed by halves would be in the way of the exchange
        self.connection.close().await.map_err(doing("asking who writes"))?;
        Ok(after != self.before)
    }
}

async fn pulse(connection: &mut PgConnection) -> Result<Pulse> {
    let sql = "SELECT (SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 FROM pg_stat_user_tables),
        (SELECT coalesce(sum(hashtext(concat_ws(' ', oid, relname, relfilenode, relnatts))), 0)::int8
         FROM pg_class WHERE relpersistence <> 't' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace))";
    let (rows, relations) = sqlx::query_as(sql).fetch_one(connection).await.map_err(doing("asking who writes"))?;
    Ok(Pulse { rows, relations })
}

/// In one transaction: `live` becomes `aside` (with the mark), `incoming` becomes `live` and opens.
/// Both must be closed and free of sessions.
///
/// # Errors
/// `Server`; nothing has changed then, unless the connection broke at the very end.
pub async fn exchange(
    connection: &mut PgConnection,
    live: &Database,
    incoming: &str,
    aside: &str,
    mark: &Mark,
) -> Result<()> {
    let name = quote_ident(&live.name);
    let mark = Mark { comment: live.comment.clone(), ..mark.clone() };
    let statements = format!(
        "ALTER DATABASE {name} RENAME TO {aside};
         COMMENT ON DATABASE {aside} IS {mark};
         ALTER DATABASE {aside} WITH IS_TEMPLATE false;
         ALTER DATABASE {incoming} RENAME TO {name};
         COMMENT ON DATABASE {name} IS {comment};
         ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true CONNECTION LIMIT {limit} IS_TEMPLATE {template}",
        aside = quote_ident(aside),
        incoming = quote_ident(incoming),
        mark = quote_literal(&mark.text()),
        comment = live.comment.as_deref().map_or("NULL".to_owned(), quote_literal),
        limit = live.connection_limit,
        template = live.is_template,
    );
    let exchanging = doing("exchanging the databases");
    let mut transaction = connection.begin().await.map_err(&exchanging)?;
    // dropped on an error: rolled back with the next use of the connection
    transaction.execute(statements.as_str()).await.map_err(&exchanging)?;
    transaction.commit().await.map_err(&exchanging)
}

/// Gives a closed database of ours a name that is free and the user's comment instead of our mark, and opens it.
///
/// # Errors
/// `Server`; nothing has changed then, unless the connection broke at the very end.
pub async fn install(connection: &mut PgConnection, incoming: &str, name: &str, comment: Option<&str>) -> Result<()> {
    let statements = format!(
        "ALTER DATABASE {incoming} RENAME TO {name};
         COMMENT ON DATABASE {name} IS {comment};
         ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true",
        incoming = quote_ident(incoming),
        name = quote_ident(name),
        comment = comment.map_or("NULL".to_owned(), quote_literal),
    );
    let installing = doing("giving the restored database its name");
    let mut transaction = connection.begin().await.map_err(&installing)?;
    transaction.execute(statements.as_str()).await.map_err(&installing)?;
    transaction.commit().await.map_err(&installing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(role: Option<&str>, name: &str, value: &str) -> Setting {
        Setting { role: role.map(str::to_owned), name: name.into(), value: value.into() }
    }

    #[test]
    fn lists_are_taken_apart_and_values_are_not() {
        let path = setting(None, "search_path", "\"$user\", \"a, \"\"b\", public");
        assert_eq!(
            setting_statement(&path, "new"),
            "ALTER DATABASE \"new\" SET \"search_path\" TO '$user', 'a, \"b', 'public'"
        );
        assert_eq!(
            setting_statement(&setting(None, "search_path", "\"\""), "n"),
            "ALTER DATABASE \"n\" SET \"search_path\" TO ''"
        );
        let date = setting(Some("jo"), "DateStyle", "ISO, DMY");
        assert_eq!(
            setting_statement(&date, "n"),
            "ALTER ROLE \"jo\" IN DATABASE \"n\" SET \"DateStyle\" TO 'ISO, DMY'"
        );
        assert_eq!(
            setting_statement(&setting(None, "my.key", "v"), "n"),
            "ALTER DATABASE \"n\" SET \"my\".\"key\" TO 'v'"
        );
    }
}
