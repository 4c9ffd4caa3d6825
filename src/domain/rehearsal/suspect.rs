//! Which rows a failing statement may not like, as far as it says so itself. Names are SQL, as they stand in it.

use crate::domain::names::quote_ident;
use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};
use std::ops::Range;

/// Rows of one table, and what may be wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub table: String,
    pub wants: Wants,
    /// Where in the statement it says so: the action of an `ALTER TABLE`, or all of it. Bytes.
    pub place: Range<usize>,
}

/// What the statement wants of every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants {
    /// A value in a column that no row has yet.
    NewValue { column: String, ty: String },
    /// A value in a column that may have none.
    Value { column: String },
    /// No two alike, but for NULLs.
    Different { columns: Vec<String>, condition: Option<String> },
    /// A value that goes into another type.
    Castable { column: String, expression: String, ty: String },
    /// A row in another table.
    Partner { columns: Vec<String>, referenced: String, referenced_columns: Vec<String> },
    /// A condition that is not false.
    Condition { expression: String },
}

impl Wants {
    /// Whether PostgreSQL says this SQLSTATE where it does not get it.
    fn fails_with(&self, code: &str) -> bool {
        match self {
            Self::NewValue { .. } | Self::Value { .. } => code == "23502",
            Self::Different { .. } => code == "23505",
            // data exceptions, and values that a domain does not take
            Self::Castable { .. } => code.starts_with("22") || code == "23514" || code == "23502",
            Self::Partner { .. } => code == "23503",
            Self::Condition { .. } => code == "23514",
        }
    }
}

/// Whom a failure with this SQLSTATE can mean. `column`: the one that the server names.
pub fn suspects(statement: &str, code: &str, column: Option<&str>) -> Vec<Suspect> {
    let mut all = of_statement(statement);
    all.retain(|suspect| suspect.wants.fails_with(code));
    if let Some(named) = column.map(quote_ident) {
        let is_named = |suspect: &Suspect| match &suspect.wants {
            Wants::NewValue { column, .. } | Wants::Value { column } => *column == named,
            _ => true,
        };
        all.retain(is_named);
    }
    all
}

/// The actions of an `ALTER TABLE` as statements of their own, but that a column which is dropped and added anew is one
/// thing; `None` where it is one already, or another statement.
pub fn one_by_one(statement: &str) -> Option<Vec<String>> {
    if crate::domain::lint::is_too_deep(statement) {
        return None;
    }
    let root = SourceFile::parse(statement).syntax_node();
    let alter = root.children().find_map(ast::AlterTable::cast)?;
    let actions: Vec<ast::AlterTableAction> = alter.actions().collect();
    let added: Vec<String> = actions.iter().filter_map(added_by).collect();
    let mut parts: Vec<(Option<String>, String)> = Vec::new();
    for action in &actions {
        let anew = dropped_by(action).filter(|column| added.contains(column));
        let again = added_by(action).and_then(|column| parts.iter_mut().find(|(of, _)| of.as_ref() == Some(&column)));
        match again {
            Some((_, part)) => *part = format!("{part},\n{}", text(action.syntax())),
            None => parts.push((anew, text(action.syntax()))),
        }
    }
    let first = actions.first().filter(|_| parts.len() > 1)?.syntax().text_range().start();
    let head = statement.get(usize::from(alter.syntax().text_range().start())..usize::from(first))?;
    Some(parts.into_iter().map(|(_, part)| format!("{head}{part}")).collect())
}

fn added_by(action: &ast::AlterTableAction) -> Option<String> {
    match action {
        ast::AlterTableAction::AddColumn(add) => add.column_name().map(|name| quote_ident(&name.text())),
        _ => None,
    }
}

/// The column that an action drops, quoted.
pub(super) fn dropped_by(action: &ast::AlterTableAction) -> Option<String> {
    match action {
        ast::AlterTableAction::DropColumn(drop) => {
            drop.column_name_ref().map(|name| quote_ident(&normalize_name_node(name.syntax())))
        }
        _ => None,
    }
}

fn of_statement(statement: &str) -> Vec<Suspect> {
    if crate::domain::lint::is_too_deep(statement) {
        return Vec::new();
    }
    let root = SourceFile::parse(statement).syntax_node();
    root.children().filter_map(ast::Stmt::cast).flat_map(|statement| of_tree(&statement)).collect()
}

fn of_tree(statement: &ast::Stmt) -> Vec<Suspect> {
    match statement {
        ast::Stmt::AlterTable(alter) => {
            let Some(table) = alter.table_relation_name().and_then(|name| relation(name.syntax())) else {
                return Vec::new();
            };
            let of_action = |action: ast::AlterTableAction| {
                let place = place(action.syntax());
                of_action(&action).into_iter().map(move |wants| (wants, place.clone()))
            };
            let wants = alter.actions().flat_map(of_action);
            wants.map(|(wants, place)| Suspect { table: table.clone(), wants, place }).collect()
        }
        ast::Stmt::CreateIndex(index) => {
            let table = index.table_relation_name().and_then(|name| relation(name.syntax()));
            let items = index.partition_item_list().into_iter().flat_map(|list| list.partition_items());
            let columns: Vec<String> = items.filter_map(|item| item.expr()).map(|expr| text(expr.syntax())).collect();
            let condition = index.where_clause().and_then(|clause| clause.expr()).map(|expr| text(expr.syntax()));
            let wants = Wants::Different { columns, condition };
            let place = place(index.syntax());
            table.into_iter().map(|table| Suspect { table, wants: wants.clone(), place: place.clone() }).collect()
        }
        _ => Vec::new(),
    }
}

fn of_action(action: &ast::AlterTableAction) -> Vec<Wants> {
    match action {
        ast::AlterTableAction::AddColumn(add) => {
            let (Some(name), Some(ty)) = (add.column_name(), add.ty()) else { return Vec::new() };
            let column = quote_ident(&name.text());
            vec![Wants::NewValue { column, ty: text(ty.syntax()) }]
        }
        ast::AlterTableAction::AlterColumn(alter) => {
            let Some(column) = alter.column_name_ref().map(|name| quote_ident(&normalize_name_node(name.syntax())))
            else {
                return Vec::new();
            };
            match alter.option() {
                Some(ast::AlterColumnOption::SetNotNull(_)) => vec![Wants::Value { column }],
                Some(ast::AlterColumnOption::SetType(set)) => {
                    let Some(ty) = set.ty().map(|ty| text(ty.syntax())) else { return Vec::new() };
                    let using = set.using_expr().and_then(|using| using.expr()).map(|expr| text(expr.syntax()));
                    // without USING the value is assigned: unlike a cast that cuts off nothing
                    let expression = using.unwrap_or_else(|| column.clone());
                    vec![Wants::Castable { column, expression, ty }]
                }
                _ => Vec::new(),
            }
        }
        ast::AlterTableAction::AddConstraint(add) => add.constraint().map(|c| of_constraint(&c)).unwrap_or_default(),
        ast::AlterTableAction::ValidateConstraint(_) => Vec::new(),
        _ => Vec::new(),
    }
}

fn of_constraint(constraint: &ast::Constraint) -> Vec<Wants> {
    match constraint {
        ast::Constraint::UniqueConstraint(unique) => {
            vec![Wants::Different { columns: columns(unique.syntax()), condition: None }]
        }
        ast::Constraint::PrimaryKeyConstraint(key) => {
            let columns = columns(key.syntax());
            let values = columns.iter().map(|column| Wants::Value { column: column.clone() });
            let mut wants: Vec<Wants> = values.collect();
            wants.push(Wants::Different { columns, condition: None });
            wants
        }
        ast::Constraint::ForeignKeyConstraint(key) => {
            let Some(referenced) = key.table_name_ref() else { return Vec::new() };
            let at = referenced.syntax().text_range().start();
            let is_column = |n: &SyntaxNode| n.kind() == SyntaxKind::COLUMN_NAME_REF;
            let all = key.syntax().descendants().filter(is_column);
            let (own, theirs): (Vec<_>, Vec<_>) = all.partition(|n| n.text_range().start() < at);
            let names = |nodes: Vec<SyntaxNode>| nodes.iter().map(|n| quote_ident(&normalize_name_node(n))).collect();
            vec![Wants::Partner {
                columns: names(own),
                referenced: text(referenced.syntax()),
                referenced_columns: names(theirs),
            }]
        }
        ast::Constraint::CheckConstraint(check) => {
            let expression = check.expr().map(|expr| text(expr.syntax()));
            expression.into_iter().map(|expression| Wants::Condition { expression }).collect()
        }
        _ => Vec::new(),
    }
}

fn columns(node: &SyntaxNode) -> Vec<String> {
    let columns = node.descendants().filter(|n| n.kind() == SyntaxKind::COLUMN_NAME_REF);
    columns.map(|n| quote_ident(&normalize_name_node(&n))).collect()
}

/// The name alone, without `ONLY` and `*`.
fn relation(node: &SyntaxNode) -> Option<String> {
    let is_path = |n: &SyntaxNode| matches!(n.kind(), SyntaxKind::PATH | SyntaxKind::PATH_REF);
    node.descendants().find(is_path).map(|path| text(&path))
}

fn place(node: &SyntaxNode) -> Range<usize> {
    node.text_range().start().into()..node.text_range().end().into()
}

fn text(node: &SyntaxNode) -> String {
    node.text().to_string().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str, code: &str, column: Option<&str>) -> Vec<String> {
        suspects(sql, code, column).iter().map(|s| format!("{}: {:?}", s.table, s.wants)).collect()
    }

    #[test]
    fn reads_what_prisma_writes() {
        let required =
            "ALTER TABLE \"Product\" ADD COLUMN     \"sku\" VARCHAR(9) NOT NULL,\nADD COLUMN \"b\" INTEGER NOT NULL";
        assert_eq!(
            shown(required, "23502", Some("sku")),
            ["\"Product\": NewValue { column: \"\\\"sku\\\"\", ty: \"VARCHAR(9)\" }"]
        );
        assert_eq!(shown(required, "23505", None).len(), 0);
        assert_eq!(
            shown("ALTER TABLE only shop.\"P\" ALTER COLUMN Name SET NOT NULL", "23502", Some("name")),
            ["shop.\"P\": Value { column: \"\\\"name\\\"\" }"]
        );
        assert_eq!(
            shown("CREATE UNIQUE INDEX \"k\" ON \"P\"(\"a\", lower(b) DESC) WHERE a > 1", "23505", None),
            ["\"P\": Different { columns: [\"\\\"a\\\"\", \"lower(b)\"], condition: Some(\"a > 1\") }"]
        );
        let key = "ALTER TABLE \"P\" ADD CONSTRAINT \"f\" FOREIGN KEY (\"a\", \"b\") REFERENCES \"Q\"(\"x\", \"y\") ON DELETE SET NULL";
        assert_eq!(
            shown(key, "23503", None),
            [
                "\"P\": Partner { columns: [\"\\\"a\\\"\", \"\\\"b\\\"\"], referenced: \"\\\"Q\\\"\", referenced_columns: [\"\\\"x\\\"\", \"\\\"y\\\"\"] }"
            ]
        );
        let cast = "ALTER TABLE \"P\" ALTER COLUMN \"role\" TYPE \"R_new\" USING (\"role\"::text::\"R_new\")";
        assert_eq!(
            shown(cast, "22P02", None),
            [
                "\"P\": Castable { column: \"\\\"role\\\"\", expression: \"(\\\"role\\\"::text::\\\"R_new\\\")\", ty: \"\\\"R_new\\\"\" }"
            ]
        );
        assert_eq!(shown("ALTER TABLE p ADD PRIMARY KEY (a, b)", "23502", Some("b")).len(), 1);
        assert_eq!(
            shown("ALTER TABLE p ADD CONSTRAINT c CHECK (a > 0)", "23514", None),
            ["p: Condition { expression: \"a > 0\" }"]
        );
    }

    #[test]
    fn an_alter_table_is_taken_apart() {
        let sql = "-- AlterTable\nALTER TABLE \"P\" ADD COLUMN     \"w\" INTEGER NOT NULL DEFAULT f(1, 2),\nALTER COLUMN \"p\" SET NOT NULL";
        assert_eq!(
            one_by_one(sql).unwrap(),
            [
                "ALTER TABLE \"P\" ADD COLUMN     \"w\" INTEGER NOT NULL DEFAULT f(1, 2)",
                "ALTER TABLE \"P\" ALTER COLUMN \"p\" SET NOT NULL"
            ]
        );
        assert_eq!(one_by_one("ALTER TABLE p DROP COLUMN a"), None);
        let anew = "ALTER TABLE p DROP COLUMN a,\nADD COLUMN a INTEGER NOT NULL";
        assert_eq!(one_by_one(anew), None);
        assert_eq!(one_by_one(&format!("{anew}, ADD b int")).unwrap(), [anew, "ALTER TABLE p ADD b int"]);
        assert_eq!(one_by_one("SELECT 1, 2"), None);
    }

    #[test]
    fn says_nothing_of_anything_else() {
        for sql in ["DELETE FROM p", "ALTER TABLE", "nonsense (", "DROP TABLE \"p\"", &"(".repeat(5000)] {
            assert!(suspects(sql, "23502", None).is_empty(), "{sql}");
        }
    }
}
