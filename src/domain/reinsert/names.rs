//! Names as users type them (`Order`, `public.Order`, `"odd.name".column`) and what they stand for.

use crate::domain::names::QualifiedName;
use crate::error::{Error, ErrorKind, Result};
use serde::Serialize;
use std::fmt;

/// One part of a dotted name; a quoted one means exactly what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    pub text: String,
    pub quoted: bool,
}

/// A dotted name, outermost part first: `schema.table.column`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name(pub Vec<Part>);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.0.iter().map(|p| p.text.as_str()).collect();
        f.write_str(&parts.join("."))
    }
}

impl Part {
    fn is(&self, name: &str) -> bool {
        self.text == name
    }

    /// The same but for the case of letters; never for a quoted name.
    fn is_nearly(&self, name: &str) -> bool {
        !self.quoted && self.text.to_lowercase() == name.to_lowercase()
    }
}

impl Name {
    /// Reads a name at the beginning of `text`, up to one of the `ends`; gives the name and the rest, which
    /// begins with that end or is empty. `None` when there is no name.
    pub fn read<'t>(text: &'t str, ends: &[char]) -> Option<(Self, &'t str)> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            let (part, after) = if let Some(inside) = rest.strip_prefix('"') {
                read_quoted(inside)?
            } else {
                let end = rest.find(|c| c == '.' || ends.contains(&c)).unwrap_or(rest.len());
                (Part { text: rest[..end].trim_end().to_owned(), quoted: false }, &rest[end..])
            };
            if part.text.is_empty() {
                return None;
            }
            parts.push(part);
            rest = after.trim_start();
            match rest.chars().next() {
                Some('.') => rest = &rest[1..],
                None => return Some((Self(parts), rest)),
                Some(c) if ends.contains(&c) => return Some((Self(parts), rest)),
                Some(_) => return None,
            }
        }
    }

    /// A whole text that must be a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text, &[]).map(|(name, _)| name)
    }

    /// The last part, which names a column, and what stands before it, which names a table.
    pub fn split_column(&self) -> Option<(Name, &Part)> {
        let (column, table) = self.0.split_last()?;
        (!table.is_empty()).then(|| (Name(table.to_vec()), column))
    }
}

fn read_quoted(inside: &str) -> Option<(Part, &str)> {
    let mut text = String::new();
    let mut rest = inside;
    loop {
        let end = rest.find('"')?;
        text.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                text.push('"');
                rest = more;
            }
            None => return Some((Part { text, quoted: true }, rest)),
        }
    }
}

/// What a name stands for among the candidates.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    Nothing,
    One(T),
    Many(Vec<T>),
}

/// The table that a name of one or two parts means: exactly, else without regard to case.
pub fn find_table<'a>(
    name: &Name,
    tables: impl Iterator<Item = &'a QualifiedName> + Clone,
) -> Found<&'a QualifiedName> {
    let fits = |same: fn(&Part, &str) -> bool, table: &QualifiedName| match name.0.as_slice() {
        [table_name] => same(table_name, &table.name),
        [schema, table_name] => same(schema, &table.schema) && same(table_name, &table.name),
        _ => false,
    };
    one_of(|same| tables.clone().filter(|t| fits(same, t)).collect())
}

/// The column that a name means: exactly, else without regard to case.
pub fn find_column<'a>(name: &Part, columns: impl Iterator<Item = &'a str> + Clone) -> Found<&'a str> {
    one_of(|same| columns.clone().filter(|c| same(name, c)).collect())
}

fn one_of<T>(matching: impl Fn(fn(&Part, &str) -> bool) -> Vec<T>) -> Found<T> {
    for same in [Part::is as fn(&Part, &str) -> bool, Part::is_nearly] {
        let mut found = matching(same);
        match (found.len(), found.pop()) {
            (1, Some(one)) => return Found::One(one),
            (_, Some(last)) => {
                found.push(last);
                return Found::Many(found);
            }
            _ => {}
        }
    }
    Found::Nothing
}

/// The error for a name that means nothing, or too much. `place` is "in the backup" or "in the database".
pub fn not_one<T: ToString>(flag: &str, name: &str, found: &[T], place: &str, candidates: &[String]) -> Error {
    if found.is_empty() {
        let error = Error::new(ErrorKind::Usage, format!("{flag}: there is no {name} {place}. Nothing was changed"));
        let near = nearest(name, candidates);
        if near.is_empty() { error } else { error.hint(format!("There is {}.", near.join(", "))) }
    } else {
        let names: Vec<String> = found.iter().map(ToString::to_string).collect();
        Error::new(
            ErrorKind::Usage,
            format!("{flag}: {name} {place} can be {}. Nothing was changed", names.join(" or ")),
        )
        .hint("Write the schema's name before it, or the name in double quotes.")
    }
}

impl<T: ToString> Found<T> {
    /// The one that was found.
    ///
    /// # Errors
    /// `Usage` with the candidates that come near.
    pub fn or_usage(self, flag: &str, name: &str, place: &str, candidates: &[String]) -> Result<T> {
        match self {
            Found::One(one) => Ok(one),
            Found::Nothing => Err(not_one::<T>(flag, name, &[], place, candidates)),
            Found::Many(many) => Err(not_one(flag, name, &many, place, candidates)),
        }
    }
}

/// Up to five candidates, those that share letters with the name first.
fn nearest(name: &str, candidates: &[String]) -> Vec<String> {
    let wanted = name.to_lowercase();
    let last = wanted.rsplit('.').next().unwrap_or_default().to_owned();
    let mut ranked: Vec<(usize, &String)> = candidates
        .iter()
        .map(|c| {
            let lower = c.to_lowercase();
            let shared = lower.chars().zip(last.chars()).take_while(|(a, b)| a == b).count();
            (usize::from(lower.contains(&last)) * 100 + shared, c)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    ranked.into_iter().take(5).map(|(_, c)| c.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, bool)> {
        Name::parse(text).unwrap().0.into_iter().map(|p| (p.text, p.quoted)).collect()
    }

    #[test]
    fn reads_dotted_and_quoted_names() {
        assert_eq!(parts("public.Order"), [("public".into(), false), ("Order".into(), false)]);
        assert_eq!(parts(r#""odd.na""me" . x"#), [("odd.na\"me".into(), true), ("x".into(), false)]);
        assert_eq!(parts("Ünïcode name"), [("Ünïcode name".into(), false)]);
        assert!(Name::parse("").is_none() && Name::parse("a..b").is_none() && Name::parse("\"a").is_none());
        assert!(Name::parse("\"a\"b").is_none());
    }

    #[test]
    fn finds_exactly_before_nearly() {
        let tables = [
            QualifiedName::new("public", "User"),
            QualifiedName::new("public", "user"),
            QualifiedName::new("app", "Order"),
        ];
        let find = |text: &str| find_table(&Name::parse(text).unwrap(), tables.iter());
        assert_eq!(find("User"), Found::One(&tables[0]));
        assert_eq!(find("order"), Found::One(&tables[2]));
        assert_eq!(find("APP.order"), Found::One(&tables[2]));
        assert_eq!(find("USER"), Found::Many(vec![&tables[0], &tables[1]]));
        assert_eq!(find("\"order\""), Found::Nothing);
    }
}
