//! The columns of a planned table: where their values come from, and which of the backup's find no place.

use super::matching::SourceTable;
use super::names::{Found, Part, find_column};
use crate::domain::names::QualifiedName;
use crate::domain::schema::{Column, Table};
use serde::Serialize;

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Source {
    /// As they stand in the backup: same type, nothing to change.
    Copied {
        from: String,
    },
    /// From the backup, through a cast, a `--map-value`, or with its NULLs filled.
    Converted {
        from: String,
        from_type: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        values: Vec<(String, String)>,
        #[serde(skip_serializing_if = "Option::is_none")]
        null_fill: Option<String>,
    },
    /// `--cast`: an expression over the old row.
    Cast {
        from: Option<String>,
        sql: String,
    },
    /// `--fill` on a new column: an expression over the new row.
    Filled {
        sql: String,
    },
    Default {
        sql: String,
    },
    /// The next number of the identity column's own sequence.
    Identity {
        sequence: QualifiedName,
    },
    /// Required, and nobody says with what: the type's empty value.
    Empty {
        sql: String,
    },
    Null,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnPlan {
    pub column: String,
    pub type_name: String,
    pub not_null: bool,
    /// Its default where that is a constant, so that `--on-conflict fill` can tell "at its default".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant_default: Option<String>,
    #[serde(flatten)]
    pub source: Source,
}

impl ColumnPlan {
    pub fn is_from_backup(&self) -> bool {
        self.from().is_some()
    }

    /// The old column that the values come from.
    pub fn from(&self) -> Option<&str> {
        match &self.source {
            Source::Copied { from } | Source::Converted { from, .. } => Some(from),
            Source::Cast { from, .. } => from.as_deref(),
            _ => None,
        }
    }

    /// What a new column is filled with, as the report says it.
    pub fn filled_with(&self) -> Option<String> {
        match &self.source {
            Source::Filled { sql } | Source::Default { sql } | Source::Empty { sql } => Some(sql.clone()),
            Source::Converted { null_fill, .. } => null_fill.clone(),
            Source::Identity { sequence } => Some(format!("the next number of {sequence}")),
            Source::Null => Some("NULL".into()),
            Source::Copied { .. } | Source::Cast { .. } => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhySkipped {
    Gone,
    /// It is derived from others now.
    Generated,
    /// A `--map` sends another column there.
    Taken,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedColumn {
    pub column: String,
    pub why: WhySkipped,
}

/// What the options say about one pair of tables, names looked up. Columns of `fills` and `casts` are new ones.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Old to new.
    pub maps: Vec<(String, String)>,
    pub fills: Vec<(String, String)>,
    pub casts: Vec<(String, String)>,
    /// Old column, old value, new value.
    pub values: Vec<(String, String, String)>,
}

/// The columns of a pair matched: new column → old column.
pub fn match_columns<'t>(
    source: &SourceTable<'_>,
    target: &'t Table,
    maps: &[(String, String)],
) -> Vec<(&'t Column, Option<String>)> {
    let moved = |old: &str| maps.iter().any(|(from, _)| from == old);
    let free: Vec<&str> = source.column_names().filter(|old| !moved(old)).collect();
    let exact = |new: &Column| {
        let mapped = maps.iter().find(|(_, to)| to == &new.name).map(|(from, _)| from.clone());
        mapped.or_else(|| free.iter().find(|old| **old == new.name).map(|old| (*old).to_owned()))
    };
    let writable = || target.columns.iter().filter(|c| !c.generated);
    let matched: Vec<(&Column, Option<String>)> = writable().map(|c| (c, exact(c))).collect();
    // what is left on both sides: the same name but for its case
    let is_used = |old: &str| {
        matched.iter().any(|(_, from)| from.as_deref() == Some(old)) || target.columns.iter().any(|c| c.name == old)
    };
    let left: Vec<&str> = free.into_iter().filter(|old| !is_used(old)).collect();
    let new_left: Vec<&str> = matched.iter().filter(|(_, from)| from.is_none()).map(|(c, _)| c.name.as_str()).collect();
    let near = |new: &str| -> Option<String> {
        let part = Part { text: new.to_owned(), quoted: false };
        let Found::One(old) = find_column(&part, left.iter().copied()) else { return None };
        let part = Part { text: old.to_owned(), quoted: false };
        matches!(find_column(&part, new_left.iter().copied()), Found::One(_)).then(|| old.to_owned())
    };
    matched.iter().map(|(c, from)| (*c, from.clone().or_else(|| near(&c.name)))).collect()
}
