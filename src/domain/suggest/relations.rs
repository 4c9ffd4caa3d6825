//! Values that went into another table: a model split in two, a relation that has a join table now.

use super::columns::{ALIKE, bare, likeness};
use super::open::Open;
use super::tables::{free_tables, has};
use super::words::{column_text, table_text};
use super::{Advice, Known, Question, Suggestion};
use crate::domain::reinsert::matching::Matching;
use crate::domain::schema::{Column, ForeignKey, Table};

/// Looks for a new table that has what is still gone from each pair.
pub fn moved(open: &mut [Open<'_>], matching: &Matching<'_, '_>, known: Known<'_>) -> Vec<Suggestion> {
    let mut free: Vec<&Table> = free_tables(matching, known).collect();
    let mut suggestions = Vec::new();
    for pair in open {
        for find in [split, joined] {
            free.retain(|table| {
                let Some((columns, suggestion)) = find(pair, table, known) else { return true };
                pair.gone.retain(|c| !columns.contains(&c.name));
                suggestions.push(suggestion);
                false
            });
        }
    }
    suggestions
}

/// The old columns that are dealt with.
type Moved = Option<(Vec<String>, Suggestion)>;

/// The table has columns of the same name and type, and says whose they are: by a foreign key, or by the same primary key.
fn split(pair: &Open<'_>, table: &Table, known: Known<'_>) -> Moved {
    let went: Vec<&Column> = pair.gone.iter().filter(|c| has(table, &c.name, &c.type_name)).copied().collect();
    if went.is_empty() {
        return None;
    }
    let key = key_there(pair, table, known)?;
    let names: Vec<String> = went.iter().map(|c| c.name.clone()).collect();
    let (from, to) = (table_text(&pair.source.name), table_text(&table.name));
    let because = format!("{to} is new and has {} and the key of {}", names.join(", "), table_text(&pair.target.name));
    let text = format!("Did {} of {from} move to the table {to}?", names.join(", "));
    Some((names, suggestion(pair, table, key, &[], because, text)))
}

/// Old key columns and the columns of the table that hold their values.
fn key_there(pair: &Open<'_>, table: &Table, known: Known<'_>) -> Option<Vec<(String, String)>> {
    let key = &pair.old.primary_key;
    let mut links = links(table, pair.target, known);
    if let (Some(link), None) = (links.next(), links.next()) {
        let old = |now: &String| pair.kept.iter().find(|(_, new)| new.name == *now).map(|(old, _)| old.name.clone());
        let columns = link.referenced_columns.iter().zip(&link.columns);
        let columns: Option<Vec<(String, String)>> = columns.map(|(of, at)| Some((old(of)?, at.clone()))).collect();
        return columns.filter(|columns| key.iter().all(|k| columns.iter().any(|(old, _)| old == k)));
    }
    let shared = |name: &String| pair.old.column(name).is_some_and(|c| has(table, name, &c.type_name));
    let same = !key.is_empty() && table.primary_key == *key && key.iter().all(shared);
    same.then(|| key.iter().map(|name| (name.clone(), name.clone())).collect())
}

/// Foreign keys of `table` that refer to `target`.
fn links<'a>(table: &'a Table, target: &'a Table, known: Known<'a>) -> impl Iterator<Item = &'a ForeignKey> {
    known.now.foreign_keys.iter().filter(|k| k.table == table.name && k.referenced == target.name)
}

/// The table joins the pair's table with another, and one vanished column named a row of that other table.
fn joined(pair: &Open<'_>, table: &Table, known: Known<'_>) -> Moved {
    let single = |k: &&ForeignKey| k.table == table.name && k.columns.len() == 1;
    let keys: Vec<&ForeignKey> = known.now.foreign_keys.iter().filter(single).collect();
    let [a, b] = keys.as_slice() else { return None };
    let (ours, other) = if a.referenced == pair.target.name { (a, b) } else { (b, a) };
    let ([key], true) = (pair.old.primary_key.as_slice(), ours.referenced == pair.target.name) else { return None };
    if other.referenced == pair.target.name {
        return None;
    }
    let (own, at) = (ours.columns.first()?, other.columns.first()?);
    let type_name = &table.column(at)?.type_name;
    let fits = |c: &&&Column| bare(&c.type_name) == bare(type_name) && refers(&c.name, &other.referenced.name);
    let mut fitting = pair.gone.iter().filter(fits);
    let (Some(column), None) = (fitting.next(), fitting.next()) else { return None };
    let empty = pair.source.rows() - pair.stats(&column.name).non_null.min(pair.source.rows());
    let to = table_text(&table.name);
    let joins = format!("{to} joins {} and {} now", table_text(&ours.referenced), table_text(&other.referenced));
    let because = match empty {
        0 => joins,
        n => format!("{joins}; {n} rows have no {}: add --rejects save", column.name),
    };
    let text = format!("Is {} in the table {to} now?", column_text(&pair.source.name, &column.name));
    let maps = [(column.name.clone(), at.clone())];
    Some((vec![column.name.clone()], suggestion(pair, table, vec![(key.clone(), own.clone())], &maps, because, text)))
}

/// `categoryId` refers to `Category`.
fn refers(column: &str, table: &str) -> bool {
    let lower = column.to_lowercase();
    let stem = lower.strip_suffix("id").map_or(lower.as_str(), |stem| stem.trim_end_matches('_'));
    likeness(stem, table) >= ALIKE
}

fn suggestion(
    pair: &Open<'_>,
    table: &Table,
    key: Vec<(String, String)>,
    columns: &[(String, String)],
    because: String,
    text: String,
) -> Suggestion {
    let (from, here, there) = (table_text(&pair.source.name), table_text(&pair.target.name), table_text(&table.name));
    // the rows go into both tables
    let mut maps = vec![format!("{from}={here}"), format!("{from}={there}")];
    let moves = key.iter().filter(|(old, new)| old != new).chain(columns);
    maps.extend(
        moves.map(|(old, new)| format!("{}={}", column_text(&pair.source.name, old), column_text(&table.name, new))),
    );
    let needs = (from != here).then(|| format!("{from}={here}"));
    Suggestion { advice: Advice::Map(maps), because, question: Some(Question { text, default: true, needs }) }
}
