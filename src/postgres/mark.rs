//! The mark "this is production" where Prisma cannot see it: a line in the comment of the database, bound to the server
//! and the name it was set on, so that a copy elsewhere is told from the original.

use super::session::{doing, server_error};
use super::surroundings::identity;
use crate::domain::guard::Identity;
use crate::domain::names::{quote_ident, quote_literal};
use crate::error::{Error, ErrorKind, Result};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

const BEGIN: &str = "[safemigrate: production";

/// A mark as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The database's name when it was set; empty in one that a person wrote without it.
    pub database: String,
    /// Whether it was set on this very database; false in a copy restored elsewhere or under another name.
    pub matches_here: bool,
}

/// The mark of the database that the session is in.
///
/// # Errors
/// `Server` where the catalog cannot be read.
pub async fn read_mark(connection: &mut PgConnection) -> Result<Option<Mark>> {
    let (here, comment) = (identity(connection).await?, comment(connection).await?);
    Ok(mark_in(&comment.text, &here))
}

/// Marks the database as production; the user's own comment stays. Returns whether it was marked already.
///
/// # Errors
/// `Server` where the role does not own the database; nothing was changed.
pub async fn set_mark(connection: &mut PgConnection) -> Result<bool> {
    let here = identity(connection).await?;
    rewrite(connection, |comment| {
        let marked = mark_in(comment, &here).is_some_and(|mark| mark.matches_here);
        let own = own_text(comment);
        let separator = if own.is_empty() { "" } else { "\n" };
        (marked, (!marked).then(|| format!("{own}{separator}{}", mark_line(&here))))
    })
    .await
}

/// Takes the mark away, also one that came with a copy; the user's own comment stays. Returns whether there was one.
///
/// # Errors
/// `Server` where the role does not own the database; nothing was changed.
pub async fn remove_mark(connection: &mut PgConnection) -> Result<bool> {
    rewrite(connection, |comment| {
        let marked = comment.lines().any(is_mark);
        (marked, marked.then(|| own_text(comment)))
    })
    .await
}

/// Reads the comment and, where `change` gives another, writes that in the same transaction.
async fn rewrite(connection: &mut PgConnection, change: impl FnOnce(&str) -> (bool, Option<String>)) -> Result<bool> {
    let mut transaction = connection.begin().await.map_err(doing("beginning a transaction"))?;
    // two who mark at once must not write over each other's comment
    let lock = transaction.execute("SELECT pg_advisory_xact_lock(hashtext('safemigrate mark'))").await;
    lock.map_err(doing("waiting for another mark"))?;
    let before = comment(&mut transaction).await?;
    let (was, text) = change(&before.text);
    let written = match text.map(|text| if text.is_empty() { "NULL".to_owned() } else { quote_literal(&text) }) {
        Some(text) => {
            let statement = format!("COMMENT ON DATABASE {} IS {text}", quote_ident(&before.database));
            transaction.execute(statement.as_str()).await.map(drop)
        }
        None => Ok(()),
    };
    match written {
        Ok(()) => transaction.commit().await.map_err(doing("writing the comment of the database"))?,
        Err(error) => {
            // the refusal is what matters; without the rollback the server would undo it at the end of the session
            let _ = transaction.rollback().await;
            return Err(refused(error, &before));
        }
    }
    Ok(was)
}

/// A database's comment, and who may write it.
struct Comment {
    text: String,
    database: String,
    owner: String,
    user: String,
}

async fn comment(connection: &mut PgConnection) -> Result<Comment> {
    let question = "SELECT coalesce(shobj_description(oid, 'pg_database'), ''), datname::text, \
                    pg_get_userbyid(datdba)::text, current_user::text \
                    FROM pg_database WHERE datname = current_database()";
    let row = sqlx::query_as(question).fetch_one(connection).await;
    let (text, database, owner, user) = row.map_err(doing("reading the comment of the database"))?;
    Ok(Comment { text, database, owner, user })
}

fn refused(error: sqlx::Error, comment: &Comment) -> Error {
    let code = error.as_database_error().and_then(|e| e.code());
    if code.as_deref() != Some("42501") {
        return server_error("writing the comment of the database", error);
    }
    let Comment { database, owner, user, .. } = comment;
    Error::new(
        ErrorKind::Server,
        format!(
            "Only the owner of the database {database} ({owner}) can mark it, and {user} is not. Nothing was changed"
        ),
    )
    .hint(format!("Say it as the owner: --url postgresql://{owner}@…/{database}"))
    .hint("Or list the database under [guard] production of safemigrate.toml.")
    .because(error)
}

fn is_mark(line: &str) -> bool {
    line.starts_with(BEGIN) && line.trim_end().ends_with(']')
}

/// The comment without marks, byte for byte what the user wrote.
fn own_text(comment: &str) -> String {
    comment.split('\n').filter(|line| !is_mark(line)).collect::<Vec<_>>().join("\n")
}

fn mark_line(here: &Identity) -> String {
    let system = here.system.as_ref().map(|system| format!(" system={system}")).unwrap_or_default();
    let oid = here.oid.map(|oid| format!(" oid={oid}")).unwrap_or_default();
    format!("{BEGIN}{system} database={}{oid}]", utf8_percent_encode(&here.database, NON_ALPHANUMERIC))
}

/// The mark in a comment; one that is for here before one that came with a copy.
fn mark_in(comment: &str, here: &Identity) -> Option<Mark> {
    let marks = comment.lines().filter(|line| is_mark(line)).map(|line| {
        let fields = line.trim_end().trim_end_matches(']')[BEGIN.len()..].split_whitespace();
        let fields: Vec<(&str, &str)> = fields.filter_map(|field| field.split_once('=')).collect();
        let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let database = field("database").map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
        let marked = Identity {
            system: field("system").map(str::to_owned),
            database: database.clone().unwrap_or_else(|| here.database.clone()),
            oid: field("oid").and_then(|oid| oid.parse().ok()),
        };
        Mark { matches_here: marked.is_same_as(here), database: database.unwrap_or_default() }
    });
    marks.max_by_key(|mark| mark.matches_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(system: Option<&str>, database: &str) -> Identity {
        Identity { system: system.map(str::to_owned), database: database.into(), oid: None }
    }

    #[test]
    fn a_mark_is_bound_to_server_and_name() {
        let here = identity(Some("7412"), "my shop]");
        let comment = format!("The shop.\nAsk Jo.\n{}", mark_line(&here));
        let matches = |here: &Identity| mark_in(&comment, here).map(|mark| mark.matches_here);
        assert_eq!(matches(&here), Some(true));
        assert_eq!(matches(&identity(Some("7413"), "my shop]")), Some(false));
        assert_eq!(matches(&identity(Some("7412"), "other")), Some(false));
        assert_eq!(matches(&identity(None, "my shop]")), Some(true));
        assert_eq!(mark_in(&comment, &identity(Some("1"), "x")).unwrap().database, "my shop]");
        assert_eq!(own_text(&comment), "The shop.\nAsk Jo.");
    }

    #[test]
    fn people_write_marks_and_other_things() {
        let here = identity(Some("7412"), "shop");
        for (comment, expected) in [
            ("", None),
            ("production", None),
            ("about [safemigrate: production]", None),
            ("[safemigrate: production]", Some(true)),
            ("[safemigrate: production later=field database=shop]", Some(true)),
            ("[safemigrate: production system=1 database=shop]\n[safemigrate: production system=7412]", Some(true)),
        ] {
            assert_eq!(mark_in(comment, &here).map(|mark| mark.matches_here), expected, "{comment}");
        }
    }
}
