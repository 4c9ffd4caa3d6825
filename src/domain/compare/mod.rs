//! Comparing two states of a database: what became of the rows, the columns and the values.
//!
//! Counts and digests decide most of it. Where they differ, `rows` tells which rows and values it was:
//! a sum alone cannot say whether a row came or one went and two came.

mod judge;
mod listing;
mod moves;
mod named;
mod rows;
mod segments;
mod sides;

pub use judge::judge;
pub use listing::{TableRows, table_rows};
pub use moves::{Move, MovedColumn, Values, pair_moved};
pub use named::{Change, Namer, RowChange, Value, ValueChange};
pub use rows::{JointDigest, RowComparer, RowDiff, RowShape};
pub use segments::Segments;
pub use sides::{Pair, Pairing, Side, pair, sides};

use serde::{Deserialize, Serialize};

/// The report of a verification; its JSON is the contract's REPORT.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Nothing was lost and no old value was overwritten.
    pub ok: bool,
    pub tables: Vec<TableReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableVerdict {
    /// Same columns, same rows.
    Identical,
    /// Every row is there; columns or values differ.
    Kept,
    /// Every row is there, and more.
    Grown,
    LostRows,
    Dropped,
    Added,
    Renamed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnVerdict {
    /// Every old value is there.
    Identical,
    /// Values were overwritten by others.
    Changed,
    /// Values are gone (NULL now, or with their rows, or the column was made anew).
    LostValues,
    Dropped,
    Added,
    Renamed,
    /// Another type now, the same values.
    Retyped,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    /// `schema.name`, as it was before (for an added table: as it is now).
    pub table: String,
    /// Rows.
    pub before: u64,
    pub after: u64,
    pub verdict: TableVerdict,
    /// The new name of a renamed table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Rows of before that are not there any more, where rows were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_lost: Option<u64>,
    /// What other sessions did while the migration ran, which its SQL cannot have done.
    #[serde(default, skip_serializing_if = "ByOthers::is_nothing")]
    pub by_others: ByOthers,
    /// Rows, or the table, are gone as somebody said beforehand: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    pub columns: Vec<ColumnReport>,
}

/// Rows that are gone and values that are others or NULL now, in a table that a migration did not touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByOthers {
    pub rows_deleted: u64,
    pub values_changed: u64,
}

impl ByOthers {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnReport {
    pub column: String,
    /// Non-null values.
    pub before: u64,
    pub after: u64,
    pub verdict: ColumnVerdict,
    /// The new name of a renamed column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Values that are others now, where rows were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values_changed: Option<u64>,
    /// Values that are NULL now in rows that are still there, where rows were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values_lost: Option<u64>,
    /// They are gone or others as somebody said beforehand: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

impl Verification {
    /// Whether anything is gone at all, expected or not.
    pub fn has_losses(&self) -> bool {
        self.tables.iter().any(TableReport::is_loss)
    }
}

impl TableReport {
    pub fn is_loss(&self) -> bool {
        self.is_loss_of_rows() || self.columns.iter().any(ColumnReport::is_loss)
    }

    /// Rows are gone, or the table with its rows.
    pub fn is_loss_of_rows(&self) -> bool {
        match self.verdict {
            TableVerdict::LostRows => true,
            TableVerdict::Dropped => self.before > 0,
            _ => false,
        }
    }

    /// Something is gone that nobody said beforehand to be meant.
    pub fn is_unexpected_loss(&self) -> bool {
        self.is_loss_of_rows() && self.expected.is_none() || self.columns.iter().any(ColumnReport::is_unexpected_loss)
    }

    /// The column's values are gone because their rows are.
    pub fn took_with_rows(&self, column: &ColumnReport) -> bool {
        column.verdict == ColumnVerdict::LostValues
            && column.values_changed.is_none()
            && column.values_lost.is_none()
            && column.before.saturating_sub(column.after) <= self.rows_lost.unwrap_or(0)
    }
}

impl ColumnReport {
    pub fn is_loss(&self) -> bool {
        match self.verdict {
            ColumnVerdict::LostValues | ColumnVerdict::Changed => true,
            ColumnVerdict::Dropped => self.before > 0,
            _ => false,
        }
    }

    /// Its values are gone or others, and nobody said beforehand that this is meant.
    pub fn is_unexpected_loss(&self) -> bool {
        self.is_loss() && self.expected.is_none()
    }
}
