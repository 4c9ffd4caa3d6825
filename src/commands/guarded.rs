//! `dev` and `reset`: Prisma's command with a checkpoint before it and a proof after it.

use super::loss;
use super::settle::{self, Settled};
use super::target::{permit, target};
use crate::cli::{DevArgs, Globals, OnLoss, ResetArgs};
use crate::domain::ending::Ending;
use crate::domain::guard::Action;
use crate::domain::suggest::entries;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::guarded_run::{Attach, Outcome, Place, guarded_prisma};
use crate::operations::interrupt::Interrupt;
use crate::operations::target::Target;
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;
use std::ffi::OsString;

pub async fn dev(globals: &Globals, args: DevArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let outcome = run(globals, Action::Dev, args.prisma_args, &target, ui, interrupt).await?;
    let report = GuardedReport::new("dev", outcome);
    if report.outcome.conclusion.ending != Ending::Lost {
        return finish(report, ui);
    }
    let on_loss = match args.on_loss.unwrap_or(OnLoss::Ask) {
        OnLoss::Ask if !ui.can_ask() => OnLoss::Keep,
        wanted => wanted,
    };
    after_loss(on_loss, report, &target, ui, interrupt).await
}

pub async fn reset(globals: &Globals, args: ResetArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let mut words = args.prisma_args;
    // our yes is an answer to Prisma's question too
    if globals.yes && !words.iter().any(|w| w == "--force" || w == "-f") {
        words.push("--force".into());
    }
    let outcome = run(globals, Action::Reset, words, &target, ui, interrupt).await?;
    finish(GuardedReport::new("reset", outcome), ui)
}

async fn run(
    globals: &Globals,
    action: Action,
    words: Vec<OsString>,
    target: &Target,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let project = target.prisma_project()?;
    permit(target, action, globals, ui).await?;
    let progress = ui.progress();
    let place = Place {
        url: &target.url,
        store: &target.place.store,
        project,
        keep: target.place.settings.retention.keep,
        observer: &progress,
        interrupt,
    };
    let attach = if ui.is_json() { Attach::StdoutToStderr } else { Attach::Terminal };
    guarded_prisma(&place, action, &words, attach).await
}

/// Ends without a question: the outcome decides the exit code.
fn finish(report: GuardedReport, ui: &Ui) -> Result<(), Failure> {
    let conclusion = &report.outcome.conclusion;
    let code = report.outcome.run.prisma_exit_code.unwrap_or(0);
    let failed = match conclusion.ending {
        Ending::Lost => Some(ErrorKind::DataLost),
        _ if code == 130 => Some(ErrorKind::Interrupted),
        _ if code != 0 => Some(ErrorKind::Prisma(u8::try_from(code).unwrap_or(1))),
        _ => None,
    };
    let Some(kind) = failed else {
        ui.result(&report);
        return Ok(());
    };
    let mut error = Error::new(kind, conclusion.happened.clone());
    error.hints.clone_from(&conclusion.next);
    Err(Failure::with(error, report))
}

/// Data was lost: what the user wants is done about it.
async fn after_loss(
    on_loss: OnLoss,
    mut report: GuardedReport,
    target: &Target,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let choice = match on_loss {
        OnLoss::Ask => {
            ui.say(&report.text(ui.style()));
            ui.say(&report.outcome.conclusion.happened);
            report.shown = true;
            settle::ask(&report.outcome, ui)
        }
        chosen => chosen,
    };
    let settled = match settle::settle(choice, &report.outcome, target, ui, interrupt).await {
        Ok(None) => return finish(report, ui),
        Ok(Some(settled)) => settled,
        Err(error) => return Err(Failure::with(error, report)),
    };
    let ending = settled.error(&report.outcome);
    report.settled = Some(settled);
    match ending {
        Some(error) => Err(Failure::with(error, report)),
        None => {
            ui.result(&report);
            Ok(())
        }
    }
}

struct GuardedReport {
    command: &'static str,
    outcome: Outcome,
    /// What was lost is on the screen already.
    shown: bool,
    settled: Option<Settled>,
}

impl GuardedReport {
    fn new(command: &'static str, outcome: Outcome) -> Self {
        Self { command, outcome, shown: false, settled: None }
    }
}

impl Report for GuardedReport {
    fn command(&self) -> &'static str {
        self.command
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let run = &self.outcome.run;
        let mut fields = Fields::from_iter([
            ("run".to_owned(), json!(run.id)),
            ("before".to_owned(), json!(run.before)),
            ("after".to_owned(), json!(run.after)),
            ("prisma_exit_code".to_owned(), json!(run.prisma_exit_code)),
            ("migrations_applied".to_owned(), json!(run.migrations_applied)),
            ("verification".to_owned(), json!(self.outcome.verification)),
        ]);
        if !self.outcome.suggestions.is_empty() {
            fields.insert("suggestions".to_owned(), json!(entries(&self.outcome.suggestions)));
        }
        fields.extend(self.settled.as_ref().map(|settled| ("settled".to_owned(), settled.json())));
        fields
    }

    fn text(&self, style: &Style) -> String {
        let conclusion = &self.outcome.conclusion;
        match conclusion.ending {
            // the sentences follow as the error
            Ending::Lost => {
                let lost = (!self.shown).then(|| loss::losses(&self.outcome.verification, style));
                let settled = self.settled.as_ref().map(|settled| settled.text(style));
                lost.into_iter().chain(settled).collect::<Vec<_>>().join("\n")
            }
            Ending::Stopped if self.outcome.run.prisma_exit_code != Some(0) => String::new(),
            Ending::Reset => format!("{}\n{}", conclusion.happened, conclusion.next.join("\n")),
            _ => format!("{} {}\n{}", style.green("✔"), conclusion.happened, conclusion.next.join("\n")),
        }
        .trim_end()
        .to_owned()
    }
}
