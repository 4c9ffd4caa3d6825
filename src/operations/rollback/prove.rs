//! Proof that what was restored equals the backup: every table, column, row, value, sequence and object.

use super::Job;
use crate::domain::digest::TableStats;
use crate::domain::event::Event;
use crate::domain::manifest::{Manifest, TableData};
use crate::domain::names::QualifiedName;
use crate::domain::schema::{Catalog, Column, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::reading::Reading;
use crate::postgres::PgConnection;
use crate::postgres::catalog::read_catalog;
use crate::postgres::census::census;
use crate::postgres::snapshot::Snapshot;
use crate::postgres::structure::Entry;
use crate::postgres::tools::Tool;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Reads a database beside the live one back, over several connections, and compares it with the backup.
///
/// # Errors
/// `Other`, naming the first thing that differs; `Server`.
pub(super) async fn beside(job: &Job<'_>, scratch: &str) -> Result<()> {
    let mut snapshot = Snapshot::open(&job.url.with_database(scratch)).await?;
    shape(job, &snapshot.catalog)?;
    // read by the backup's own description: its columns in its order
    let oids: BTreeMap<QualifiedName, u32> = snapshot.catalog.tables.drain(..).map(|t| (t.name, t.oid)).collect();
    let there = |data: &TableData| {
        let oid = oids.get(&data.table.name).copied().unwrap_or_default();
        Table { oid, ..data.table.clone() }
    };
    snapshot.catalog.tables = job.backup.tables.iter().map(there).collect();
    let read = Reading::plan(&mut snapshot).await?.hash(&snapshot, job.observer).await?;
    for (data, found) in job.backup.tables.iter().zip(&read) {
        equal_rows(data, &found.data.stats)?;
        job.observer.on(Event::TableDone(data.table.name.to_string()));
    }
    snapshot.close().await
}

fn equal_rows(data: &TableData, found: &TableStats) -> Result<()> {
    match *found == data.stats {
        true => Ok(()),
        false => Err(differs(&data.table.name.to_string(), "rows", &found.rows, &data.stats.rows)),
    }
}

/// Reads everything back over one connection, in its transaction, and compares it with the backup.
///
/// # Errors
/// `Other`, naming the first thing that differs; `Server`.
pub(super) async fn contents(job: &Job<'_>, connection: &mut PgConnection) -> Result<()> {
    shape(job, &read_catalog(connection).await?)?;
    for data in &job.backup.tables {
        let found = census(connection, &data.table).await?;
        equal_rows(data, &found)?;
        job.observer.on(Event::Bytes(found.bytes));
        job.observer.on(Event::TableDone(data.table.name.to_string()));
    }
    Ok(())
}

/// Whether the tables of this session's database have the rows of a backup, value by value.
///
/// # Errors
/// `Server`.
pub(super) async fn holds_rows_of(job: &Job<'_>, backup: &Manifest, connection: &mut PgConnection) -> Result<bool> {
    for data in &backup.tables {
        let found = census(connection, &data.table).await?;
        job.observer.on(Event::Bytes(found.bytes));
        if found != data.stats {
            return Ok(false);
        }
    }
    Ok(true)
}

fn differs(what: &str, of: &str, found: &dyn Debug, wanted: &dyn Debug) -> Error {
    let text = format!(
        "The restored copy is not equal to the backup: {of} of {what} are {found:?} where the backup has {wanted:?}"
    );
    let text = if format!("{found:?}") == format!("{wanted:?}") {
        format!("The restored copy is not equal to the backup: values of {what} differ")
    } else {
        text
    };
    Error::new(ErrorKind::Other, text).hint("Please report this: it should never happen.")
}

/// Tables with their columns, sequences, schemas, materialized views.
fn shape(job: &Job<'_>, found: &Catalog) -> Result<()> {
    let wanted = job.backup;
    let names = |tables: &mut dyn Iterator<Item = &Table>| tables.map(|t| t.name.to_string()).collect::<Vec<_>>();
    let (mut here, mut there) =
        (names(&mut found.tables.iter()), names(&mut wanted.tables.iter().map(|data| &data.table)));
    here.sort();
    there.sort();
    let equal = |what: &str, here: &dyn Debug, there: &dyn Debug| {
        if format!("{here:?}") == format!("{there:?}") {
            Ok(())
        } else {
            Err(differs("the database", what, here, there))
        }
    };
    equal("the tables", &here, &there)?;
    equal("the schemas", &found.schemas, &wanted.schemas)?;
    equal("the materialized views", &sorted(&found.materialized_views), &sorted(&wanted.materialized_views))?;
    for data in &wanted.tables {
        let columns = found.table(&data.table.name).map_or_else(BTreeMap::new, |t| described(&t.columns));
        let there = described(&data.table.columns);
        if columns != there {
            return Err(differs(&data.table.name.to_string(), "the columns", &columns, &there));
        }
    }
    for sequence in &wanted.sequences {
        let here = found.sequences.iter().find(|s| s.name == sequence.name);
        if here != Some(sequence) {
            return Err(differs(&sequence.name.to_string(), "the figures", &here, &Some(sequence)));
        }
    }
    equal("the sequences", &found.sequences.len(), &wanted.sequences.len())
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items
}

/// What of a column a restore keeps: not its number, and for inherited ones not its place.
fn described(columns: &[Column]) -> BTreeMap<&str, String> {
    let describe =
        |c: &Column| format!("{}, not null: {}, {:?}, generated: {}", c.type_name, c.not_null, c.identity, c.generated);
    columns.iter().map(|c| (c.name.as_str(), describe(c))).collect()
}

/// Whether the rights in two descriptions can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    OfOneVersion,
    OfTwoVersions,
}

impl Words {
    /// Those of the backup and those of this `pg_dump`: each major version puts the same rights into others.
    pub(super) fn of(backup: &Manifest, pg_dump: &Tool) -> Self {
        let major = |version: &str| version.split(|c: char| !c.is_ascii_digit()).next().map(str::to_owned);
        let then = backup.structure.as_ref().and_then(|s| major(&s.pg_dump));
        if then == major(&pg_dump.version) { Self::OfOneVersion } else { Self::OfTwoVersions }
    }
}

/// What of the backup's structure is missing, what is there besides, and which rights and comments differ; empty when
/// all is equal. Definitions are not compared word by word: PostgreSQL may print a check that it has read differently.
pub(super) fn structure<'a>(
    found: impl Iterator<Item = &'a Entry>,
    wanted: impl Iterator<Item = &'a Entry>,
    words: Words,
) -> Vec<String> {
    let (mut here, there) = (counted(found, words), counted(wanted, words));
    let mut differences = Vec::new();
    for (key, count) in there {
        let found = here.remove(&key).unwrap_or(0);
        if found < count {
            differences.push(format!("{} is missing", key.0));
        } else if found > count {
            differences.push(format!("{} is there twice", key.0));
        }
    }
    differences.extend(here.into_keys().map(|key| format!("{} is not as in the backup", key.0)));
    differences.sort();
    differences
}

/// Label and, where PostgreSQL prints it back word by word, text.
fn counted<'a>(entries: impl Iterator<Item = &'a Entry>, words: Words) -> BTreeMap<(String, String), u32> {
    let mut counted = BTreeMap::new();
    let is_told_apart = |e: &Entry| match e.kind.as_str() {
        // the names of arguments stand in the labels of functions, and a younger server knows more of them
        "ACL" | "DEFAULT ACL" => words == Words::OfOneVersion,
        kind => !kind.starts_with("BLOB"),
    };
    for entry in entries.filter(|e| is_told_apart(e) && !is_of_large_object(e)) {
        let label = format!("{} of {}", entry.label(), entry.owner.as_deref().unwrap_or("nobody"));
        let text = match entry.kind.as_str() {
            "ACL" | "DEFAULT ACL" | "COMMENT" | "EXTENSION" => entry.statements(),
            _ => String::new(),
        };
        *counted.entry((label, text)).or_insert(0) += 1;
    }
    counted
}

fn is_of_large_object(entry: &Entry) -> bool {
    entry.name.starts_with("LARGE OBJECT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, name: &str, sql: &str) -> Entry {
        Entry { kind: kind.into(), schema: None, name: name.into(), owner: Some("jo".into()), sql: sql.into() }
    }

    #[test]
    fn finds_what_is_missing_and_what_is_new() {
        let wanted = [entry("TABLE", "a", "x"), entry("ACL", "TABLE a", "GRANT a;\nGRANT b;\n")];
        let same = [entry("ACL", "TABLE a", "--\nGRANT b;\n\nGRANT a;\n"), entry("TABLE", "a", "y")];
        assert_eq!(structure(same.iter(), wanted.iter(), Words::OfOneVersion), Vec::<String>::new());
        let other = [entry("TABLE", "b", "x"), entry("ACL", "TABLE a", "GRANT a;\n")];
        let said = structure(other.iter(), wanted.iter(), Words::OfOneVersion);
        assert_eq!(said.len(), 4, "{said:?}");
        assert_eq!(structure(other.iter(), wanted.iter(), Words::OfTwoVersions).len(), 2);
        assert!(said.contains(&"TABLE a of jo is missing".to_owned()));
    }
}
