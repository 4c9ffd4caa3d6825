//! What to write instead of a statement that fails: SQL for the migration, `…` where only the user knows.

use super::suspect::{Suspect, Wants};
use super::{BadRow, BadRows};
use crate::domain::names::quote_literal;

/// The safe way to the same end, for the rows that were found.
pub fn recipe(suspect: &Suspect, rows: &BadRows, key: &[String]) -> Option<String> {
    let table = &suspect.table;
    let count = in_words(rows.count);
    match &suspect.wants {
        Wants::NewValue { column, ty } => Some(format!(
            "-- add it without NOT NULL, fill the {count}, then require it\n\
             ALTER TABLE {table} ADD COLUMN {column} {ty};\n\
             UPDATE {table} SET {column} = …;\n\
             ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;"
        )),
        Wants::Value { column } => Some(format!(
            "-- fill the {count} without a value first\n\
             UPDATE {table} SET {column} = … WHERE {column} IS NULL;\n\
             ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;"
        )),
        Wants::Different { columns, condition } => Some(different(table, columns, condition.as_deref(), key)),
        Wants::Castable { column, expression, ty } => Some(castable(table, column, expression, ty, &rows.examples)),
        Wants::Partner { columns, referenced, referenced_columns } => {
            let pairs = columns.iter().zip(referenced_columns);
            let joined: Vec<String> = pairs.map(|(own, theirs)| format!("r.{theirs} = t.{own}")).collect();
            let set: Vec<String> = columns.iter().map(|column| format!("{column} = …")).collect();
            Some(format!(
                "-- the {count} that reference nothing: give them a partner, or NULL, before the constraint is added\n\
                 UPDATE {table} t SET {} WHERE NOT EXISTS (SELECT FROM {referenced} r WHERE {});",
                set.join(", "),
                joined.join(" AND ")
            ))
        }
        Wants::Condition { expression } => Some(format!(
            "-- mend the {count} before the constraint is added\nUPDATE {table} SET … WHERE NOT ({expression});"
        )),
    }
}

fn in_words(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn different(table: &str, columns: &[String], condition: Option<&str>, key: &[String]) -> String {
    let list = columns.join(", ");
    let and = condition.map(|c| format!(" WHERE {c}")).unwrap_or_default();
    let order = if key.is_empty() { "ctid".to_owned() } else { key.join(", ") };
    let set = columns.last().cloned().unwrap_or_default();
    format!(
        "-- every row but the first of its kind needs another value (or has to go, if it is the same thing twice)\n\
         UPDATE {table} SET {set} = … WHERE ctid IN (\n  \
           SELECT ctid FROM (SELECT ctid, row_number() OVER (PARTITION BY {list} ORDER BY {order}) AS n FROM {table}{and}) x WHERE n > 1\n);"
    )
}

fn castable(table: &str, column: &str, expression: &str, ty: &str, examples: &[BadRow]) -> String {
    let mut values: Vec<&str> = examples.iter().filter_map(|row| row.value.as_deref()).collect();
    values.dedup();
    let whens: Vec<String> = values.iter().map(|value| format!("    WHEN {} THEN …", quote_literal(value))).collect();
    let mapped = format!("CASE {column}::text\n{}\n    ELSE {column}::text END", whens.join("\n"));
    // the user's own conversion stays what it is for the values that it takes
    let bare = expression.trim_matches(['(', ')']);
    let otherwise = if !bare.contains(['(', ' ']) {
        format!("({mapped})::{ty}")
    } else {
        format!("({mapped})::{ty} /* was: {} */", expression.replace("*/", "* /"))
    };
    format!(
        "-- say what becomes of the values that do not fit\nALTER TABLE {table} ALTER COLUMN {column} TYPE {ty} USING {otherwise};"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[&str]) -> BadRows {
        let examples = values.iter().map(|v| BadRow { key: "id = 1".into(), value: Some((*v).into()), rows: 1 });
        BadRows { table: "public.P".into(), count: 2, of: 9, what: String::new(), examples: examples.collect() }
    }

    #[test]
    fn a_removed_label_is_mapped() {
        let wants = Wants::Castable {
            column: "\"role\"".into(),
            expression: "\"role\"::text::\"R_new\"".into(),
            ty: "\"R_new\"".into(),
        };
        let text = recipe(&Suspect { table: "\"P\"".into(), wants }, &rows(&["OLD", "it's"]), &[]).unwrap();
        assert!(text.contains("WHEN 'OLD' THEN …") && text.contains("WHEN 'it''s' THEN …"), "{text}");
        assert!(text.ends_with("ELSE \"role\"::text END)::\"R_new\";"), "{text}");
    }

    #[test]
    fn a_required_field_comes_in_three_steps() {
        let wants = Wants::NewValue { column: "\"sku\"".into(), ty: "TEXT".into() };
        let text = recipe(&Suspect { table: "\"P\"".into(), wants }, &rows(&[]), &[]).unwrap();
        assert_eq!(text.matches('\n').count(), 3);
        assert!(text.contains("ADD COLUMN \"sku\" TEXT;") && text.contains("fill the 2 rows"), "{text}");
    }
}
