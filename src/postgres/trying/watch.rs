//! What a statement locks, and which tables it makes the server write anew.

use crate::domain::names::QualifiedName;
use crate::domain::rehearsal::{Lock, Rewrite, Statement};
use crate::error::Result;
use crate::postgres::session::doing;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow, types::Oid};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Locks of whoever writes or changes a table, and stronger ones; also on what the statement dropped.
const LOCKS: &str = "SELECT l.relation AS oid, l.mode, c.oid IS NULL AS is_gone,
        pg_catalog.pg_relation_filenode(c.oid) AS file, coalesce(pg_catalog.pg_table_size(c.oid), 0) AS bytes
    FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
    ORDER BY n.nspname, c.relname, l.relation, array_position(ARRAY['AccessExclusiveLock', 'ExclusiveLock'], l.mode),
        l.mode DESC";

const FILES: &str = "SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name,
        pg_catalog.pg_relation_filenode(c.oid) AS file
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Locks that keep out whoever wants to write, or everybody.
const KEEP_OUT: [&str; 4] = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"];

/// Which tables can have other rows than before: nobody writes into one, or changes it, without a lock that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// None but those with these oids.
    These(BTreeSet<u32>),
    /// What was done could not be watched.
    Anything,
}

impl Written {
    pub fn nothing() -> Self {
        Self::These(BTreeSet::new())
    }

    pub fn includes(&self, table: u32) -> bool {
        match self {
            Self::These(tables) => tables.contains(&table),
            Self::Anything => true,
        }
    }

    pub fn and(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::These(all), Self::These(more)) => all.extend(more),
            (this, _) => *this = Self::Anything,
        }
    }
}

/// What is known of one script.
pub struct Watch {
    pub written: Written,
    /// The tables that were there before, by oid: name, and the file that they are in.
    tables: BTreeMap<u32, (String, Option<Oid>)>,
    /// The labels of enums, by oid: a new name for one is another value in every table, which nobody has to lock for it.
    labels: BTreeMap<u32, String>,
    /// Locks that are held: table and mode, by which statement, since when.
    held: Vec<(String, String, usize, Instant)>,
}

impl Watch {
    /// # Errors
    /// `Server`.
    pub async fn begin(connection: &mut PgConnection) -> Result<Self> {
        let rows = sqlx::query(FILES).fetch_all(&mut *connection).await.map_err(doing("looking at the tables"))?;
        let tables = rows.iter().map(|row| Ok((oid(row)?, (name(row)?, file(row)?))));
        let tables = tables.collect::<Result<_>>()?;
        let labels = labels(connection).await?;
        Ok(Self { tables, labels, held: Vec::new(), written: Written::nothing() })
    }

    /// Whether a label has another name by now.
    ///
    /// # Errors
    /// `Server`.
    pub async fn look_at_labels(&mut self, connection: &mut PgConnection) -> Result<()> {
        let now = labels(connection).await?;
        if self.labels.iter().any(|(oid, label)| now.get(oid).is_some_and(|now| now != label)) {
            self.written = Written::Anything;
        }
        Ok(())
    }

    /// Takes down what the statement, the next one, did.
    ///
    /// # Errors
    /// `Server`.
    pub async fn look(&mut self, connection: &mut PgConnection, done: &mut Statement, at: Instant) -> Result<()> {
        let rows = sqlx::query(LOCKS).fetch_all(connection).await.map_err(doing("looking at the locks"))?;
        for row in &rows {
            let oid = oid(row)?;
            self.written.and(Written::These(BTreeSet::from([oid])));
            let Some((table, known)) = self.tables.get_mut(&oid) else { continue };
            let mode: String = get(row, "mode")?;
            if !KEEP_OUT.contains(&mode.as_str()) {
                continue;
            }
            let mode = spelled(&mode);
            let now = file(row)?;
            if *known != now && !get::<bool>(row, "is_gone")? {
                *known = now;
                let bytes = u64::try_from(get::<i64>(row, "bytes")?).unwrap_or_default();
                let is_emptied = done.sql.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("TRUNCATE"));
                if !is_emptied {
                    done.rewrites.push(Rewrite { table: table.clone(), bytes });
                }
            }
            // one that keeps out fewer says nothing more
            if !self.held.iter().any(|(held, as_mode, ..)| held == table && strength(as_mode) >= strength(&mode)) {
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

async fn labels(connection: &mut PgConnection) -> Result<BTreeMap<u32, String>> {
    let sql = "SELECT oid, enumlabel::text AS label FROM pg_catalog.pg_enum";
    let rows = sqlx::query(sql).fetch_all(connection).await.map_err(doing("looking at the enums"))?;
    rows.iter().map(|row| Ok((oid(row)?, get(row, "label")?))).collect()
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

/// Each keeps out whomever the weaker ones do.
fn strength(mode: &str) -> usize {
    ["SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"]
        .iter()
        .position(|known| *known == mode)
        .unwrap_or(0)
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
