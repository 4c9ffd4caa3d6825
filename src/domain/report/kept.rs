//! What was lost, and what is proven to be there.

use super::and_more;
use super::block::{Block, Line, Table, Tone};
use super::picture::{Bar, Noun, Picture};
use crate::domain::compare::{ColumnReport, ColumnVerdict, TableReport, TableVerdict, Verification};
use crate::domain::figures::{count, plural};
use crate::domain::run::Run;

/// Rows of a table of the report.
const ROWS: usize = 60;
const BARS: usize = 20;
/// Tables that others changed.
const OTHERS: usize = 8;

/// One place at which data is gone or another.
pub struct Loss<'a> {
    table: &'a TableReport,
    /// `None`: its rows, or the whole table.
    column: Option<&'a ColumnReport>,
}

impl Loss<'_> {
    fn place(&self) -> String {
        match self.column {
            Some(column) => format!("{}.{}", self.table.table, column.column),
            None => self.table.table.clone(),
        }
    }

    fn became(&self) -> String {
        let changed = |n: u64, what: &str| format!("{} {what}", plural(n, "value"));
        match (self.column, self.table.verdict) {
            (None, TableVerdict::Dropped) => "the table is gone".to_owned(),
            (None, _) => format!("{} gone", plural(rows_lost(self.table), "row")),
            (Some(column), _) => match (column.verdict, column.values_changed) {
                (ColumnVerdict::Dropped, _) => "the column is gone".to_owned(),
                (ColumnVerdict::Changed, Some(n)) => changed(n, "overwritten"),
                (_, Some(n)) => changed(n, "replaced"),
                _ if column.values_lost.is_some() => changed(column.values_lost.unwrap_or_default(), "gone"),
                _ => "values are gone".to_owned(),
            },
        }
    }

    /// Why it was said to be meant.
    fn expected(&self) -> Option<&str> {
        self.column.map_or(&self.table.expected, |column| &column.expected).as_deref()
    }

    fn before_and_now(&self) -> (u64, u64) {
        self.column.map_or((self.table.before, self.table.after), |column| (column.before, column.after))
    }
}

/// Each place once: values that went with their rows are no loss of their own.
pub fn losses_in(verification: &Verification) -> Vec<Loss<'_>> {
    let mut losses = Vec::new();
    for table in verification.tables.iter().filter(|t| t.is_loss()) {
        if matches!(table.verdict, TableVerdict::LostRows | TableVerdict::Dropped) {
            losses.push(Loss { table, column: None });
        }
        if table.verdict == TableVerdict::Dropped || table.after == 0 {
            continue;
        }
        let columns = table.columns.iter().filter(|c| c.is_loss() && !table.took_with_rows(c));
        losses.extend(columns.map(|column| Loss { table, column: Some(column) }));
    }
    losses
}

fn rows_lost(table: &TableReport) -> u64 {
    let missing = table.before.saturating_sub(table.after);
    match table.verdict {
        TableVerdict::Dropped => table.before,
        TableVerdict::LostRows => table.rows_lost.unwrap_or(missing).max(missing),
        _ => 0,
    }
}

/// The section on what is gone; nothing where nothing is.
pub fn losses(verification: &Verification, run: &Run) -> Vec<Block> {
    let losses = losses_in(verification);
    if losses.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new("what was lost", &["Where", "What", ">Before", ">Now"]);
    for loss in losses.iter().take(ROWS) {
        let (before, now) = loss.before_and_now();
        let place = Line::new().foreign(&loss.place());
        let (tone, what) = match loss.expected() {
            Some(why) => (Tone::Warning, Line::new().words(format!("{}; expected: ", loss.became())).foreign(why)),
            None => (Tone::Bad, Line::new().strong(loss.became())),
        };
        table.row(tone, [place, what, count(before).into(), count(now).into()]);
    }
    let title = match (&run.verification, run.command.as_str()) {
        (None, _) => "What would be lost",
        (_, "reset") => "What was there before",
        _ => "What was lost",
    };
    let mut blocks = vec![Block::Heading(title.into()), Block::Table(table)];
    blocks.extend(and_more(losses.len(), ROWS, "place"));
    blocks.push(Block::Picture(Picture::Bars(bars(verification))));
    blocks
}

/// How much is known to be there.
pub struct Proven {
    /// Tables with rows, all of which are as they were.
    tables: u64,
    /// All tables with rows.
    of: u64,
    /// In tables all of whose rows are there.
    rows: u64,
    values: u64,
}

impl Proven {
    pub fn of(verification: &Verification) -> Self {
        let filled = || verification.tables.iter().filter(|t| t.before > 0);
        let whole = || filled().filter(|t| is_whole(t));
        let kept = || filled().filter(|t| rows_lost(t) == 0 && t.by_others.is_nothing());
        let values = |t: &TableReport| t.columns.iter().filter(|c| is_kept(c)).map(|c| c.before).sum::<u64>();
        Self {
            tables: whole().count() as u64,
            of: filled().count() as u64,
            rows: kept().map(|t| t.before).sum(),
            values: kept().map(values).sum(),
        }
    }

    pub fn sentence(&self) -> String {
        if self.of == 0 {
            return "There were no rows.".to_owned();
        }
        let (rows, values, of) = (plural(self.rows, "row"), plural(self.values, "value"), plural(self.of, "table"));
        if self.tables == self.of {
            return format!("Identical, value by value: {values} in {rows}, all of {of}.");
        }
        format!("Identical, value by value: {values} in {rows}. {} of {of} kept everything.", count(self.tables))
    }
}

fn is_whole(table: &TableReport) -> bool {
    !table.is_loss() && table.by_others.is_nothing()
}

fn is_kept(column: &ColumnReport) -> bool {
    matches!(column.verdict, ColumnVerdict::Identical | ColumnVerdict::Renamed | ColumnVerdict::Retyped)
}

/// The section on what is there, table by table.
pub fn proof(verification: &Verification, run: &Run) -> Vec<Block> {
    if verification.tables.is_empty() {
        return Vec::new();
    }
    let title = if run.verification.is_some() { "What is proven" } else { "What is proven on the scratch copy" };
    let mut blocks = vec![Block::Heading(title.into())];
    blocks.push(Block::Paragraph(Proven::of(verification).sentence().into()));
    let meanwhile: Vec<&TableReport> = verification.tables.iter().filter(|t| !t.by_others.is_nothing()).collect();
    blocks.extend(meanwhile.iter().take(OTHERS).map(|t| by_others(t)));
    blocks.extend(and_more(meanwhile.len(), OTHERS, "such table"));
    let mut table = Table::new("every table", &["Table", "Rows and columns", ">Before", ">Now"]);
    // what is not as it was before what is
    let (as_they_were, others): (Vec<&TableReport>, Vec<&TableReport>) =
        verification.tables.iter().partition(|t| t.verdict == TableVerdict::Identical);
    for t in others.into_iter().chain(as_they_were).take(ROWS) {
        let tone = if t.is_loss() { Tone::Bad } else { Tone::Neutral };
        let name = Line::new().foreign(&t.table);
        let name = t.to.iter().fold(name, |name, to| name.words(" → ").foreign(to));
        table.row(tone, [name, state(t), count(t.before).into(), count(t.after).into()]);
    }
    let summary = Line::from(format!("Table by table ({})", count(verification.tables.len() as u64)));
    let mut inside = vec![Block::Table(table)];
    inside.extend(and_more(verification.tables.len(), ROWS, "table"));
    blocks.push(Block::Fold { summary, blocks: inside });
    blocks
}

fn by_others(table: &TableReport) -> Block {
    let (rows, values) = (table.by_others.rows_deleted, table.by_others.values_changed);
    let parts = [(rows, "row", "deleted"), (values, "value", "changed")].into_iter().filter(|(n, ..)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, noun, done)| format!("{} {done}", plural(n, noun))).collect();
    let said = Line::from("Other sessions were at work in ").foreign(&table.table);
    let said =
        said.words(format!(" meanwhile ({}): what the migration does cannot have touched it.", parts.join(", ")));
    Block::Callout(Tone::Neutral, said)
}

fn state(table: &TableReport) -> Line {
    let rows = match table.verdict {
        TableVerdict::Identical => "identical",
        _ if !table.by_others.is_nothing() && !table.is_loss() => "changed by other sessions",
        TableVerdict::Kept => "all rows kept",
        TableVerdict::Grown => "all rows kept, and more",
        TableVerdict::LostRows => "rows lost",
        TableVerdict::Dropped => "dropped",
        TableVerdict::Added => "new",
        TableVerdict::Renamed => "renamed, all rows kept",
    };
    let of = [
        (ColumnVerdict::Changed, "overwritten"),
        (ColumnVerdict::LostValues, "values lost"),
        (ColumnVerdict::Dropped, "dropped"),
        (ColumnVerdict::Added, "new"),
        (ColumnVerdict::Renamed, "renamed"),
        (ColumnVerdict::Retyped, "of another type"),
    ];
    let mut line = Line::from(rows);
    if matches!(table.verdict, TableVerdict::Added | TableVerdict::Dropped) {
        return line;
    }
    for (verdict, word) in of {
        let columns: Vec<&ColumnReport> = table.columns.iter().filter(|c| c.verdict == verdict).collect();
        if !columns.is_empty() {
            line = line.words(format!("; {word}: ")).list(columns.iter().take(8).map(|c| c.column.as_str()));
            line = if columns.len() > 8 { line.words(" …") } else { line };
        }
    }
    line
}

/// Losses first; what is as it was needs no picture.
fn bars(verification: &Verification) -> Vec<Bar> {
    let rows = |t: &TableReport| {
        let lost = rows_lost(t).min(t.before);
        let kept = t.before - lost;
        Bar { name: t.table.clone(), noun: Noun::Rows, kept, lost, new: t.after.saturating_sub(kept) }
    };
    let values = |loss: &Loss<'_>| {
        let (before, now) = loss.before_and_now();
        let changed = loss.column.and_then(|c| c.values_changed).unwrap_or(0);
        let kept = now.min(before).saturating_sub(changed);
        let gone = loss.column.is_some_and(|c| c.verdict == ColumnVerdict::Dropped);
        let kept = if gone { 0 } else { kept };
        Bar { name: loss.place(), noun: Noun::Values, kept, lost: before - kept, new: 0 }
    };
    let losses = losses_in(verification);
    let lost = losses.iter().map(|loss| if loss.column.is_some() { values(loss) } else { rows(loss.table) });
    let grown = verification.tables.iter().filter(|t| rows_lost(t) == 0 && t.after > t.before && t.to.is_none());
    lost.chain(grown.map(rows)).take(BARS).collect()
}
