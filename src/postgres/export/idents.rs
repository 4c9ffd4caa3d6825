//! Names as `pg_dump` writes them: quoted only where they must be.

use crate::domain::names::{QualifiedName, quote_ident};
use crate::domain::schema::Table;

/// PostgreSQL's keywords that are no names without quotes (all but the unreserved ones), of its version 18.
const KEYWORDS: &str = " all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both \
    case cast char character check coalesce collate collation column concurrently constraint create cross current_catalog \
    current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc \
    distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group grouping \
    having ilike in initially inner inout int integer intersect interval into is isnull join json json_array json_arrayagg \
    json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral leading least \
    left like limit localtime localtimestamp merge_action national natural nchar none normalize not notnull null nullif \
    numeric offset on only or order out outer overlaps overlay placing position precision primary real references returning \
    right row select session_user setof similar smallint some substring symmetric system_user table tablesample then time \
    timestamp to trailing treat trim true union unique user using values varchar variadic verbose when where window with \
    xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable ";

pub fn ident(name: &str) -> String {
    let letters = |c: char| c.is_ascii_lowercase() || c == '_';
    let plain = name.starts_with(letters) && name.chars().all(|c| letters(c) || c.is_ascii_digit());
    let is_keyword = || KEYWORDS.contains(&format!(" {name} "));
    if plain && !is_keyword() { name.to_owned() } else { quote_ident(name) }
}

pub fn qualified(name: &QualifiedName) -> String {
    format!("{}.{}", ident(&name.schema), ident(&name.name))
}

/// `(id, "Name")`; "" for a table without columns.
pub fn columns(table: &Table) -> String {
    let names: Vec<String> = table.data_columns().map(|column| ident(&column.name)).collect();
    if names.is_empty() { String::new() } else { format!("({})", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        for (name, written) in [
            ("id", "id"),
            ("_a1", "_a1"),
            ("1a", "\"1a\""),
            ("User", "\"User\""),
            ("user", "\"user\""),
            ("begin", "begin"),
            ("xmltable", "\"xmltable\""),
            ("all", "\"all\""),
            ("a b", "\"a b\""),
            ("ä", "\"ä\""),
            ("", "\"\""),
            ("we\"ird", "\"we\"\"ird\""),
        ] {
            assert_eq!(ident(name), written);
        }
    }
}
