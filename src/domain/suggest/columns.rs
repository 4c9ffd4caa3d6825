//! A column that vanished with values in it, and the one of the same table that may be it today.

use super::open::Open;
use super::words::{column_text, table_text};
use super::{Advice, Known, Question, Suggestion};
use crate::domain::digest::ColumnStats;
use crate::domain::migration_sql::Rename;
use crate::domain::schema::Column;

pub use crate::domain::reinsert::empty::bare;

/// From this likeness on, two names are said to be alike.
pub const ALIKE: usize = 50;

/// Why a column is taken for another, the surest first.
struct Found<'a> {
    old: &'a Column,
    new: &'a Column,
    because: String,
    likely: bool,
}

/// The likely rename of each vanished column; both then count as dealt with.
pub fn renamed(open: &mut Open<'_>, known: Known<'_>) -> Vec<Suggestion> {
    let mut suggestions = Vec::new();
    // what is proven first, so that a likeness takes nothing away from it
    let ways: [for<'a> fn(&Open<'a>, Known<'_>) -> Option<Found<'a>>; 6] =
        [same_column, in_migration, same_values, same_type, only_one, retyped];
    for find in ways {
        while let Some(found) = find(open, known) {
            let (old, new) = (found.old.name.clone(), found.new.name.clone());
            suggestions.push(suggestion(open, &found));
            open.gone.retain(|c| c.name != old);
            open.new.retain(|c| c.name != new);
        }
    }
    suggestions
}

fn suggestion(open: &Open<'_>, found: &Found<'_>) -> Suggestion {
    let (from, to) = (column_text(&open.source.name, &found.old.name), column_text(&open.target.name, &found.new.name));
    let new = to.strip_prefix(&format!("{}.", table_text(&open.target.name))).unwrap_or(&to).to_owned();
    let renamed = open.source.name != open.target.name;
    let needs = renamed.then(|| format!("{}={}", table_text(&open.source.name), table_text(&open.target.name)));
    Suggestion {
        question: Some(Question { text: format!("Was {from} renamed to {new}?"), default: found.likely, needs }),
        advice: Advice::Map(vec![format!("{from}={new}")]),
        because: found.because.clone(),
    }
}

fn same_column<'a>(open: &Open<'a>, known: Known<'_>) -> Option<Found<'a>> {
    let same = |old: &&Column| open.new.iter().find(|new| open.same_table && new.number == old.number).copied();
    let (old, new) = open.gone.iter().find_map(|old| Some((*old, same(old)?)))?;
    let because = in_which_migration(open, old, new, known).unwrap_or_else(|| "the same column, renamed".into());
    Some(Found { old, new, because, likely: true })
}

fn in_migration<'a>(open: &Open<'a>, known: Known<'_>) -> Option<Found<'a>> {
    let mut pairs = open.gone.iter().flat_map(|old| open.new.iter().map(move |new| (*old, *new)));
    pairs.find_map(|(old, new)| {
        Some(Found { old, new, because: in_which_migration(open, old, new, known)?, likely: true })
    })
}

/// Follows the names of the table and of the column through the migrations.
fn in_which_migration(open: &Open<'_>, old: &Column, new: &Column, known: Known<'_>) -> Option<String> {
    let (mut table, mut column, mut migration) = (open.source.name.clone(), old.name.clone(), None);
    for (of, rename) in &known.evidence.renames {
        match rename {
            Rename::Table { from, to } if *from == table => table = to.clone(),
            Rename::Column { table: t, from, to } if *t == table && *from == column => {
                (column, migration) = (to.clone(), Some(of));
            }
            _ => {}
        }
    }
    migration.filter(|_| column == new.name).map(|of| format!("renamed in migration {of}"))
}

/// The digest is that of exactly one vanished column, and of exactly one new one as a later backup saw it.
fn same_values<'a>(open: &Open<'a>, known: Known<'_>) -> Option<Found<'a>> {
    open.gone.iter().find_map(|old| {
        let then = open.stats(&old.name);
        if open.gone.iter().filter(|other| open.stats(&other.name) == then).count() > 1 {
            return None;
        }
        let mut found = open.new.iter().filter(|new| seen(open, new, known) == Some(then));
        let (new, another) = (found.next()?, found.next());
        another.is_none().then(|| Found { old, new, because: "same values".into(), likely: true })
    })
}

/// What a later backup saw in a column of today.
pub fn seen(open: &Open<'_>, column: &Column, known: Known<'_>) -> Option<ColumnStats> {
    let data = known.evidence.seen.iter().find(|data| data.table == *open.target)?;
    data.table.data_columns().zip(&data.stats.columns).find(|(c, _)| c.name == column.name).map(|(_, stats)| *stats)
}

fn same_type<'a>(open: &Open<'a>, _: Known<'_>) -> Option<Found<'a>> {
    let (old, new) = most_alike(open, |old, new| bare(&old.type_name) == bare(&new.type_name))?;
    Some(Found { old, new, because: "same type, and the names are alike".into(), likely: true })
}

/// Names say nothing, but of this type one column vanished and one came.
fn only_one<'a>(open: &Open<'a>, _: Known<'_>) -> Option<Found<'a>> {
    let of_type = |columns: &[&'a Column], type_name: &str| -> Vec<&'a Column> {
        columns.iter().filter(|c| bare(&c.type_name) == bare(type_name)).copied().collect()
    };
    open.gone.iter().find_map(|old| {
        match (&of_type(&open.gone, &old.type_name)[..], &of_type(&open.new, &old.type_name)[..]) {
            ([old], [new]) => {
                Some(Found { old, new, because: "same type, and the only new one".into(), likely: false })
            }
            _ => None,
        }
    })
}

/// Another type: only where nothing of its own type came.
fn retyped<'a>(open: &Open<'a>, _: Known<'_>) -> Option<Found<'a>> {
    let lonely = |old: &Column| !open.new.iter().any(|new| bare(&new.type_name) == bare(&old.type_name));
    let (old, new) = most_alike(open, |old, _| lonely(old))?;
    let because = format!("the names are alike; the type is another: {} → {}", old.type_name, new.type_name);
    Some(Found { old, new, because, likely: false })
}

/// The two columns with the most alike names, where neither has another just as alike.
fn most_alike<'a>(open: &Open<'a>, fits: impl Fn(&Column, &Column) -> bool) -> Option<(&'a Column, &'a Column)> {
    let mut pairs: Vec<(usize, &Column, &Column)> = Vec::new();
    for old in &open.gone {
        let fitting = open.new.iter().filter(|new| fits(old, new));
        pairs.extend(fitting.map(|new| (likeness(&old.name, &new.name), *old, *new)));
    }
    pairs.retain(|(score, ..)| *score >= ALIKE);
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.0));
    let rivals = |(score, old, new): &(usize, &Column, &Column)| {
        pairs.iter().filter(|p| p.0 == *score && (p.1.name == old.name || p.2.name == new.name)).count()
    };
    pairs.iter().find(|pair| rivals(pair) == 1).map(|(_, old, new)| (*old, *new))
}

/// How alike two names are, 0 to 100: the share of neighbouring letters that both have; case and `_` do not count.
pub fn likeness(a: &str, b: &str) -> usize {
    let letters = |name: &str| -> Vec<char> { name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let (a, b) = (letters(a), letters(b));
    if a == b {
        return 100;
    }
    let (short, long) = if a.len() < b.len() { (&a, &b) } else { (&b, &a) };
    let contained = short.len() > 2 && (long.starts_with(short) || long.ends_with(short));
    let of_b: Vec<&[char]> = b.windows(2).collect();
    let shared = a.windows(2).filter(|pair| of_b.contains(pair)).count();
    if shared < 2 && !contained {
        return 0;
    }
    let score = 200 * shared / (a.len() + b.len()).saturating_sub(2).max(1);
    if contained { score.clamp(60, 99) } else { score.min(99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_give_when_they_rename_are_alike() {
        let alike = [
            ("title", "subtitle"),
            ("fullName", "full_name"),
            ("price", "price_cents"),
            ("desc", "description"),
            ("name", "username"),
            ("createdAt", "createdOn"),
        ];
        for (a, b) in alike {
            assert!(likeness(a, b) >= ALIKE && likeness(b, a) >= ALIKE, "{a} {b}: {}", likeness(a, b));
        }
        for (a, b) in [("title", "note"), ("name", "title"), ("email", "color"), ("id", "paid"), ("", "a")] {
            assert!(likeness(a, b) < ALIKE, "{a} {b}: {}", likeness(a, b));
        }
        assert!(likeness("title", "titles") > likeness("title", "subtitle"));
    }
}
