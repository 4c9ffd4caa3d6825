//! What a database is made of, as far as its data is concerned.

use super::names::QualifiedName;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    Always,
    ByDefault,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// `format_type()` with its modifier, schema-qualified unless in `pg_catalog`: `integer`, `public."Role"[]`.
    pub type_name: String,
    /// `attnum`: a column that was dropped and made again has a new one.
    pub number: i16,
    pub not_null: bool,
    /// The default's SQL expression; `None` for generated columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// `GENERATED ALWAYS AS (…)`: derived, so it is neither copied nor compared.
    #[serde(default)]
    pub generated: bool,
}

/// A plain table or a partition leaf: what rows lie in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: QualifiedName,
    /// `pg_class.oid`: a table that was dropped and made again has a new one.
    pub oid: u32,
    /// All columns in `attnum` order, generated ones included.
    pub columns: Vec<Column>,
    /// Columns of the primary key in key order; empty when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// Other unique keys over plain columns, not partial, immediate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique_keys: Vec<Vec<String>>,
    /// For a partition leaf: the topmost partitioned table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_root: Option<QualifiedName>,
    /// For a configuration table of an extension: the condition of the rows that `pg_dump` takes ("" = all).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_condition: Option<String>,
}

impl Table {
    /// The columns whose values are copied, in the order in which every backup holds them.
    pub fn data_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !c.generated)
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub name: String,
    /// The referencing table (a partitioned root counts as one table).
    pub table: QualifiedName,
    pub columns: Vec<String>,
    pub referenced: QualifiedName,
    pub referenced_columns: Vec<String>,
    /// `pg_get_constraintdef()`, NOT VALID and DEFERRABLE included.
    pub definition: String,
    pub validated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    pub name: QualifiedName,
    pub last_value: i64,
    pub is_called: bool,
    /// Negative for a descending sequence.
    pub increment: i64,
    /// The column that owns it (`OWNED BY`, serial, identity).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<(QualifiedName, String)>,
}

/// What one look at the catalog gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Plain tables and partition leaves, sorted by name.
    pub tables: Vec<Table>,
    /// Partitioned tables (they hold no rows themselves), sorted by name.
    pub partitioned: Vec<Table>,
    pub foreign_keys: Vec<ForeignKey>,
    /// Those of extensions' configuration tables.
    pub extension_keys: Vec<ForeignKey>,
    pub sequences: Vec<Sequence>,
    /// Populated materialized views in the order in which they can be refreshed.
    pub materialized_views: Vec<QualifiedName>,
    /// User schemas (not pg_*, not information_schema).
    pub schemas: Vec<String>,
}

impl Catalog {
    pub fn table(&self, name: &QualifiedName) -> Option<&Table> {
        self.tables.iter().chain(&self.partitioned).find(|t| &t.name == name)
    }
}
