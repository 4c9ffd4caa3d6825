//! `reinsert [ID]`: the rows of a backup into the schema as it is now.

use super::loss;
use super::target::{permit, target};
use crate::cli::{self, Globals, ReinsertArgs};
use crate::domain::compare::Verification;
use crate::domain::guard::Action;
use crate::domain::manifest::{Manifest, Wanted};
use crate::domain::reinsert::{self as domain, OnConflict, Options, Rejects, describe};
use crate::domain::suggest::Suggestion;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::operations::reinsert::{self, Outcome};
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

    /// What the verification of a run suggests.
    ///
    /// # Errors
    /// `Usage` for a name that `--map` could not take either.
    pub fn suggested(id: &str, suggestion: &Suggestion) -> Result<Self> {
        let mut options = Options::default();
        for map in &suggestion.maps {
            options.maps.push(domain::options::parse_map(map)?);
        }
        options.on_conflict = match suggestion.on_conflict {
            Some("fill") => OnConflict::Fill,
            Some("update") => OnConflict::Update,
            _ => OnConflict::Skip,
        };
        Ok(Self { id: Some(id.to_owned()), options, dry_run: false })
    }

    /// Whether rows that are there now can be overwritten or removed.
    fn overwrites(&self) -> bool {
        matches!(self.options.on_conflict, OnConflict::Update | OnConflict::Replace)
    }
}

/// Shows the plan, asks, does it.
async fn carry_out(
    globals: &Globals,
    target: &Target,
    wish: Wish,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let store = &target.place.store;
    let backup = target.place.backup(wish.id.as_deref(), Wanted::DataOnly)?;
    if !wish.dry_run {
        permit(target, Action::Reinsert, globals, ui).await?;
    }
    let plan = plan(target, &backup, &wish, ui, interrupt).await?;
    let progress = ui.progress();
    if wish.dry_run {
        let outcome = reinsert::dry_run(&target.url, store, &backup, &plan, &progress, interrupt).await?;
        return finish(ReInserted { outcome, verification: None }, ui);
    }
    let asked = ui.can_ask() || wish.overwrites();
    if asked
        && globals.confirm.is_none()
        && ui.confirm(&format!("Put these rows into {}?", target.url.database), true)? == Answer::No
    {
        return Err(Error::new(ErrorKind::Interrupted, "Cancelled. Nothing was changed").into());
    }
    finish(re_insert(target, &backup, &plan, &progress, interrupt).await?, ui)
}

/// The re-insert without its questions: somebody has chosen it already.
///
/// # Errors
/// Those of the re-insert, `RowsDoNotFit` among them.
pub async fn put_back(target: &Target, wish: &Wish, ui: &Ui, interrupt: &Interrupt) -> Result<Reinsert> {
    let backup = target.place.backup(wish.id.as_deref(), Wanted::DataOnly)?;
    let plan = plan(target, &backup, wish, ui, interrupt).await?;
    let ReInserted { outcome, verification } = re_insert(target, &backup, &plan, &ui.progress(), interrupt).await?;
    match outcome {
        Outcome::Done(report) => Ok(Reinsert { report, verification }),
        Outcome::DoesNotFit(report) => Err(report.misfit()),
    }
}

async fn plan(target: &Target, backup: &Manifest, wish: &Wish, ui: &Ui, interrupt: &Interrupt) -> Result<domain::Plan> {
    let plan = interrupt.or(reinsert::prepare(&target.url, &target.place.store, backup, &wish.options)).await?;
    for line in describe(&plan) {
        ui.say(&line);
    }
    Ok(plan)
}

fn finish(ReInserted { outcome, verification }: ReInserted, ui: &Ui) -> Result<(), Failure> {
    match outcome {
        Outcome::Done(report) => {
            ui.result(&Reinsert { report, verification });
            Ok(())
        }
        Outcome::DoesNotFit(report) => Err(Failure::with(report.misfit(), Reinsert { report, verification })),
    }
}

/// The report of a re-insert, and what the database holds of the backup after it.
pub struct Reinsert {
    report: domain::Report,
    verification: Option<Verification>,
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
        }
        if let Some(folder) = &self.report.rejects_dir {
            lines.push(format!("Rows that did not fit are in {folder}."));
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
}

/// The columns in which a cast rounded values, and how many.
fn rounded_columns(table: &domain::TableReport) -> impl Iterator<Item = String> {
    let columns = table.columns_changed.iter();
    columns.map(|c| format!("{} in {}.{}", plural(c.values, "value"), table.table, c.column))
}
