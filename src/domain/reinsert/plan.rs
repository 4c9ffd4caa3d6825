//! The plan: what happens to every table and column, and why. Made by a pure function; `apply` takes only it.

use super::columns::{ColumnPlan, SkippedColumn, Wishes};
use super::decide::{plan_columns, refused};
use super::empty::Types;
use super::identity::{RowIdentity, identity, told_apart};
use super::matching::{Matching, NoPlace, Pair, match_tables, source_column, targets};
use super::names::{Found, Name, find_column, find_table};
use super::options::{Fill, Options};
use super::sequences::{SequencePlan, plan_sequences};
use crate::domain::manifest::Manifest;
use crate::domain::names::QualifiedName;
use crate::domain::schema::{Catalog, Table};
use crate::error::{Error, ErrorKind, Result};
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub backup: String,
    pub tables: Vec<TablePlan>,
    pub skipped: Vec<SkippedTable>,
    /// Tables of today that the backup knows nothing of.
    pub new_tables: Vec<QualifiedName>,
    pub sequences: Vec<SequencePlan>,
    pub options: Options,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TablePlan {
    /// The table of today; a partitioned one takes the rows of all its leaves.
    pub table: QualifiedName,
    /// Its name in the backup.
    pub from: QualifiedName,
    /// The tables of the backup that its rows lie in: itself, or the leaves of a partitioned one.
    pub parts: Vec<QualifiedName>,
    pub partitioned: bool,
    /// For a partition leaf: the topmost partitioned table.
    pub partition_root: Option<QualifiedName>,
    pub rows: u64,
    pub columns: Vec<ColumnPlan>,
    pub skipped: Vec<SkippedColumn>,
    pub identity: RowIdentity,
    /// Unique keys (the primary key too) in which rows of the backup could collide with each other.
    pub keys_to_check: Vec<Vec<String>>,
    /// All unique keys over plain columns.
    pub keys: Vec<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedTable {
    pub table: QualifiedName,
    pub rows: u64,
    pub why: String,
}

/// Decides everything that can be decided without touching a row.
///
/// # Errors
/// `Usage` for names in the options that exist nowhere; `RowsDoNotFit` with the `--fill` to give.
pub fn plan(backup: &Manifest, now: &Catalog, types: &Types, options: &Options) -> Result<Plan> {
    let matching = match_tables(backup, now, options)?;
    let all_wishes = collect_wishes(&matching, now, options)?;
    let (mut tables, mut refusals) = (Vec::new(), Vec::new());
    for (pair, wishes) in matching.pairs.iter().zip(&all_wishes) {
        let source = &matching.sources[pair.source];
        let Some(old) = source.table() else { continue };
        let (columns, skipped) = plan_columns(source, pair.target, wishes, now, types, &mut refusals);
        // the leaves of one table may hold the same key twice
        let keyless = Table { primary_key: Vec::new(), unique_keys: Vec::new(), ..old.clone() };
        let old = if source.parts.len() == 1 { old } else { &keyless };
        let mut keys: Vec<Vec<String>> =
            std::iter::once(&pair.target.primary_key).chain(&pair.target.unique_keys).cloned().collect();
        keys.retain(|key| !key.is_empty());
        let rivals = matching.pairs.iter().filter(|p| p.target.name == pair.target.name).count() > 1;
        let unsure = |key: &&Vec<String>| rivals || !told_apart(key, old, &columns);
        tables.push(TablePlan {
            table: pair.target.name.clone(),
            from: source.name.clone(),
            parts: source.parts.iter().map(|p| p.table.name.clone()).collect(),
            partitioned: now.partitioned.iter().any(|t| t.name == pair.target.name),
            partition_root: pair.target.partition_root.clone(),
            rows: source.rows(),
            identity: identity(pair.target, old, &columns),
            keys_to_check: keys.iter().filter(unsure).cloned().collect(),
            keys,
            columns,
            skipped,
        });
    }
    if !refusals.is_empty() {
        return Err(refused(&refusals));
    }
    Ok(Plan {
        backup: backup.id.clone(),
        sequences: plan_sequences(backup, now, &tables, options),
        new_tables: new_tables(&matching, now),
        skipped: skipped_tables(&matching),
        tables,
        options: options.clone(),
    })
}

fn skipped_tables(matching: &Matching<'_, '_>) -> Vec<SkippedTable> {
    let skipped = matching.without_place.iter().map(|(n, why)| SkippedTable {
        table: matching.sources[*n].name.clone(),
        rows: matching.sources[*n].rows(),
        why: match why {
            NoPlace::Gone => "the table is gone".into(),
            NoPlace::Taken => "a --map sends another table there".into(),
        },
    });
    skipped.collect()
}

fn new_tables(matching: &Matching<'_, '_>, now: &Catalog) -> Vec<QualifiedName> {
    let known = |name: &QualifiedName| {
        matching.pairs.iter().any(|p| &p.target.name == name) || matching.sources.iter().any(|s| &s.name == name)
    };
    let new = targets(now).filter(|t| t.partition_root.is_none() && !known(&t.name));
    new.map(|t| t.name.clone()).collect()
}

/// What the options say about each pair.
fn collect_wishes(matching: &Matching<'_, '_>, now: &Catalog, options: &Options) -> Result<Vec<Wishes>> {
    let fills = new_columns("--fill", &options.fills, now)?;
    let casts = new_columns("--cast", &options.casts, now)?;
    let mut all = Vec::new();
    for pair in &matching.pairs {
        let of_target = |list: &[(QualifiedName, String, String)]| {
            let of_target = list.iter().filter(|(table, _, _)| table == &pair.target.name);
            of_target.map(|(_, column, sql)| (column.clone(), sql.clone())).collect()
        };
        all.push(Wishes {
            maps: column_maps(matching, pair)?,
            fills: of_target(&fills),
            casts: of_target(&casts),
            values: Vec::new(),
        });
    }
    for map in &options.value_maps {
        let (source, column) = source_column(&map.column, &matching.sources)
            .ok_or_else(|| unknown_old("--map-value", &map.column, matching))?;
        for (_, wishes) in matching.pairs.iter().zip(&mut all).filter(|(p, _)| p.source == source) {
            wishes.values.push((column.clone(), map.from.clone(), map.to.clone()));
        }
    }
    unused_column_maps(matching, &all)?;
    Ok(all)
}

fn unknown_old(flag: &str, name: &Name, matching: &Matching<'_, '_>) -> Error {
    let columns: Vec<String> =
        matching.sources.iter().flat_map(|s| s.column_names().map(|c| format!("{}.{c}", s.name.name))).collect();
    super::names::not_one::<String>(flag, &name.to_string(), &[], "in the backup", &columns)
}

/// The column maps that this pair can follow: old and new name.
pub(in crate::domain) fn column_maps(matching: &Matching<'_, '_>, pair: &Pair<'_>) -> Result<Vec<(String, String)>> {
    let mut maps: Vec<(String, String)> = Vec::new();
    for map in matching.column_maps.iter().filter(|m| m.source == pair.source) {
        let Some((table, part)) = map.to.0.split_last().map(|(last, before)| (Name(before.to_vec()), last)) else {
            continue;
        };
        if !table.0.is_empty() && find_table(&table, std::iter::once(&pair.target.name)) == Found::Nothing {
            continue;
        }
        let Found::One(new) = find_column(part, pair.target.columns.iter().map(|c| c.name.as_str())) else { continue };
        if pair.target.column(new).is_some_and(|c| c.generated) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "--map {}.{}={new}: {}.{new} is a generated column and cannot be written. Nothing was changed",
                    matching.sources[map.source].name, map.from, pair.target.name
                ),
            ));
        }
        if maps.iter().any(|(_, to)| to == new) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("--map: two columns go into {}.{new}. Nothing was changed", pair.target.name),
            ));
        }
        maps.push((map.from.clone(), new.to_owned()));
    }
    Ok(maps)
}

/// A column map that no pair of its table could follow names a column that is not there.
fn unused_column_maps(matching: &Matching<'_, '_>, wishes: &[Wishes]) -> Result<()> {
    for map in &matching.column_maps {
        let pairs: Vec<usize> = (0..matching.pairs.len()).filter(|n| matching.pairs[*n].source == map.source).collect();
        let last = map.to.0.last().map(|p| p.text.as_str()).unwrap_or_default();
        let used = pairs.iter().any(|n| {
            wishes[*n].maps.iter().any(|(from, to)| from == &map.from && to.to_lowercase() == last.to_lowercase())
        });
        if let (Some(first), false) = (pairs.first(), used) {
            let target = matching.pairs[*first].target;
            let columns: Vec<String> = target.columns.iter().map(|c| c.name.clone()).collect();
            return Err(super::names::not_one::<String>("--map", last, &[], &format!("in {}", target.name), &columns));
        }
    }
    Ok(())
}

/// Looks up `Table.column` of today for `--fill` and `--cast`: table, column, expression.
fn new_columns(flag: &str, wishes: &[Fill], now: &Catalog) -> Result<Vec<(QualifiedName, String, String)>> {
    let tables: Vec<String> = targets(now).map(|t| t.name.to_string()).collect();
    let mut found = Vec::new();
    for wish in wishes {
        let Some((table, column)) = wish.column.split_column() else { continue };
        let name = find_table(&table, targets(now).map(|t| &t.name));
        let name = name.or_usage(flag, &table.to_string(), "among the tables of the database", &tables)?;
        let Some(table) = now.table(name) else { continue };
        let columns: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
        let column = find_column(column, table.columns.iter().map(|c| c.name.as_str()));
        let column = column.or_usage(flag, &wish.column.to_string(), "in the database", &columns)?;
        if table.column(column).is_some_and(|c| c.generated) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{flag}: {name}.{column} is a generated column and cannot be written. Nothing was changed"),
            ));
        }
        found.push((name.clone(), column.to_owned(), wish.sql.clone()));
    }
    Ok(found)
}

impl TablePlan {
    /// Rows can go straight from the backup into an empty table: nothing is cast, filled or looked at.
    pub fn is_straight(&self) -> bool {
        use super::columns::Source;
        self.columns.iter().all(|c| {
            matches!(c.source, Source::Copied { .. } | Source::Default { .. } | Source::Identity { .. } | Source::Null)
        })
    }
}
