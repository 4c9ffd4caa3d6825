//! What a plan moves where, for the verification after it.

use super::columns::{ColumnPlan, Source};
use super::plan::Plan;
use crate::domain::compare::{Move, MovedColumn, Values};

impl Plan {
    pub fn moves(&self) -> Vec<Move> {
        let moves = self.tables.iter().map(|table| Move {
            from: table.from.clone(),
            to: table.table.clone(),
            columns: table.columns.iter().filter_map(moved).collect(),
        });
        moves.collect()
    }
}

fn moved(column: &ColumnPlan) -> Option<MovedColumn> {
    let values = match &column.source {
        Source::Cast { .. } => Values::Remade,
        Source::Converted { values, .. } if !values.is_empty() => Values::Remade,
        _ => Values::Kept,
    };
    Some(MovedColumn { from: column.from()?.to_owned(), to: column.column.clone(), values })
}
