//! A rehearsal as a person reads it.

use super::loss;
use crate::domain::compare::TableVerdict;
use crate::domain::rehearsal::{BadRow, Failure, MadeBy, Rehearsal, Script, Statement, Verdict};
use crate::ui::{Style, count, plural, size};

/// Everything that was found.
pub fn text(rehearsal: &Rehearsal, style: &Style) -> String {
    if rehearsal.verdict() == Verdict::Nothing {
        return format!("{} The database is as the migrations want it.", style.green("Nothing is pending."));
    }
    let mut parts = vec![on_what(rehearsal, style)];
    parts.extend(rehearsal.scripts.iter().map(|s| script(s, style)));
    let changed = rehearsal.verification.tables.iter().any(|table| table.verdict != TableVerdict::Identical);
    if changed {
        parts.push(loss::overview(&rehearsal.verification, style));
    }
    parts.push(end(rehearsal, style));
    parts.join("\n\n")
}

fn on_what(rehearsal: &Rehearsal, style: &Style) -> String {
    let copy = &rehearsal.copy;
    let rows = match copy.sample_of {
        Some(all) => format!("a sample: {} of {} rows", count(copy.rows), count(all)),
        None => format!("{}, {}", plural(copy.rows, "row"), size(copy.bytes)),
    };
    let how = match copy.made_by {
        MadeBy::Restore => "restored",
        MadeBy::Template => "copied by the server (CREATE DATABASE … TEMPLATE)",
        MadeBy::Clone => "cloned by the file system",
    };
    let backup = style.cyan(&copy.backup);
    format!("On the data of {backup} ({}; {rows}), {how} into a scratch database.", style.ago_or_now(&copy.taken_at))
}

fn script(script: &Script, style: &Style) -> String {
    let name = match &script.migration {
        Some(name) => style.bold(name),
        None => format!("{} (what Prisma would draft from the schema)", style.bold("Draft")),
    };
    let lines = script.statements.iter().map(|s| statement(s, style));
    std::iter::once(name).chain(lines).collect::<Vec<_>>().join("\n")
}

fn statement(statement: &Statement, style: &Style) -> String {
    let (mark, time) = match (&statement.failure, statement.seconds) {
        (Some(_), _) => (style.red("✗"), "fails".to_owned()),
        (None, Some(seconds)) => (style.green("✓"), duration(seconds)),
        (None, None) => (style.dim("-"), "not tried".to_owned()),
    };
    let mut lines = vec![format!("  {mark} {time:>9}  {}", one_line(&statement.sql))];
    for rewrite in &statement.rewrites {
        lines.push(format!("               writes {} anew: {}", rewrite.table, size(rewrite.bytes)));
    }
    for lock in &statement.locks {
        let line = format!("               {} on {} for {}", lock.mode, lock.table, duration(lock.seconds));
        lines.push(style.dim(line));
    }
    if let Some(failure) = &statement.failure {
        lines.extend(why(failure, style).into_iter().map(|line| format!("               {line}")));
    }
    lines.join("\n")
}

fn why(failure: &Failure, style: &Style) -> Vec<String> {
    let mut lines = vec![style.red(format!("{} ({})", failure.message, failure.code))];
    if let Some(rows) = &failure.rows {
        lines.push(format!("{} of {} in {} {}:", count(rows.count), plural(rows.of, "row"), rows.table, rows.what));
        lines.extend(rows.examples.iter().map(|row| format!("  {}", example(row))));
        let shown: u64 = rows.examples.iter().map(|row| row.rows).sum();
        if shown < rows.count {
            lines.push(format!("  and {} more", count(rows.count - shown)));
        }
    }
    if let Some(recipe) = &failure.recipe {
        lines.push("Instead:".to_owned());
        lines.extend(recipe.lines().map(|line| format!("  {}", style.cyan(line))));
    }
    lines
}

fn example(row: &BadRow) -> String {
    let times = if row.rows > 1 { format!(" ({})", plural(row.rows, "row")) } else { String::new() };
    match &row.value {
        Some(value) if row.rows > 1 => format!("{value:?}{times}, first {}", row.key),
        Some(value) => format!("{value:?}, {}", row.key),
        None => format!("{}{times}", row.key),
    }
}

fn end(rehearsal: &Rehearsal, style: &Style) -> String {
    let seconds = rehearsal.seconds;
    let times = format!(
        "Copy {}, migration {}, proof {}. The scratch copy is gone; the database was only read.",
        duration(seconds.copy),
        duration(seconds.migration),
        duration(seconds.verification)
    );
    match rehearsal.verdict() {
        Verdict::Nothing => style.green("Nothing is pending."),
        Verdict::Safe => format!("{}\n{times}", style.green("It goes through, and nothing is lost.")),
        Verdict::Loses => format!("{}\n{times}", style.red("It would lose data.")),
        Verdict::Fails => format!("{}\n{times}", style.red("It would fail.")),
    }
}

fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

/// The statement, without its line breaks.
fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
