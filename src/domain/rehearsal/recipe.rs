//! What to write instead of a statement that fails: SQL for the migration, `…` where only the user knows.

use super::relaxed::{Relaxed, relaxed};
use super::suspect::{Suspect, Wants};
use super::{BadRow, BadRows};
use crate::domain::names::quote_literal;

/// The safe way to the same end, for the rows that were found: what takes the place of the statement.
pub fn recipe(statement: &str, suspect: &Suspect, rows: &BadRows, key: &[String]) -> Option<String> {
    let table = &suspect.table;
    let count = in_words(rows.count);
    let statement = &ended(statement);
    match &suspect.wants {
        Wants::NewValue { .. } => Some(new_values(statement, table, &count)?),
        Wants::Value { column } => Some(format!(
            "-- fill the {count} without a value first\n\
             UPDATE {table} SET {column} = … WHERE {column} IS NULL;\n{statement}"
        )),
        Wants::Different { columns, condition } => {
            Some(format!("{}\n{statement}", different(table, columns, condition.as_deref(), key)))
        }
        Wants::Castable { column, expression, ty } => {
            let action = castable(column, expression, ty, &rows.examples);
            let (before, after) = (statement.get(..suspect.place.start)?, statement.get(suspect.place.end..)?);
            Some(format!("-- say what becomes of the values that do not fit\n{before}{action}{after}"))
        }
        Wants::Partner { columns, referenced, referenced_columns } => {
            let pairs = columns.iter().zip(referenced_columns);
            let joined: Vec<String> = pairs.map(|(own, theirs)| format!("r.{theirs} = t.{own}")).collect();
            let own: Vec<String> = columns.iter().map(|column| format!("t.{column} IS NOT NULL")).collect();
            let set: Vec<String> = columns.iter().map(|column| format!("{column} = …")).collect();
            Some(format!(
                "-- the {count} that reference nothing: give them a partner, or NULL, before the constraint is added\n\
                 UPDATE {table} t SET {} WHERE {} AND NOT EXISTS (SELECT FROM {referenced} r WHERE {});\n{statement}",
                set.join(", "),
                own.join(" AND "),
                joined.join(" AND ")
            ))
        }
        Wants::Condition { expression } => Some(format!(
            "-- mend the {count} before the constraint is added\n\
             UPDATE {table} SET … WHERE NOT ({expression});\n{statement}"
        )),
    }
}

fn new_values(statement: &str, table: &str, count: &str) -> Option<String> {
    let Relaxed { statement, empty, converted } = relaxed(statement)?;
    let mut lines = Vec::new();
    if !converted.is_empty() {
        let list = converted.join(", ");
        lines.push(format!("-- convert {list} in place: dropped and added anew, its values would be gone"));
    }
    if empty.is_empty() {
        lines.push(statement);
        return Some(lines.join("\n"));
    }
    let each = |of: &dyn Fn(&String) -> String| empty.iter().map(of).collect::<Vec<_>>().join(", ");
    lines.push(format!("-- add without NOT NULL, fill the {count}, then require it"));
    lines.push(statement);
    lines.push(format!("UPDATE {table} SET {};", each(&|column| format!("{column} = …"))));
    lines.push(format!("ALTER TABLE {table} {};", each(&|column| format!("ALTER COLUMN {column} SET NOT NULL"))));
    Some(lines.join("\n"))
}

/// With its semicolon, which must not end up in a comment.
fn ended(statement: &str) -> String {
    let statement = statement.trim_end();
    let in_comment = statement.lines().last().is_some_and(|line| line.contains("--"));
    format!("{statement}{}", if in_comment { "\n;" } else { ";" })
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

fn castable(column: &str, expression: &str, ty: &str, examples: &[BadRow]) -> String {
    let mut values: Vec<&str> = examples.iter().filter_map(|row| row.value.as_deref()).collect();
    values.dedup();
    let whens: Vec<String> = values.iter().map(|value| format!("    WHEN {} THEN …", quote_literal(value))).collect();
    let mapped = format!("CASE {column}::text\n{}\n    ELSE {column}::text END", whens.join("\n"));
    // a cast to these would cut off what is too long and is not listed here; that it is assigned fails instead
    let is_text = ["varchar", "char", "bpchar"].iter().any(|text| ty.to_lowercase().starts_with(text));
    let cast = if is_text { format!("({mapped})") } else { format!("({mapped})::{ty}") };
    // the user's own conversion stays what it is for the values that it takes
    let is_plain = !expression.trim_matches(['(', ')']).contains(['(', ' ']) || whens.is_empty();
    let otherwise = if is_plain { cast } else { format!("{cast} /* was: {} */", expression.replace("*/", "* /")) };
    format!("ALTER COLUMN {column} TYPE {ty} USING {otherwise}")
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
        let sql = "ALTER TABLE \"P\" ALTER COLUMN \"role\" TYPE \"R_new\" USING (\"role\"::text::\"R_new\"), ADD a int";
        let place = 16..sql.find(", ADD").unwrap();
        let suspect = Suspect { table: "\"P\"".into(), wants, place };
        let text = recipe(sql, &suspect, &rows(&["OLD", "it's"]), &[]).unwrap();
        assert!(text.contains("WHEN 'OLD' THEN …") && text.contains("WHEN 'it''s' THEN …"), "{text}");
        assert!(text.ends_with("ELSE \"role\"::text END)::\"R_new\", ADD a int;"), "{text}");
    }

    #[test]
    fn a_required_field_comes_in_three_steps() {
        let wants = Wants::NewValue { column: "\"sku\"".into(), ty: "TEXT".into() };
        let sql = "ALTER TABLE \"P\" ADD COLUMN \"sku\" TEXT NOT NULL";
        let suspect = Suspect { table: "\"P\"".into(), wants, place: 16..46 };
        let text = recipe(sql, &suspect, &rows(&[]), &[]).unwrap();
        assert_eq!(text.matches('\n').count(), 3);
        assert!(text.contains("ADD COLUMN \"sku\" TEXT;") && text.contains("fill the 2 rows"), "{text}");
    }
}
