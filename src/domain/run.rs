//! The journal of a guarded command: every step is written down before it is taken.

use super::compare::Verification;
use super::guard::Action;
use super::rehearsal::Rehearsal;
use serde::{Deserialize, Serialize};

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The checkpoint is being taken; nothing was changed yet.
    Checkpoint,
    /// Migrations are tried on a scratch copy; nothing was changed yet.
    Rehearsing,
    /// The checkpoint is durable and Prisma runs (or has died with us).
    Migrating,
    /// Prisma has ended; the new state is being read.
    Verifying,
    /// A restore is being prepared beside the live database, or runs in a transaction.
    Restoring,
    /// Rows are being put back in one transaction.
    Reinserting,
    /// The one transaction of a restore or a re-insert is being committed.
    Committing,
    Finished,
    Failed,
}

/// By what the server knows a transaction when nobody has heard whether it was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committing {
    pub transaction: i64,
    /// When the server was started, in its own words: another start counts transactions on its own.
    pub server_since: String,
    /// The session's process on the server.
    pub session: i32,
}

/// A migration as it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedMigration {
    pub name: String,
    /// `lint::evidence::fingerprint` of its text.
    pub blake3: String,
}

/// One guarded command, `runs/<id>.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: String,
    /// `dev`, `reset`, `rollback`, `reinsert` …
    pub command: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    pub state: State,
    pub database: String,
    /// Ids of the checkpoint (`f-…`, `d-…`).
    #[serde(default)]
    pub before: Vec<String>,
    #[serde(default)]
    pub after: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prisma_exit_code: Option<i32>,
    #[serde(default)]
    pub migrations_applied: Vec<String>,
    /// `--no-backup` was typed: there is no way back and no proof.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_backup: bool,
    /// The same with their texts' hashes; runs of older versions have none, which proves nothing of today's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<AppliedMigration>,
    /// Of a restore or a re-insert that has come that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committing: Option<Committing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// What was found on a scratch copy before anything was done, or instead of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
    /// One sentence: how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

impl Run {
    /// Whether all that its command does is to bring Prisma's migrations into the database.
    pub fn only_migrates(&self) -> bool {
        [Action::Dev, Action::Deploy].iter().any(|action| action.name() == self.command)
    }

    pub fn begin(id: String, command: &str, database: &str, now: String) -> Self {
        Self {
            id,
            command: command.to_owned(),
            started_at: now,
            finished_at: None,
            state: State::Checkpoint,
            database: database.to_owned(),
            before: Vec::new(),
            after: Vec::new(),
            prisma_exit_code: None,
            migrations_applied: Vec::new(),
            without_backup: false,
            migrations: Vec::new(),
            committing: None,
            verification: None,
            rehearsal: None,
            outcome: None,
        }
    }

    pub fn is_unfinished(&self) -> bool {
        !matches!(self.state, State::Finished | State::Failed)
    }

    /// The full backup of the checkpoint.
    pub fn full(&self) -> Option<&str> {
        self.before.iter().find(|id| id.starts_with("f-")).map(String::as_str)
    }

    /// The data-only backup of the checkpoint.
    pub fn data_only(&self) -> Option<&str> {
        self.before.iter().find(|id| id.starts_with("d-")).map(String::as_str)
    }

    /// For an unfinished run whose process is gone: what is known of the data, and what to type.
    pub fn next_step(&self) -> String {
        let id = self.full().unwrap_or("latest");
        match self.state {
            State::Checkpoint => {
                "It stopped before anything was done: the database is as it was. Nothing to do.".into()
            }
            State::Rehearsing => {
                "It stopped while migrations were tried on a scratch copy: the database is as it was. `safemigrate recover` drops the copy.".into()
            }
            State::Migrating | State::Verifying if self.without_backup => {
                "It ran without a backup and may have applied migrations: `npx prisma migrate status` shows which.".into()
            }
            State::Migrating | State::Verifying if self.command == "run" => format!(
                "The command may have changed data. `safemigrate verify {id}` shows what is different; `safemigrate rollback {id}` puts everything back."
            ),
            State::Migrating | State::Verifying => format!(
                "Prisma may have applied migrations. `safemigrate verify {id}` shows what is different; `safemigrate rollback {id}` puts everything back."
            ),
            State::Restoring => {
                "The restore did not end, and nothing of it is in the database. `safemigrate recover` clears up; then start it again."
                    .into()
            }
            State::Committing if self.command != "reinsert" => format!(
                "The restore stopped while it was committing: it has happened whole, or not at all. `safemigrate recover` asks the server; the state before it is in {id}."
            ),
            State::Reinserting => {
                "The re-insert was one transaction that did not commit: the database is as it was. Start it again."
                    .into()
            }
            State::Committing => {
                "The re-insert stopped while it was committing: its rows are either all back or none is. Start it again: rows that are there stay as they are."
                    .into()
            }
            State::Finished | State::Failed => "Nothing to do.".into(),
        }
    }
}
