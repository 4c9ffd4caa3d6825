//! Suggestions as they are typed, printed and serialised.

use super::{Advice, Suggestion};
use crate::domain::names::{QualifiedName, shell_option};
use crate::domain::reinsert::OnConflict;
use serde::Serialize;

/// A table as the options take it: without `public`, quoted where it would be misread.
pub fn table_text(name: &QualifiedName) -> String {
    if name.schema == "public" {
        part_text(&name.name)
    } else {
        format!("{}.{}", part_text(&name.schema), part_text(&name.name))
    }
}

pub fn column_text(table: &QualifiedName, column: &str) -> String {
    format!("{}.{}", table_text(table), part_text(column))
}

/// A name as the parsers of the options read it back.
fn part_text(name: &str) -> String {
    let plain = !name.contains(['.', '=', ':', '"', '\'']) && name.trim() == name && !name.is_empty();
    if plain { name.to_owned() } else { crate::domain::names::quote_ident(name) }
}

impl Advice {
    fn words(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Map(maps) => maps.iter().map(|map| ("--map", map.clone())).collect(),
            Self::OnConflict { how, tables } => {
                let tables = tables.iter().map(|table| ("--table", table.clone()));
                std::iter::once(("--on-conflict", conflict_word(*how).to_owned())).chain(tables).collect()
            }
            Self::Fill(text) => vec![("--fill", text.clone())],
            Self::Cast(text) => vec![("--cast", text.clone())],
            Self::MapValue { text, .. } => vec![("--map-value", text.clone())],
        }
    }

    /// As it is typed in a shell.
    pub fn command_line(&self) -> String {
        let words: Vec<String> = self.words().iter().map(|(flag, text)| shell_option(flag, text)).collect();
        words.join(" ")
    }
}

fn conflict_word(how: OnConflict) -> &'static str {
    match how {
        OnConflict::Skip => "skip",
        OnConflict::Fill => "fill",
        OnConflict::Update => "update",
        OnConflict::Replace => "replace",
    }
}

/// All of them for a shell, with a leading space; "" without any.
pub fn command_line(suggestions: &[Suggestion]) -> String {
    let mut words: Vec<(&'static str, String)> = Vec::new();
    for word in suggestions.iter().flat_map(|s| s.advice.words()) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.iter().map(|(flag, text)| format!(" {}", shell_option(flag, text))).collect()
}

/// A line for each: what to add, and why.
pub fn in_words(suggestions: &[Suggestion]) -> Vec<String> {
    let line = |suggestion: &Suggestion| {
        let choose = match &suggestion.advice {
            Advice::MapValue { choices, .. } => format!("; in place of the ? one of {}", choices.join(", ")),
            _ => String::new(),
        };
        format!("{}   ({}{choose})", suggestion.advice.command_line(), suggestion.because)
    };
    suggestions.iter().map(line).collect()
}

/// One option in the JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<OnConflict>,
    /// What `on_conflict` is limited to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cast: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_value: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    pub because: String,
}

/// The JSON of `"suggestions"`: maps that belong together share their reason.
pub fn entries(suggestions: &[Suggestion]) -> Vec<Entry> {
    let of = |suggestion: &Suggestion| -> Vec<Entry> {
        let entry = || Entry { because: suggestion.because.clone(), ..Entry::default() };
        match &suggestion.advice {
            Advice::Map(maps) => maps.iter().map(|map| Entry { map: Some(map.clone()), ..entry() }).collect(),
            Advice::OnConflict { how, tables } => {
                vec![Entry { on_conflict: Some(*how), table: tables.clone(), ..entry() }]
            }
            Advice::Cast(text) => vec![Entry { cast: Some(text.clone()), ..entry() }],
            Advice::Fill(text) => vec![Entry { fill: Some(text.clone()), ..entry() }],
            Advice::MapValue { text, choices } => {
                vec![Entry { map_value: Some(text.clone()), choices: choices.clone(), ..entry() }]
            }
        }
    };
    suggestions.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_typed_as_it_stands() {
        let suggestion = |advice| Suggestion { advice, because: String::new(), question: None };
        let all = [
            suggestion(Advice::Map(vec!["User=User".into(), "User.my title=\"a.b\".name".into()])),
            suggestion(Advice::Map(vec!["User=User".into(), "User=it's".into()])),
            suggestion(Advice::Fill("User.name=''".into())),
            suggestion(Advice::MapValue { text: "User.role:GUEST=?".into(), choices: Vec::new() }),
            suggestion(Advice::OnConflict { how: OnConflict::Fill, tables: vec!["User".into()] }),
        ];
        assert_eq!(
            command_line(&all),
            r#" --map User=User --map 'User.my title="a.b".name' --map "User=it's" --fill "User.name=''" --map-value 'User.role:GUEST=?' --on-conflict fill --table User"#
        );
        assert_eq!(command_line(&[]), "");
    }

    #[test]
    fn names_are_quoted_where_the_options_would_misread_them() {
        assert_eq!(table_text(&QualifiedName::new("public", "User")), "User");
        assert_eq!(column_text(&QualifiedName::new("a.b", "User"), "it's"), "\"a.b\".User.\"it's\"");
    }
}
