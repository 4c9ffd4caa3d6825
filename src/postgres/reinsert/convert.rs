//! The SQL that makes a value of today's type of the text that the backup holds: as `ALTER COLUMN … TYPE` would have.

use super::transaction::{release, run, savepoint, sqlstate, undo};
use super::types::TypeInfo;
use crate::domain::names::quote_literal;
use crate::error::Result;
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// Asks the server which casts it has, once for each pair.
#[derive(Default)]
pub struct Casts {
    known: HashMap<(String, String), bool>,
}

impl Casts {
    /// Whether `value::from::to` is an expression at all.
    ///
    /// # Errors
    /// `Server`.
    pub async fn exists(&mut self, connection: &mut PgConnection, from: &str, to: &str) -> Result<bool> {
        let pair = (from.to_owned(), to.to_owned());
        if let Some(known) = self.known.get(&pair) {
            return Ok(*known);
        }
        savepoint(connection, "safemigrate_cast").await?;
        let sql = format!("PREPARE safemigrate_cast (text) AS SELECT (($1)::{from})::{to}");
        let tried = run(connection, "trying a cast", &sql).await;
        let exists = match tried {
            Ok(_) => {
                release(connection, "safemigrate_cast").await?;
                run(connection, "trying a cast", "DEALLOCATE safemigrate_cast").await?;
                true
            }
            // no such cast, no such type; anything else says nothing about the cast
            Err(error) if sqlstate(&error).is_some_and(|code| code.starts_with("42") && code != "42501") => {
                undo(connection, "safemigrate_cast").await?;
                false
            }
            Err(error) => return Err(error),
        };
        self.known.insert(pair, exists);
        Ok(exists)
    }
}

/// A conversion to build. `old` is `None` when the type is gone: then its text is all that is left.
pub struct Conversion<'a> {
    pub old: Option<&'a TypeInfo>,
    pub new: &'a TypeInfo,
    /// SQL of the backup's text.
    pub text: &'a str,
    pub values: &'a [(String, String)],
}

impl Conversion<'_> {
    /// The expression; its type is the new type without length or precision, which the assignment to the column applies.
    ///
    /// # Errors
    /// `Server`.
    pub async fn sql(&self, connection: &mut PgConnection, casts: &mut Casts) -> Result<String> {
        let to = self.new.plain.as_str();
        let of_array = self.old.is_some_and(TypeInfo::is_array) && !self.values.is_empty();
        if of_array {
            let mapped = self.mapped_elements();
            return Ok(if self.new.is_json() {
                format!("to_{}({mapped})::{to}", self.new.base)
            } else {
                format!("({mapped})::{to}")
            });
        }
        let plain = self.unmapped(connection, casts).await?;
        if self.values.is_empty() {
            return Ok(plain);
        }
        let cases: Vec<String> = self
            .values
            .iter()
            .map(|(from, new)| format!("WHEN {} THEN {}", self.is(from), self.literal(new)))
            .collect();
        Ok(format!("CASE {} ELSE {plain} END", cases.join(" ")))
    }

    async fn unmapped(&self, connection: &mut PgConnection, casts: &mut Casts) -> Result<String> {
        let (text, to) = (self.text, self.new.plain.as_str());
        let by_text = format!("({text})::{to}");
        let scalar = !self.old.is_some_and(TypeInfo::is_array);
        if let (true, Some(element)) = (scalar, &self.new.element) {
            let one = match self.old.filter(|old| old.kind != "e") {
                Some(old) => match special(old, text, element) {
                    Some(sql) => sql,
                    None if casts.exists(connection, &old.plain, element).await? => {
                        format!("(({text})::{})::{element}", old.plain)
                    }
                    None => format!("({text})::{element}"),
                },
                None => format!("({text})::{element}"),
            };
            return Ok(format!("CASE WHEN ({text}) IS NOT NULL THEN ARRAY[{one}]::{to} END"));
        }
        // labels of an enum travel as text, also where the type of that name has others now
        let Some(old) = self.old.filter(|old| old.kind != "e") else { return Ok(by_text) };
        if self.new.is_json() && old.is_array() {
            let elements = if old.of_enum { "text[]" } else { old.plain.as_str() };
            return Ok(format!("to_{}(({text})::{elements})::{to}", self.new.base));
        }
        if old.plain == self.new.plain || old.of_enum {
            return Ok(by_text);
        }
        let value = format!("({text})::{}", old.plain);
        if let Some(sql) = special(old, text, &self.new.base) {
            return Ok(format!("({sql})::{to}"));
        }
        if casts.exists(connection, &old.plain, to).await? { Ok(format!("({value})::{to}")) } else { Ok(by_text) }
    }

    /// Whether the backup's text is this value: as typed, or as the old type writes it.
    fn is(&self, value: &str) -> String {
        let literal = quote_literal(value);
        let boolean = self.old.is_some_and(|old| old.category == "B");
        let as_written = match value.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" if boolean => Some("'t'"),
            "false" | "no" | "off" | "0" if boolean => Some("'f'"),
            _ => None,
        };
        match (as_written, self.old) {
            (Some(written), _) => format!("{} = {written}", self.text),
            // char(n) is padded in the backup
            (None, Some(old)) if old.base == "bpchar" => format!("rtrim({}) = rtrim({literal})", self.text),
            _ => format!("{} = {literal}", self.text),
        }
    }

    fn literal(&self, value: &str) -> String {
        let literal = quote_literal(value);
        match &self.new.element {
            Some(element) if !value.starts_with('{') => {
                format!("ARRAY[{literal}::text::{element}]::{}", self.new.plain)
            }
            // through text, so that a wrong value is an error of the row that has it, not of the statement
            _ => format!("({literal}::text)::{}", self.new.plain),
        }
    }

    /// Each element replaced, all maps at once: first every old value by a mark, then every mark by its new value.
    fn mapped_elements(&self) -> String {
        let mark = |n: usize| format!("E'\\001safemigrate {n}\\001'");
        let mut sql = format!("({})::text[]", self.text);
        for (n, (from, _)) in self.values.iter().enumerate() {
            sql = format!("array_replace({sql}, {}, {})", quote_literal(from), mark(n));
        }
        for (n, (_, to)) in self.values.iter().enumerate() {
            sql = format!("array_replace({sql}, {}, {})", mark(n), quote_literal(to));
        }
        sql
    }

    /// Whether only a comparison of lengths keeps a text from being cut off silently, and at how many characters or bytes.
    pub fn length_check(&self) -> Option<String> {
        let text = self.text;
        if self.new.is_array() || !self.old.is_none_or(|old| old.is_string() && !old.is_array()) {
            return None;
        }
        match self.new.base.as_str() {
            // blanks at the end of char(n) are no content
            "character varying" if self.old.is_none_or(|old| old.base != "bpchar") => {
                self.new.max_length.map(|n| format!("char_length({text}) > {n}"))
            }
            "name" => Some(format!("octet_length({text}) > 63")),
            "\"char\"" => Some(format!("octet_length({text}) > 1")),
            _ => None,
        }
    }
}

/// Where PostgreSQL has no cast and the contract says what is meant.
fn special(old: &TypeInfo, text: &str, new_base: &str) -> Option<String> {
    if old.category == "B" && is_plain_number(new_base) {
        return Some(format!("(({text})::boolean)::integer"));
    }
    if old.is_number() && old.base != "money" && new_base == "boolean" {
        return Some(format!("(({text})::{}) <> 0", old.plain));
    }
    if old.is_string() && new_base == "bytea" {
        return Some(format!("convert_to((({text})::{})::text, 'UTF8')", old.plain));
    }
    None
}

/// Whether a type's values are written as digits alone.
pub fn is_plain_number(base: &str) -> bool {
    matches!(base, "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision")
}

/// Whether a cast between these can round, so that the report has to count.
pub fn may_round(old: &TypeInfo, new: &TypeInfo, old_name: &str, new_name: &str) -> bool {
    let same_family = old.category == new.category && ["N", "T", "D"].contains(&old.category.as_str());
    let width = |base: &str| ["smallint", "integer", "bigint"].iter().position(|t| *t == base);
    let wider = matches!((width(&old.base), width(&new.base)), (Some(a), Some(b)) if a <= b);
    let wider = wider || (old.base == "real" && new.base == "double precision");
    same_family && old_name != new_name && !wider && !(new_name == "numeric" && width(&old.base).is_some())
}
