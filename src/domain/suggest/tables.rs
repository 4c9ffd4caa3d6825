//! A table that vanished with rows in it, and the one that may be it today.

use super::columns::{bare, likeness};
use super::open::stats;
use super::words::table_text;
use super::{Advice, Known, Question, Suggestion};
use crate::domain::migration_sql::Rename;
use crate::domain::names::QualifiedName;
use crate::domain::reinsert::matching::{Matching, NoPlace, SourceTable, targets};
use crate::domain::schema::Table;

/// The likely rename of each vanished table; a table of today is named once.
pub fn renamed(matching: &Matching<'_, '_>, known: Known<'_>) -> Vec<Suggestion> {
    let mut free: Vec<&Table> = free_tables(matching, known).collect();
    let mut gone = gone_tables(matching);
    let mut suggestions = Vec::new();
    // what is proven first, so that a likeness takes nothing away from it
    let ways: [Way; 4] = [same_oid, in_migration, same_values, alike];
    for find in ways {
        gone.retain(|source| {
            let Some((table, because)) = find(source, &free, known) else { return true };
            let name = table.name.clone();
            free.retain(|t| t.name != name);
            suggestions.push(suggestion(&source.name, &name, because));
            false
        });
    }
    suggestions
}

/// Tables with rows that have no place; the leaves of a partitioned table as the one that they were.
fn gone_tables<'b>(matching: &Matching<'b, '_>) -> Vec<SourceTable<'b>> {
    let mut gone: Vec<SourceTable<'b>> = Vec::new();
    for (n, _) in matching.without_place.iter().filter(|(_, why)| *why == NoPlace::Gone) {
        let source = &matching.sources[*n];
        let name = source.table().and_then(|t| t.partition_root.as_ref()).unwrap_or(&source.name);
        match gone.iter_mut().find(|known| &known.name == name) {
            Some(known) => known.parts.extend(&source.parts),
            None => gone.push(SourceTable { name: name.clone(), parts: source.parts.clone() }),
        }
    }
    gone.retain(|source| source.rows() > 0);
    gone
}

fn suggestion(from: &QualifiedName, to: &QualifiedName, because: String) -> Suggestion {
    let (old, new) = (table_text(from), table_text(to));
    Suggestion {
        question: Some(Question { text: format!("Was {old} renamed to {new}?"), default: true, needs: None }),
        advice: Advice::Map(vec![format!("{old}={new}")]),
        because,
    }
}

/// Tables of today that nothing of the backup goes into.
pub fn free_tables<'a>(matching: &'a Matching<'_, '_>, known: Known<'a>) -> impl Iterator<Item = &'a Table> {
    targets(known.now).filter(|t| t.partition_root.is_none() && !matching.pairs.iter().any(|p| p.target.name == t.name))
}

/// A table of today, and why it may be the old one.
type Find<'t> = Option<(&'t Table, String)>;
type Way = for<'t> fn(&SourceTable<'_>, &[&'t Table], Known<'_>) -> Find<'t>;

fn same_oid<'t>(source: &SourceTable<'_>, free: &[&'t Table], known: Known<'_>) -> Find<'t> {
    let ([part], false) = (source.parts.as_slice(), is_leaf(source)) else { return None };
    let found = free.iter().find(|t| known.evidence.same_database && t.oid == part.table.oid)?;
    Some((
        found,
        in_which_migration(&source.name, &found.name, known).unwrap_or_else(|| "the same table, renamed".into()),
    ))
}

/// A part of a partitioned table: it is the part that has the oid.
fn is_leaf(source: &SourceTable<'_>) -> bool {
    source.table().is_some_and(|t| t.partition_root.is_some())
}

fn in_migration<'t>(source: &SourceTable<'_>, free: &[&'t Table], known: Known<'_>) -> Find<'t> {
    free.iter().find_map(|t| Some((*t, in_which_migration(&source.name, &t.name, known)?)))
}

fn in_which_migration(from: &QualifiedName, to: &QualifiedName, known: Known<'_>) -> Option<String> {
    let (mut name, mut migration) = (from.clone(), None);
    for (of, rename) in &known.evidence.renames {
        if let Rename::Table { from, to } = rename
            && *from == name
        {
            (name, migration) = (to.clone(), Some(of));
        }
    }
    migration.filter(|_| name == *to).map(|of| format!("renamed in migration {of}"))
}

/// The digests of all columns, in no order, are those that a later backup saw in one free table.
fn same_values<'t>(source: &SourceTable<'_>, free: &[&'t Table], known: Known<'_>) -> Find<'t> {
    let old = source.table()?;
    let mut then: Vec<(u64, u128)> =
        old.data_columns().map(|c| stats(source, &c.name)).map(|s| (s.non_null, s.digest.0)).collect();
    then.sort_unstable();
    let same = |t: &&&Table| {
        let seen = known.evidence.seen.iter().find(|data| data.table == ***t);
        seen.is_some_and(|data| {
            let mut now: Vec<(u64, u128)> = data.stats.columns.iter().map(|s| (s.non_null, s.digest.0)).collect();
            now.sort_unstable();
            data.stats.rows == source.rows() && now == then
        })
    };
    let mut found = free.iter().filter(same);
    let (one, another) = (found.next()?, found.next());
    another.is_none().then(|| (*one, "same values".into()))
}

/// At least half of the columns have the name and type that they had: the table with the most of them, then the one with
/// the most alike name; none where two are equally good.
fn alike<'t>(source: &SourceTable<'_>, free: &[&'t Table], _: Known<'_>) -> Find<'t> {
    let old = source.table()?;
    let rank = |t: &Table| {
        let shared = old.columns.iter().filter(|c| has(t, &c.name, &c.type_name)).count();
        let of = old.columns.len().max(t.columns.len()).max(1);
        (shared, shared * 100 / of, likeness(&source.name.name, &t.name.name))
    };
    let mut ranked: Vec<((usize, usize, usize), &Table)> = free.iter().map(|t| (rank(t), *t)).collect();
    ranked.retain(|((shared, ..), _)| *shared > 0 && shared * 2 >= old.columns.len());
    ranked.sort_by_key(|(rank, _)| std::cmp::Reverse((rank.1, rank.2)));
    let (rank, table) = *ranked.first()?;
    if ranked.get(1).is_some_and(|(other, _)| (other.1, other.2) == (rank.1, rank.2)) {
        return None;
    }
    let columns = if rank.1 == 100 {
        "same columns".into()
    } else {
        format!("{} of its {} columns are the same", rank.0, old.columns.len())
    };
    let names = if rank.2 >= super::columns::ALIKE { ", and the names are alike" } else { "" };
    Some((table, format!("{columns}{names}")))
}

/// Whether a table has such a column.
pub fn has(table: &Table, name: &str, type_name: &str) -> bool {
    table.column(name).is_some_and(|c| bare(&c.type_name) == bare(type_name))
}
