//! `rehearse`: what is pending, on a scratch copy of the data.

use super::rehearsed;
use super::target::target;
use crate::cli::{Globals, OnLoss, RehearseArgs, RehearseAs};
use crate::domain::guard::Verdict as Guarded;
use crate::domain::manifest::Wanted;
use crate::domain::rehearsal::{Rehearsal, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::check::refuse_damaged;
use crate::operations::interrupt::Interrupt;
use crate::operations::pending::As;
use crate::operations::rehearsal::{Base, Wish, by_itself};
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;

pub async fn run(globals: &Globals, args: &RehearseArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let project = target.prisma_project()?;
    let store = &target.place.store;
    let assessment = interrupt.or(target.judge()).await?;
    let wanted = match args.wanted {
        Some(RehearseAs::Dev) => As::Dev,
        Some(RehearseAs::Deploy) => As::Deploy,
        Some(RehearseAs::Push) => As::Push,
        None if assessment.verdict == Guarded::Production => As::Deploy,
        None => As::Dev,
    };
    let named = match &args.backup {
        Some(id) => Some(target.place.backup(Some(id), Wanted::Full)?),
        None => None,
    };
    let base = match &named {
        Some(backup) => {
            interrupt.or(refuse_damaged(store, backup)).await?;
            Base::This(backup)
        }
        None if args.fresh => Base::New,
        None => Base::Newest,
    };
    let progress = ui.progress();
    let place = target.workplace(&progress, interrupt);
    let wish = Wish { wanted, base, percent: args.sample };
    let done = by_itself(&place, project, wish).await?;
    let verdict = done.rehearsal.verdict();
    let report = Rehearse { run: done.run, rehearsal: done.rehearsal };
    match verdict {
        Verdict::Nothing | Verdict::Safe => {
            ui.result(&report);
            Ok(())
        }
        Verdict::Loses => Err(Failure::with(would_lose(&report.rehearsal), report)),
        Verdict::Fails => Err(Failure::with(would_fail(&report.rehearsal), report)),
    }
}

/// After a try before a guarded command: `Ok` where the command may begin. Loss that was reckoned with (`--on-loss`) stops
/// nothing; else a person decides, and `-y` does not.
///
/// # Errors
/// `Findings` where it would fail or lose data; `Interrupted`. Nothing was changed.
pub fn go_on(rehearsal: &Rehearsal, on_loss: Option<OnLoss>, ui: &Ui) -> Result<()> {
    ui.say(&rehearsed::text(rehearsal, ui.style()));
    let stop = |mut error: Error| {
        // 3 would say that the migration ran
        error.kind = ErrorKind::Findings;
        error
    };
    match rehearsal.verdict() {
        Verdict::Nothing | Verdict::Safe => Ok(()),
        Verdict::Fails => Err(stop(would_fail(rehearsal))),
        Verdict::Loses if on_loss.is_some_and(|on_loss| on_loss != OnLoss::Ask) => Ok(()),
        Verdict::Loses if ui.can_ask() => {
            let options = ["Stop here: nothing is changed", "Go on all the same: there is a checkpoint"];
            match ui.choose("What shall be done?", &options)? {
                1 => Ok(()),
                _ => Err(stop(would_lose(rehearsal))),
            }
        }
        Verdict::Loses => {
            let going_on = "To go on all the same, say what shall be done about a loss: --on-loss keep";
            Err(stop(would_lose(rehearsal)).hint(going_on))
        }
    }
}

/// What a rehearsal says when it found loss.
pub fn would_lose(rehearsal: &Rehearsal) -> Error {
    let lossy = rehearsal.verification.tables.iter().filter(|table| table.is_unexpected_loss());
    let tables: Vec<&str> = lossy.map(|table| table.table.as_str()).collect();
    Error::new(ErrorKind::DataLost, format!("It would lose data in {}. Nothing was changed", tables.join(", ")))
        .hint("Change the migration; or say that it is meant: a comment above its statement, or [verify] expect_loss in safemigrate.toml.")
}

/// What it says when a statement failed.
pub fn would_fail(rehearsal: &Rehearsal) -> Error {
    let what = match rehearsal.failures().next() {
        Some((script, statement, _)) => format!("{} would fail in line {}", capitalized(script.name()), statement.line),
        None => "It would fail".to_owned(),
    };
    Error::new(ErrorKind::Findings, format!("{what}. Nothing was changed"))
        .hint("Change the migration, then: safemigrate rehearse")
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

pub struct Rehearse {
    pub run: String,
    pub rehearsal: Rehearsal,
}

impl Report for Rehearse {
    fn command(&self) -> &'static str {
        "rehearse"
    }

    fn ok(&self) -> bool {
        matches!(self.rehearsal.verdict(), Verdict::Safe | Verdict::Nothing)
    }

    fn json(&self) -> Fields {
        let rehearsal = &self.rehearsal;
        Fields::from_iter([
            ("run".to_owned(), json!(self.run)),
            ("verdict".to_owned(), json!(rehearsal.verdict())),
            ("copy".to_owned(), json!(rehearsal.copy)),
            ("scripts".to_owned(), json!(rehearsal.scripts)),
            ("verification".to_owned(), json!(rehearsal.verification)),
            ("seconds".to_owned(), json!(rehearsal.seconds)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let text = rehearsed::text(&self.rehearsal, style);
        match self.rehearsal.verdict() {
            Verdict::Nothing => text,
            _ => format!("{text}\nFor the pull request: safemigrate report {}", self.run),
        }
    }
}
