//! What a rehearsal found: what fails and on which rows, statement by statement how long and under which locks, on what.

use super::block::{Block, Code, Line, Table, Tone, cut};
use super::escape::{one_line, without_folders};
use super::picture::{Blocks, Lane, LaneKind, Picture};
use super::{and_more, moment};
use crate::domain::figures::{count, plural, seconds, size};
use crate::domain::rehearsal::{BadRows, Failure, Lock, MadeBy, Rehearsal, ScratchCopy, Script, Statement};

const FAILURES: usize = 10;
const STATEMENTS: usize = 60;
const LANES: usize = 40;
/// Characters of a statement in a line.
const SHORT: usize = 100;
/// The same where it is shown by itself.
const LONG: usize = 2_000;

/// What a copy with a part of the rows does not prove.
pub fn sampled(copy: &ScratchCopy) -> Option<Block> {
    let of = copy.sample_of?;
    let said = Line::new().strong("Tried on a sample.");
    let rows = format!(
        " The scratch copy held {} of {}, with all that they reference. What is in the others may fail or be lost all the same.",
        count(copy.rows),
        plural(of, "row")
    );
    Some(Block::Callout(Tone::Warning, said.words(rows)))
}

/// The section on what fails; nothing where nothing does.
pub fn failures(rehearsal: &Rehearsal) -> Vec<Block> {
    let all = rehearsal.failures().count();
    if all == 0 {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading("What would fail".into())];
    for (script, statement, failure) in rehearsal.failures().take(FAILURES) {
        let place = Line::new().foreign(script.name()).words(format!(", line {}:", statement.line));
        blocks.push(Block::Paragraph(place));
        blocks.push(Block::Code(Code { language: "sql", text: cut(&statement.sql, LONG) }));
        blocks.extend(why(failure));
    }
    blocks.extend(and_more(all, FAILURES, "statement"));
    blocks
}

fn why(failure: &Failure) -> Vec<Block> {
    let said = format!("{} (SQLSTATE {})", without_folders(&cut(&failure.message, LONG)), failure.code);
    let mut blocks = vec![Block::Code(Code { language: "text", text: said })];
    blocks.extend(failure.rows.iter().flat_map(bad_rows));
    if let Some(recipe) = &failure.recipe {
        blocks.push(Block::Paragraph("What can stand in the migration instead (… is for you to fill in):".into()));
        blocks.push(Block::Code(Code { language: "sql", text: cut(recipe, LONG) }));
    }
    blocks
}

fn bad_rows(rows: &BadRows) -> Vec<Block> {
    let number = format!("{} of {} of ", count(rows.count), plural(rows.of, "row"));
    let said = Line::new().strong(number).foreign(&rows.table).words(format!(" {}.", one_line(&rows.what)));
    let mut blocks = vec![Block::Paragraph(said)];
    if !rows.examples.is_empty() {
        let mut table = Table::new("rows in the way", &["Such as", "Value", ">Rows"]);
        for row in &rows.examples {
            let value = match row.value.as_deref() {
                None => Line::from("none"),
                Some("") => Line::from("an empty text"),
                Some(value) => Line::new().foreign(value),
            };
            table.row(Tone::Neutral, [Line::new().foreign(&row.key), value, count(row.rows).into()]);
        }
        blocks.push(Block::Table(table));
    }
    blocks
}

/// The section on every statement, with a picture of when it held which lock.
pub fn statements(rehearsal: &Rehearsal) -> Vec<Block> {
    let lanes = lanes(rehearsal);
    if rehearsal.scripts.iter().all(|script| script.statements.is_empty()) {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading("Statement by statement".into())];
    if !lanes.is_empty() {
        blocks.push(Block::Picture(Picture::Timeline(lanes.into_iter().take(LANES).collect())));
    }
    for script in rehearsal.scripts.iter().filter(|script| !script.statements.is_empty()) {
        blocks.push(Block::Paragraph(Line::new().foreign(script.name())));
        let mut table =
            Table::new("statements", &[">Line", "Statement", ">Time", "Locks that keep others out", "Rewritten"]);
        for statement in script.statements.iter().take(STATEMENTS) {
            table.row(tone(statement), cells(statement));
        }
        blocks.push(Block::Table(table));
        blocks.extend(and_more(script.statements.len(), STATEMENTS, "statement"));
    }
    blocks
}

fn tone(statement: &Statement) -> Tone {
    match (&statement.failure, statement.seconds) {
        (Some(_), _) => Tone::Bad,
        (None, None) => Tone::Warning,
        _ => Tone::Neutral,
    }
}

fn cells(statement: &Statement) -> [Line; 5] {
    let time = match (&statement.failure, statement.seconds) {
        (Some(_), _) => Line::new().strong("fails"),
        (None, None) => Line::from("not tried"),
        (None, Some(time)) => Line::from(seconds(time)),
    };
    let mut locks = Line::new();
    for (n, lock) in statement.locks.iter().filter(|lock| Blocks::of(&lock.mode) != Blocks::Nobody).enumerate() {
        locks = if n == 0 { locks } else { locks.words("; ") };
        let said = format!(": {} for {}", Blocks::of(&lock.mode).words(), seconds(lock.seconds));
        locks = locks.foreign(&lock.mode).words(" on ").foreign(&lock.table).words(said);
    }
    let mut rewrites = Line::new();
    for (n, rewrite) in statement.rewrites.iter().enumerate() {
        rewrites = if n == 0 { rewrites } else { rewrites.words("; ") };
        rewrites = rewrites.foreign(&rewrite.table).words(format!(", {}", size(rewrite.bytes)));
    }
    let line = count(u64::try_from(statement.line).unwrap_or(u64::MAX));
    [line.into(), Line::new().foreign(&short(&statement.sql)), time, locks, rewrites]
}

/// Its beginning, in one line.
fn short(sql: &str) -> String {
    cut(&sql.split_whitespace().collect::<Vec<_>>().join(" "), SHORT)
}

/// One after the other, as they would run.
fn lanes(rehearsal: &Rehearsal) -> Vec<Lane> {
    let mut lanes = Vec::new();
    let mut from = 0.0;
    let all = rehearsal.scripts.iter().flat_map(|script: &Script| &script.statements);
    for statement in all {
        let Some(time) = statement.seconds else { continue };
        let kind = if statement.failure.is_some() { LaneKind::Failed } else { LaneKind::Statement };
        lanes.push(Lane { name: short(&statement.sql), from, to: from + time, kind });
        let lock = |lock: &Lock| Lane {
            name: format!("{} on {}", lock.mode, lock.table),
            from,
            to: from + lock.seconds,
            kind: LaneKind::Lock(Blocks::of(&lock.mode)),
        };
        lanes.extend(statement.locks.iter().map(lock));
        from += time;
    }
    lanes
}

/// The section on what it was tried on, and how long that took.
pub fn copy(rehearsal: &Rehearsal, age: Option<f64>) -> Vec<Block> {
    let (copy, took) = (&rehearsal.copy, &rehearsal.seconds);
    let made_by = match copy.made_by {
        MadeBy::Restore => "restored from the backup",
        MadeBy::Template => "copied by the server (CREATE DATABASE … TEMPLATE)",
        MadeBy::Clone => "cloned by the file system",
    };
    let mut table = Table::new("the scratch copy", &[]);
    let mut row = |name: &str, value: Line| table.row(Tone::Neutral, [Line::from(name), value]);
    row("Made", Line::from(made_by));
    let taken = Line::new().foreign(&copy.backup).words(format!(", taken {}", moment(&copy.taken_at)));
    row("Backup", age.map_or(taken.clone(), |age| taken.words(format!(", {} before it began", seconds(age)))));
    let rows = match copy.sample_of {
        Some(of) => format!("{} of {} (a sample), {}", count(copy.rows), plural(of, "row"), size(copy.bytes)),
        None => format!("{}, {}", plural(copy.rows, "row"), size(copy.bytes)),
    };
    row("Held", Line::from(rows));
    row("Time to copy", Line::from(seconds(took.copy)));
    row("Time to migrate", Line::from(seconds(took.migration)));
    row("Time to verify", Line::from(seconds(took.verification)));
    vec![Block::Heading("What it was tried on".into()), Block::Table(table)]
}
