//! Statements over rows: `UPDATE`, `DELETE`, `MERGE`, wherever they stand in a query.

use super::kind::Kind;
use super::reader::{Reader, sql};
use super::sql::{bare_column, columns, is_no_condition, named};
use super::{Sentence, shown};
use crate::domain::expected::Reach;
use crate::domain::names::QualifiedName;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

impl Reader<'_> {
    /// Everything in a query that changes rows.
    pub(super) fn data(&mut self, query: &SyntaxNode) {
        for node in query.descendants() {
            if let Some(delete) = ast::Delete::cast(node.clone()) {
                self.delete(&delete);
            } else if let Some(update) = ast::Update::cast(node.clone()) {
                self.update(&update);
            } else if let Some(merge) = ast::Merge::cast(node) {
                self.merge(&merge);
            }
        }
    }

    fn delete(&mut self, delete: &ast::Delete) {
        let Some(table) = named(delete.relation_name()).filter(|table| !self.known.is_made_here(table)) else { return };
        if is_no_condition(delete.where_clause_or_current_of()) {
            let message = format!("It deletes all rows of {}", shown(&table));
            let remedy = format!("Say which: DELETE FROM {} WHERE …;", sql(&table));
            self.find(delete.syntax(), Kind::DeleteAll, Sentence::new(message, remedy));
            self.takes([Reach::Table(table)]);
        }
    }

    fn merge(&mut self, merge: &ast::Merge) {
        let Some(table) = named(merge.table_relation_name()).filter(|t| !self.known.is_made_here(t)) else { return };
        for clause in merge.merge_when_clauses() {
            let ast::MergeWhenClause::MergeWhenNotMatchedSource(clause) = clause else { continue };
            if clause.merge_condition().is_none()
                && matches!(clause.merge_action(), Some(ast::MergeAction::MergeDelete(_)))
            {
                let message = format!("It deletes every row of {} that the source does not have", shown(&table));
                let remedy = "Say which: WHEN NOT MATCHED BY SOURCE AND … THEN DELETE";
                self.find(clause.syntax(), Kind::DeleteAll, Sentence::new(message, remedy));
                self.takes([Reach::Rows(table.clone())]);
            }
        }
    }

    fn update(&mut self, update: &ast::Update) {
        let (Some(table), Some(set)) = (named(update.relation_name()), update.set_clause()) else { return };
        if self.known.is_made_here(&table) {
            return;
        }
        let everywhere = is_no_condition(update.where_clause_or_current_of());
        let targets = set.set_column_list().into_iter().flat_map(|list| list.set_columns());
        let mut overwritten = Vec::new();
        for target in targets {
            let names = self.fill(&table, &target, update, everywhere);
            overwritten.extend(names.into_iter().filter(|name| !self.known.is_column_made_here(&table, name)));
        }
        if everywhere && !overwritten.is_empty() {
            let message = format!("It overwrites {} of all rows of {}", overwritten.join(", "), shown(&table));
            let remedy = format!("Say which: UPDATE {} SET … WHERE …;", sql(&table));
            self.find(update.syntax(), Kind::UpdateAll, Sentence::new(message, remedy));
            self.takes(overwritten.into_iter().map(|column| Reach::Column(table.clone(), column)));
        }
    }

    /// Takes down which columns have values now; returns the columns that are set.
    fn fill(
        &mut self,
        table: &QualifiedName,
        target: &ast::SetColumn,
        update: &ast::Update,
        everywhere: bool,
    ) -> Vec<String> {
        let (names, value) = match target {
            ast::SetColumn::SetSingleColumn(one) => {
                let names = one.column_target().map(|target| columns(target.syntax())).unwrap_or_default();
                (names, one.set_expr().and_then(|set| set.expr()))
            }
            ast::SetColumn::SetMultipleColumns(many) => {
                (many.column_target_list().map(|list| columns(list.syntax())).unwrap_or_default(), None)
            }
        };
        for name in &names {
            let fills = everywhere || fills_nulls_of(update.where_clause_or_current_of(), name);
            let column = self.known.column_mut(table, name);
            column.filled |= fills;
            column.is_distinct = false;
            let source = value.as_ref().filter(|_| everywhere && update.from_clause().is_none()).and_then(bare_column);
            column.copied_from.extend(source);
        }
        names
    }
}

/// Whether the condition is `column IS NULL`: behind it there is no NULL any more.
fn fills_nulls_of(condition: Option<ast::WhereClauseOrCurrentOf>, column: &str) -> bool {
    let Some(ast::WhereClauseOrCurrentOf::WhereClause(clause)) = condition else { return false };
    let Some(mut expression) = clause.expr() else { return false };
    while let ast::Expr::ParenExpr(inner) = &expression {
        let Some(inside) = inner.expr() else { return false };
        expression = inside;
    }
    let tested = expression.syntax().children().next().and_then(ast::Expr::cast).as_ref().and_then(bare_column);
    let words = expression.syntax().text().to_string().to_lowercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    tested.as_deref() == Some(column) && words.len() == 3 && words.ends_with(&["is", "null"])
}
