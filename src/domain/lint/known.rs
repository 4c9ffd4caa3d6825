//! What the migrations so far have made, as far as it stands in them.

use super::types::SqlType;
use crate::domain::names::QualifiedName;
use std::collections::{BTreeMap, BTreeSet};

/// Tables and types by name. What is not in it may exist all the same: a baseline, an extension, another tool.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub tables: BTreeMap<QualifiedName, Table>,
    pub types: BTreeMap<QualifiedName, UserType>,
}

#[derive(Debug, Clone, Default)]
pub struct Table {
    pub columns: BTreeMap<String, Column>,
    /// By the migration that is being read: there is nothing in it to lose.
    pub made_here: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Column {
    pub ty: Option<SqlType>,
    pub made_here: bool,
    /// Values it has got in this migration: by a default, or by an `UPDATE`.
    pub filled: bool,
    /// Each row has a value of its own, as far as a default can do that.
    pub is_distinct: bool,
    /// The columns whose values it holds, each as it was.
    pub copied_from: BTreeSet<String>,
}

#[derive(Debug, Clone, Default)]
pub struct UserType {
    /// `None`: no enum.
    pub labels: Option<Vec<String>>,
    pub made_here: bool,
    /// Its name is one of this migration's making: what had it before is called otherwise now.
    pub renamed_here: bool,
}

impl Known {
    /// A migration has ended: what it made may hold data when the next one comes.
    pub fn settle(&mut self) {
        for table in self.tables.values_mut() {
            table.made_here = false;
            for column in table.columns.values_mut() {
                *column = Column { ty: column.ty.take(), ..Column::default() };
            }
        }
        for ty in self.types.values_mut() {
            ty.made_here = false;
            ty.renamed_here = false;
        }
    }

    pub fn is_made_here(&self, table: &QualifiedName) -> bool {
        self.tables.get(table).is_some_and(|t| t.made_here)
    }

    pub fn column(&self, table: &QualifiedName, column: &str) -> Option<&Column> {
        self.tables.get(table)?.columns.get(column)
    }

    /// The column, known from now on.
    pub fn column_mut(&mut self, table: &QualifiedName, column: &str) -> &mut Column {
        self.tables.entry(table.clone()).or_default().columns.entry(column.to_owned()).or_default()
    }

    pub fn is_column_made_here(&self, table: &QualifiedName, column: &str) -> bool {
        self.is_made_here(table) || self.column(table, column).is_some_and(|c| c.made_here)
    }

    pub fn rename_table(&mut self, from: &QualifiedName, to: QualifiedName) {
        let table = self.tables.remove(from).unwrap_or_default();
        self.tables.insert(to, table);
    }

    pub fn rename_column(&mut self, table: &QualifiedName, from: &str, to: String) {
        let Some(table) = self.tables.get_mut(table) else { return };
        let column = table.columns.remove(from).unwrap_or_default();
        table.columns.insert(to, column);
    }

    /// Columns keep their type under its new name.
    pub fn rename_type(&mut self, from: &QualifiedName, to: &QualifiedName) {
        let ty = self.types.remove(from).unwrap_or_default();
        self.types.insert(to.clone(), UserType { renamed_here: true, ..ty });
        let columns = self.tables.values_mut().flat_map(|table| table.columns.values_mut());
        for ty in columns.filter_map(|column| column.ty.as_mut()).filter(|ty| &ty.name == from) {
            ty.name = to.clone();
        }
    }

    pub fn labels(&self, ty: &SqlType) -> Option<&[String]> {
        self.types.get(&ty.name)?.labels.as_deref()
    }

    /// A table made by this migration with just these columns, where there is one.
    pub fn twin(&self, columns: &BTreeMap<String, Column>) -> Option<&QualifiedName> {
        let same = |table: &Table| table.made_here && table.columns.keys().eq(columns.keys());
        let mut twins = self.tables.iter().filter(|(_, table)| !columns.is_empty() && same(table));
        let twin = twins.next().map(|(name, _)| name);
        twin.filter(|_| twins.next().is_none())
    }
}
