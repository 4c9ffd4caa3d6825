//! What happens to each column of a table that rows go into, and to each column of the backup that has no place.

use super::columns::{ColumnPlan, SkippedColumn, Source, WhySkipped, Wishes, match_columns};
use super::empty::{Types, empty_value};
use super::matching::SourceTable;
use crate::domain::names::QualifiedName;
use crate::domain::schema::{Catalog, Column, Table};
use crate::error::{Error, ErrorKind, Result};

/// A column that is required and that nothing but a `--fill` can be right for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub table: QualifiedName,
    pub column: String,
    pub why: String,
}

/// The columns of a plan, and those of the backup that have no place.
pub fn plan_columns(
    source: &SourceTable<'_>,
    target: &Table,
    wishes: &Wishes,
    now: &Catalog,
    types: &Types,
    refusals: &mut Vec<Refusal>,
) -> (Vec<ColumnPlan>, Vec<SkippedColumn>) {
    let mut columns = Vec::new();
    for (column, from) in match_columns(source, target, &wishes.maps) {
        let old = from.as_deref().and_then(|name| source.table()?.column(name));
        let found = match old {
            Some(old) => from_backup(old, column, wishes),
            None => new_column(column, target, wishes, now, types),
        };
        let source_of = found.unwrap_or_else(|why| {
            if source.rows() > 0 {
                refusals.push(Refusal { table: target.name.clone(), column: column.name.clone(), why });
            }
            Source::Null
        });
        columns.push(ColumnPlan {
            column: column.name.clone(),
            type_name: column.type_name.clone(),
            not_null: column.not_null,
            constant_default: column.default.clone().filter(|sql| is_constant(sql)),
            source: source_of,
        });
    }
    let skipped = skipped_columns(source, target, wishes, &columns);
    (columns, skipped)
}

/// Literals and casts of them: whatever is called could give another value next time.
pub(in crate::domain) fn is_constant(sql: &str) -> bool {
    let (mut words, mut rest) = (Vec::new(), sql);
    while let Some(c) = rest.chars().next() {
        if let Some(inside) = rest.strip_prefix('\'') {
            rest = inside.split_once('\'').map_or("", |(_, after)| after);
        } else if let Some(cast) = rest.strip_prefix("::") {
            rest = cast.trim_start_matches(|c: char| c.is_alphanumeric() || "_ .\"".contains(c));
            // a length or a precision
            if let Some((_, after)) = rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
                rest = after;
            }
        } else if c.is_alphabetic() || c == '_' || c == '"' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '"').unwrap_or(rest.len());
            words.push(rest[..end].to_lowercase());
            rest = &rest[end..];
        } else {
            rest = &rest[c.len_utf8()..];
        }
    }
    words.iter().all(|w| matches!(w.as_str(), "true" | "false" | "null" | "array"))
}

fn wish<'w>(wishes: &'w [(String, String)], column: &Column) -> Option<&'w String> {
    wishes.iter().rev().find(|(name, _)| name == &column.name).map(|(_, sql)| sql)
}

fn from_backup(old: &Column, column: &Column, wishes: &Wishes) -> Result<Source, String> {
    if let Some(sql) = wish(&wishes.casts, column) {
        return Ok(Source::Cast { from: Some(old.name.clone()), sql: sql.clone() });
    }
    let of_column = wishes.values.iter().filter(|(name, _, _)| name == &old.name);
    let values: Vec<(String, String)> = of_column.map(|(_, from, to)| (from.clone(), to.clone())).collect();
    let null_fill = wish(&wishes.fills, column).cloned();
    if values.is_empty() && null_fill.is_none() && old.type_name == column.type_name {
        return Ok(Source::Copied { from: old.name.clone() });
    }
    Ok(Source::Converted { from: old.name.clone(), from_type: old.type_name.clone(), values, null_fill })
}

/// What a column gets that the backup does not know; the error says why nothing can be right.
fn new_column(
    column: &Column,
    target: &Table,
    wishes: &Wishes,
    now: &Catalog,
    types: &Types,
) -> Result<Source, String> {
    if let Some(sql) = wish(&wishes.casts, column) {
        return Ok(Source::Cast { from: None, sql: sql.clone() });
    }
    if let Some(sql) = wish(&wishes.fills, column) {
        return Ok(Source::Filled { sql: sql.clone() });
    }
    if column.identity.is_some() {
        let owner = |of: &Table| (of.name.clone(), column.name.clone());
        let owners = [Some(owner(target)), target.partition_root.clone().map(|root| (root, column.name.clone()))];
        let sequence = now.sequences.iter().find(|s| s.owner.is_some() && owners.contains(&s.owner));
        return sequence
            .map(|s| Source::Identity { sequence: s.name.clone() })
            .ok_or_else(|| "its identity has no sequence".into());
    }
    if let Some(sql) = &column.default {
        return Ok(Source::Default { sql: sql.clone() });
    }
    if !column.not_null {
        return Ok(Source::Null);
    }
    let mut keys = std::iter::once(&target.primary_key).chain(&target.unique_keys);
    if keys.any(|key| key.contains(&column.name)) {
        return Err("it is required and unique".into());
    }
    let tables = [Some(&target.name), target.partition_root.as_ref()];
    let refers = now.foreign_keys.iter().find(|k| tables.contains(&Some(&k.table)) && k.columns.contains(&column.name));
    if let Some(key) = refers {
        return Err(format!("it is required and refers to {}", key.referenced));
    }
    let sql = empty_value(&column.type_name, types);
    sql.map(|sql| Source::Empty { sql })
        .ok_or_else(|| format!("it is required and {} has no empty value", column.type_name))
}

fn skipped_columns(
    source: &SourceTable<'_>,
    target: &Table,
    wishes: &Wishes,
    columns: &[ColumnPlan],
) -> Vec<SkippedColumn> {
    let used = |old: &str| columns.iter().any(|c| c.from() == Some(old));
    let why = |old: &str| match target.column(old) {
        Some(column) if column.generated => WhySkipped::Generated,
        Some(_) if wishes.maps.iter().any(|(_, to)| to == old) => WhySkipped::Taken,
        _ => WhySkipped::Gone,
    };
    source
        .column_names()
        .filter(|old| !used(old))
        .map(|old| SkippedColumn { column: old.to_owned(), why: why(old) })
        .collect()
}

/// The error that names the `--fill` for each column that needs one.
pub fn refused(refusals: &[Refusal]) -> Error {
    let columns = if refusals.len() == 1 { "a new column" } else { "new columns" };
    let mut error = Error::new(
        ErrorKind::RowsDoNotFit,
        format!("The rows do not fit: {columns} must have a value that only you can know. Nothing was changed"),
    );
    for refusal in refusals {
        let quoted = |name: &str| {
            if name.contains(['.', '"', '=', ' ']) {
                format!("\"{}\"", name.replace('"', "\"\""))
            } else {
                name.to_owned()
            }
        };
        let name = format!("{}.{}", quoted(&refusal.table.name), quoted(&refusal.column));
        error = error
            .hint(format!("--fill '{name}=SQL-EXPRESSION'   ({}.{}: {})", refusal.table, refusal.column, refusal.why));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::is_constant;

    #[test]
    fn tells_constant_defaults() {
        for sql in [
            "0",
            "'-1'::integer",
            "'it''s (now)'::text",
            "true",
            "ARRAY[]::text[]",
            "'X'::public.\"Role\"",
            "'a'::character varying(3)",
            "(-1.5)",
        ] {
            assert!(is_constant(sql), "{sql}");
        }
        for sql in [
            "now()",
            "CURRENT_TIMESTAMP",
            "nextval('s'::regclass)",
            "('a'::text || upper('b'::text))",
            "gen_random_uuid()",
        ] {
            assert!(!is_constant(sql), "{sql}");
        }
    }
}
