//! From what a verification found missing to the `reinsert` command that would bring it back.
//! A suggestion is shown, never carried out unasked.

use super::compare::{ColumnVerdict, Pair, Pairing, Side, Verification};
use super::names::QualifiedName;
use super::schema::Column;

/// Options for `reinsert`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suggestion {
    /// `Table.old=new`, `Old=New`.
    pub maps: Vec<String>,
    /// `fill` where rows are still there but values are not; `update` where other values stand in their place.
    pub on_conflict: Option<&'static str>,
}

impl Suggestion {
    /// As they are typed in a shell, with a leading space; "" without any.
    pub fn command_line(&self) -> String {
        let maps = self.maps.iter().map(|map| format!(" --map {}", shell_word(map)));
        maps.chain(self.on_conflict.map(|what| format!(" --on-conflict {what}"))).collect()
    }
}

/// Looks for a new home for every column and table that vanished with values in it: of the same type, the most alike by name.
pub fn suggest(pairing: &Pairing<'_>, verification: &Verification) -> Suggestion {
    let mut suggestion = Suggestion::default();
    for pair in &pairing.pairs {
        suggestion.maps.extend(column_maps(pair));
    }
    let mut free: Vec<&Side<'_>> = pairing.added.iter().collect();
    for gone in pairing.dropped.iter().filter(|side| side.rows > 0) {
        let likely = (0..free.len())
            .filter(|&n| alike(gone, free[n]))
            .max_by_key(|&n| likeness(&gone.name.name, &free[n].name.name));
        if let Some(n) = likely {
            suggestion.maps.push(format!("{}={}", table_word(&gone.name), table_word(&free.remove(n).name)));
        }
    }
    let lost = |verdict: ColumnVerdict| {
        let tables = verification.tables.iter().filter(|t| t.after > 0);
        tables.flat_map(|t| &t.columns).any(|c| c.verdict == verdict && c.is_loss())
    };
    suggestion.on_conflict = if lost(ColumnVerdict::Changed) {
        Some("update")
    } else if lost(ColumnVerdict::LostValues) || !suggestion.maps.is_empty() && lost(ColumnVerdict::Dropped) {
        Some("fill")
    } else {
        None
    };
    suggestion
}

fn column_maps(pair: &Pair<'_>) -> Vec<String> {
    let gone = pair
        .before
        .columns
        .iter()
        .enumerate()
        .filter(|(b, (_, stats))| stats.non_null > 0 && !pair.columns.iter().any(|c| c.0 == *b));
    let mut free: Vec<&Column> = pair
        .after
        .columns
        .iter()
        .enumerate()
        .filter(|(a, _)| !pair.columns.iter().any(|c| c.1 == *a))
        .map(|(_, c)| c.0)
        .collect();
    let mut maps = Vec::new();
    for (_, (old, _)) in gone {
        let same_type = |n: &usize| bare(&free[*n].type_name) == bare(&old.type_name);
        let likely = (0..free.len()).filter(same_type).max_by_key(|&n| likeness(&old.name, &free[n].name));
        if let Some(n) = likely {
            let new = free.remove(n);
            maps.push(format!("{}.{}={}", table_word(&pair.before.name), word(&old.name), word(&new.name)));
        }
    }
    maps
}

/// At least half of the columns have the name and type that they had.
fn alike(gone: &Side<'_>, new: &Side<'_>) -> bool {
    let known = |(column, _): &&(&Column, super::digest::ColumnStats)| {
        new.columns.iter().any(|(c, _)| c.name == column.name && bare(&c.type_name) == bare(&column.type_name))
    };
    gone.columns.iter().filter(known).count() * 2 >= gone.columns.len().max(1)
}

/// The type without its modifier.
fn bare(type_name: &str) -> &str {
    type_name.split('(').next().unwrap_or(type_name)
}

/// How many pairs of neighbouring letters two names share.
fn likeness(a: &str, b: &str) -> usize {
    let pairs = |name: &str| -> Vec<(char, char)> {
        let letters: Vec<char> = name.to_lowercase().chars().collect();
        letters.windows(2).map(|w| (w[0], w[1])).collect()
    };
    let of_b = pairs(b);
    pairs(a).iter().filter(|pair| of_b.contains(pair)).count()
}

/// A table as `--map` takes it: without `public`, quoted where a dot or sign would be misread.
fn table_word(name: &QualifiedName) -> String {
    if name.schema == "public" { word(&name.name) } else { format!("{}.{}", word(&name.schema), word(&name.name)) }
}

fn word(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { super::names::quote_ident(name) }
}

fn shell_word(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_alphanumeric() || "_.=-".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_typed_as_it_stands() {
        let suggestion = Suggestion { maps: vec!["Product.\"my title\"=name".into()], on_conflict: Some("fill") };
        assert_eq!(suggestion.command_line(), " --map 'Product.\"my title\"=name' --on-conflict fill");
        assert_eq!(Suggestion::default().command_line(), "");
    }

    #[test]
    fn the_most_alike_name_wins() {
        assert!(likeness("title", "subtitle") > likeness("title", "note"));
        assert_eq!(table_word(&QualifiedName::new("public", "User")), "User");
        assert_eq!(table_word(&QualifiedName::new("a.b", "User")), "\"a.b\".User");
    }
}
