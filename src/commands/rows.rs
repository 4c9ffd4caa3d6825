//! Rows by their key, as people and programs read them.

use crate::domain::compare::{Change, RowChange, TableRows, Value, ValueChange};
use crate::ui::{Style, Table, count};
use serde_json::{Map, json};

/// Characters of a value that are shown.
const LONGEST: usize = 60;

/// Column and value, as an object.
pub fn object<'a>(values: impl IntoIterator<Item = (&'a String, &'a Value)>) -> serde_json::Value {
    values.into_iter().map(|(column, value)| (column.clone(), json!(value))).collect::<Map<_, _>>().into()
}

/// The key of a row, as an object.
pub fn key(row: &RowChange) -> serde_json::Value {
    object(row.key.iter().map(|(column, value)| (column, value)))
}

/// `id = 7, name = 'x'`
pub fn key_text(row: &RowChange) -> String {
    let each = row.key.iter().map(|(column, value)| format!("{column} = {}", shown(value)));
    each.collect::<Vec<_>>().join(", ")
}

/// Numbers as they are, all else in quotes, so that NULL, 'NULL' and '' are three things; long ones are cut.
pub fn shown(value: &Value) -> String {
    let Some(text) = value else { return "NULL".to_owned() };
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b));
    if is_number {
        return text.clone();
    }
    let short: String = text.chars().take(LONGEST).collect();
    let short = short.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r");
    match text.chars().count() {
        n if n > LONGEST => format!("'{short}…' ({} characters)", count(n as u64)),
        _ => format!("'{short}'"),
    }
}

/// One table under a heading: a line a value of a changed row, a line a row of one that came or went.
pub fn side_by_side(table: &TableRows, most: usize, style: &Style) -> String {
    let mut lines = Table::new(["", "KEY", "COLUMN", "BEFORE", "NOW"]);
    let shown_rows = &table.named[..most.min(table.named.len())];
    for row in shown_rows {
        match row.change {
            Change::Changed => changed(&mut lines, row, style),
            Change::Lost => {
                let values = values(&row.values, |v| &v.before);
                lines.row([style.red("-"), key_text(row), String::new(), style.red(values), String::new()]);
            }
            Change::Gained => {
                let values = values(&row.values, |v| &v.after);
                lines.row([style.green("+"), key_text(row), String::new(), String::new(), style.green(values)]);
            }
        }
    }
    let all = table.gained + table.lost + table.changed;
    let more = all.saturating_sub(shown_rows.len() as u64);
    let more = if more > 0 { format!("\n   … and {} more", count(more)) } else { String::new() };
    let name = table.to.as_ref().map_or_else(|| table.table.clone(), |to| format!("{} → {to}", table.table));
    format!("{}\n{}{more}", style.bold(name), lines.render(style))
}

fn changed(lines: &mut Table, row: &RowChange, style: &Style) {
    for (n, value) in row.values.iter().enumerate() {
        let (mark, key) = if n == 0 { (style.yellow("~"), key_text(row)) } else { Default::default() };
        let (before, after) = (style.red(shown(&value.before)), style.green(shown(&value.after)));
        lines.row([mark, key, value.column.clone(), before, after]);
    }
}

fn values(all: &[ValueChange], side: impl Fn(&ValueChange) -> &Value) -> String {
    all.iter().map(|value| format!("{} = {}", value.column, shown(side(value)))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_one_thing_only() {
        let shown = |text: &str| shown(&Some(text.to_owned()));
        assert_eq!(super::shown(&None), "NULL");
        assert_eq!(
            [shown("NULL"), shown(""), shown("-1.50"), shown("a\n\t\\")],
            ["'NULL'", "''", "-1.50", "'a\\n\\t\\\\'"]
        );
        assert_eq!(shown(&"ä".repeat(61)), format!("'{}…' (61 characters)", "ä".repeat(60)));
    }
}
