//! Gathering what suggestions are made from: the catalog of today, the migrations since, later backups, the journal.

use crate::domain::compare::{Verification, sides};
use crate::domain::ending::Migration;
use crate::domain::manifest::{DatabaseInfo, Manifest, TableData};
use crate::domain::migration_sql::renames;
use crate::domain::reinsert::Options;
use crate::domain::reinsert::empty::Types;
use crate::domain::rows::values;
use crate::domain::schema::Catalog;
use crate::domain::suggest::{Evidence, GoneLabels, Known, Suggestion, into_enums, suggest};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::rows::stored_rows;
use crate::postgres::catalog::read_catalog;
use crate::postgres::census::empty_tables;
use crate::postgres::prisma_journal;
use crate::postgres::reinsert::transaction::close;
use crate::postgres::reinsert::types::read_shapes;
use crate::postgres::session::connect;
use crate::postgres::snapshot::read_database_info;
use crate::postgres::url::DatabaseUrl;
use crate::prisma::Project;
use crate::store::Store;
use std::collections::BTreeSet;

/// Rows of a table are searched for labels up to this size, in bytes: nobody waits longer for a suggestion.
const SEARCHED_BYTES: u64 = 1 << 30;

/// What was found.
pub struct Survey {
    now: Catalog,
    types: Types,
    evidence: Evidence,
}

/// Looks at the database as it is now, and at what is known of the time since the backup. `verification`: one against
/// this backup; without it the journal is searched for one.
///
/// # Errors
/// Those of the connection; `Store`.
pub async fn survey(
    url: &DatabaseUrl,
    store: &Store,
    project: Option<&Project>,
    backup: &Manifest,
    verification: Option<Verification>,
) -> Result<Survey> {
    let mut connection = connect(url).await?;
    let now = read_catalog(&mut connection).await?;
    let types = read_shapes(&mut connection).await?;
    let empty = empty_tables(&mut connection, &now).await?;
    let info = read_database_info(&mut connection).await?;
    let migrations = prisma_journal::read(&mut connection, url.prisma_schema()).await?;
    close(connection).await;
    let mut evidence = Evidence {
        same_database: is_same(&backup.database, &info),
        seen: seen_later(store, backup, &info, &now)?,
        empty,
        verification,
        ..Evidence::default()
    };
    if evidence.verification.is_none() {
        evidence.verification = verified_before(store, backup)?;
    }
    if let Some(project) = project {
        let known = backup.project.as_ref().map(|p| p.migrations.as_slice()).unwrap_or_default();
        let since = migrations.iter().filter(|m: &&Migration| m.is_applied() && !known.contains(&m.name));
        evidence.renames = since
            .filter_map(|m| Some((m.name.clone(), project.migration_sql(&m.name)?)))
            .flat_map(|(name, sql)| {
                renames(&sql, url.prisma_schema()).into_iter().map(move |rename| (name.clone(), rename))
            })
            .collect();
    }
    Ok(Survey { now, types, evidence })
}

/// oids are the server's: without its identity they prove nothing.
fn is_same(then: &DatabaseInfo, now: &DatabaseInfo) -> bool {
    then.system_identifier.is_some() && then.system_identifier == now.system_identifier && then.name == now.name
}

/// The tables of the newest backup since that are today as they were then.
fn seen_later(store: &Store, backup: &Manifest, info: &DatabaseInfo, now: &Catalog) -> Result<Vec<TableData>> {
    let (manifests, _) = store.manifests()?;
    let later = manifests.into_iter().find(|m| is_same(&m.database, info));
    let later = later.filter(|m| m.created_at > backup.created_at);
    let mut tables = later.map(|m| m.tables).unwrap_or_default();
    tables.retain(|data| now.table(&data.table.name) == Some(&data.table));
    Ok(tables)
}

/// What the run that took the backup found afterwards, while nothing but re-inserts came after it.
fn verified_before(store: &Store, backup: &Manifest) -> Result<Option<Verification>> {
    let runs = store.runs()?;
    let run = runs.into_iter().find(|run| run.command != "reinsert");
    Ok(run.filter(|run| run.before.contains(&backup.id)).and_then(|run| run.verification))
}

impl Survey {
    /// What `options` leave without a place, and what to add for it; not what was `declined`.
    ///
    /// # Errors
    /// `Usage` for names in the options that exist nowhere.
    pub fn suggest(&self, backup: &Manifest, options: &Options, declined: &[Suggestion]) -> Result<Vec<Suggestion>> {
        suggest(self.known(backup), options, declined)
    }

    /// Searches the rows of these tables (by their names in the backup) for labels that an enum has not any more.
    ///
    /// # Errors
    /// `Damaged`, `Store`.
    pub async fn look_for_labels(
        &mut self,
        store: &Store,
        backup: &Manifest,
        options: &Options,
        tables: &[String],
    ) -> Result<()> {
        if tables.is_empty() {
            return Ok(());
        }
        let mut columns = into_enums(self.known(backup), options)?;
        columns.retain(|(table, ..)| tables.contains(&table.to_string()));
        if columns.is_empty() {
            return Ok(());
        }
        let (store, data) = (store.clone(), backup.tables.clone());
        let search = move || -> Result<Vec<GoneLabels>> {
            let found = columns.into_iter().map(|(table, column, choices)| {
                let labels = labels_gone(&store, &data, &table.to_string(), &column, &choices)?;
                Ok(GoneLabels { table, column, labels, choices })
            });
            found.collect()
        };
        let found = tokio::task::spawn_blocking(search).await;
        self.evidence.labels_gone =
            found.map_err(|e| Error::new(ErrorKind::Other, "Searching the backup stopped").because(e))??;
        Ok(())
    }

    fn known<'a>(&'a self, backup: &'a Manifest) -> Known<'a> {
        Known { backup, now: &self.now, types: &self.types, evidence: &self.evidence }
    }
}

/// The labels of a column of the backup, array elements too, that are none of `today`.
fn labels_gone(store: &Store, data: &[TableData], table: &str, column: &str, today: &[String]) -> Result<Vec<String>> {
    let sides = sides(data);
    let Some(side) = sides.iter().find(|side| side.name.to_string() == table) else { return Ok(Vec::new()) };
    let bytes: u64 = side.parts.iter().map(|part| part.stats.bytes).sum();
    let (Some(place), true) = (side.column(column), bytes <= SEARCHED_BYTES) else { return Ok(Vec::new()) };
    let is_list = side.columns[place].0.type_name.ends_with("[]");
    let mut found: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut note = |label: &[u8]| {
        if !label.is_empty() && !today.iter().any(|known| known.as_bytes() == label) && !found.contains(label) {
            found.insert(label.to_vec());
        }
    };
    stored_rows(store, side, &side.all_segments(), |row| {
        let value = values(row).nth(place).unwrap_or_default();
        if value.contains(&b'\\') {
            // NULL, or a label that no Prisma schema can have
        } else if is_list {
            let inside = value.strip_prefix(b"{").and_then(|v| v.strip_suffix(b"}")).unwrap_or_default();
            inside.split(|b| *b == b',').filter(|label| *label != b"NULL").for_each(&mut note);
        } else {
            note(value);
        }
    })?;
    Ok(found.into_iter().filter_map(|label| String::from_utf8(label).ok()).collect())
}
