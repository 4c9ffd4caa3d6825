//! What a rehearsal found: migrations applied to a scratch copy of the data, statement by statement.

pub mod base;
pub mod recipe;
mod relaxed;
pub mod suspect;

use super::compare::Verification;
use serde::{Deserialize, Serialize};

/// A rehearsal that came to its end. The scratch copy is gone, the real database was only read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rehearsal {
    pub copy: ScratchCopy,
    /// In the order in which Prisma would apply them.
    pub scripts: Vec<Script>,
    /// The copy after the scripts that could be applied, against the copy before them.
    pub verification: Verification,
    pub seconds: Seconds,
}

/// What the scripts were tried on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScratchCopy {
    pub made_by: MadeBy,
    /// Id of the backup whose data it held.
    pub backup: String,
    /// When that was taken, RFC 3339, UTC.
    pub taken_at: String,
    pub rows: u64,
    /// Bytes of data as read.
    pub bytes: u64,
    /// Of how many rows, where it held a sample of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_of: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MadeBy {
    /// The backup was restored.
    Restore,
    /// `CREATE DATABASE … TEMPLATE`: the server copied the files.
    Template,
    /// The same, the file system sharing the blocks (`file_copy_method = clone`).
    Clone,
}

/// Wall time, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Making the copy.
    pub copy: f64,
    /// Applying the scripts.
    pub migration: f64,
    pub verification: f64,
}

/// One migration, or what Prisma would draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// The folder's name; `None`: no file yet, drafted from the Prisma schema.
    pub migration: Option<String>,
    pub sql: String,
    /// As far as they were tried; without SQL nothing is there.
    pub statements: Vec<Statement>,
}

/// One statement of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// As it stands in the script, without comments before it.
    pub sql: String,
    /// Its first line in the script, from 1.
    pub line: usize,
    /// Wall time; `None`: it was not tried, because it needs what an earlier one would have made.
    pub seconds: Option<f64>,
    /// Locks on tables that were there before, that no earlier statement of the transaction had taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<Lock>,
    /// Tables that the server wrote anew, every row of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewrites: Vec<Rewrite>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A lock that keeps others out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    /// `schema.name`.
    pub table: String,
    /// As PostgreSQL calls it: `ACCESS EXCLUSIVE`.
    pub mode: String,
    /// From its statement's start to the end of the transaction.
    pub seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrite {
    /// `schema.name`.
    pub table: String,
    /// Of the table's files afterwards, without its indexes.
    pub bytes: u64,
}

/// Why a statement fails, and on which rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// PostgreSQL's own words.
    pub message: String,
    /// SQLSTATE.
    pub code: String,
    /// The rows in its way; `None` where it is not about rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<BadRows>,
    /// What to write instead of the statement, as SQL; `…` stands where only the user knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
}

/// Rows that a statement does not work on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRows {
    /// `schema.name`.
    pub table: String,
    pub count: u64,
    /// All rows of the table.
    pub of: u64,
    /// What is wrong with them, as the end of "N rows …": "have no value in Product.name".
    pub what: String,
    /// Up to five.
    pub examples: Vec<BadRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Which row, or which rows share it: `id = 7`.
    pub key: String,
    /// The value that does not fit; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How many rows are meant.
    pub rows: u64,
}

/// How a rehearsal came out, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A statement fails: Prisma would stop there.
    Fails,
    /// It would go through, and lose data.
    Loses,
    Safe,
    /// There was nothing to apply.
    Nothing,
}

impl Rehearsal {
    /// Nothing is pending: no copy was needed.
    pub fn of_nothing(copy: ScratchCopy) -> Self {
        let verification = Verification { ok: true, tables: Vec::new() };
        Self { copy, scripts: Vec::new(), verification, seconds: Seconds::default() }
    }

    pub fn verdict(&self) -> Verdict {
        if self.failures().next().is_some() {
            Verdict::Fails
        } else if !self.verification.ok {
            Verdict::Loses
        } else if self.scripts.iter().all(|script| script.statements.is_empty()) {
            Verdict::Nothing
        } else {
            Verdict::Safe
        }
    }

    /// The statements that fail, each with its script.
    pub fn failures(&self) -> impl Iterator<Item = (&Script, &Statement, &Failure)> {
        let statements = self.scripts.iter().flat_map(|script| script.statements.iter().map(move |s| (script, s)));
        statements.filter_map(|(script, statement)| Some((script, statement, statement.failure.as_ref()?)))
    }
}

impl Script {
    pub fn fails(&self) -> bool {
        self.statements.iter().any(|statement| statement.failure.is_some())
    }

    /// How it is called in sentences.
    pub fn name(&self) -> &str {
        self.migration.as_deref().unwrap_or("the draft")
    }
}
