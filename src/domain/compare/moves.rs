//! Pairing where somebody said what goes where: a re-insert's plan.

use super::sides::{Pair, Pairing, Side, pair, pair_other_columns};
use crate::domain::names::QualifiedName;

/// The rows of a table of before went into a table of after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub from: QualifiedName,
    pub to: QualifiedName,
    pub columns: Vec<MovedColumn>,
    /// Columns of `to` that told which row is which; empty where whole rows did.
    pub key: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedColumn {
    pub from: String,
    pub to: String,
    pub values: Values,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    Kept,
    /// An expression or a map of values made others of them.
    Remade,
}

/// As `pair`, but the moves are believed first. One table may have gone into several, and several into one.
pub fn pair_moved<'a>(before: Vec<Side<'a>>, after: Vec<Side<'a>>, moves: &[Move]) -> Pairing<'a> {
    let mut pairs = Vec::new();
    let mut others = Vec::new();
    for side in before {
        let of_side: Vec<&Move> = moves.iter().filter(|m| side.holds(&m.from)).collect();
        let places = of_side.iter().filter_map(|m| Some((*m, after.iter().find(|a| a.holds(&m.to))?)));
        let found: Vec<Pair<'a>> =
            places.map(|(m, to)| follow(without_columns_of_others(&side, m, &of_side), to.clone(), m)).collect();
        if found.is_empty() {
            others.push(side);
        } else {
            pairs.extend(found);
        }
    }
    let free = after.into_iter().filter(|a| !pairs.iter().any(|p| p.after.name == a.name)).collect();
    let mut pairing = pair(others, free);
    pairing.pairs.extend(pairs);
    pairing.pairs.sort_by(|a, b| (&a.before.name, &a.after.name).cmp(&(&b.before.name, &b.after.name)));
    pairing
}

/// What another part of a split model took is not missing here.
fn without_columns_of_others<'a>(side: &Side<'a>, this: &Move, all: &[&Move]) -> Side<'a> {
    let mut side = side.clone();
    let takes = |m: &Move, name: &str| m.columns.iter().any(|c| c.from == name);
    let count = side.columns.len();
    side.columns.retain(|(c, _)| takes(this, &c.name) || !all.iter().any(|m| takes(m, &c.name)));
    if side.columns.len() < count {
        side.digest = None;
    }
    side
}

fn follow<'a>(before: Side<'a>, after: Side<'a>, this: &Move) -> Pair<'a> {
    let (mut known, mut remade) = (Vec::new(), Vec::new());
    for moved in &this.columns {
        let Some((b, a)) = before.column(&moved.from).zip(after.column(&moved.to)) else { continue };
        known.push((b, a));
        if moved.values == Values::Remade {
            remade.push(b);
        }
    }
    let place = |name: &String| after.column(name).and_then(|a| known.iter().copied().find(|c| c.1 == a));
    let key = this.key.iter().map(place).collect::<Option<Vec<_>>>().unwrap_or_default();
    Pair { remade, key, ..pair_other_columns(before, after, known) }
}
