//! Tables that are made and altered.

use super::kind::Kind;
use super::known::{Column, Table};
use super::reader::{Dropped, Reader, quoted, sql};
use super::sql::{columns, named, names_in};
use super::types::{Cast, SqlType, cast};
use super::{Sentence, shown};
use crate::domain::expected::Reach;
use crate::domain::names::QualifiedName;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

/// Functions that give each row a value of its own.
const DISTINCT: [&str; 8] = [
    "gen_random_uuid",
    "uuid_generate_v4",
    "uuid_generate_v1",
    "uuidv7",
    "uuidv4",
    "nextval",
    "gen_random_bytes",
    "cuid",
];

impl Reader<'_> {
    pub(super) fn make_table(&mut self, name: Option<QualifiedName>) {
        let Some(name) = name else { return };
        self.known.tables.insert(name, Table { made_here: true, ..Table::default() });
    }

    pub(super) fn create_table(&mut self, create: &ast::CreateTable) {
        let Some(name) = named(create.table_name()) else { return };
        if create.if_not_exists().is_some() && self.known.tables.contains_key(&name) {
            return;
        }
        self.make_table(Some(name.clone()));
        let arguments = create.table_arg_list().into_iter().flat_map(|list| list.args());
        for argument in arguments {
            let ast::TableArg::Column(column) = argument else { continue };
            let (Some(column), ty) = (column.name(), column.ty()) else { continue };
            let ty = ty.as_ref().and_then(SqlType::read).map(SqlType::stored);
            *self.known.column_mut(&name, &column.text()) = Column { ty, made_here: true, ..Column::default() };
        }
    }

    pub(super) fn alter_table(&mut self, alter: &ast::AlterTable) {
        let Some(mut table) = named(alter.table_relation_name()) else { return };
        for action in alter.actions() {
            match action {
                ast::AlterTableAction::TableRenameTo(rename) => {
                    let Some(to) = named(rename.table_name()) else { continue };
                    let to = QualifiedName::new(table.schema.clone(), to.name);
                    self.known.rename_table(&table, to.clone());
                    table = to;
                }
                ast::AlterTableAction::SetSchema(set) => {
                    let Some(schema) = set.schema_ref() else { continue };
                    let to = QualifiedName::new(ast::normalize_name_node(schema.syntax()), table.name.clone());
                    self.known.rename_table(&table, to.clone());
                    table = to;
                }
                ast::AlterTableAction::RenameColumn(rename) => {
                    let (Some(from), Some(to)) = (rename.column_name_ref(), rename.column_name()) else { continue };
                    self.known.rename_column(&table, &ast::normalize_name_node(from.syntax()), to.text());
                }
                other => self.alter_action(&table, &other),
            }
        }
    }

    fn alter_action(&mut self, table: &QualifiedName, action: &ast::AlterTableAction) {
        match action {
            ast::AlterTableAction::AddColumn(add) => self.add_column(table, add),
            ast::AlterTableAction::DropColumn(drop) => self.drop_column(table, drop),
            ast::AlterTableAction::AlterColumn(alter) => self.alter_column(table, alter),
            ast::AlterTableAction::AddConstraint(add) => match add.constraint() {
                Some(ast::Constraint::UniqueConstraint(unique)) if unique.using_index().is_none() => {
                    self.unique(table, &columns(unique.syntax()), add.syntax());
                }
                Some(ast::Constraint::PrimaryKeyConstraint(key)) if key.using_index().is_none() => {
                    self.unique(table, &columns(key.syntax()), add.syntax());
                }
                _ => {}
            },
            ast::AlterTableAction::DropConstraint(drop) => {
                let name = named(drop.constraint_name_ref()).map(|name| name.name).unwrap_or_default();
                // Prisma and PostgreSQL both name it so
                if name == format!("{}_pkey", table.name) && !self.known.is_made_here(table) {
                    let message = format!("It drops the primary key of {}", shown(table));
                    let remedy = "Make the new key in the same migration, so that rows stay apart";
                    self.find(drop.syntax(), Kind::DroppedKey, Sentence::new(message, remedy));
                }
            }
            ast::AlterTableAction::DetachPartition(detach) => {
                let message = format!("The rows of a partition are no longer in {}", shown(table));
                let remedy = "Say in the comment where they go";
                self.find(detach.syntax(), Kind::DetachedPartition, Sentence::new(message, remedy));
                self.takes([Reach::Rows(table.clone())]);
            }
            _ => {}
        }
    }

    fn add_column(&mut self, table: &QualifiedName, add: &ast::AddColumn) {
        let Some(name) = add.column_name().map(|name| name.text()) else { return };
        let ty = add.ty().as_ref().and_then(SqlType::read);
        let is_serial = ty.as_ref().is_some_and(SqlType::is_serial);
        let constraints: Vec<ast::Constraint> = add.constraints().collect();
        let default = constraints.iter().find_map(|constraint| match constraint {
            ast::Constraint::DefaultConstraint(default) => Some(default.syntax().clone()),
            _ => None,
        });
        let is_generated = constraints.iter().any(|c| matches!(c, ast::Constraint::GeneratedConstraint(_)));
        let has = |test: fn(&ast::Constraint) -> bool| constraints.iter().any(test);
        let is_key = has(|c| matches!(c, ast::Constraint::PrimaryKeyConstraint(_)));
        let is_required = is_key || has(|c| matches!(c, ast::Constraint::NotNullConstraint(_)));
        let is_null_default = default.as_ref().is_some_and(|d| d.text().to_string().to_lowercase().ends_with("null"));
        let filled = is_serial || is_generated || default.is_some() && !is_null_default;
        let is_distinct = is_serial
            || constraints.iter().any(|c| c.syntax().descendants().any(|n| ast::GeneratedIdentity::can_cast(n.kind())))
            || default.as_ref().is_some_and(|d| names_in(d).iter().any(|name| DISTINCT.contains(&name.as_str())));
        let stored = ty.map(SqlType::stored);
        self.added.push((table.clone(), name.clone(), stored.clone()));
        let column =
            Column { ty: stored, made_here: true, filled, is_distinct, copied_from: std::collections::BTreeSet::new() };
        *self.known.column_mut(table, &name) = column;
        if self.known.is_made_here(table) {
            return;
        }
        if is_required && !filled {
            let message = format!(
                "The new column {}.{name} is NOT NULL and has no default: this fails where {} has rows",
                shown(table),
                shown(table)
            );
            let remedy = format!(
                "Give it a DEFAULT; or add it without NOT NULL, fill it, then: ALTER TABLE {} ALTER COLUMN {} SET NOT NULL;",
                sql(table),
                quoted(&name)
            );
            self.find(add.syntax(), Kind::RequiredColumn, Sentence::new(message, remedy));
        }
        if is_key || has(|c| matches!(c, ast::Constraint::UniqueConstraint(_))) {
            self.unique(table, &[name], add.syntax());
        }
    }

    fn drop_column(&mut self, table: &QualifiedName, drop: &ast::DropColumn) {
        let Some(column) = drop.column_name_ref().map(|name| ast::normalize_name_node(name.syntax())) else { return };
        let in_new_table = self.known.is_made_here(table);
        let old = self.known.tables.get_mut(table).and_then(|t| t.columns.remove(&column)).unwrap_or_default();
        // its values are in another column, each as it was
        let moved =
            self.known.tables.get(table).is_some_and(|t| t.columns.values().any(|c| c.copied_from.contains(&column)));
        if in_new_table || old.made_here || moved {
            return;
        }
        let line = self.line_of(drop.syntax());
        self.dropped.push(Dropped { table: table.clone(), column, ty: old.ty, statement: self.statement, line });
    }

    /// A column that goes while another comes to the same table is a renamed field, as Prisma writes it.
    pub(super) fn pair_columns(&mut self) {
        for dropped in std::mem::take(&mut self.dropped) {
            let added = || self.added.iter().filter(|(table, ..)| table == &dropped.table);
            let alike = added().find(|(_, _, ty)| ty.is_some() && ty == &dropped.ty);
            let again = added().find(|(_, column, _)| column == &dropped.column);
            let (kind, says) = match again.or(alike).or_else(|| added().next()) {
                Some((_, column, ty)) => (Kind::DroppedAndAdded, said_of_pair(&dropped, column, ty.as_ref())),
                None => (Kind::DroppedColumn, said_of_drop(&dropped)),
            };
            self.statement = dropped.statement;
            self.push(dropped.line, kind, says);
            self.takes([Reach::Column(dropped.table, dropped.column)]);
        }
    }

    fn alter_column(&mut self, table: &QualifiedName, alter: &ast::AlterColumn) {
        let Some(column) = alter.column_name_ref().map(|name| ast::normalize_name_node(name.syntax())) else { return };
        match alter.option() {
            Some(ast::AlterColumnOption::SetNotNull(_)) => self.set_not_null(table, &column, alter.syntax()),
            Some(ast::AlterColumnOption::SetType(set)) => self.set_type(table, &column, &set),
            _ => {}
        }
    }

    fn set_not_null(&mut self, table: &QualifiedName, column: &str, node: &SyntaxNode) {
        let filled = self.known.column(table, column).is_some_and(|c| c.filled);
        if filled || self.known.is_made_here(table) {
            return;
        }
        let (own, quoted) = (sql(table), quoted(column));
        let message = format!("{}.{column} becomes NOT NULL: this fails where a NULL is in it", shown(table));
        let remedy = format!("Fill it before: UPDATE {own} SET {quoted} = … WHERE {quoted} IS NULL;");
        self.find(node, Kind::SetNotNull, Sentence::new(message, remedy));
    }

    fn set_type(&mut self, table: &QualifiedName, column: &str, set: &ast::SetType) {
        let Some(to) = set.ty().as_ref().and_then(SqlType::read) else { return };
        let from = self.known.column(table, column).and_then(|c| c.ty.clone());
        let harmless = self.known.is_column_made_here(table, column);
        self.known.column_mut(table, column).ty = Some(to.clone());
        if harmless {
            return;
        }
        if let Some(labels) = self.known.labels(&to).map(<[String]>::to_vec) {
            return self.new_enum(table, column, from, &labels, set);
        }
        let (whole, old) =
            (format!("{}.{column}", shown(table)), from.as_ref().map(|ty| format!("from {ty} ")).unwrap_or_default());
        let is_text = |ty: &SqlType| ty.to_string() == "text";
        // a conversion of the user's own is theirs to judge, and everything has a text
        let plain = set.using_expr().is_none_or(|using| using.expr().is_none_or(|e| is_plain_cast(&e)));
        let what = match &from {
            Some(from) if plain => cast(from, &to),
            None if plain && is_text(&to) => Cast::Keeps,
            _ => Cast::MayFail,
        };
        let remedy = format!(
            "Add a column of the new type, fill it, and drop the old one in a later migration; or make sure first that every value fits: SELECT count(*) FROM {} WHERE …",
            sql(table)
        );
        match what {
            Cast::Keeps => {}
            Cast::Shifts => {
                let message =
                    format!("{whole} goes {old}to {to}: what its values mean depends on the TimeZone of the session");
                let remedy = format!(
                    "Say which zone they are in: ALTER COLUMN {0} TYPE {to} USING {0} AT TIME ZONE 'UTC'",
                    quoted(column)
                );
                self.find(set.syntax(), Kind::TypeChange, Sentence::new(message, remedy));
                self.takes([Reach::Column(table.clone(), column.to_owned())]);
            }
            Cast::MayFail => {
                let message = format!("{whole} goes {old}to {to}: values may be cut off or rounded, or not fit at all");
                self.find(set.syntax(), Kind::TypeChange, Sentence::new(message, remedy));
                self.takes([Reach::Column(table.clone(), column.to_owned())]);
            }
        }
    }

    /// Prisma changes an enum by making it anew and casting through text.
    fn new_enum(
        &mut self,
        table: &QualifiedName,
        column: &str,
        from: Option<SqlType>,
        new: &[String],
        set: &ast::SetType,
    ) {
        let whole = format!("{}.{column}", shown(table));
        let old = from.as_ref().and_then(|ty| self.known.labels(ty));
        let Some(old) = old else {
            let message = format!("{whole} becomes an enum: this fails where a value is none of {}", new.join(", "));
            let remedy = format!("Make sure first: SELECT DISTINCT {} FROM {};", quoted(column), sql(table));
            self.find(set.syntax(), Kind::TypeChange, Sentence::new(message, remedy));
            return self.takes([Reach::Column(table.clone(), column.to_owned())]);
        };
        let gone: Vec<&str> = old.iter().filter(|label| !new.contains(label)).map(String::as_str).collect();
        if gone.is_empty() {
            return;
        }
        let list = gone.iter().map(|label| crate::domain::names::quote_literal(label)).collect::<Vec<_>>().join(", ");
        let message = format!("The enum of {whole} no longer has {}: this fails where a row has it", gone.join(", "));
        let (own, quoted) = (sql(table), quoted(column));
        let remedy =
            format!("Give those rows another value before: UPDATE {own} SET {quoted} = … WHERE {quoted} IN ({list});");
        self.find(set.syntax(), Kind::EnumValueRemoved, Sentence::new(message, remedy));
        self.takes([Reach::Column(table.clone(), column.to_owned())]);
    }

    pub(super) fn create_index(&mut self, index: &ast::CreateIndex) {
        let Some(table) = named(index.table_relation_name()) else { return };
        if index.unique_token().is_none() {
            return;
        }
        let items = index.partition_item_list().into_iter().flat_map(|list| list.partition_items());
        let columns: Vec<String> = items.filter_map(|item| super::sql::bare_column(&item.expr()?)).collect();
        self.unique(&table, &columns, index.syntax());
    }

    /// `columns`: of which at least one that is all NULL, or all different, keeps every row apart.
    fn unique(&mut self, table: &QualifiedName, columns: &[String], node: &SyntaxNode) {
        let keeps_apart =
            |name: &String| self.known.column(table, name).is_some_and(|c| c.made_here && (c.is_distinct || !c.filled));
        if self.known.is_made_here(table) || columns.iter().any(keeps_apart) {
            return;
        }
        let what = if columns.is_empty() { "An expression".to_owned() } else { columns.join(", ") };
        let message = format!("{what} of {} becomes unique: this fails where a value is there twice", shown(table));
        let list = columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
        let list = if list.is_empty() { "…".to_owned() } else { list };
        let remedy = format!(
            "Make sure first: SELECT {list}, count(*) FROM {} GROUP BY {list} HAVING count(*) > 1;",
            sql(table)
        );
        self.find(node, Kind::Unique, Sentence::new(message, remedy));
    }
}

/// `column::type`, `CAST(column AS type)`, also one cast after the other: no conversion of the user's own.
fn is_plain_cast(expression: &ast::Expr) -> bool {
    match expression {
        ast::Expr::NameRef(_) => true,
        ast::Expr::ParenExpr(inner) => inner.expr().is_some_and(|inner| is_plain_cast(&inner)),
        ast::Expr::CastExpr(cast) => cast.expr().is_some_and(|inner| is_plain_cast(&inner)),
        _ => false,
    }
}

fn said_of_drop(dropped: &Dropped) -> Sentence {
    let Dropped { table, column, .. } = dropped;
    let message = format!("It drops the column {}.{column}: all its values are gone", shown(table));
    Sentence::new(message, "Keep the column until nothing needs its values; take it out of the code first")
}

fn said_of_pair(dropped: &Dropped, added: &str, ty: Option<&SqlType>) -> Sentence {
    let Dropped { table, column, .. } = dropped;
    let (name, own) = (shown(table), sql(table));
    if column == added {
        let ty = ty.map_or_else(|| "…".to_owned(), SqlType::to_string);
        let message = format!("It drops the column {name}.{column} and adds it anew: all its values are gone");
        let column = quoted(column);
        let remedy = format!("Keep them: ALTER TABLE {own} ALTER COLUMN {column} TYPE {ty} USING {column}::{ty};");
        return Sentence::new(message, remedy);
    }
    let message = format!(
        "It drops the column {name}.{column} and adds {added}: if that is the same field under another name, all its values are gone"
    );
    let remedy = format!(
        "If it is, write instead of both: ALTER TABLE {own} RENAME COLUMN {} TO {};",
        quoted(column),
        quoted(added)
    );
    Sentence::new(message, remedy)
}
