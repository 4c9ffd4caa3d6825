//! Patterns of `[verify] expect_loss`: `Table`, `Table.column`, `schema.Table.column`; `*` stands for any text. Capitals
//! matter, as they do to PostgreSQL; a part in double quotes is taken as it stands.

use crate::domain::names::QualifiedName;
use serde::Deserialize;
use std::fmt;

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct LossPattern {
    text: String,
    /// `None`: the default schema.
    schema: Option<Glob>,
    table: Glob,
    /// `None`: the whole table, its rows included; so does a lone `*`.
    column: Option<Glob>,
}

impl LossPattern {
    /// Whether rows of the table may go, and with them everything in it.
    pub fn takes_all(&self, names: &[QualifiedName], default_schema: &str) -> bool {
        self.column.is_none() && self.names(names, default_schema)
    }

    /// Whether the values of a column may go. `columns`: its names.
    pub fn takes_column(&self, tables: &[QualifiedName], columns: &[&str], default_schema: &str) -> bool {
        let fits = |column: &Glob| columns.iter().any(|name| column.matches(name));
        self.column.as_ref().is_none_or(fits) && self.names(tables, default_schema)
    }

    fn names(&self, tables: &[QualifiedName], default_schema: &str) -> bool {
        let in_schema = |schema: &str| match &self.schema {
            Some(wanted) => wanted.matches(schema),
            None => schema == default_schema,
        };
        tables.iter().any(|table| in_schema(&table.schema) && self.table.matches(&table.name))
    }
}

impl fmt::Display for LossPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for LossPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bad = |why: &str| format!("{text:?} {why}: it has to be Table, Table.column or schema.Table.column");
        let mut parts = parts(&text).ok_or_else(|| bad("has a quote that is not closed"))?;
        if parts.iter().any(Glob::is_empty) {
            return Err(bad("lacks a name"));
        }
        let column = if parts.len() > 1 { parts.pop() } else { None };
        let Some(table) = parts.pop() else { return Err(bad("lacks a name")) };
        let schema = parts.pop();
        if !parts.is_empty() {
            return Err(bad("has too many parts"));
        }
        let column = column.filter(|column| !column.is_everything());
        if table.is_everything() && column.is_none() {
            return Err(format!("{text:?} would expect every loss, so that nothing were verified any more"));
        }
        Ok(Self { text, schema, table, column })
    }
}

/// A name with stars in it: the texts between them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob(Vec<String>);

impl Glob {
    fn is_empty(&self) -> bool {
        self.0.len() == 1 && self.0[0].is_empty()
    }

    fn is_everything(&self) -> bool {
        self.0.len() > 1 && self.0.iter().all(String::is_empty)
    }

    fn matches(&self, name: &str) -> bool {
        let [first, between @ .., last] = self.0.as_slice() else { return self.0.first().is_some_and(|t| t == name) };
        let Some(mut rest) = name.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        between.iter().all(|text| match rest.split_once(text.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    }
}

/// The text between dots; `None` where a quote is not closed.
fn parts(text: &str) -> Option<Vec<Glob>> {
    let mut parts = vec![Glob(vec![String::new()])];
    let mut rest = text.trim().chars().peekable();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        let pieces = &mut parts.last_mut()?.0;
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                pieces.last_mut()?.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(Glob(vec![String::new()])),
            '*' if !quoted => pieces.push(String::new()),
            c => pieces.last_mut()?.push(c),
        }
    }
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> LossPattern {
        LossPattern::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for (text, why) in [
            ("", "lacks a name"),
            ("  ", "lacks a name"),
            (".x", "lacks a name"),
            ("Session.", "lacks a name"),
            ("a..b", "lacks a name"),
            ("a.b.c.d", "too many parts"),
            ("\"a", "not closed"),
            ("*", "every loss"),
            ("**", "every loss"),
            ("*.*", "every loss"),
            ("app.*.*", "every loss"),
        ] {
            let said = LossPattern::try_from(text.to_owned()).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn names_are_taken_by_the_letter() {
        let table = |schema: &str, name: &str| [QualifiedName::new(schema, name)];
        let session = table("public", "Session");
        for whole in ["Session", "Session.*", "public.Session.*", "Ses*", "*.Session.*", "S*s*n", "\"Session\""] {
            assert!(pattern(whole).takes_all(&session, "public"), "{whole}");
            assert!(pattern(whole).takes_column(&session, &["id"], "public"), "{whole}");
            assert!(!pattern(whole).takes_all(&table("public", "session"), "public"), "{whole}");
        }
        for other in
            ["Sessions", "session", "Sess", "app.Session.*", "Session.id", "Session.i*", "public.Session", "\"Ses*\""]
        {
            assert!(!pattern(other).takes_all(&session, "public"), "{other}");
        }
        assert!(pattern("Session.i*").takes_column(&session, &["id"], "public"));
        assert!(!pattern("Session.i*").takes_column(&session, &["kind"], "public"));
        assert!(pattern("Session").takes_all(&table("app", "Session"), "app"));
        assert!(!pattern("Session").takes_all(&table("app", "Session"), "public"));
        assert!(pattern("*.updatedAt").takes_column(&session, &["updatedAt"], "public"));
        // what repeats in the name
        assert!(pattern("a*ab").takes_all(&table("public", "aab"), "public"));
        assert!(!pattern("ab*ab").takes_all(&table("public", "ab"), "public"));
        assert!(pattern("\"a.b*\"\"\".c").takes_column(&table("public", "a.b*\""), &["c"], "public"));
    }
}
