//! Which rows a failing statement may not like, as far as it says so itself. Names are SQL, as they stand in it.

use crate::domain::names::quote_ident;
use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

/// Rows of one table, and what may be wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub table: String,
    pub wants: Wants,
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

/// The actions of an `ALTER TABLE` as statements of their own; `None` where it has one, or is another statement.
pub fn one_by_one(statement: &str) -> Option<Vec<String>> {
    if crate::domain::lint::is_too_deep(statement) {
        return None;
    }
    let root = SourceFile::parse(statement).syntax_node();
    let alter = root.children().find_map(ast::AlterTable::cast)?;
    let actions: Vec<SyntaxNode> = alter.actions().map(|action| action.syntax().clone()).collect();
    let first = actions.first().filter(|_| actions.len() > 1)?;
    let from = usize::from(alter.syntax().text_range().start());
    let head = statement.get(from..usize::from(first.text_range().start()))?;
    Some(actions.iter().map(|action| format!("{head}{}", text(action))).collect())
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
            let wants = alter.actions().flat_map(|action| of_action(&action));
            wants.map(|wants| Suspect { table: table.clone(), wants }).collect()
        }
        ast::Stmt::CreateIndex(index) => {
            let table = index.table_relation_name().and_then(|name| relation(name.syntax()));
            let items = index.partition_item_list().into_iter().flat_map(|list| list.partition_items());
            let columns: Vec<String> = items.filter_map(|item| item.expr()).map(|expr| text(expr.syntax())).collect();
            let condition = index.where_clause().and_then(|clause| clause.expr()).map(|expr| text(expr.syntax()));
            let wants = Wants::Different { columns, condition };
            table.into_iter().map(|table| Suspect { table, wants: wants.clone() }).collect()
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
                    // without USING the cast is that of an assignment, which a cast from it can stand for
                    let expression = using.unwrap_or_else(|| format!("{column}::{ty}"));
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
        assert_eq!(one_by_one("SELECT 1, 2"), None);
    }

    #[test]
    fn says_nothing_of_anything_else() {
        for sql in ["DELETE FROM p", "ALTER TABLE", "nonsense (", "DROP TABLE \"p\"", &"(".repeat(5000)] {
            assert!(suspects(sql, "23502", None).is_empty(), "{sql}");
        }
    }
}
