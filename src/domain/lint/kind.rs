//! The rules: what is looked for, how bad it is, and why.

use serde::Serialize;

/// Whether a push goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Said, and the push goes on.
    Warning,
    /// The push is refused.
    Error,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What was found; its word stands in the output, and behind `-- safemigrate: accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    DroppedTable,
    DroppedColumn,
    DroppedAndAdded,
    DroppedType,
    DroppedSchema,
    DroppedDatabase,
    DroppedObjects,
    Truncate,
    DeleteAll,
    UpdateAll,
    TypeChange,
    RequiredColumn,
    SetNotNull,
    Unique,
    EnumValueRemoved,
    DroppedKey,
    DetachedPartition,
    Unreadable,
    Accept,
    Edited,
    Renamed,
    Deleted,
    Unproven,
    SchemaWithoutMigration,
    BareReset,
    Backup,
    Password,
    Dump,
}

/// One line of the table of rules.
pub struct Rule {
    pub word: &'static str,
    pub severity: Severity,
    pub finds: &'static str,
    pub why: &'static str,
}

impl Kind {
    pub const ALL: [Self; 28] = [
        Self::DroppedTable,
        Self::DroppedColumn,
        Self::DroppedAndAdded,
        Self::DroppedType,
        Self::DroppedSchema,
        Self::DroppedDatabase,
        Self::DroppedObjects,
        Self::Truncate,
        Self::DeleteAll,
        Self::UpdateAll,
        Self::TypeChange,
        Self::RequiredColumn,
        Self::SetNotNull,
        Self::Unique,
        Self::EnumValueRemoved,
        Self::DroppedKey,
        Self::DetachedPartition,
        Self::Unreadable,
        Self::Accept,
        Self::Edited,
        Self::Renamed,
        Self::Deleted,
        Self::Unproven,
        Self::SchemaWithoutMigration,
        Self::BareReset,
        Self::Backup,
        Self::Password,
        Self::Dump,
    ];

    pub fn word(self) -> &'static str {
        self.rule().word
    }

    pub fn severity(self) -> Severity {
        self.rule().severity
    }

    /// Whether a comment above a statement can accept it.
    pub fn is_of_statement(self) -> bool {
        self <= Self::Unreadable
    }

    /// Whether a comment above the first statement can accept it.
    pub fn is_of_file(self) -> bool {
        matches!(self, Self::Edited | Self::Renamed | Self::Unproven)
    }

    /// The kind with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    pub fn rule(self) -> Rule {
        let (word, finds, why) = match self {
            Self::DroppedTable => ("dropped-table", "`DROP TABLE`", "all its rows are gone"),
            Self::DroppedColumn => ("dropped-column", "`DROP COLUMN`, `DROP ATTRIBUTE`", "all its values are gone"),
            Self::DroppedAndAdded => (
                "dropped-and-added",
                "a column dropped and another added to the same table",
                "Prisma writes a renamed field like that: the values are gone",
            ),
            Self::DroppedType => ("dropped-type", "`DROP TYPE`, `DROP DOMAIN`", "with CASCADE, columns of it go too"),
            Self::DroppedSchema => ("dropped-schema", "`DROP SCHEMA`", "with CASCADE, everything in it goes too"),
            Self::DroppedDatabase => ("dropped-database", "`DROP DATABASE`", "everything is gone"),
            Self::DroppedObjects => (
                "dropped-objects",
                "`DROP OWNED BY`, `DROP EXTENSION … CASCADE`",
                "tables and columns that depend on it go too",
            ),
            Self::Truncate => ("truncate", "`TRUNCATE`", "all rows are gone"),
            Self::DeleteAll => ("delete-all", "`DELETE` without `WHERE`", "all rows are gone"),
            Self::UpdateAll => (
                "update-all",
                "`UPDATE` without `WHERE` of a column that has values",
                "the values of all rows are overwritten",
            ),
            Self::TypeChange => (
                "type-change",
                "another type, to which not every value can be cast",
                "values are cut off or rounded, or the migration fails half way",
            ),
            Self::RequiredColumn => {
                ("required-column", "a new `NOT NULL` column without a default", "fails on a table that has rows")
            }
            Self::SetNotNull => {
                ("set-not-null", "`SET NOT NULL` on a column that was there", "fails where a NULL is in it")
            }
            Self::Unique => (
                "unique",
                "a unique index, unique constraint or primary key on a table that was there",
                "fails where values are there twice",
            ),
            Self::EnumValueRemoved => (
                "enum-value-removed",
                "an enum made anew with fewer values",
                "fails where a row has a value that is gone",
            ),
            Self::DroppedKey => (
                "dropped-key",
                "a primary key dropped",
                "rows can be there twice from then on, and can no longer be told apart",
            ),
            Self::DetachedPartition => {
                ("detached-partition", "`DETACH PARTITION`", "its rows are no longer in the table")
            }
            Self::Unreadable => (
                "unreadable",
                "SQL that cannot be read: not PostgreSQL's, built while it runs, or in another language",
                "nobody knows what it does",
            ),
            Self::Accept => {
                ("accept", "`-- safemigrate: accept` without a reason, or with nothing to accept", "it accepts nothing")
            }
            Self::Edited => (
                "edited",
                "a migration on the remote that was edited",
                "where it ran already it will not run again, and Prisma wants a reset",
            ),
            Self::Renamed => {
                ("renamed", "a migration on the remote under another name", "where it ran already it will run again")
            }
            Self::Deleted => {
                ("deleted", "a migration on the remote that is gone", "where it ran already Prisma wants a reset")
            }
            Self::Unproven => (
                "unproven",
                "a new migration that never ran under safemigrate on this machine, or ran and proved nothing",
                "nobody has seen that it loses nothing",
            ),
            Self::SchemaWithoutMigration => (
                "schema-without-migration",
                "a Prisma schema changed without a new migration",
                "the database will not have what the client expects",
            ),
            Self::BareReset => (
                "bare-reset",
                "a script in package.json that calls `prisma migrate reset` or `db push --force-reset` without safemigrate",
                "it empties whatever database the environment names",
            ),
            Self::Backup => (
                "backup",
                "a backup of safemigrate",
                "it holds the data, for everybody who can read the repository, for ever",
            ),
            Self::Password => (
                "password",
                "a `.env` file with a password",
                "everybody who can read the repository can read it, for ever",
            ),
            Self::Dump => (
                "dump",
                "a dump of `pg_dump`",
                "it holds the data, for everybody who can read the repository, for ever",
            ),
        };
        Rule { word, severity: self.weight(), finds, why }
    }

    fn weight(self) -> Severity {
        match self {
            Self::DroppedKey
            | Self::DetachedPartition
            | Self::Unreadable
            | Self::Accept
            | Self::Unproven
            | Self::SchemaWithoutMigration
            | Self::BareReset => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// As git names it: from the root of the repository, with `/`.
    pub file: String,
    /// From 1.
    pub line: usize,
    pub kind: Kind,
    pub severity: Severity,
    /// What it does, in one sentence.
    pub message: String,
    /// What to do instead, and how to say that it is meant.
    pub remedy: String,
}

impl Finding {
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(words.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| Kind::of_word(kind.word()) == Some(*kind)));
        assert!(Kind::ALL.is_sorted());
    }
}
