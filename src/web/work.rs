//! What the page can be asked to do: the operations of the command line, with their conditions.

use crate::domain::compare::Verification;
use crate::domain::event::Observer;
use crate::domain::guard::Action;
use crate::domain::manifest::{Manifest, Reason, Wanted};
use crate::domain::reinsert::{self as domain, NotBack, OnConflict, Options, Rejects, describe, not_back, options};
use crate::domain::suggest::in_words;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::backup::back_up;
use crate::operations::check::{self, Checked, Scope};
use crate::operations::checkpoint::{Kinds, ReadRows};
use crate::operations::guard::{self, Assessment};
use crate::operations::interrupt::Interrupt;
use crate::operations::reinsert::{self, Outcome};
use crate::operations::restore::{RolledBack, plan_rollback, re_insert, roll_back};
use crate::operations::rollback::Plan;
use crate::operations::target::{Place, Target};
use crate::operations::verification::{Extent, compare_live};

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Work {
    Backup(Kinds),
    PlanRollback {
        id: String,
    },
    /// `typed`: the database's name, as it was typed.
    Rollback {
        id: String,
        typed: String,
    },
    PlanReinsert {
        id: String,
        wish: Wish,
    },
    Reinsert {
        id: String,
        wish: Wish,
        typed: String,
    },
    Check {
        id: String,
    },
    CheckByRestoring {
        id: String,
    },
}

/// The options of a re-insert as they stand in the form, one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    pub maps: String,
    pub fills: String,
    pub map_values: String,
    pub tables: String,
    pub on_conflict: OnConflict,
    pub rejects: Rejects,
}

/// What came of it.
pub enum Done {
    Backup(Vec<Manifest>),
    RollbackPlan(Box<RollbackPlan>),
    RolledBack(Box<RolledBack>),
    ReinsertPlan(Box<ReinsertPlan>),
    ReInserted(Box<ReInserted>),
    Checked(Checked),
}

pub struct RollbackPlan {
    pub plan: Plan,
    /// The database now (`after`) against the backup (`before`).
    pub since: Verification,
    pub warning: Warning,
}

pub struct ReinsertPlan {
    pub warning: Warning,
    /// A line for each table, and below it those of its columns that are not simply copied.
    pub lines: Vec<String>,
    pub not_back: Vec<NotBack>,
    pub suggestions: Vec<String>,
}

pub struct ReInserted {
    pub report: domain::Report,
    pub verification: Option<Verification>,
    pub not_back: Vec<NotBack>,
}

/// # Errors
/// Those of the operation.
pub async fn carry_out(place: &Place, work: &Work, observer: &dyn Observer, interrupt: &Interrupt) -> Result<Done> {
    let place = place.clone();
    match work {
        Work::Check { id } => {
            let scope = Scope::One(id.clone());
            check::check(&place.store, &scope, observer, interrupt).await.map(Done::Checked)
        }
        Work::CheckByRestoring { id } => {
            let target = Target::load(place).await?;
            let store = &target.place.store;
            let mut checked = check::check(store, &Scope::One(id.clone()), observer, interrupt).await?;
            check::prove(&target.url, store, &mut checked, observer, interrupt).await?;
            Ok(Done::Checked(checked))
        }
        Work::Backup(kinds) => {
            let target = Target::load(place).await?;
            let taken = back_up(&target, *kinds, Reason::Manual, ReadRows::default(), observer, interrupt).await?;
            Ok(Done::Backup(taken.manifests().cloned().collect()))
        }
        Work::PlanRollback { id } => {
            let target = Target::load(place).await?;
            let backup = target.place.store.resolve(id, Wanted::Full)?;
            let plan = plan_rollback(&target, &backup, None, interrupt).await?;
            let since = match plan.creates_database {
                true => Verification::default(),
                false => {
                    let all = Extent::Everything(&[]);
                    compare_live(&target.url, &target.place.store, &backup, all, observer, interrupt).await?
                }
            };
            let warning = Warning::of(&interrupt.or(target.judge()).await?, Action::Rollback);
            Ok(Done::RollbackPlan(Box::new(RollbackPlan { plan, since, warning })))
        }
        Work::Rollback { id, typed } => {
            let target = Target::load(place).await?;
            permit(&target, Action::Rollback, typed, interrupt).await?;
            let done = roll_back(&target, id, None, observer, interrupt).await?;
            Ok(Done::RolledBack(Box::new(done)))
        }
        Work::PlanReinsert { id, wish } => plan_reinsert(Target::load(place).await?, id, wish, interrupt).await,
        Work::Reinsert { id, wish, typed } => {
            let target = Target::load(place).await?;
            put_back(&target, id, wish, typed, observer, interrupt).await
        }
    }
}

async fn plan_reinsert(target: Target, id: &str, wish: &Wish, interrupt: &Interrupt) -> Result<Done> {
    let store = &target.place.store;
    let backup = target.place.backup(Some(id), Wanted::DataOnly)?;
    let options = wish.options()?;
    let project = target.project.as_ref();
    let survey = interrupt.or(reinsert::survey(&target.url, store, project, &backup, None)).await?;
    let suggestions = in_words(&survey.suggest(&backup, &options, &[])?);
    let made = interrupt.or(reinsert::prepare(&target.url, store, &backup, &options)).await;
    // what does not fit may be mended by what is suggested
    let plan = made.map_err(|error| suggestions.iter().fold(error, |error, line| error.hint(line)))?;
    let assessment = interrupt.or(target.judge()).await?;
    Ok(Done::ReinsertPlan(Box::new(ReinsertPlan {
        warning: Warning::of(&assessment, action(&options)),
        lines: describe(&plan),
        not_back: not_back(&plan, &backup),
        suggestions,
    })))
}

fn action(options: &Options) -> Action {
    if options.on_conflict == OnConflict::Replace { Action::Replace } else { Action::Reinsert }
}

async fn put_back(
    target: &Target,
    id: &str,
    wish: &Wish,
    typed: &str,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Done> {
    let options = wish.options()?;
    permit(target, action(&options), typed, interrupt).await?;
    let backup = target.place.backup(Some(id), Wanted::DataOnly)?;
    let plan = interrupt.or(reinsert::prepare(&target.url, &target.place.store, &backup, &options)).await?;
    let done = re_insert(target, &backup, &plan, observer, interrupt).await?;
    let not_back = not_back(&plan, &backup);
    match done.outcome {
        Outcome::Done(report) => {
            let verification = done.verification;
            Ok(Done::ReInserted(Box::new(ReInserted { report, verification, not_back })))
        }
        Outcome::DoesNotFit(report) => {
            Err(report.tables.iter().flat_map(domain::TableReport::reasons_in_words).fold(report.misfit(), Error::hint))
        }
    }
}

/// The database's name is typed always; where the guard wants a word for it, as `--confirm` takes it.
async fn permit(target: &Target, action: Action, typed: &str, interrupt: &Interrupt) -> Result<()> {
    let typed = typed.trim();
    let assessment = interrupt.or(target.judge()).await.map_err(Error::nothing_changed)?;
    guard::allow(&assessment, action, Some(typed))?;
    let word = Warning::of(&assessment, action).word;
    if typed == word {
        return Ok(());
    }
    let message = format!("What was typed is not {word}, the name of the database. Nothing was changed");
    Err(Error::new(ErrorKind::Confirmation, message).hint("Go back and type it as it is written there."))
}

/// What the guard says before anybody confirms.
pub struct Warning {
    /// What has to be typed.
    pub word: String,
    /// A sign each; empty where the database is for development.
    pub reasons: Vec<String>,
}

impl Warning {
    fn of(assessment: &Assessment, action: Action) -> Self {
        match assessment.name_to_type(action) {
            Some(_) => Self { word: assessment.identity.to_string(), reasons: assessment.reasons() },
            None => Self { word: assessment.identity.database.clone(), reasons: Vec::new() },
        }
    }
}

impl Wish {
    /// # Errors
    /// `Usage` for a line that cannot be read.
    pub fn options(&self) -> Result<Options> {
        Ok(Options {
            maps: lines(&self.maps).map(options::parse_map).collect::<Result<_>>()?,
            fills: lines(&self.fills).map(options::parse_fill).collect::<Result<_>>()?,
            value_maps: lines(&self.map_values).map(options::parse_map_value).collect::<Result<_>>()?,
            tables: lines(&self.tables).map(options::parse_table).collect::<Result<_>>()?,
            on_conflict: self.on_conflict,
            rejects: self.rejects,
            ..Options::default()
        })
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}
