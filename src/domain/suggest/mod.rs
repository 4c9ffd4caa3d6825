//! From what has no place any more to the options of `reinsert` that would bring it back: the one place that knows them,
//! for the plan, for the questions at the terminal and for the command that is named after a loss.
//! A suggestion is shown with its reason, never followed unasked.

mod columns;
mod open;
mod relations;
mod tables;
#[cfg(test)]
mod tests;
mod values;
mod words;

pub use words::{Entry, command_line, entries, in_words};

use super::compare::Verification;
use super::manifest::{Manifest, TableData};
use super::migration_sql::Rename;
use super::names::QualifiedName;
use super::reinsert::empty::{TypeShape, Types};
use super::reinsert::matching::match_tables;
use super::reinsert::options::{parse_cast, parse_fill, parse_map, parse_table};
use super::reinsert::{OnConflict, Options};
use super::schema::Catalog;
use crate::error::Result;
use open::Open;

/// What is to be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// `--map` texts that belong together.
    Map(Vec<String>),
    /// `tables`: the `--table`s that it shall be limited to.
    OnConflict {
        how: OnConflict,
        tables: Vec<String>,
    },
    Fill(String),
    Cast(String),
    /// `text` ends with `=?`: only the user knows which of the labels of today it is.
    MapValue {
        text: String,
        choices: Vec<String>,
    },
}

/// An option with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub advice: Advice,
    /// "same values".
    pub because: String,
    pub question: Option<Question>,
}

/// How a person is asked whether it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// "Was Product.title renamed to name?"
    pub text: String,
    /// What Enter alone means.
    pub default: bool,
    /// The `--map` without which it makes no sense.
    pub needs: Option<String>,
}

/// What is known beside the backup and the catalog of today.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The backup is of this very database: oids and column numbers mean the same then and now.
    pub same_database: bool,
    /// What the migrations applied since have renamed, each with the migration's name, in the order of their application.
    pub renames: Vec<(String, Rename)>,
    /// Tables as a later backup read them: digests of the values of today, where the table is still as it was then.
    pub seen: Vec<TableData>,
    /// Tables of today without a row.
    pub empty: Vec<QualifiedName>,
    /// What a verification against the backup found.
    pub verification: Option<Verification>,
    /// Labels in the backup that their type has not any more.
    pub labels_gone: Vec<GoneLabels>,
}

/// Labels in a column of the backup that the enum of today does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneLabels {
    /// The table's name in the backup.
    pub table: QualifiedName,
    pub column: String,
    pub labels: Vec<String>,
    /// The labels of today.
    pub choices: Vec<String>,
}

/// Everything that suggestions are made from.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub backup: &'a Manifest,
    pub now: &'a Catalog,
    pub types: &'a Types,
    pub evidence: &'a Evidence,
}

/// What `options` leave without a place although there may be one, as it can be asked and followed, one after the other.
/// What was `declined` is not suggested again, nor what depends on it.
///
/// # Errors
/// `Usage` for names in the options that exist nowhere.
pub fn suggest(known: Known<'_>, options: &Options, declined: &[Suggestion]) -> Result<Vec<Suggestion>> {
    let mut wanted = options.clone();
    let mut suggestions = tables::renamed(&match_tables(known.backup, known.now, &wanted)?, known);
    suggestions.retain(|s| !s.is_moot(declined));
    follow_all(&mut wanted, &suggestions)?;
    let columns = {
        let matching = match_tables(known.backup, known.now, &wanted)?;
        let mut open = Open::all(&matching, &wanted, known)?;
        let mut found: Vec<Suggestion> = open.iter_mut().flat_map(|pair| columns::renamed(pair, known)).collect();
        found.extend(relations::moved(&mut open, &matching, known));
        found.retain(|s| !s.is_moot(declined));
        found
    };
    follow_all(&mut wanted, &columns)?;
    suggestions.extend(columns);
    let matching = match_tables(known.backup, known.now, &wanted)?;
    let open = Open::all(&matching, &wanted, known)?;
    suggestions.extend(values::labels(&wanted, known));
    suggestions.extend(values::fills(&open, &wanted, known));
    suggestions.extend(values::casts(&open, &wanted));
    suggestions.extend(values::on_conflict(&open, &wanted, known));
    suggestions.retain(|s| !s.is_moot(declined));
    Ok(suggestions)
}

/// Columns of the backup whose values go into an enum, with the table's name in the backup and the labels of today.
///
/// # Errors
/// As `suggest`.
pub fn into_enums(known: Known<'_>, options: &Options) -> Result<Vec<(QualifiedName, String, Vec<String>)>> {
    let mut wanted = options.clone();
    follow_all(&mut wanted, &suggest(known, options, &[])?)?;
    let matching = match_tables(known.backup, known.now, &wanted)?;
    let mut columns = Vec::new();
    for pair in Open::all(&matching, &wanted, known)? {
        for (old, new) in &pair.kept {
            let element = new.type_name.strip_suffix("[]").unwrap_or(&new.type_name);
            if let Some(TypeShape::Enum { labels }) = known.types.get(element) {
                columns.push((pair.source.name.clone(), old.name.clone(), labels.clone()));
            }
        }
    }
    Ok(columns)
}

fn follow_all(options: &mut Options, suggestions: &[Suggestion]) -> Result<()> {
    suggestions.iter().try_for_each(|suggestion| follow(options, suggestion))
}

/// Adds what is suggested to the options; what only the user can know is left out.
///
/// # Errors
/// `Usage` for a name that the option could not take either.
pub fn follow(options: &mut Options, suggestion: &Suggestion) -> Result<()> {
    match &suggestion.advice {
        Advice::Map(maps) => {
            for text in maps {
                let map = parse_map(text)?;
                if !options.maps.contains(&map) {
                    options.maps.push(map);
                }
            }
        }
        Advice::OnConflict { how, tables } => {
            options.on_conflict = *how;
            for table in tables {
                options.tables.push(parse_table(table)?);
            }
        }
        Advice::Fill(text) => options.fills.push(parse_fill(text)?),
        Advice::Cast(text) => options.casts.push(parse_cast(text)?),
        Advice::MapValue { .. } => {}
    }
    Ok(())
}

impl Suggestion {
    /// It brings the backup's own values to their place, removes no row and makes no value up.
    pub fn restores_only(&self) -> bool {
        match &self.advice {
            Advice::Map(_) => true,
            Advice::OnConflict { how, .. } => *how != OnConflict::Replace,
            Advice::Fill(_) | Advice::Cast(_) | Advice::MapValue { .. } => false,
        }
    }

    /// Whether `declined` leaves it without what it needs, or holds itself.
    fn is_moot(&self, declined: &[Suggestion]) -> bool {
        let needs = self.question.as_ref().and_then(|q| q.needs.as_ref());
        declined.iter().any(|other| {
            let holds = |map: &String| matches!(&other.advice, Advice::Map(maps) if maps.contains(map));
            other.advice == self.advice || needs.is_some_and(holds)
        })
    }
}
