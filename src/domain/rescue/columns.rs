//! Which column that goes may be which column that comes.

use super::draft::{Draft, NewColumn, catalog_type};
use super::{Known, Rescue};
use crate::domain::lint::{Cast, SqlType, cast};
use crate::domain::names::QualifiedName;

/// All pairs that could be, the likeliest first.
pub(super) fn renamed_columns(draft: &Draft, known: Known<'_>) -> Vec<Rescue> {
    let mut found: Vec<(usize, Rescue)> = Vec::new();
    let comes_back = |table: &QualifiedName, column: &str| {
        draft.added_columns.iter().any(|(t, new)| t == table && new.name == column)
    };
    for (table, from) in draft.dropped_columns.iter().filter(|(t, c)| !comes_back(t, c)) {
        let Some(old) = known.catalog.table(table).and_then(|t| t.column(from)).filter(|c| !c.generated) else {
            continue;
        };
        let Some(ty) = catalog_type(&old.type_name) else { continue };
        for (_, new) in draft.added_columns.iter().filter(|(t, _)| t == table) {
            let was_there = draft.dropped_columns.iter().any(|(t, c)| t == table && *c == new.name);
            if was_there || !is_compatible(&ty, &new.ty) {
                continue;
            }
            // a field that got another name is mostly where it was among the others of its type
            let is_same = ty == new.ty;
            let in_place = is_same && rank_of_old(draft, known, table, from, &ty) == rank_of_new(draft, table, new);
            let score = alike(from, &new.name) + usize::from(in_place) * 100 + usize::from(is_same) * 1000;
            let rescue = Rescue::Column {
                table: table.clone(),
                from: from.clone(),
                to: new.name.clone(),
                ty: old.type_name.clone(),
            };
            found.push((score, rescue));
        }
    }
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, rescue)| rescue).collect()
}

/// How many columns of the same type stand before it and go, too.
fn rank_of_old(draft: &Draft, known: Known<'_>, table: &QualifiedName, column: &str, ty: &SqlType) -> usize {
    let columns = known.catalog.table(table).into_iter().flat_map(|table| &table.columns);
    let before = columns.take_while(|other| other.name != column);
    let goes = |other: &str| {
        draft.dropped_columns.iter().any(|(t, dropped)| t == table && dropped == other)
            && !draft.added_columns.iter().any(|(t, new)| t == table && new.name == other)
    };
    before.filter(|other| goes(&other.name) && catalog_type(&other.type_name).as_ref() == Some(ty)).count()
}

/// How many columns of the same type stand before it and come, too.
fn rank_of_new(draft: &Draft, table: &QualifiedName, new: &NewColumn) -> usize {
    let of_table = draft.added_columns.iter().filter(|(t, _)| t == table).map(|(_, column)| column);
    let before = of_table.take_while(|other| other.name != new.name);
    let was_there = |other: &str| draft.dropped_columns.iter().any(|(t, dropped)| t == table && dropped == other);
    before.filter(|other| other.ty == new.ty && !was_there(&other.name)).count()
}

fn is_compatible(from: &SqlType, to: &SqlType) -> bool {
    (from.name == to.name && from.is_array == to.is_array) || cast(from, to) == Cast::Keeps
}

/// Pairs of neighbouring letters that two names share, in a thousand, whatever their order and case.
fn alike(one: &str, other: &str) -> usize {
    let pairs = |name: &str| -> Vec<(char, char)> {
        let letters: Vec<char> = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        letters.iter().copied().zip(letters.iter().copied().skip(1)).collect()
    };
    let (one, mut other) = (pairs(one), pairs(other));
    let all = (one.len() + other.len()).max(1);
    let shared = one.iter().filter(|pair| {
        let at = other.iter().position(|twin| twin == *pair);
        at.map(|at| other.swap_remove(at)).is_some()
    });
    (shared.count() * 2000 / all).min(999)
}
