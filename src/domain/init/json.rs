//! Where things stand in a JSON text, so that a change touches nothing else in it.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;

/// One entry of an object, by its place in the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub key: Range<usize>,
    pub value: Range<usize>,
}

/// The entries of the object that stands at `object`, in their order; `None` where none stands there.
pub fn members(text: &str, object: Range<usize>) -> Option<Vec<Member>> {
    let raw = text.get(object.clone())?;
    let pairs: Pairs = serde_json::from_str(raw).ok()?;
    let mut at = object.start + raw.find('{')? + 1;
    let mut members = Vec::with_capacity(pairs.0.len());
    for (name, length) in pairs.0 {
        let key = at + text[at..].find('"')?;
        let key = key..key + literal(&text[key..])?;
        let colon = key.end + text[key.end..].find(':')? + 1;
        let value = colon + text[colon..].find(|c: char| !c.is_ascii_whitespace())?;
        at = value + length;
        members.push(Member { name, key, value: value..at });
    }
    Some(members)
}

/// How long the string literal at the beginning is, with its quotes.
fn literal(text: &str) -> Option<usize> {
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => _ = letters.next(),
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// A string literal with `from` of its text replaced by `with`; whatever else stands in it stays as it is written.
pub fn replace_in(literal: &str, from: Range<usize>, with: &str) -> Option<String> {
    let places = places(literal)?;
    let place = |at: usize| places.iter().find(|(decoded, _)| *decoded == at).map(|(_, raw)| *raw);
    let quoted = serde_json::to_string(with).ok()?;
    let (start, end) = (place(from.start)?, place(from.end)?);
    Some(format!("{}{}{}", &literal[..start], &quoted[1..quoted.len() - 1], &literal[end..]))
}

/// For each character of the text (and its end): where it begins in the text, and where in the literal.
fn places(literal: &str) -> Option<Vec<(usize, usize)>> {
    let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
    let (mut places, mut decoded, mut at) = (Vec::new(), 0, 0);
    while at < inside.len() {
        places.push((decoded, at + 1));
        let rest = &inside[at..];
        let mut length = match (rest.strip_prefix('\\'), rest.chars().next()?) {
            (Some(escape), _) => 1 + if escape.starts_with('u') { 5 } else { escape.chars().next()?.len_utf8() },
            (None, letter) => letter.len_utf8(),
        };
        let letter = |length: usize| serde_json::from_str::<String>(&format!("\"{}\"", rest.get(..length)?)).ok();
        if letter(length).is_none() {
            // the first half of a pair
            length = 12;
        }
        decoded += letter(length)?.len();
        at += length;
    }
    places.push((decoded, at + 1));
    Some(places)
}

/// The names and the lengths of the values of an object, in their order, twins and all.
struct Pairs(Vec<(String, usize)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    pairs.push((name, value.get().len()));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Whether the text is JSON.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_where_they_stand() {
        let text = " { \"a\\\"{\" :[1, {\"x\":\"}\"}] ,\r\n\"ü\":\"v\",\"a\":{}}";
        let found = members(text, 0..text.len()).unwrap();
        let shown: Vec<_> =
            found.iter().map(|m| (m.name.as_str(), &text[m.key.clone()], &text[m.value.clone()])).collect();
        assert_eq!(
            shown,
            [("a\"{", "\"a\\\"{\"", "[1, {\"x\":\"}\"}]"), ("ü", "\"ü\"", "\"v\""), ("a", "\"a\"", "{}")]
        );
        assert_eq!(members("[]", 0..2), None);
        assert_eq!(members("{}", 0..2), Some(vec![]));
    }

    #[test]
    fn a_part_of_a_string_is_replaced_as_it_is_written() {
        let literal = r#""\u00fc\/\ud83d\ude00 \"x\" ä""#;
        let text: String = serde_json::from_str(literal).unwrap();
        let at = text.find('x').unwrap();
        assert_eq!(replace_in(literal, at..at + 1, "\"\\").unwrap(), r#""\u00fc\/\ud83d\ude00 \"\"\\\" ä""#);
        assert_eq!(replace_in("\"\"", 0..0, "a").unwrap(), "\"a\"");
    }
}
