//! `schedule install|uninstall|status`, and `schedule run`, which cron calls.

use super::target::{place, target, working_folder};
use crate::cli::{Globals, InstallArgs, ScheduleAction, ScheduledArgs, UninstallArgs};
use crate::domain::changes::Changes;
use crate::domain::manifest::Manifest;
use crate::domain::schedule::{Health, Runner};
use crate::error::Result;
use crate::operations::interrupt::Interrupt;
use crate::operations::schedule::{self, Plan, Ran, State, Wish, installed};
use crate::scheduler::cron_runs;
use crate::store::Store;
use crate::ui::{Failure, Fields, Report, Style, Ui, diff};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

pub async fn run(globals: &Globals, action: &ScheduleAction, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    match action {
        ScheduleAction::Install(args) => install(globals, args, ui).await,
        ScheduleAction::Uninstall(args) => uninstall(globals, args, ui),
        ScheduleAction::Status => status(globals, ui),
        ScheduleAction::Run(args) if args.dry_run => rehearse(globals, args, ui, interrupt).await,
        ScheduleAction::Run(args) => scheduled(globals, args, ui, interrupt).await,
    }
}

async fn install(globals: &Globals, args: &InstallArgs, ui: &Ui) -> Result<(), Failure> {
    let target = target(globals).await?;
    let cwd = working_folder()?;
    let flags = [("--schema", &globals.schema), ("--config", &globals.config)];
    let flags = flags.into_iter().filter_map(|(flag, path)| Some((flag, cwd.join(path.as_ref()?)))).collect();
    let runner = if args.systemd { Runner::Systemd } else { Runner::Cron };
    let wish = Wish { runner, every: args.every, kind: args.kind.into(), flags };
    let plan = schedule::plan(&target, &wish)?;
    let notes = match (runner, cron_runs()) {
        (Runner::Cron, Some(false)) => {
            vec!["no cron is running on this machine: until one does (service cron start), nothing happens".to_owned()]
        }
        (Runner::Systemd, _) => {
            vec!["it runs while you are logged in; to run it always: loginctl enable-linger".to_owned()]
        }
        _ => Vec::new(),
    };
    let what = format!("{} backup every {} by {runner}", wish.kind.name(), wish.every);
    carry_out(&plan, "schedule install", args.dry_run, Some(what), notes, ui)
}

fn uninstall(globals: &Globals, args: &UninstallArgs, ui: &Ui) -> Result<(), Failure> {
    let plan = schedule::plan_removal(&place(globals)?.store)?;
    carry_out(&plan, "schedule uninstall", args.dry_run, None, Vec::new(), ui)
}

fn carry_out(
    plan: &Plan,
    command: &'static str,
    dry_run: bool,
    installs: Option<String>,
    notes: Vec<String>,
    ui: &Ui,
) -> Result<(), Failure> {
    let changed = !plan.is_done();
    if changed && !dry_run {
        plan.carry_out()?;
    }
    ui.result(&Changed { command, changes: plan.changes.clone(), changed, dry_run, installs, notes });
    Ok(())
}

struct Changed {
    command: &'static str,
    changes: Changes,
    changed: bool,
    dry_run: bool,
    /// What is installed; `None` when it is taken away.
    installs: Option<String>,
    notes: Vec<String>,
}

impl Report for Changed {
    fn command(&self) -> &'static str {
        self.command
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("dry_run".to_owned(), json!(self.dry_run)),
            ("changed".to_owned(), json!(self.changed && !self.dry_run)),
            ("diff".to_owned(), json!(diff(&self.changes, Path::new("/"), &Style::plain()))),
            ("notes".to_owned(), json!(self.notes)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let done = |text: String| format!("{} {text}", style.green("✔"));
        let mut lines = Vec::new();
        if !self.changes.is_empty() {
            lines.push(diff(&self.changes, Path::new("/"), style).trim_end().to_owned());
        }
        lines.push(match (&self.installs, self.changed, self.dry_run) {
            (Some(_), true, true) => {
                "It was tried as cron would run it, and would work. Nothing was changed (--dry-run)".to_owned()
            }
            (None, true, true) => "Nothing was changed (--dry-run)".to_owned(),
            (Some(what), true, false) => {
                done(format!("Installed: a {what}. It was tried as cron would run it, and works"))
            }
            (Some(what), false, _) => format!("Nothing to do: a {what} is installed already, and would work"),
            (None, true, false) => {
                done("Uninstalled. The backups stay; everything else in the crontab is as it was".to_owned())
            }
            (None, false, _) => "Nothing to do: no schedule is installed for this store".to_owned(),
        });
        lines.extend(self.notes.iter().map(|note| format!("{} {note}", style.yellow("note:"))));
        lines.join("\n")
    }
}

/// What `install` asks for before anything is installed, in the environment of cron.
async fn rehearse(globals: &Globals, args: &ScheduledArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    schedule::rehearse(&target, args.kind.into(), interrupt).await?;
    ui.result(&Ready { database: target.url.to_string() });
    Ok(())
}

struct Ready {
    database: String,
}

impl Report for Ready {
    fn command(&self) -> &'static str {
        "schedule run"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([("database".to_owned(), json!(self.database))])
    }

    fn text(&self, _style: &Style) -> String {
        format!("Ready to back up {}. Nothing was changed (--dry-run)", self.database)
    }
}

async fn scheduled(globals: &Globals, args: &ScheduledArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    // named in the crontab, so that a project that cannot be read any more is a failure that is written down
    let store = match globals.store.as_deref().filter(|path| Path::new(path).is_absolute()) {
        Some(path) => Store::open(Path::new(path))?,
        None => place(globals)?.store,
    };
    let wait = args.wait.map(Duration::from_secs);
    let ran = schedule::run(&store, args.kind.into(), wait, target(globals), interrupt).await?;
    ui.result(&Scheduled(ran));
    Ok(())
}

struct Scheduled(Ran);

impl Report for Scheduled {
    fn command(&self) -> &'static str {
        "schedule run"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let (ids, skipped): (Vec<&Manifest>, _) = match &self.0 {
            Ran::Done(backups) => (backups.iter().collect(), None),
            Ran::Skipped(why) => (Vec::new(), Some(why)),
        };
        let ids: Vec<&str> = ids.iter().map(|m| m.id.as_str()).collect();
        Fields::from_iter([("backups".to_owned(), json!(ids)), ("skipped".to_owned(), json!(skipped))])
    }

    /// Nothing, as a rule: cron would send it by mail every hour.
    fn text(&self, _style: &Style) -> String {
        String::new()
    }
}

fn status(globals: &Globals, ui: &Ui) -> Result<(), Failure> {
    let store = place(globals)?.store;
    let state = schedule::state(&store)?;
    let (mut line, mut problems) = (None, Vec::new());
    let mut is_broken = false;
    if let Some(state) = &state {
        let runner = state.schedule.runner;
        match installed(&store, &state.schedule) {
            Ok(Some(installed)) if !installed.program_is_there => {
                problems.push("the program that it names is not there any more".to_owned());
                line = Some(installed.line);
            }
            Ok(Some(installed)) => line = Some(installed.line),
            Ok(None) => problems.push(format!("{runner} knows nothing of it any more")),
            Err(error) => problems.push(error.to_string()),
        }
        is_broken = !problems.is_empty();
        if runner == Runner::Cron && cron_runs() == Some(false) {
            problems.push("no cron is running on this machine (service cron start)".to_owned());
        }
    }
    ui.result(&Status { state, line, is_broken, problems });
    Ok(())
}

struct Status {
    state: Option<State>,
    /// What cron or systemd has.
    line: Option<String>,
    /// To install it again would help.
    is_broken: bool,
    problems: Vec<String>,
}

/// What every report says of a schedule.
pub(super) fn as_json(state: &State) -> Value {
    let late = match &state.health {
        Health::Good => None,
        Health::Late(late) => Some(late.to_string()),
    };
    json!({
        "runner": state.schedule.runner, "every": state.schedule.every, "kind": state.schedule.kind,
        "since": state.schedule.since, "last_good": state.good, "last_attempt": state.last,
        "late": late,
    })
}

/// The schedule in one line, or what is wrong with it.
pub(super) fn in_one_line(state: &State, style: &Style) -> String {
    match &state.health {
        Health::Late(late) => format!("{} {}", style.yellow("warning:"), schedule::sentence(late)),
        Health::Good => format!("{}; {}", installed_as(state), last_good(state, style)),
    }
}

fn installed_as(state: &State) -> String {
    let schedule = &state.schedule;
    format!("A {} backup every {} by {}", schedule.kind.name(), schedule.every, schedule.runner)
}

fn last_good(state: &State, style: &Style) -> String {
    match &state.good {
        Some(good) => format!("the last good one is {}, {}", good.backups.join(" and "), style.ago(&good.at)),
        None => "none was due yet".to_owned(),
    }
}

impl Report for Status {
    fn command(&self) -> &'static str {
        "schedule status"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("installed".to_owned(), json!(self.line.is_some())),
            ("schedule".to_owned(), json!(self.state.as_ref().map(as_json))),
            ("line".to_owned(), json!(self.line)),
            ("problems".to_owned(), json!(self.problems)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let Some(state) = &self.state else {
            return "No schedule is installed for this store. A full backup every hour: safemigrate schedule install"
                .into();
        };
        let mut lines = vec![format!("{}; {}", installed_as(state), last_good(state, style))];
        if let Some(last) = &state.last {
            let why = last.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            lines.push(format!("last attempt  {} {}{why}", last.outcome.name(), style.ago(&last.at)));
        }
        lines.extend(self.line.iter().map(|line| format!("{:<13} {line}", format!("in {}", state.schedule.runner))));
        if let Health::Late(late) = &state.health {
            lines.push(format!("{} {late}", style.yellow("warning:")));
        }
        lines.extend(self.problems.iter().map(|problem| format!("{} {problem}", style.yellow("warning:"))));
        if self.is_broken || matches!(state.health, Health::Late(_)) {
            lines.push(format!(
                "{} To check everything and put it in order: safemigrate schedule install",
                style.cyan("hint:")
            ));
        }
        lines.join("\n")
    }
}
