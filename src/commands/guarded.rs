//! `dev`, `deploy`, `reset`, `push`, `run`: a command with a checkpoint before it and a proof after it.

use super::settle::{self, Settled};
use super::target::{permit, target, working_folder};
use super::{loss, rehearse, rescue};
use crate::cli::{DeployArgs, DevArgs, Globals, OnLoss, ResetArgs, RunArgs};
use crate::domain::ending::Ending;
use crate::domain::guard::Action;
use crate::domain::prisma_command::{DEPLOY, DEV, Guarded, PUSH, RESET};
use crate::domain::rehearsal::Rehearsal;
use crate::domain::suggest::entries;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::guarded_run::{Attach, Backup, FirstTry, Outcome, Preparation, guarded};
use crate::operations::interrupt::Interrupt;
use crate::operations::pending::As;
use crate::operations::rescue::{Answers, Question};
use crate::operations::schedule;
use crate::operations::target::Target;
use crate::prisma::{ChildCommand, prisma_command};
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;
use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};

pub async fn dev(globals: &Globals, args: DevArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    prisma(globals, &DEV, args, ui, interrupt).await
}

pub async fn push(globals: &Globals, args: DevArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    prisma(globals, &PUSH, args, ui, interrupt).await
}

/// One of Prisma's commands, with what is wanted after a loss.
pub(super) async fn prisma(
    globals: &Globals,
    command: &Guarded,
    args: DevArgs,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let journey = Journey { globals, target: &target(globals).await?, ui, interrupt };
    let child = prisma_command(journey.target.prisma_project()?, &command.words, &args.prisma_args)?;
    let precaution = Precaution::of(command.action, args.rehearse, journey.target)?;
    journey.go(command.action, &child, precaution, args.on_loss).await
}

pub async fn deploy(globals: &Globals, args: DeployArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let journey = Journey { globals, target: &target(globals).await?, ui, interrupt };
    let child = prisma_command(journey.target.prisma_project()?, &DEPLOY.words, &args.guarded.prisma_args)?;
    let precaution = match args.no_backup {
        true => Precaution::None,
        false => Precaution::of(Action::Deploy, args.guarded.rehearse, journey.target)?,
    };
    journey.go(Action::Deploy, &child, precaution, args.guarded.on_loss).await
}

pub async fn reset(globals: &Globals, args: ResetArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut words = args.prisma_args;
    // our yes is an answer to Prisma's question too
    if globals.yes && !words.iter().any(|w| w == "--force" || w == "-f") {
        words.push("--force".into());
    }
    let journey = Journey { globals, target: &target(globals).await?, ui, interrupt };
    let child = prisma_command(journey.target.prisma_project()?, &RESET.words, &words)?;
    journey.go(Action::Reset, &child, Precaution::Checkpoint, Some(OnLoss::Keep)).await
}

pub async fn run(globals: &Globals, args: RunArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let journey = Journey { globals, target: &target(globals).await?, ui, interrupt };
    let child = any_child(args.command)?;
    journey.go(Action::Run, &child, Precaution::Checkpoint, args.on_loss).await
}

/// Any command, where and as the user would start it. Its arguments may hold a password and are shown nowhere.
fn any_child(words: Vec<OsString>) -> Result<ChildCommand> {
    let mut words = words.into_iter();
    let program = words.next().ok_or_else(|| Error::new(ErrorKind::Usage, "Which command? Nothing was changed"))?;
    let directory = working_folder()?;
    let shown = program.to_string_lossy().into_owned();
    Ok(ChildCommand {
        program: program.into(),
        arguments: words.collect(),
        directory,
        path: None,
        environment: Vec::new(),
        shown,
    })
}

/// What is done before the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precaution {
    Checkpoint,
    /// And a try on a scratch copy.
    Rehearsal(As),
    /// Nothing, as typed by the user.
    None,
}

impl Precaution {
    /// `typed`: whether `--rehearse` was. The settings may want it always.
    fn of(action: Action, typed: bool, target: &Target) -> Result<Self> {
        let wanted = match action {
            Action::Dev => As::Dev,
            Action::Deploy => As::Deploy,
            Action::Push => As::Push,
            _ if typed => {
                let message =
                    "--rehearse is for dev, deploy and push: what other commands do cannot be tried on a copy";
                return Err(Error::new(ErrorKind::Usage, message).nothing_changed());
            }
            _ => return Ok(Self::Checkpoint),
        };
        let always = target.place.settings.verify.rehearse && action != Action::Push;
        Ok(if typed || always { Self::Rehearsal(wanted) } else { Self::Checkpoint })
    }
}

/// What every guarded command needs.
struct Journey<'a> {
    globals: &'a Globals,
    target: &'a Target,
    ui: &'a Ui,
    interrupt: &'a Interrupt,
}

impl Journey<'_> {
    async fn go(
        &self,
        action: Action,
        child: &ChildCommand,
        precaution: Precaution,
        on_loss: Option<OnLoss>,
    ) -> Result<(), Failure> {
        let Self { globals, target, ui, interrupt } = *self;
        permit(target, action, globals, ui, interrupt).await?;
        if let Some(concern) = schedule::concern(&target.place.store) {
            ui.warn(&concern);
        }
        let progress = ui.progress();
        let place = target.workplace(&progress, interrupt);
        let attach = if ui.is_json() { Attach::StdoutToStderr } else { Attach::Terminal };
        let tried: Mutex<Option<Rehearsal>> = Mutex::default();
        let go_on = |rehearsal: &Rehearsal| {
            *tried.lock().unwrap_or_else(PoisonError::into_inner) = Some(rehearsal.clone());
            rehearse::go_on(rehearsal, on_loss, ui)
        };
        let ask = |question: &Question<'_>| rescue::ask(question, target, ui);
        let rescue =
            (action == Action::Dev).then_some(if ui.can_ask() { Answers::Person(&ask) } else { Answers::Nobody });
        let backup = match precaution {
            Precaution::Checkpoint => Backup::Before(Preparation { first_try: None, rescue }),
            Precaution::Rehearsal(wanted) => {
                Backup::Before(Preparation { first_try: Some(FirstTry { wanted, go_on: &go_on }), rescue })
            }
            Precaution::None => Backup::Omitted,
        };
        let outcome = guarded(&place, action, child, attach, backup).await.map_err(|error| {
            let stopped = tried.lock().unwrap_or_else(PoisonError::into_inner).take();
            match stopped.filter(|_| ui.is_json()) {
                Some(rehearsal) => Failure::with(error, Stopped { command: action.name(), rehearsal }),
                None => error.into(),
            }
        })?;
        let report = GuardedReport::new(action.name(), outcome);
        if report.outcome.conclusion.ending != Ending::Lost {
            return finish(report, ui);
        }
        let on_loss = match on_loss.unwrap_or(OnLoss::Ask) {
            OnLoss::Ask if !ui.can_ask() => OnLoss::Keep,
            wanted => wanted,
        };
        after_loss(on_loss, report, target, ui, interrupt).await
    }
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

/// A command that was not begun because of what the rehearsal found; it is on the screen already.
struct Stopped {
    command: &'static str,
    rehearsal: Rehearsal,
}

impl Report for Stopped {
    fn command(&self) -> &'static str {
        self.command
    }

    fn ok(&self) -> bool {
        false
    }

    fn json(&self) -> Fields {
        Fields::from_iter([("rehearsal".to_owned(), json!(self.rehearsal))])
    }

    fn text(&self, _: &Style) -> String {
        String::new()
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

impl GuardedReport {
    /// What is gone as was said beforehand, where nothing else is.
    fn expected_losses(&self, style: &Style) -> String {
        let verification = self.outcome.verification.as_ref().filter(|v| v.has_losses());
        verification.map(|v| loss::losses(v, style) + "\n").unwrap_or_default()
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
        fields.extend(run.rehearsal.as_ref().map(|rehearsal| ("rehearsal".to_owned(), json!(rehearsal))));
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
                let verification = self.outcome.verification.as_ref().filter(|_| !self.shown);
                let lost = verification.map(|verification| loss::losses(verification, style));
                let settled = self.settled.as_ref().map(|settled| settled.text(style));
                lost.into_iter().chain(settled).collect::<Vec<_>>().join("\n")
            }
            Ending::Stopped if self.outcome.run.prisma_exit_code != Some(0) => self.expected_losses(style),
            Ending::Reset => format!("{}\n{}", conclusion.happened, conclusion.next.join("\n")),
            _ => {
                let expected = self.expected_losses(style);
                format!("{expected}{} {}\n{}", style.green("✔"), conclusion.happened, conclusion.next.join("\n"))
            }
        }
        .trim_end()
        .to_owned()
    }
}
