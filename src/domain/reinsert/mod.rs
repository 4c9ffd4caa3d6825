//! Re-insert: the rows of a backup into the schema as it is now. Here are the decisions; the doing is in
//! `operations::reinsert`.
//!
//! ```text
//! command line ─ options ─┐
//! manifest (then) ────────┼─ plan ─ describe (text)
//! catalog (now) ─ types ──┘      └─ apply → report
//! ```

pub mod columns;
pub mod decide;
pub mod describe;
pub mod empty;
pub mod fields;
pub mod identity;
pub mod matching;
pub mod names;
pub mod options;
pub mod plan;
mod proof;
pub mod report;
pub mod sequences;

pub use columns::{ColumnPlan, SkippedColumn, Source};
pub use describe::{NotBack, describe, not_back};
pub use identity::RowIdentity;
pub use options::{Fill, Map, OnConflict, Options, Rejects, ValueMap};
pub use plan::{Plan, SkippedTable, TablePlan, plan};
pub use report::{Report, TableReport};
