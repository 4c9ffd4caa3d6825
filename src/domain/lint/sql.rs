//! From the parser's tree to names and words.

use crate::domain::names::QualifiedName;
use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// Where a name without a schema is.
const DEFAULT_SCHEMA: &str = "public";

/// How deep statements may be nested: the parser goes down once for each level, on a stack that has an end.
const DEEPEST: usize = 500;

/// Whether the text is nested deeper than anybody writes.
pub fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest > DEEPEST
}

/// The name that a path, or a node around one path, holds.
pub fn qualified(node: &SyntaxNode) -> Option<QualifiedName> {
    let is_segment = |n: &SyntaxNode| matches!(n.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF);
    let mut names: Vec<String> = node.descendants().filter(is_segment).map(|n| normalize_name_node(&n)).collect();
    let name = names.pop().filter(|name| !name.is_empty())?;
    Some(QualifiedName::new(names.pop().unwrap_or_else(|| DEFAULT_SCHEMA.to_owned()), name))
}

/// The same of what the grammar has in one place.
pub fn named<N: AstNode>(node: Option<N>) -> Option<QualifiedName> {
    qualified(node?.syntax())
}

/// The columns that a node names itself, not in expressions.
pub fn columns(node: &SyntaxNode) -> Vec<String> {
    node.descendants().filter(|n| n.kind() == SyntaxKind::COLUMN_NAME_REF).map(|n| normalize_name_node(&n)).collect()
}

/// The names in an expression, columns and functions alike.
pub fn names_in(node: &SyntaxNode) -> Vec<String> {
    node.descendants().filter(|n| n.kind() == SyntaxKind::NAME_REF).map(|n| normalize_name_node(&n)).collect()
}

/// The expression, if it is a bare column.
pub fn bare_column(expression: &ast::Expr) -> Option<String> {
    match expression {
        ast::Expr::NameRef(name) => Some(name.text()),
        ast::Expr::ParenExpr(inner) => bare_column(&inner.expr()?),
        ast::Expr::FieldExpr(field) => Some(field.field()?.text()),
        _ => None,
    }
}

/// Whether a condition keeps no row out: there is none, or it is `true`.
pub fn is_no_condition(condition: Option<ast::WhereClauseOrCurrentOf>) -> bool {
    match condition {
        None => true,
        Some(ast::WhereClauseOrCurrentOf::WhereCurrentOf(_)) => false,
        Some(ast::WhereClauseOrCurrentOf::WhereClause(clause)) => clause.expr().is_none_or(|expr| is_true(&expr)),
    }
}

fn is_true(expression: &ast::Expr) -> bool {
    match expression {
        ast::Expr::Literal(_) => expression.syntax().text().to_string().eq_ignore_ascii_case("true"),
        ast::Expr::ParenExpr(inner) => inner.expr().is_some_and(|inner| is_true(&inner)),
        // 1 = 1
        ast::Expr::BinExpr(both) => match (both.lhs(), both.rhs()) {
            (Some(ast::Expr::Literal(left)), Some(ast::Expr::Literal(right))) => {
                both.syntax().children_with_tokens().any(|e| e.kind() == SyntaxKind::EQ)
                    && left.syntax().text() == right.syntax().text()
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether `CASCADE` stands behind it.
pub fn cascades(behavior: Option<ast::DropBehavior>) -> bool {
    matches!(behavior, Some(ast::DropBehavior::Cascade(_)))
}
