//! The value that a new required column gets when nobody says which.

use crate::domain::names::quote_literal;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the catalog does not tell about a type that is not built in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum TypeShape {
    Enum { labels: Vec<String> },
    Domain { base: String },
}

/// Enums and domains by their name as `Column::type_name` writes it.
pub type Types = BTreeMap<String, TypeShape>;

/// The empty value as an SQL expression without a cast, or `None` where no value is "empty".
pub fn empty_value(type_name: &str, types: &Types) -> Option<String> {
    if type_name.ends_with("[]") {
        return Some("'{}'".into());
    }
    match types.get(type_name) {
        Some(TypeShape::Enum { labels }) => return labels.first().map(|l| quote_literal(l)),
        Some(TypeShape::Domain { base }) => return empty_value(base, types),
        None => {}
    }
    let value = match bare(type_name).as_str() {
        "boolean" => "false",
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" | "money" | "oid" => "0",
        "text" | "character varying" | "character" | "bpchar" | "name" | "\"char\"" | "bytea" | "xml" | "tsvector" => {
            "''"
        }
        "json" | "jsonb" => "'{}'",
        "date" | "timestamp without time zone" | "timestamp with time zone" => "now()",
        "time without time zone" | "time with time zone" => "'00:00:00'",
        "interval" => "'0'",
        "uuid" => "'00000000-0000-0000-0000-000000000000'",
        "inet" | "cidr" => "'0.0.0.0/0'",
        "macaddr" => "'00:00:00:00:00:00'",
        "macaddr8" => "'00:00:00:00:00:00:00:00'",
        "bit varying" => "''",
        "bit" => return Some(format!("repeat('0', {})", bits(type_name))),
        "point" => "'(0,0)'",
        "int4range" | "int8range" | "numrange" | "tsrange" | "tstzrange" | "daterange" => "'empty'",
        other => return citext_or_hstore(other).then(|| "''".into()),
    };
    Some(value.into())
}

/// A type's name without its length or precision: `timestamp(3) without time zone` → `timestamp without time zone`.
pub fn bare(type_name: &str) -> String {
    match (type_name.find('('), type_name.rfind(')')) {
        (Some(open), Some(close)) if open < close && !type_name.starts_with('"') => {
            format!("{}{}", type_name[..open].trim_end(), &type_name[close + 1..])
        }
        _ => type_name.to_owned(),
    }
}

fn bits(type_name: &str) -> u32 {
    type_name.trim_start_matches("bit(").trim_end_matches(')').parse().unwrap_or(1)
}

/// Extension types whose empty text is their empty value, in whichever schema they live.
fn citext_or_hstore(type_name: &str) -> bool {
    matches!(type_name.rsplit('.').next(), Some("citext" | "hstore" | "ltree"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_empty_values() {
        let types = Types::from([
            ("public.\"Role\"".into(), TypeShape::Enum { labels: vec!["it's".into(), "B".into()] }),
            ("public.age".into(), TypeShape::Domain { base: "numeric(5,2)".into() }),
        ]);
        let value = |name: &str| empty_value(name, &types);
        assert_eq!(value("character varying(30)").as_deref(), Some("''"));
        assert_eq!(value("timestamp(3) without time zone").as_deref(), Some("now()"));
        assert_eq!(value("public.\"Role\"").as_deref(), Some("'it''s'"));
        assert_eq!(value("public.\"Role\"[]").as_deref(), Some("'{}'"));
        assert_eq!(value("public.age").as_deref(), Some("0"));
        assert_eq!(value("bit(3)").as_deref(), Some("repeat('0', 3)"));
        assert_eq!(value("public.point3d"), None);
    }
}
