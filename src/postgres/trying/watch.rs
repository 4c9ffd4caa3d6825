//! What a statement locks, and which tables it makes the server write anew.

use crate::domain::names::QualifiedName;
use crate::domain::rehearsal::{Lock, Rewrite, Statement};
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow, types::Oid};
use std::collections::BTreeMap;
use std::time::Instant;

/// Locks that keep out whoever wants to write, or everybody.
const LOCKS: &str = "SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, l.mode,
        pg_catalog.pg_relation_filenode(c.oid) AS file, pg_catalog.pg_table_size(c.oid) AS bytes
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND c.relkind IN ('r', 'p')
      AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    ORDER BY n.nspname, c.relname, l.mode";

const FILES: &str = "SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name,
        pg_catalog.pg_relation_filenode(c.oid) AS file
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// What is known of one transaction.
pub struct Watch {
    /// The tables that were there before, by oid: name, and the file that they are in.
    tables: BTreeMap<u32, (String, Option<Oid>)>,
    /// Locks that are held: table and mode, by which statement, since when.
    held: Vec<(String, String, usize, Instant)>,
}

impl Watch {
    /// # Errors
    /// `Server`.
    pub async fn begin(connection: &mut PgConnection) -> Result<Self> {
        let rows = sqlx::query(FILES).fetch_all(connection).await.map_err(doing("looking at the tables"))?;
        let tables = rows.iter().map(|row| Ok((oid(row)?, (name(row)?, file(row)?))));
        Ok(Self { tables: tables.collect::<Result<_>>()?, held: Vec::new() })
    }

    /// Takes down what the statement, the next one, did.
    ///
    /// # Errors
    /// `Server`.
    pub async fn look(&mut self, connection: &mut PgConnection, done: &mut Statement, at: Instant) -> Result<()> {
        let rows = sqlx::query(LOCKS).fetch_all(connection).await.map_err(doing("looking at the locks"))?;
        for row in &rows {
            let Some((table, known)) = self.tables.get_mut(&oid(row)?) else { continue };
            let mode = spelled(&get::<String>(row, "mode")?);
            let now = file(row)?;
            if *known != now {
                *known = now;
                let bytes = u64::try_from(get::<i64>(row, "bytes")?).unwrap_or_default();
                let is_emptied = done.sql.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("TRUNCATE"));
                if !is_emptied {
                    done.rewrites.push(Rewrite { table: table.clone(), bytes });
                }
            }
            if !self.held.iter().any(|(held, as_mode, ..)| held == table && *as_mode == mode) {
                done.locks.push(Lock { table: table.clone(), mode: mode.clone(), seconds: 0.0 });
                self.held.push((table.clone(), mode, done.line, at));
            }
        }
        Ok(())
    }

    /// Nothing is locked any more: tells for how long it was.
    pub fn transaction_ended(&mut self, statements: &mut [Statement]) {
        for (table, mode, line, since) in self.held.drain(..) {
            let of_line = statements.iter_mut().filter(|s| s.line == line).flat_map(|s| &mut s.locks);
            for lock in of_line.filter(|lock| lock.table == table && lock.mode == mode) {
                lock.seconds = since.elapsed().as_secs_f64();
            }
        }
    }
}

/// `AccessExclusiveLock` as the manual writes it.
fn spelled(mode: &str) -> String {
    let mut words = String::new();
    for c in mode.trim_end_matches("Lock").chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_uppercase());
    }
    words
}

fn oid(row: &PgRow) -> Result<u32> {
    Ok(get::<Oid>(row, "oid")?.0)
}

fn file(row: &PgRow) -> Result<Option<Oid>> {
    get(row, "file")
}

fn name(row: &PgRow) -> Result<String> {
    Ok(QualifiedName::new(get::<String>(row, "schema")?, get::<String>(row, "name")?).to_string())
}

fn get<'r, T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(row: &'r PgRow, name: &str) -> Result<T> {
    row.try_get(name).map_err(doing("reading what a statement locked"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn locks_are_called_as_in_the_manual() {
        assert_eq!(super::spelled("AccessExclusiveLock"), "ACCESS EXCLUSIVE");
        assert_eq!(super::spelled("ShareLock"), "SHARE");
    }
}
