//! What the verification after a re-insert must know: what went where, and what the load alone could compare.

use super::columns::{ColumnPlan, Source};
use super::empty::bare;
use super::identity::RowIdentity;
use super::plan::Plan;
use super::report::{Report, TableReport};
use crate::domain::compare::{ColumnReport, ColumnVerdict, Move, MovedColumn, Values, Verification};

impl Plan {
    pub fn moves(&self) -> Vec<Move> {
        let moves = self.tables.iter().map(|table| Move {
            from: table.from.clone(),
            to: table.table.clone(),
            columns: table.columns.iter().filter_map(moved).collect(),
            key: match &table.identity {
                RowIdentity::Key(columns) => columns.clone(),
                RowIdentity::WholeRow => Vec::new(),
            },
        });
        moves.collect()
    }
}

fn moved(column: &ColumnPlan) -> Option<MovedColumn> {
    let values = if column.is_remade() { Values::Remade } else { Values::Kept };
    Some(MovedColumn { from: column.from()?.to_owned(), to: column.column.clone(), values })
}

impl ColumnPlan {
    /// Whether a value of the backup can be written otherwise once it is in: only the load can compare it then.
    pub fn is_remade(&self) -> bool {
        match &self.source {
            Source::Cast { .. } => true,
            Source::Converted { from_type, values, .. } => {
                !values.is_empty() || from_type != &self.type_name && !reads_alike(from_type, &self.type_name)
            }
            _ => false,
        }
    }
}

/// The same value is read as the same, whichever of the two types it has.
fn reads_alike(old: &str, new: &str) -> bool {
    let (old, new) = (bare(old), bare(new));
    let integer = ["smallint", "integer", "bigint"].contains(&old.as_str());
    let text = ["text", "character varying"];
    match new.as_str() {
        "smallint" | "integer" | "bigint" | "numeric" => integer,
        new if text.contains(&new) => integer || old == "uuid" || text.contains(&old.as_str()),
        _ => false,
    }
}

impl Report {
    /// Puts into the verification what the load saw: values of rows that were there already, in columns that it could not compare.
    pub fn complete(&self, verification: &mut Verification) {
        for table in &self.tables {
            complete_table(table, verification);
        }
    }
}

fn complete_table(report: &TableReport, verification: &mut Verification) {
    let (from, to) = (report.from.to_string(), report.table.to_string());
    let mut tables = verification.tables.iter_mut();
    let mut table = tables.find(|t| t.table == from && t.to.as_ref().unwrap_or(&t.table) == &to);
    for kept in &report.values_kept {
        // also where it stands under another name, as a leaf does under its root's: it must not pass for proven
        verification.ok = false;
        let is = |c: &&mut ColumnReport| c.to.as_ref().unwrap_or(&c.column) == &kept.column;
        if let Some(column) = table.as_mut().and_then(|t| t.columns.iter_mut().find(is)) {
            column.verdict = ColumnVerdict::Changed;
            column.values_changed = Some(kept.values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::reads_alike;

    #[test]
    fn only_what_is_written_alike_is_compared_as_text() {
        assert!(reads_alike("integer", "numeric(10,2)") && reads_alike("uuid", "text"));
        assert!(reads_alike("character varying(9)", "character varying(3)"));
        for (old, new) in [
            ("text", "integer"),
            ("text", "uuid"),
            ("numeric(9,4)", "numeric(9,2)"),
            ("boolean", "text"),
            ("text", "text[]"),
        ] {
            assert!(!reads_alike(old, new), "{old} → {new}");
        }
    }
}
