//! Names of database objects and how SQL quotes them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A schema-qualified name; prints as `schema.name`, the form of the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QualifiedName {
    pub schema: String,
    pub name: String,
}

impl QualifiedName {
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// The name as SQL wants it, always quoted: `"public"."User"`.
    pub fn sql(&self) -> String {
        format!("{}.{}", quote_ident(&self.schema), quote_ident(&self.name))
    }

    /// Whether this is Prisma's own journal of applied migrations, which is never user data.
    pub fn is_prisma_migrations(&self) -> bool {
        self.name == "_prisma_migrations"
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// Quotes an identifier, always: reserved words and capitals need no thought then.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a text literal for any setting of `standard_conforming_strings`.
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// A comma-separated list of quoted identifiers.
pub fn quote_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quote_ident).collect::<Vec<_>>().join(", ")
}

/// A word as a POSIX shell reads it back, whatever somebody has called a table or a database.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_.=-:/,@%+".contains(c);
    // zsh looks up what follows an equal sign
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(plain) {
        text.to_owned()
    } else if text.contains('\'') && !text.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// An option with its value, as it is typed in a shell: a value that begins with a dash would be read as another option.
pub fn shell_option(flag: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("{flag}{between}{}", shell_word(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hostile_names() {
        assert_eq!(quote_ident("we\"ird"), "\"we\"\"ird\"");
        assert_eq!(quote_literal("it's \\ here"), "E'it''s \\\\ here'");
        assert_eq!(QualifiedName::new("public", "User").sql(), "\"public\".\"User\"");
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!((shell_word("").as_str(), shell_word("=ls").as_str()), ("''", "'=ls'"));
        assert_eq!(shell_option("--confirm", "shop"), "--confirm shop");
        assert_eq!(shell_option("--confirm", "--store"), "--confirm=--store");
        assert_eq!(shell_option("--confirm", "$(touch x)"), "--confirm '$(touch x)'");
    }
}
