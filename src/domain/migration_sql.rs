//! What the SQL of a migration does to the names of tables and columns. Statement by statement: what cannot be read is
//! passed over, because it decides nothing but a suggestion.

use super::names::QualifiedName;
use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

/// One renaming statement, names as they were before it and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rename {
    /// `ALTER TABLE … RENAME TO`, `ALTER TABLE … SET SCHEMA`.
    Table { from: QualifiedName, to: QualifiedName },
    /// `ALTER TABLE … RENAME COLUMN … TO`.
    Column { table: QualifiedName, from: String, to: String },
}

/// The renaming statements in their order. A table without a schema is in `default_schema`.
pub fn renames(sql: &str, default_schema: &str) -> Vec<Rename> {
    statements(sql).unwrap_or_default().into_iter().filter_map(|statement| rename(statement, default_schema)).collect()
}

/// The tokens of each statement; `None` where the text is not SQL. A function's body is one token.
pub(super) fn statements(sql: &str) -> Option<Vec<Vec<Token>>> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().ok()?;
    Some(tokens.split(|token| *token == Token::SemiColon).map(<[Token]>::to_vec).collect())
}

/// Renaming stands alone in its statement: PostgreSQL lets it be combined with nothing else.
pub(super) fn rename(statement: Vec<Token>, default_schema: &str) -> Option<Rename> {
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect).with_tokens(statement);
    if !parser.parse_keywords(&[Keyword::ALTER, Keyword::TABLE]) {
        return None;
    }
    let _ = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    let _ = parser.parse_keyword(Keyword::ONLY);
    let table = object_name(&parser.parse_object_name(false).ok()?, default_schema)?;
    let _ = parser.consume_token(&Token::Mul);
    if parser.parse_keywords(&[Keyword::SET, Keyword::SCHEMA]) {
        let schema = text(&parser.parse_identifier().ok()?);
        let to = QualifiedName::new(schema, table.name.clone());
        return Some(Rename::Table { from: table, to });
    }
    if parser.parse_keywords(&[Keyword::RENAME, Keyword::TO]) {
        let to = QualifiedName::new(table.schema.clone(), text(&parser.parse_identifier().ok()?));
        return Some(Rename::Table { from: table, to });
    }
    if !parser.parse_keyword(Keyword::RENAME) || parser.parse_keyword(Keyword::CONSTRAINT) {
        return None;
    }
    let _ = parser.parse_keyword(Keyword::COLUMN);
    let from = text(&parser.parse_identifier().ok()?);
    let to = parser.parse_keyword(Keyword::TO).then(|| parser.parse_identifier().ok())??;
    Some(Rename::Column { table, from, to: text(&to) })
}

pub(super) fn object_name(name: &ObjectName, default_schema: &str) -> Option<QualifiedName> {
    let parts: Vec<String> = name.0.iter().filter_map(ObjectNamePart::as_ident).map(text).collect();
    match parts.as_slice() {
        [table] => Some(QualifiedName::new(default_schema, table.clone())),
        [schema, table] => Some(QualifiedName::new(schema.clone(), table.clone())),
        _ => None,
    }
}

/// An identifier as PostgreSQL understands it: without quotes it is in small letters.
pub(super) fn text(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str) -> Vec<String> {
        let shown = renames(sql, "public").into_iter().map(|rename| match rename {
            Rename::Table { from, to } => format!("{from} -> {to}"),
            Rename::Column { table, from, to } => format!("{table}.{from} -> {to}"),
        });
        shown.collect()
    }

    #[test]
    fn finds_every_form_of_renaming() {
        let sql = r#"
            -- RenameTable
            ALTER TABLE "Product" RENAME TO "Article";
            alter table if exists only Shop."Order" rename column "total" to amount;
            ALTER TABLE orders RENAME number TO "num;ber";
            ALTER TABLE "Article" SET SCHEMA "Store"
        "#;
        assert_eq!(
            shown(sql),
            [
                "public.Product -> public.Article",
                "shop.Order.total -> amount",
                "public.orders.number -> num;ber",
                "public.Article -> Store.Article"
            ]
        );
    }

    #[test]
    fn passes_over_everything_else() {
        let sql = r#"
            ALTER TABLE "a" RENAME CONSTRAINT "a_pkey" TO "b_pkey";
            ALTER INDEX "a_key" RENAME TO "b_key"; ALTER TYPE "Role_new" RENAME TO "Role";
            DO $$ BEGIN ALTER TABLE x RENAME TO y; END $$; SELECT 'ALTER TABLE x RENAME TO y;';
            /* ALTER TABLE x RENAME TO y; */ CREATE FUNKTION nonsense ( ;
            ALTER TABLE "kept" RENAME TO "on";
            ALTER TABLE
        "#;
        assert_eq!(shown(sql), ["public.kept -> public.on"]);
        assert!(shown("it's broken; ALTER TABLE x RENAME TO y;").is_empty());
    }
}
