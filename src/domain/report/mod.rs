//! The report of a run, made for a pull request: what changed, what is proven, what was lost or would be, how long it
//! took, how to undo it. One document with two renderers; nobody's name, value or SQL means anything to either.

mod block;
mod changed;
mod escape;
mod html;
mod kept;
mod markdown;
mod picture;
mod tried;
mod undo;
mod verdict;

pub use block::{Block, Code, Document, Head, Line, Row, Span, Table, Tone};
pub use markdown::LONGEST as LONGEST_MARKDOWN;
pub use picture::Picture;

use super::compare::Verification;
use super::run::Run;
use std::collections::HashMap;

/// What a report is made from.
#[derive(Debug, Clone)]
pub struct Material<'a> {
    pub run: &'a Run,
    /// Migrations that were applied, with their text as it ran; where that is not known any more they are missing here.
    pub scripts: Vec<AppliedScript>,
    /// Types of the columns before and after, as far as they are known.
    pub types_before: Types,
    pub types_after: Types,
    /// From the run's start to its end, in seconds.
    pub took: Option<f64>,
    /// How old the data of the scratch copy was when the run began, in seconds.
    pub copy_age: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedScript {
    pub name: String,
    pub sql: String,
}

/// By table (`schema.name`) and column.
pub type Types = HashMap<(String, String), String>;

/// Whether runs of this command have one.
pub fn is_reported(command: &str) -> bool {
    ["dev", "deploy", "push", "reset", "run", "rehearse"].contains(&command)
}

/// The whole report, to be written as either of them.
pub fn compose(material: &Material<'_>) -> Document {
    let run = material.run;
    let verdict = verdict::verdict(run);
    let title = Line::new().words("safemigrate ").words(run.command.clone()).words(" on ").foreign(&run.database);
    let title = title.words(format!(": {}", verdict.title));
    let mut blocks = vec![Block::Callout(verdict.tone, verdict.sentence)];
    blocks.extend(verdict.more);
    if let Some(rehearsal) = &run.rehearsal {
        blocks.extend(tried::sampled(&rehearsal.copy));
        blocks.extend(tried::failures(rehearsal));
    }
    if let Some(verification) = seen(run) {
        blocks.extend(kept::losses(verification, run));
    }
    blocks.extend(undo::ways(run));
    blocks.extend(changed::migrations(material));
    if let Some(verification) = seen(run) {
        blocks.extend(changed::schema(verification, material));
        blocks.extend(kept::proof(verification, run));
    }
    if let Some(rehearsal) = &run.rehearsal {
        blocks.extend(tried::statements(rehearsal));
        blocks.extend(tried::copy(rehearsal, material.copy_age));
    }
    blocks.extend(facts(material));
    Document { title, blocks }
}

/// What became of the data; without a migration what became of that on the scratch copy.
fn seen(run: &Run) -> Option<&Verification> {
    run.verification.as_ref().or_else(|| run.rehearsal.as_ref().map(|rehearsal| &rehearsal.verification))
}

/// # The Markdown
/// Never longer than `LONGEST_MARKDOWN` characters.
pub fn markdown(document: &Document) -> String {
    markdown::render(document)
}

/// The HTML file.
pub fn html(document: &Document) -> String {
    html::render(document)
}

/// What ran, when, for how long.
fn facts(material: &Material<'_>) -> Vec<Block> {
    use super::figures::seconds;
    let run = material.run;
    let mut table = Table::new("the run", &[]);
    let mut row = |name: &str, value: Line| table.row(Tone::Neutral, [Line::from(name), value]);
    row("Run", Line::new().foreign(&run.id));
    row("Command", Line::new().foreign(&format!("safemigrate {}", run.command)));
    row("Began", Line::from(moment(&run.started_at)));
    if let Some(took) = material.took {
        row("Took", Line::from(seconds(took)));
    }
    if let Some(code) = run.prisma_exit_code {
        row("Exit code", Line::from(code.to_string()));
    }
    if !run.before.is_empty() {
        row("Backups before", Line::new().list(run.before.iter().map(String::as_str)));
    }
    if !run.after.is_empty() {
        row("Backup after", Line::new().list(run.after.iter().map(String::as_str)));
    }
    row("safemigrate", Line::from(env!("CARGO_PKG_VERSION")));
    vec![Block::Heading("The run".into()), Block::Table(table)]
}

/// `2026-11-23 07:15 UTC`, of an RFC 3339 time in UTC.
fn moment(time: &str) -> String {
    time.get(..16).map_or_else(|| time.to_owned(), |minute| format!("{} UTC", minute.replace('T', " ")))
}

/// What is left of more than a report should hold.
fn and_more(all: usize, shown: usize, noun: &str) -> Option<Block> {
    let more = u64::try_from(all.saturating_sub(shown)).unwrap_or(u64::MAX);
    (more > 0).then(|| Block::Paragraph(Line::from(format!("… and {} more", super::figures::plural(more, noun)))))
}
