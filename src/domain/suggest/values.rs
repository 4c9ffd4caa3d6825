//! What becomes of values: rows that are there already, NULLs that are forbidden now, labels that are gone.

use super::columns::{bare, seen};
use super::open::{Open, names};
use super::words::{column_text, table_text};
use super::{Advice, Known, Question, Suggestion};
use crate::domain::compare::{ColumnVerdict, TableReport};
use crate::domain::names::quote_ident;
use crate::domain::reinsert::decide::is_constant;
use crate::domain::reinsert::empty::empty_value;
use crate::domain::reinsert::matching::SourceTable;
use crate::domain::reinsert::{OnConflict, Options};
use crate::domain::schema::{Column, Table};

/// What a verification found in a table of the backup.
fn verdict<'k>(source: &SourceTable<'_>, known: Known<'k>) -> Option<&'k TableReport> {
    known.evidence.verification.as_ref()?.tables.iter().find(|t| t.table == source.name.to_string())
}

/// Whether rows of then are still in the table: known from a verification, else whether the table is the one of then.
pub fn rows_there(source: &SourceTable<'_>, target: &Table, same_table: bool, known: Known<'_>) -> bool {
    if known.evidence.empty.contains(&target.name) {
        return false;
    }
    let paired = |t: &&TableReport| t.to.as_ref().unwrap_or(&t.table) == &target.name.to_string();
    match verdict(source, known).filter(paired) {
        Some(report) => report.after > 0,
        None => same_table || !known.evidence.same_database && source.name == target.name,
    }
}

/// What has to be done to columns of rows that are there already, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Write {
    Fill,
    Update,
    Replace,
}

/// What becomes of rows that are there already, where `skip` would leave them without their old values.
pub fn on_conflict(open: &[Open<'_>], options: &Options, known: Known<'_>) -> Option<Suggestion> {
    if options.on_conflict != OnConflict::Skip {
        return None;
    }
    let mut needs: Vec<(Write, &Open<'_>, &Column)> = Vec::new();
    for pair in open.iter().filter(|pair| pair.has_rows) {
        needs.extend(pair.kept.iter().filter_map(|(old, new)| Some((needed(pair, old, new, known)?, pair, *new))));
    }
    let how = needs.iter().map(|(how, ..)| *how).max()?;
    let of_how: Vec<String> = needs
        .iter()
        .filter(|n| n.0 == how)
        .map(|(_, pair, column)| column_text(&pair.target.name, &column.name))
        .collect();
    let columns = of_how.join(", ");
    Some(match how {
        Write::Fill => suggestion(
            OnConflict::Fill,
            Vec::new(),
            format!("the rows are still there, without the old values of {columns}"),
            "Write the old values into rows that are still there, where a column is NULL or at its default?",
        ),
        Write::Update => suggestion(
            OnConflict::Update,
            Vec::new(),
            format!("the rows are still there, with other values in {columns}"),
            "Overwrite rows that are still there with the values of the backup?",
        ),
        Write::Replace => {
            let mut tables: Vec<String> = Vec::new();
            for pair in open {
                let is_lossy = verdict(pair.source, known).is_some_and(TableReport::is_loss);
                let name = table_text(&pair.target.name);
                if (is_lossy || needs.iter().any(|n| n.1.target.name == pair.target.name)) && !tables.contains(&name) {
                    tables.push(name);
                }
            }
            let because = format!(
                "{columns} was made anew, so that no row can be told by its old key; rows that came since would be lost"
            );
            suggestion(OnConflict::Replace, tables, because, "Empty these tables first and put the old rows back?")
        }
    })
}

fn suggestion(how: OnConflict, tables: Vec<String>, because: String, question: &str) -> Suggestion {
    let question = Question { text: question.to_owned(), default: how == OnConflict::Fill, needs: None };
    Suggestion { advice: Advice::OnConflict { how, tables }, because, question: Some(question) }
}

/// What the values of a column need; `None` where they are there, or come with their rows.
fn needed(pair: &Open<'_>, old: &Column, new: &Column, known: Known<'_>) -> Option<Write> {
    let then = pair.stats(&old.name);
    if then.non_null == 0 {
        return None;
    }
    let found = verdict(pair.source, known).and_then(|t| Some((t, t.columns.iter().find(|c| c.column == old.name)?)));
    let made_anew = if pair.same_table { old.number != new.number } else { old.name != new.name };
    if made_anew && pair.target.primary_key.contains(&new.name) {
        // other keys are other rows to a verification
        let rows_lost = found.map_or(seen(pair, new, known) != Some(then), |(t, _)| t.rows_lost.is_some());
        return rows_lost.then_some(Write::Replace);
    }
    let lost = match found {
        Some((_, c)) if c.verdict == ColumnVerdict::Changed => return Some(Write::Update),
        Some((t, c)) if c.verdict == ColumnVerdict::LostValues => made_anew || !t.took_with_rows(c),
        Some((_, c)) if c.verdict == ColumnVerdict::Dropped => made_anew,
        // compared row by row, or proven by digests
        Some(_) => false,
        None => made_anew && seen(pair, new, known) != Some(then),
    };
    if !lost {
        return None;
    }
    let can_be_filled = !new.not_null || new.default.as_ref().is_some_and(|sql| is_constant(sql));
    Some(if can_be_filled { Write::Fill } else { Write::Update })
}

/// `--fill` for NULLs of the backup in columns that are required now.
pub fn fills(open: &[Open<'_>], options: &Options, known: Known<'_>) -> Vec<Suggestion> {
    let mut suggestions = Vec::new();
    for pair in open {
        for (old, new) in &pair.kept {
            let nulls = pair.source.rows().saturating_sub(pair.stats(&old.name).non_null);
            let decided = options.fills.iter().chain(&options.casts).any(|fill| names(fill, pair.target, new));
            if nulls == 0 || !new.not_null || decided || is_key(pair.target, new, known) {
                continue;
            }
            let Some(sql) = empty_value(&new.type_name, known.types) else { continue };
            let column = column_text(&pair.target.name, &new.name);
            let rows = if nulls == 1 { "1 row has".to_owned() } else { format!("{nulls} rows have") };
            suggestions.push(Suggestion {
                question: Some(Question {
                    text: format!("Put {sql} where {column} is NULL in the backup?"),
                    default: false,
                    needs: None,
                }),
                advice: Advice::Fill(format!("{column}={sql}")),
                because: format!("{rows} no value there, and it is required now; any SQL expression will do"),
            });
        }
    }
    suggestions
}

/// `--cast` for a list that became one value: PostgreSQL has no cast for it, except into a text of the whole list.
pub fn casts(open: &[Open<'_>], options: &Options) -> Vec<Suggestion> {
    let mut suggestions = Vec::new();
    for pair in open {
        for (old, new) in &pair.kept {
            let was_list =
                old.type_name.strip_suffix("[]").is_some_and(|element| bare(element) == bare(&new.type_name));
            let decided = options.casts.iter().any(|cast| names(cast, pair.target, new));
            let of_text = matches!(bare(&new.type_name).as_str(), "text" | "character varying" | "character");
            if !was_list || of_text || decided || pair.stats(&old.name).non_null == 0 {
                continue;
            }
            let column = column_text(&pair.target.name, &new.name);
            let text = format!("Take the first of each list for {column}?");
            suggestions.push(Suggestion {
                question: Some(Question { text, default: false, needs: None }),
                advice: Advice::Cast(format!("{column}={}[1]", quote_ident(&old.name))),
                because: "it was a list: only the first of each list fits".into(),
            });
        }
    }
    suggestions
}

/// A value that is the same for all rows cannot be right there.
fn is_key(table: &Table, column: &Column, known: Known<'_>) -> bool {
    let mut unique = std::iter::once(&table.primary_key).chain(&table.unique_keys);
    unique.any(|key| key.contains(&column.name))
        || known.now.foreign_keys.iter().any(|k| k.table == table.name && k.columns.contains(&column.name))
}

/// `--map-value` for labels that are gone; which label they became only the user knows.
pub fn labels(options: &Options, known: Known<'_>) -> Vec<Suggestion> {
    let mut suggestions = Vec::new();
    for gone in &known.evidence.labels_gone {
        let column = column_text(&gone.table, &gone.column);
        let mapped = |label: &String| {
            let of_column = |map: &&crate::domain::reinsert::ValueMap| {
                map.column
                    .split_column()
                    .is_some_and(|(_, part)| part.text.to_lowercase() == gone.column.to_lowercase())
            };
            options.value_maps.iter().filter(of_column).any(|map| map.from == *label)
        };
        for label in gone.labels.iter().filter(|label| !mapped(label)) {
            let value = if label.contains('=') { quote_ident(label) } else { label.clone() };
            suggestions.push(Suggestion {
                advice: Advice::MapValue { text: format!("{column}:{value}=?"), choices: gone.choices.clone() },
                because: format!("{label} is no label any more"),
                question: None,
            });
        }
    }
    suggestions
}
