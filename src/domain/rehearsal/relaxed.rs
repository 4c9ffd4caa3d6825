//! A statement that adds required columns, as it goes through where rows have no value for them yet.

use super::suspect::dropped_by;
use crate::domain::names::quote_ident;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxNode};

/// The statement, and what is left to do. Names are SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relaxed {
    /// Without a semicolon. `…` stands for the conversion of what it would have dropped and added anew.
    pub statement: String,
    /// Columns that are new and NULL in every row.
    pub empty: Vec<String>,
    /// Columns that it converts.
    pub converted: Vec<String>,
}

/// `None` for a statement that adds no required column without a default.
pub fn relaxed(statement: &str) -> Option<Relaxed> {
    let root = SourceFile::parse(statement).syntax_node();
    let alter = root.children().filter_map(ast::Stmt::cast).find_map(|found| match found {
        ast::Stmt::AlterTable(alter) => Some(alter),
        _ => None,
    })?;
    let actions: Vec<ast::AlterTableAction> = alter.actions().collect();
    let dropped: Vec<String> = actions.iter().filter_map(dropped_by).collect();
    let (mut empty, mut converted, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for action in &actions {
        let Some(required) = Required::of(action) else {
            texts.push((dropped_by(action), text(action.syntax())));
            continue;
        };
        let Required { column, ty, without_not_null } = required;
        if dropped.contains(&column) {
            let alter = format!("ALTER COLUMN {column}");
            let in_place = format!("{alter} DROP DEFAULT, {alter} TYPE {ty} USING (…), {alter} SET NOT NULL");
            texts.push((None, in_place));
            converted.push(column);
        } else {
            texts.push((None, without_not_null));
            empty.push(column);
        }
    }
    if empty.is_empty() && converted.is_empty() {
        return None;
    }
    let stays = |drops: &Option<String>| !drops.as_ref().is_some_and(|column| converted.contains(column));
    let texts: Vec<String> = texts.into_iter().filter(|(drops, _)| stays(drops)).map(|(_, text)| text).collect();
    let begin = usize::from(actions.first()?.syntax().text_range().start());
    let end = usize::from(actions.last()?.syntax().text_range().end());
    let (before, after) = (statement.get(..begin)?, statement.get(end..)?);
    Some(Relaxed { statement: format!("{before}{}{}", texts.join(",\n"), after.trim_end()), empty, converted })
}

/// A column that is added without anything that could stand in its rows.
struct Required {
    column: String,
    ty: String,
    without_not_null: String,
}

impl Required {
    fn of(action: &ast::AlterTableAction) -> Option<Self> {
        let ast::AlterTableAction::AddColumn(add) = action else { return None };
        let (name, ty) = (add.column_name()?, text(add.ty()?.syntax()));
        let is_filled = |c: &ast::Constraint| {
            matches!(c, ast::Constraint::DefaultConstraint(_) | ast::Constraint::GeneratedConstraint(_))
        };
        if add.constraints().any(|c| is_filled(&c)) || ty.to_lowercase().contains("serial") {
            return None;
        }
        let is_not_null = |c: &ast::Constraint| matches!(c, ast::Constraint::NotNullConstraint(_));
        let not_null = add.constraints().find(is_not_null)?.syntax().text_range();
        let whole = add.syntax().text().to_string();
        let start = add.syntax().text_range().start();
        let (from, to) = (usize::from(not_null.start() - start), usize::from(not_null.end() - start));
        let without_not_null = format!("{}{}", whole.get(..from)?.trim_end(), whole.get(to..)?.trim_end());
        Some(Self { column: quote_ident(&name.text()), ty, without_not_null })
    }
}

fn text(node: &SyntaxNode) -> String {
    node.text().to_string().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_else_in_it_stays() {
        let sql = "ALTER TABLE \"P\" DROP COLUMN \"old\",\nADD COLUMN     \"sku\" VARCHAR(9) NOT NULL CHECK (sku <> ''),\nADD COLUMN \"n\" INTEGER NOT NULL DEFAULT 0,\nADD COLUMN \"b\" TEXT NOT NULL";
        let relaxed = relaxed(sql).unwrap();
        assert_eq!(
            relaxed.statement,
            "ALTER TABLE \"P\" DROP COLUMN \"old\",\nADD COLUMN     \"sku\" VARCHAR(9) CHECK (sku <> ''),\nADD COLUMN \"n\" INTEGER NOT NULL DEFAULT 0,\nADD COLUMN \"b\" TEXT"
        );
        assert_eq!((relaxed.empty.len(), relaxed.converted.len()), (2, 0));
    }

    #[test]
    fn what_is_dropped_and_added_anew_is_converted() {
        let relaxed = relaxed("ALTER TABLE p DROP COLUMN a,\nADD COLUMN a INTEGER NOT NULL").unwrap();
        assert_eq!(
            relaxed.statement,
            "ALTER TABLE p ALTER COLUMN \"a\" DROP DEFAULT, ALTER COLUMN \"a\" TYPE INTEGER USING (…), ALTER COLUMN \"a\" SET NOT NULL"
        );
        assert_eq!(relaxed.converted, ["\"a\""]);
    }

    #[test]
    fn nothing_is_made_of_anything_else() {
        for sql in ["ALTER TABLE p ADD a int", "ALTER TABLE p ADD a serial NOT NULL", "DROP TABLE p", "ALTER"] {
            assert_eq!(relaxed(sql), None, "{sql}");
        }
    }
}
