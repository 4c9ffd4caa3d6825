//! A backup as it stands in the store: a small manifest over content-addressed objects.

use super::digest::TableStats;
use super::names::QualifiedName;
use super::schema::{ForeignKey, Sequence, Table};
use super::unchanged::{SnapshotInfo, Spared};
use serde::{Deserialize, Serialize};

/// The newest manifest format that this program writes. Newer ones are refused.
pub const FORMAT: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Full,
    DataOnly,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::DataOnly => "data-only",
        }
    }

    /// The id of the backup of this kind in the checkpoint with this stem.
    pub fn id(self, stem: &str) -> String {
        match self {
            Self::Full => format!("f-{stem}"),
            Self::DataOnly => format!("d-{stem}"),
        }
    }
}

/// Which backups are taken in one read. The words are those of `--kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kinds {
    Full,
    DataOnly,
    Both,
}

impl Kinds {
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::DataOnly => "data-only",
            Self::Both => "both",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Full, Self::DataOnly, Self::Both].into_iter().find(|kinds| kinds.name() == name)
    }
}

/// Which backups an id may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Any,
    Full,
    DataOnly,
}

impl Wanted {
    pub fn fits(self, id: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Full => id.starts_with("f-"),
            Self::DataOnly => id.starts_with("d-"),
        }
    }
}

/// Why a backup was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    BeforeMigration,
    AfterMigration,
    BeforeRestore,
    Scheduled,
    Manual,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeMigration => "before-migration",
            Self::AfterMigration => "after-migration",
            Self::BeforeRestore => "before-restore",
            Self::Scheduled => "scheduled",
            Self::Manual => "manual",
        }
    }
}

/// Name of an object: the BLAKE3 hash (hex) of what is inside, before compression.
pub type ObjectId = String;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `f-…` for full, `d-…` for data-only; the two of a checkpoint share the rest.
    pub id: String,
    pub kind: Kind,
    pub reason: Reason,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// The run (`r-…`) that took it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    pub database: DatabaseInfo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectInfo>,
    /// Only in a full backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<Structure>,
    pub tables: Vec<TableData>,
    pub sequences: Vec<Sequence>,
    /// Materialized views that held data, in refresh order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materialized_views: Vec<QualifiedName>,
    /// User schemas that existed.
    pub schemas: Vec<String>,
    /// Which rows need which: a table can be filled after those that it references.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// Where it was brought in from, if it was not taken from the database of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// What the next backup can prove its rows by. Backups of older versions of this program do not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotInfo>,
}

/// A backup that came out of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The file's name, without its folders.
    pub file: String,
}

/// Where the backup comes from; never a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    pub name: String,
    /// `server_version_num`, for example 150018.
    pub server_version: u32,
    /// `pg_control_system().system_identifier`, where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_identifier: Option<String>,
    pub encoding: String,
    /// Backups of older versions of this program do not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

/// How a database sorts and classifies text: settled when it is made, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locale {
    /// `c` (libc), `i` (ICU) or `b` (built in).
    pub provider: String,
    /// `LC_COLLATE`.
    pub collate: String,
    /// `LC_CTYPE`.
    pub ctype: String,
    /// The locale of ICU or of the built-in provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icu_rules: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectInfo {
    /// Version of the project's Prisma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prisma: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    /// Names in `_prisma_migrations` that were applied at that moment.
    #[serde(default)]
    pub migrations: Vec<String>,
}

/// The `pg_dump -Fc` archive of everything but rows (large objects are inside).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    pub object: ObjectId,
    pub bytes: u64,
    /// Version of the `pg_dump` that wrote it; `pg_restore` must not be older.
    pub pg_dump: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableData {
    pub table: Table,
    pub stats: TableStats,
    pub segments: Vec<Segment>,
}

/// The rows of one page range of one table, as COPY text (columns: `Table::data_columns`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub object: ObjectId,
    pub rows: u64,
    pub bytes: u64,
}

impl Manifest {
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|t| t.stats.rows).sum()
    }

    /// Bytes of data as read.
    pub fn bytes(&self) -> u64 {
        let data: u64 = self.tables.iter().map(|t| t.stats.bytes).sum();
        data + self.structure.as_ref().map_or(0, |s| s.bytes)
    }

    pub fn table(&self, name: &QualifiedName) -> Option<&TableData> {
        self.tables.iter().find(|t| &t.table.name == name)
    }

    /// What was proven and not read, if there was anything.
    pub fn spared(&self) -> Option<Spared> {
        self.snapshot.as_ref()?.spared()
    }

    /// Every object that this backup needs.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectId> {
        let structure = self.structure.iter().map(|s| &s.object);
        structure.chain(self.tables.iter().flat_map(|t| t.segments.iter().map(|s| &s.object)))
    }

    /// What in it cannot be true, whoever wrote it; `None` as a rule.
    pub fn contradiction(&self) -> Option<String> {
        if (self.kind == Kind::Full) != self.structure.is_some() || !self.id.starts_with(&self.kind.id("")) {
            return Some(format!("{} is no name for a {} backup", self.id, self.kind.name()));
        }
        let sum = |data: &TableData, of: fn(&Segment) -> u64| {
            data.segments.iter().try_fold(0_u64, |sum, segment| sum.checked_add(of(segment)))
        };
        // an object's name becomes a path
        let is_hash = |id: &str| id.len() == 64 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if let Some(odd) = self.objects().find(|id| !is_hash(id)) {
            return Some(format!("{odd:?} is no object"));
        }
        let all = |of: fn(&TableData) -> u64| self.tables.iter().try_fold(0_u64, |sum, data| sum.checked_add(of(data)));
        let structure = self.structure.as_ref().map_or(0, |s| s.bytes);
        if all(|t| t.stats.rows).is_none() || all(|t| t.stats.bytes).and_then(|b| b.checked_add(structure)).is_none() {
            return Some("so much is in no backup".to_owned());
        }
        self.tables.iter().find_map(|data| {
            let rows = sum(data, |s| s.rows) == Some(data.stats.rows);
            let bytes = sum(data, |s| s.bytes) == Some(data.stats.bytes);
            let columns = data.stats.columns.len() == data.table.data_columns().count();
            (!(rows && bytes && columns)).then(|| format!("the figures of {} do not add up", data.table.name))
        })
    }
}
