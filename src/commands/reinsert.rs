//! `reinsert [ID]`: the rows of a backup into the schema as it is now.

use super::loss;
use super::target::{permit, target};
use crate::cli::{self, Globals, ReinsertArgs};
use crate::domain::compare::Verification;
use crate::domain::guard::Action;
use crate::domain::manifest::{Manifest, Wanted};
use crate::domain::reinsert::{self as domain, NotBack, OnConflict, Options, Rejects, describe, not_back};
use crate::domain::suggest::{Suggestion, entries, follow, in_words};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::operations::reinsert::{self, Outcome, Survey, survey};
use crate::operations::restore::{ReInserted, re_insert};
use crate::operations::target::Target;
use crate::ui::{Answer, Failure, Fields, Report, Style, Table, Ui, count, plural};
use serde_json::{Value, json};

pub async fn run(globals: &Globals, args: &ReinsertArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    carry_out(globals, &target, Wish::typed(args)?, ui, interrupt).await
}

/// Which backup, and how.
pub struct Wish {
    id: Option<String>,
    options: Options,
    dry_run: bool,
}

impl Wish {
    fn typed(args: &ReinsertArgs) -> Result<Self> {
        let mut options = Options::default();
        for text in &args.map {
            options.maps.push(domain::options::parse_map(text)?);
        }
        for text in &args.fill {
            options.fills.push(domain::options::parse_fill(text)?);
        }
        for text in &args.map_value {
            options.value_maps.push(domain::options::parse_map_value(text)?);
        }
        for text in &args.cast {
            options.casts.push(domain::options::parse_cast(text)?);
        }
        for text in &args.table {
            options.tables.push(domain::options::parse_table(text)?);
        }
        options.on_conflict = match args.on_conflict {
            cli::OnConflict::Skip => OnConflict::Skip,
            cli::OnConflict::Fill => OnConflict::Fill,
            cli::OnConflict::Update => OnConflict::Update,
            cli::OnConflict::Replace => OnConflict::Replace,
        };
        options.rejects = match args.rejects {
            cli::Rejects::Fail => Rejects::Fail,
            cli::Rejects::Save => Rejects::Save,
        };
        Ok(Self { id: args.id.clone(), options, dry_run: args.dry_run })
    }

    /// What is suggested after a loss, as far as it brings back the backup's own values and no more.
    ///
    /// # Errors
    /// `Usage` for a name that `--map` could not take either.
    pub fn suggested(id: &str, suggestions: &[Suggestion]) -> Result<Self> {
        let mut options = Options::default();
        suggestions.iter().filter(|s| s.restores_only()).try_for_each(|s| follow(&mut options, s))?;
        Ok(Self { id: Some(id.to_owned()), options, dry_run: false })
    }

    /// Whether rows that are there now can be overwritten or removed.
    fn overwrites(&self) -> bool {
        matches!(self.options.on_conflict, OnConflict::Update | OnConflict::Replace)
    }
}

/// Asks what was renamed, shows the plan, asks, does it.
async fn carry_out(
    globals: &Globals,
    target: &Target,
    mut wish: Wish,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let store = &target.place.store;
    let backup = target.place.backup(wish.id.as_deref(), Wanted::DataOnly)?;
    if !wish.dry_run {
        let empties = wish.options.on_conflict == OnConflict::Replace;
        let action = if empties { Action::Replace } else { Action::Reinsert };
        permit(target, action, globals, ui, interrupt).await?;
    }
    let project = target.project.as_ref();
    let mut survey = interrupt.or(survey(&target.url, store, project, &backup, None)).await?;
    if ui.can_ask() && !globals.yes && !wish.dry_run {
        ask(&survey, &backup, &mut wish, ui)?;
    }
    let suggestions = survey.suggest(&backup, &wish.options, &[])?;
    let plan = plan(target, &backup, &wish, &suggestions, ui, interrupt).await?;
    let progress = ui.progress();
    let done = if wish.dry_run {
        let outcome = reinsert::dry_run(&target.url, store, &backup, &plan, &progress, interrupt).await?;
        ReInserted { outcome, verification: None }
    } else {
        let asked = ui.can_ask() || wish.overwrites();
        if asked
            && globals.confirm.is_none()
            && ui.confirm(&format!("Put these rows into {}?", target.url.database), true)? == Answer::No
        {
            return Err(Error::new(ErrorKind::Interrupted, "Cancelled. Nothing was changed").into());
        }
        re_insert(target, &backup, &plan, &progress, interrupt).await?
    };
    let rejecting = done.outcome.report().tables.iter().filter(|t| t.rejected > 0);
    let rejecting: Vec<String> = rejecting.map(|t| t.from.to_string()).collect();
    let looked = survey.look_for_labels(store, &backup, &wish.options, &rejecting).await;
    // the rows may be in: what could be suggested beyond that must not make a failure of it
    let suggestions = looked.and_then(|()| survey.suggest(&backup, &wish.options, &[])).unwrap_or_else(|error| {
        ui.warn(&format!("What could be added was not found out: {error}"));
        Vec::new()
    });
    finish(done, not_back(&plan, &backup), suggestions, ui)
}

/// One question for each suggestion; what is answered with yes is followed, and may lead to the next.
fn ask(survey: &Survey, backup: &Manifest, wish: &mut Wish, ui: &Ui) -> Result<()> {
    let mut declined: Vec<Suggestion> = Vec::new();
    loop {
        let suggestions = survey.suggest(backup, &wish.options, &declined)?;
        let next = suggestions.into_iter().find_map(|s| s.question.clone().map(|question| (s, question)));
        let Some((suggestion, question)) = next else { return Ok(()) };
        let answer = ui.confirm(&format!("{} ({})", question.text, suggestion.because), question.default);
        let answer = answer.map_err(|error| match error.kind {
            ErrorKind::Interrupted => Error::new(error.kind, "Cancelled. Nothing was changed"),
            _ => error,
        });
        match answer? {
            Answer::Yes => follow(&mut wish.options, &suggestion)?,
            Answer::No => declined.push(suggestion),
        }
    }
}

/// The re-insert without its questions: somebody has chosen it already.
///
/// # Errors
/// Those of the re-insert, `RowsDoNotFit` among them.
pub async fn put_back(target: &Target, wish: &Wish, ui: &Ui, interrupt: &Interrupt) -> Result<Reinsert> {
    let backup = target.place.backup(wish.id.as_deref(), Wanted::DataOnly)?;
    let plan = plan(target, &backup, wish, &[], ui, interrupt).await?;
    let ReInserted { outcome, verification } = re_insert(target, &backup, &plan, &ui.progress(), interrupt).await?;
    let not_back = not_back(&plan, &backup);
    match outcome {
        Outcome::Done(report) => Ok(Reinsert { report, verification, not_back, suggestions: Vec::new() }),
        Outcome::DoesNotFit(report) => Err(report.misfit()),
    }
}

/// Makes the plan and shows it, with what could be added to it.
async fn plan(
    target: &Target,
    backup: &Manifest,
    wish: &Wish,
    suggestions: &[Suggestion],
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<domain::Plan> {
    let made = interrupt.or(reinsert::prepare(&target.url, &target.place.store, backup, &wish.options)).await;
    let plan = made.map_err(|error| match error.kind {
        ErrorKind::RowsDoNotFit => with_suggestions(error, suggestions),
        ErrorKind::Interrupted => Error::new(error.kind, "Interrupted. Nothing was changed"),
        _ => error,
    })?;
    for line in describe(&plan) {
        ui.say(&line);
    }
    if !suggestions.is_empty() {
        ui.say("Something could be added; it is done only if you say so:");
    }
    for line in in_words(suggestions) {
        ui.say(&format!("    {line}"));
    }
    Ok(plan)
}

fn with_suggestions(error: Error, suggestions: &[Suggestion]) -> Error {
    in_words(suggestions).into_iter().fold(error, |error, line| error.hint(format!("Perhaps: {line}")))
}

fn finish(done: ReInserted, not_back: Vec<NotBack>, suggestions: Vec<Suggestion>, ui: &Ui) -> Result<(), Failure> {
    let ReInserted { outcome, verification } = done;
    match outcome {
        Outcome::Done(report) => {
            ui.result(&Reinsert { report, verification, not_back, suggestions });
            Ok(())
        }
        Outcome::DoesNotFit(report) => {
            let error = with_suggestions(report.misfit(), &suggestions);
            Err(Failure::with(error, Reinsert { report, verification, not_back, suggestions }))
        }
    }
}

/// The report of a re-insert, and what the database holds of the backup after it.
pub struct Reinsert {
    report: domain::Report,
    verification: Option<Verification>,
    /// What of the backup has no place.
    not_back: Vec<NotBack>,
    /// Options that were not given and could bring back more.
    suggestions: Vec<Suggestion>,
}

impl Report for Reinsert {
    fn command(&self) -> &'static str {
        "reinsert"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let mut fields = match serde_json::to_value(&self.report) {
            Ok(Value::Object(fields)) => fields,
            _ => Fields::new(),
        };
        fields.extend(self.verification.as_ref().map(|v| ("verification".to_owned(), json!(v))));
        fields.insert("not_back".to_owned(), json!(self.not_back));
        fields.insert("suggestions".to_owned(), json!(entries(&self.suggestions)));
        fields
    }

    fn text(&self, style: &Style) -> String {
        let mut table = Table::new(["TABLE", ">IN BACKUP", ">INSERTED", ">THERE", ">UPDATED", ">REJECTED"]);
        for t in &self.report.tables {
            let name = if t.from == t.table { t.table.to_string() } else { format!("{} → {}", t.from, t.table) };
            let cells = [t.in_backup, t.inserted, t.already_present, t.updated, t.rejected];
            table.row(std::iter::once(name).chain(cells.iter().map(|n| count(*n))));
        }
        format!("{}\n{}", table.render(style), self.end(style))
    }
}

impl Reinsert {
    /// Proven, not presumed.
    pub fn all_is_back(&self) -> bool {
        self.verification.as_ref().is_some_and(|v| v.ok)
    }

    fn end(&self, style: &Style) -> String {
        let mut lines = Vec::new();
        if self.report.dry_run {
            lines.push("A dry run: nothing was changed.".to_owned());
            lines.extend(self.without_a_place(style));
        }
        if let Some(folder) = &self.report.rejects_dir {
            lines.push(format!("Rows that did not fit are in {folder}:"));
            lines.extend(self.report.tables.iter().flat_map(domain::TableReport::reasons_in_words));
        } else if !self.report.dry_run && self.report.rejected() > 0 {
            lines.push("That is what --rejects save would do.".to_owned());
        }
        let rounded: Vec<String> = self.report.tables.iter().flat_map(rounded_columns).collect();
        match &self.verification {
            Some(verification) if verification.ok && rounded.is_empty() => {
                lines.push(style.green("✔ Everything in the backup is in the database: every row, every value."));
            }
            Some(verification) if verification.ok => {
                lines.push(style.green("✔ Everything in the backup is in the database."));
            }
            Some(verification) => {
                lines.push("Everything else in the backup is in the database; not back is:".to_owned());
                lines.push(loss::not_back(verification, style));
            }
            None => {}
        }
        if !rounded.is_empty() {
            lines.push(format!("Rounded to the new type: {}.", rounded.join(", ")));
        }
        lines.join("\n")
    }

    /// Where nothing was done there is nothing to compare: what the plan alone can say.
    fn without_a_place(&self, style: &Style) -> Vec<String> {
        if self.not_back.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![style.yellow("Without a place in the schema as it is now:")];
        for left in &self.not_back {
            let name = left.column.as_ref().map_or_else(|| left.table.clone(), |c| format!("{}.{c}", left.table));
            let much = match (left.rows, left.values) {
                (Some(rows), _) => plural(rows, "row"),
                (None, values) => plural(values.unwrap_or(0), "value"),
            };
            lines.push(format!("  {name}: {much} ({})", left.why));
        }
        lines
    }
}

/// The columns in which a cast rounded values, and how many.
fn rounded_columns(table: &domain::TableReport) -> impl Iterator<Item = String> {
    let columns = table.columns_changed.iter();
    columns.map(|c| format!("{} in {}.{}", plural(c.values, "value"), table.table, c.column))
}
