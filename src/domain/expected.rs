//! Losses that somebody said beforehand to be meant: by `[verify] expect_loss`, or by a comment in the migration. They are
//! listed as any other, but they are no reason to call a run lost. What is not named is never covered.

use super::compare::{ColumnReport, TableReport, TableVerdict, Verification};
use super::lint::{Known, meant};
use super::manifest::TableData;
use super::names::QualifiedName;
use std::collections::BTreeMap;

mod pattern;

pub use pattern::LossPattern;

/// What may be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The table, all its rows, every value in it.
    Table(QualifiedName),
    /// Rows, and the values that went with them; not the table, and no value of a row that is still there.
    Rows(QualifiedName),
    /// The values of a column, and the column; no row.
    Column(QualifiedName, String),
    /// Every table of it.
    Schema(String),
}

/// A loss that a comment above its statement accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub reach: Reach,
    pub reason: String,
}

/// A migration's SQL, and whether it is one of those whose losses are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub sql: String,
    /// `false`: an older one, which only tells what there was.
    pub applies: bool,
}

/// Everything that was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    patterns: Vec<LossPattern>,
    accepted: Vec<Accepted>,
    default_schema: String,
}

impl Expectations {
    /// `scripts`: all migrations, oldest first. A table without a schema is in `default_schema`. The SQL is read with
    /// a parser that goes down once for each level of nesting: where there is room for it, please.
    pub fn new(patterns: &[LossPattern], scripts: &[Script], default_schema: &str) -> Self {
        let mut known = Known::default();
        let mut accepted = Vec::new();
        for script in scripts {
            let found = meant(&script.sql, &mut known);
            if script.applies && is_clear(&script.sql, default_schema) {
                accepted.extend(found.into_iter().map(|a| in_schema(a, default_schema)));
            }
        }
        Self { patterns: patterns.to_vec(), accepted, default_schema: default_schema.to_owned() }
    }

    /// The verification with every expected loss marked; it is `ok` where no other is left. `before`: the tables that it
    /// was compared with.
    pub fn mark(&self, mut verification: Verification, before: &[TableData]) -> Verification {
        let names = names(before);
        let old: Vec<String> = verification.tables.iter().map(|t| t.table.clone()).collect();
        for table in verification.tables.iter_mut().filter(|t| t.is_loss()) {
            // two tables that read alike (a dot in a name) are told apart by nobody here
            let Some([name]) = names.get(&table.table).map(Vec::as_slice) else { continue };
            let renamed = table.to.as_ref().filter(|to| !old.contains(to));
            let renamed = renamed.and_then(|to| Some(QualifiedName::new(name.schema.clone(), own_name(to, name)?)));
            self.mark_table(table, &[Some(name.clone()), renamed].into_iter().flatten().collect::<Vec<_>>());
        }
        verification.ok = !verification.tables.iter().any(TableReport::is_unexpected_loss);
        verification
    }

    fn mark_table(&self, table: &mut TableReport, names: &[QualifiedName]) {
        let whole = self.why(|reach| reach.takes_all(names), |p| p.takes_all(names, &self.default_schema));
        let rows = || self.why(|reach| matches!(reach, Reach::Rows(t) if names.contains(t)), |_| false);
        table.expected = match table.verdict {
            TableVerdict::LostRows => whole.clone().or_else(rows),
            TableVerdict::Dropped if table.before > 0 => whole.clone(),
            _ => None,
        };
        let gone_with_rows: Vec<bool> = table.columns.iter().map(|c| table.took_with_rows(c)).collect();
        let with_rows = table.expected.clone();
        let others: Vec<String> = table.columns.iter().map(|c| c.column.clone()).collect();
        for (column, went) in table.columns.iter_mut().zip(gone_with_rows).filter(|(c, _)| c.is_loss()) {
            let own = || self.why_column(column, names, &others);
            column.expected = whole.clone().or_else(|| with_rows.clone().filter(|_| went)).or_else(own);
        }
    }

    fn why_column(&self, column: &ColumnReport, tables: &[QualifiedName], others: &[String]) -> Option<String> {
        let renamed = column.to.as_ref().filter(|to| !others.contains(to));
        let names: Vec<&str> = [Some(&column.column), renamed].into_iter().flatten().map(String::as_str).collect();
        self.why(
            |reach| matches!(reach, Reach::Column(t, c) if tables.contains(t) && names.contains(&c.as_str())),
            |pattern| pattern.takes_column(tables, &names, &self.default_schema),
        )
    }

    fn why(&self, of_comment: impl Fn(&Reach) -> bool, of_pattern: impl Fn(&LossPattern) -> bool) -> Option<String> {
        let by_comment = self.accepted.iter().find(|a| of_comment(&a.reach)).map(|a| a.reason.clone());
        by_comment.or_else(|| self.patterns.iter().find(|p| of_pattern(p)).map(|p| format!("expect_loss {p}")))
    }
}

impl Reach {
    fn takes_all(&self, names: &[QualifiedName]) -> bool {
        match self {
            Self::Table(table) => names.contains(table),
            Self::Schema(schema) => names.iter().any(|name| &name.schema == schema),
            Self::Rows(_) | Self::Column(..) => false,
        }
    }
}

/// Each table's name by how a report writes it; a partition counts as its root.
fn names(before: &[TableData]) -> BTreeMap<String, Vec<QualifiedName>> {
    let mut names: BTreeMap<String, Vec<QualifiedName>> = BTreeMap::new();
    for data in before {
        let name = data.table.partition_root.as_ref().unwrap_or(&data.table.name);
        let alike = names.entry(name.to_string()).or_default();
        if !alike.contains(name) {
            alike.push(name.clone());
        }
    }
    names
}

/// The name of a table of the same schema, as a report writes it, without its schema.
fn own_name(written: &str, of_same_schema: &QualifiedName) -> Option<String> {
    Some(written.strip_prefix(&of_same_schema.schema)?.strip_prefix('.')?.to_owned())
}

/// Whether a name without a schema can be nothing but one of the default schema. The reader takes it for one of `public`.
fn is_clear(sql: &str, default_schema: &str) -> bool {
    let lower = sql.to_lowercase();
    let names_public = lower.contains("public.") || lower.contains("\"public\"");
    !lower.contains("search_path") && (default_schema == "public" || !names_public)
}

fn in_schema(accepted: Accepted, default_schema: &str) -> Accepted {
    let moved = |name: QualifiedName| match name.schema.as_str() {
        "public" => QualifiedName::new(default_schema, name.name),
        _ => name,
    };
    let reach = match accepted.reach {
        Reach::Table(table) => Reach::Table(moved(table)),
        Reach::Rows(table) => Reach::Rows(moved(table)),
        Reach::Column(table, column) => Reach::Column(moved(table), column),
        schema @ Reach::Schema(_) => schema,
    };
    Accepted { reach, ..accepted }
}

#[cfg(test)]
mod tests;
