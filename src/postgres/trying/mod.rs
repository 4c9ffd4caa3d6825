//! Trying a migration on a scratch database, statement by statement: what Prisma would send as one text.

mod casts;
mod rows;
mod watch;

use super::session::{connect, doing, server_error};
use super::statements::{Statement as Cut, Statements};
use super::url::DatabaseUrl;
use crate::domain::names::{quote_ident, quote_literal};
use crate::domain::rehearsal::suspect::one_by_one;
use crate::domain::rehearsal::{Failure, Statement};
use crate::error::Result;
pub use casts::{CastRows, CastTrial};
use rows::explain;
use sqlx::Executor;
use sqlx::postgres::{PgConnection, PgDatabaseError};
use std::time::Instant;
use watch::Watch;
pub use watch::Written;

/// A session as Prisma would have it: with the settings of role and database instead of ours, and Prisma's search path.
///
/// # Errors
/// Those of `connect`.
pub async fn session(url: &DatabaseUrl) -> Result<PgConnection> {
    let mut connection = connect(url).await?;
    let path = quote_literal(&quote_ident(url.prisma_schema()));
    let settings = format!(
        "RESET ALL; SET client_min_messages = warning; SELECT pg_catalog.set_config('search_path', {path}, false)"
    );
    connection.execute(settings.as_str()).await.map_err(doing("setting up the session"))?;
    Ok(connection)
}

/// A script that was run.
pub struct Tried {
    pub statements: Vec<Statement>,
    pub written: Written,
}

impl Tried {
    /// The first statement that failed; then nothing was applied.
    pub fn failure(&self) -> Option<&Failure> {
        self.statements.iter().find_map(|statement| statement.failure.as_ref())
    }
}

/// Runs a script. It is applied whole, or, when a statement of it fails, not at all: the others are then tried all the
/// same, but for those that need what the failed one would have made.
///
/// # Errors
/// `Server` where the session is lost; that a statement fails stands in the result.
pub async fn run_script(connection: &mut PgConnection, sql: &str) -> Result<Tried> {
    let cut = cut(sql);
    let mut attempt = Attempt {
        in_block: !matches!(cut.as_slice(), [alone] if refuses_blocks(alone)),
        has_begun: false,
        watch: Watch::begin(connection).await?,
        done: Vec::new(),
        connection,
    };
    attempt.begin().await?;
    for statement in &cut {
        attempt.run(statement).await?;
    }
    attempt.end().await
}

/// A script in progress.
struct Attempt<'c> {
    connection: &'c mut PgConnection,
    /// The statements of one text are one transaction, unless there is one only.
    in_block: bool,
    /// The script itself has begun a transaction.
    has_begun: bool,
    watch: Watch,
    done: Vec<Statement>,
}

impl Attempt<'_> {
    async fn begin(&mut self) -> Result<()> {
        if self.in_block {
            self.send("BEGIN").await?;
        }
        Ok(())
    }

    async fn send(&mut self, sql: &str) -> Result<()> {
        self.connection.execute(sql).await.map(drop).map_err(doing("trying a migration"))
    }

    fn has_failed(&self) -> bool {
        self.done.iter().any(|statement| statement.failure.is_some())
    }

    async fn run(&mut self, cut: &Cut) -> Result<()> {
        let ends_block = ends_block(cut);
        if ends_block && self.has_failed() {
            // what comes behind it would not be reached
            self.done.push(not_tried(cut));
            return Ok(());
        }
        if cut.begins(&["BEGIN"]) || cut.begins(&["START", "TRANSACTION"]) {
            self.has_begun = true;
        } else if ends_block {
            self.has_begun = false;
        } else if is_about_savepoints(cut) && !self.has_begun {
            // in the transaction that is ours alone it would pass
            let message = "it can only be used in transaction blocks".to_owned();
            let failure = Failure { message, code: "25P01".to_owned(), rows: None, recipe: None };
            self.done.push(Statement { failure: Some(failure), ..not_tried(cut) });
            return Ok(());
        }
        let has_savepoint = self.in_block && !ends_block;
        if has_savepoint {
            self.send("SAVEPOINT statement").await?;
        }
        let started = Instant::now();
        let settled = if cut.begins(&["COMMIT"]) || cut.begins(&["END"]) { self.settle().await } else { Ok(()) };
        let result = match settled {
            Ok(()) => self.connection.execute(cut.text.as_str()).await.map(drop),
            refused => refused,
        };
        let seconds = started.elapsed().as_secs_f64();
        let mut statement = Statement { seconds: Some(seconds), ..not_tried(cut) };
        match result {
            Ok(()) if ends_block => {
                self.watch.transaction_ended(&mut self.done);
                self.begin().await?;
            }
            Ok(()) => {
                self.watch.look(self.connection, &mut statement, started).await?;
                if has_savepoint && !is_about_savepoints(cut) {
                    self.send("RELEASE SAVEPOINT statement").await?;
                }
            }
            Err(error) => {
                let Some(server) = error.as_database_error().and_then(|e| e.try_downcast_ref::<PgDatabaseError>())
                else {
                    return Err(server_error("trying a migration", error));
                };
                if self.has_failed() && follows_from_a_failure(server.code()) {
                    statement.seconds = None;
                } else {
                    statement.failure = Some(Failure {
                        message: server.message().to_owned(),
                        code: server.code().to_owned(),
                        rows: None,
                        recipe: None,
                    });
                }
                if ends_block {
                    self.send("ROLLBACK; BEGIN").await?;
                }
                if has_savepoint {
                    self.send("ROLLBACK TO SAVEPOINT statement").await?;
                    if let Some(parts) = one_by_one(&cut.text)
                        && self.run_apart(cut, parts).await?
                    {
                        return Ok(());
                    }
                }
                if let Some(failure) = &mut statement.failure {
                    explain(self.connection, &statement.sql, server, failure, self.in_block).await?;
                }
            }
        }
        self.done.push(statement);
        Ok(())
    }

    /// The actions of a statement that fails one by one: which of them is it, and is it the only one? `false`: none of them
    /// fails alone, and nothing of this is left.
    async fn run_apart(&mut self, cut: &Cut, parts: Vec<String>) -> Result<bool> {
        self.send("SAVEPOINT apart").await?;
        let before = self.done.len();
        for text in parts {
            let part = Cut { text, words: cut.words.clone(), line: cut.line };
            Box::pin(self.run(&part)).await?;
        }
        if self.done[before..].iter().any(|statement| statement.failure.is_some()) {
            return Ok(true);
        }
        self.send("ROLLBACK TO SAVEPOINT apart").await?;
        self.done.truncate(before);
        Ok(false)
    }

    /// Lets what waits for the end of the transaction be done now, so that it is seen what it writes.
    async fn settle(&mut self) -> Result<(), sqlx::Error> {
        self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
        let mut nobodys = not_tried(&Cut::default());
        let seen = self.watch.look(self.connection, &mut nobodys, Instant::now()).await;
        seen.map_err(|error| sqlx::Error::Protocol(error.to_string()))
    }

    async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.settle().await?;
        self.connection.execute("COMMIT").await.map(drop)
    }

    async fn end(mut self) -> Result<Tried> {
        if !self.in_block {
            self.watch.written = Written::Anything;
        } else if self.has_failed() {
            self.send("ROLLBACK").await?;
        } else if let Err(error) = self.commit().await {
            let Some(server) = error.as_database_error() else {
                return Err(server_error("trying a migration", error));
            };
            // a constraint that is checked at the end alone
            if let Some(last) = self.done.last_mut() {
                last.failure = Some(Failure {
                    message: server.message().to_owned(),
                    code: server.code().unwrap_or_default().into_owned(),
                    rows: None,
                    recipe: None,
                });
            }
            self.send("ROLLBACK").await?;
        }
        self.watch.transaction_ended(&mut self.done);
        self.watch.look_at_labels(self.connection).await?;
        Ok(Tried { statements: self.done, written: self.watch.written })
    }
}

fn not_tried(cut: &Cut) -> Statement {
    let (sql, line) = (without_comments_before(&cut.text).to_owned(), usize::try_from(cut.line).unwrap_or_default());
    Statement { sql, line, seconds: None, locks: Vec::new(), rewrites: Vec::new(), failure: None }
}

/// Table, column, object, function, schema or unique key that is not there, or is still there; a type that did not become another.
fn follows_from_a_failure(code: &str) -> bool {
    matches!(
        code,
        "42P01"
            | "42703"
            | "42704"
            | "42883"
            | "3F000"
            | "2BP01"
            | "42P07"
            | "42710"
            | "42701"
            | "42804"
            | "42P16"
            | "42830"
    )
}

fn ends_block(cut: &Cut) -> bool {
    let ends = ["COMMIT", "END", "ROLLBACK", "ABORT"].iter().any(|word| cut.begins(&[word]));
    ends && !cut.says(&["TO"]) && !cut.says(&["PREPARED"])
}

/// With `RELEASE` of ours behind them, theirs would be gone too.
fn is_about_savepoints(cut: &Cut) -> bool {
    ["SAVEPOINT", "RELEASE", "ROLLBACK"].iter().any(|word| cut.begins(&[word]))
}

fn refuses_blocks(cut: &Cut) -> bool {
    // a body may end transactions, outside of a block
    let text = cut.text.to_uppercase();
    let commits =
        cut.begins(&["CALL"]) || cut.begins(&["DO"]) && (text.contains("COMMIT") || text.contains("ROLLBACK"));
    commits
        || cut.says(&["CONCURRENTLY"])
        || ["VACUUM", "LOCK", "ALTER SYSTEM", "CREATE DATABASE", "DROP DATABASE"].iter().any(|begin| {
            let words: Vec<&str> = begin.split(' ').collect();
            cut.begins(&words)
        })
}

/// The statements of a script without comments before them and without its spaces: what can be compared.
pub fn bare_statements(sql: &str) -> Vec<String> {
    let bare =
        |statement: &Cut| without_comments_before(&statement.text).split_whitespace().collect::<Vec<_>>().join(" ");
    cut(sql).iter().map(bare).collect()
}

/// The statements; a text that cannot be cut is one, for the server to complain about.
fn cut(sql: &str) -> Vec<Cut> {
    let whole = || vec![Cut { text: sql.to_owned(), words: Vec::new(), line: 1 }];
    let mut statements = Statements::default();
    let mut all = Vec::new();
    for line in sql.split_inclusive('\n') {
        match statements.line(line.as_bytes()) {
            Ok(done) => all.extend(done),
            Err(_) => return whole(),
        }
    }
    match statements.rest() {
        Ok(last) => all.extend(last),
        Err(_) => return whole(),
    }
    all
}

fn without_comments_before(text: &str) -> &str {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start();
        let after = if trimmed.starts_with("--") {
            trimmed.find('\n').map(|end| &trimmed[end..])
        } else if trimmed.starts_with("/*") {
            trimmed.find("*/").map(|end| &trimmed[end + 2..])
        } else {
            None
        };
        match after {
            Some(after) => rest = after,
            None => return trimmed.trim_end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_begins_behind_its_comments() {
        let all: Vec<(String, usize)> =
            cut("/*\n  Warnings: it's\n*/\n-- DropTable\nDROP TABLE a;\n\n-- x\nSELECT ';' -- end\n")
                .iter()
                .map(not_tried)
                .map(|s| (s.sql, s.line))
                .collect();
        assert_eq!(all, [("DROP TABLE a".to_owned(), 5), ("SELECT ';' -- end".to_owned(), 8)]);
        assert_eq!(cut("\\! x\n").len(), 1);
    }
}
