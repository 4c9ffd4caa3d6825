//! Which table of the backup goes into which table of the database, and where the `--map`s point.

use super::names::{Found, Name, find_column, find_table};
use super::options::{Map, Options};
use crate::domain::manifest::{Manifest, TableData};
use crate::domain::names::QualifiedName;
use crate::domain::schema::{Catalog, Table};
use crate::error::{Error, ErrorKind, Result};

/// A table of the backup; a partitioned one with all its leaves.
#[derive(Debug, Clone)]
pub struct SourceTable<'b> {
    pub name: QualifiedName,
    pub parts: Vec<&'b TableData>,
}

impl SourceTable<'_> {
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|p| p.stats.rows).sum()
    }

    /// The columns as the backup holds them; all leaves have the same ones.
    pub fn table(&self) -> Option<&Table> {
        self.parts.first().map(|p| &p.table)
    }

    pub fn column_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.table()
            .map(|t| t.columns.as_slice())
            .unwrap_or_default()
            .iter()
            .filter(|c| !c.generated)
            .map(|c| c.name.as_str())
    }
}

/// A `--map` of a column, looked up.
#[derive(Debug, Clone)]
pub struct ColumnMap {
    /// Index into the sources.
    pub source: usize,
    pub from: String,
    pub to: Name,
}

/// One source going into one table of today.
pub struct Pair<'n> {
    pub source: usize,
    pub target: &'n Table,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    Gone,
    /// A `--map` sends another table there.
    Taken,
}

pub struct Matching<'b, 'n> {
    pub sources: Vec<SourceTable<'b>>,
    pub pairs: Vec<Pair<'n>>,
    pub without_place: Vec<(usize, NoPlace)>,
    pub column_maps: Vec<ColumnMap>,
}

/// Tables that rows can go into; partitioned ones stand for their leaves.
pub fn targets(now: &Catalog) -> impl Iterator<Item = &Table> + Clone {
    now.tables.iter().chain(&now.partitioned).filter(|t| !t.name.is_prisma_migrations())
}

/// Matches tables by `--map`, then by name, then by name without regard to case where one candidate fits.
///
/// # Errors
/// `Usage` for a name that exists nowhere or means several things.
pub fn match_tables<'b, 'n>(backup: &'b Manifest, now: &'n Catalog, options: &Options) -> Result<Matching<'b, 'n>> {
    let sources = sources(backup, now, options);
    let (mut claims, mut column_maps) = (Vec::new(), Vec::new());
    for map in &options.maps {
        match look_up(map, &sources, now)? {
            Meaning::Table(source, target) => claims.push((source, target)),
            Meaning::Column(column) => column_maps.push(column),
        }
    }
    let mut pairs: Vec<Pair<'n>> = claims.iter().map(|&(source, target)| Pair { source, target }).collect();
    let mut without_place = Vec::new();
    let unclaimed = |n: usize| !claims.iter().any(|(source, _)| *source == n);
    for (n, source) in sources.iter().enumerate().filter(|(n, _)| unclaimed(*n)) {
        match same_table(source, &sources, now) {
            Some(target) if claims.iter().any(|(_, t)| t.name == target.name) => {
                without_place.push((n, NoPlace::Taken))
            }
            Some(target) => pairs.push(Pair { source: n, target }),
            None => without_place.push((n, NoPlace::Gone)),
        }
    }
    pairs.sort_by(|a, b| a.target.name.cmp(&b.target.name).then(a.source.cmp(&b.source)));
    let mut matching = Matching { sources, pairs, without_place, column_maps };
    matching.keep_only(&options.tables, now)?;
    Ok(matching)
}

impl Matching<'_, '_> {
    /// `--table`: old or new names.
    fn keep_only(&mut self, wanted: &[Name], now: &Catalog) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut names: Vec<QualifiedName> = Vec::new();
        for name in wanted {
            let old = find_table(name, self.sources.iter().map(|s| &s.name));
            let new = find_table(name, targets(now).map(|t| &t.name));
            match (old, new) {
                (Found::One(old), Found::One(new)) => names.extend([old.clone(), new.clone()]),
                (Found::One(one), Found::Nothing) | (Found::Nothing, Found::One(one)) => names.push(one.clone()),
                (_, found) => {
                    let candidates: Vec<String> = targets(now).map(|t| t.name.to_string()).collect();
                    found.or_usage("--table", &name.to_string(), "in the backup or the database", &candidates)?;
                }
            }
        }
        let sources = &self.sources;
        let is_wanted = |source: usize| names.contains(&sources[source].name);
        self.pairs.retain(|p| is_wanted(p.source) || names.contains(&p.target.name));
        self.without_place.retain(|(n, _)| is_wanted(*n));
        Ok(())
    }
}

/// The leaves of a partitioned table are one source where that table still exists or is mapped.
fn sources<'b>(backup: &'b Manifest, now: &Catalog, options: &Options) -> Vec<SourceTable<'b>> {
    let mut sources: Vec<SourceTable<'b>> = Vec::new();
    for data in backup.tables.iter().filter(|t| !t.table.name.is_prisma_migrations()) {
        let root = data.table.partition_root.as_ref().filter(|root| {
            let mapped = |map: &Map| find_table(&map.from, std::iter::once(*root)) != Found::Nothing;
            now.table(root).is_some() || options.maps.iter().any(mapped)
        });
        let name = root.unwrap_or(&data.table.name);
        match sources.iter_mut().find(|s| root.is_some() && &s.name == name) {
            Some(source) => source.parts.push(data),
            None => sources.push(SourceTable { name: name.clone(), parts: vec![data] }),
        }
    }
    sources
}

/// The table of today with the source's name; else the only one that differs by case alone from only this source.
fn same_table<'n>(source: &SourceTable<'_>, sources: &[SourceTable<'_>], now: &'n Catalog) -> Option<&'n Table> {
    if let Some(target) = targets(now).find(|t| t.name == source.name) {
        return Some(target);
    }
    let folded = |name: &QualifiedName| (name.schema.to_lowercase(), name.name.to_lowercase());
    let wanted = folded(&source.name);
    let mut near = targets(now).filter(|t| folded(&t.name) == wanted);
    let (only, another) = (near.next()?, near.next());
    let rivals = sources.iter().filter(|s| folded(&s.name) == wanted).count();
    (another.is_none() && rivals == 1).then_some(only)
}

enum Meaning<'n> {
    Table(usize, &'n Table),
    Column(ColumnMap),
}

fn look_up<'n>(map: &Map, sources: &[SourceTable<'_>], now: &'n Catalog) -> Result<Meaning<'n>> {
    let column = column_meaning(map, sources);
    let table = find_table(&map.from, sources.iter().map(|s| &s.name));
    let both = || {
        Error::new(
            ErrorKind::Usage,
            format!("--map {}={}: {} is a table and a column. Nothing was changed", map.from, map.to, map.from),
        )
    };
    match (column, table) {
        (Some(_), Found::One(_)) if map.to.0.len() == 1 => {
            Err(both().hint("Write schema.Table.column=new for the column, schema.Old=schema.New for the table."))
        }
        (Some(column), found) if found == Found::Nothing || map.to.0.len() != 2 => Ok(Meaning::Column(column)),
        (_, Found::One(name)) => {
            let candidates: Vec<String> = targets(now).map(|t| t.name.to_string()).collect();
            let target = find_table(&map.to, targets(now).map(|t| &t.name));
            let target =
                target.or_usage("--map", &map.to.to_string(), "among the tables of the database", &candidates)?;
            let source = sources.iter().position(|s| &s.name == name);
            let target = targets(now).find(|t| &t.name == target);
            source.zip(target).map(|(s, t)| Meaning::Table(s, t)).ok_or_else(both)
        }
        (Some(column), _) => Ok(Meaning::Column(column)),
        (None, found) => {
            let candidates: Vec<String> =
                match map.from.split_column().map(|(t, _)| find_table(&t, sources.iter().map(|s| &s.name))) {
                    Some(Found::One(table)) => {
                        let of_table = sources.iter().filter(|s| &s.name == table);
                        of_table.flat_map(|s| s.column_names().map(|c| format!("{}.{c}", s.name.name))).collect()
                    }
                    _ => sources.iter().map(|s| s.name.to_string()).collect(),
                };
            let error = found.or_usage("--map", &map.from.to_string(), "in the backup", &candidates);
            Err(error.err().unwrap_or_else(both).hint("The old name comes first: --map Old=New, --map Table.old=new."))
        }
    }
}

/// The source and the column that the left side of a map means, if it means one.
fn column_meaning(map: &Map, sources: &[SourceTable<'_>]) -> Option<ColumnMap> {
    let (source, from) = source_column(&map.from, sources)?;
    Some(ColumnMap { source, from, to: map.to.clone() })
}

/// Looks up `Table.column` among the columns of the backup.
pub fn source_column(name: &Name, sources: &[SourceTable<'_>]) -> Option<(usize, String)> {
    let (table, column) = name.split_column()?;
    let Found::One(table) = find_table(&table, sources.iter().map(|s| &s.name)) else { return None };
    let source = sources.iter().position(|s| &s.name == table)?;
    match find_column(column, sources[source].column_names()) {
        Found::One(column) => Some((source, column.to_owned())),
        _ => None,
    }
}
