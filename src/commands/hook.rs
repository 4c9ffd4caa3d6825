//! `hook install|uninstall|pre-push`.

use super::lint::{FindingsReport, finish, journals, repository};
use super::target::working_folder;
use crate::cli::{ChangeArgs, Globals, HookAction, LintFormat, PrePushArgs};
use crate::domain::changes::{Change, Changes};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::git::Git;
use crate::operations::hook::{plan_install, plan_uninstall};
use crate::operations::lint::{PushedRef, check_push, parse_refs, with_room};
use crate::prisma::files::apply;
use crate::prisma::{Choices, find_root};
use crate::ui::{Failure, Fields, Report, Style, Ui, diff};
use serde_json::{Value, json};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

pub fn run(globals: &Globals, action: &HookAction, ui: &Ui) -> Result<(), Failure> {
    match action {
        HookAction::Install(args) => change("hook install", globals, args, plan_install, ui),
        HookAction::Uninstall(args) => change("hook uninstall", globals, args, plan_uninstall, ui),
        HookAction::PrePush(args) => pre_push(globals, args, ui),
    }
}

fn change(
    command: &'static str,
    globals: &Globals,
    args: &ChangeArgs,
    plan: fn(&Path) -> Result<Changes>,
    ui: &Ui,
) -> Result<(), Failure> {
    let cwd = working_folder()?;
    let choices = Choices { project: globals.project.clone(), ..Choices::default() };
    // without a project the repository is enough
    let project = match find_root(&choices, &cwd) {
        Err(_) if globals.project.is_none() => cwd,
        found => found?,
    };
    let changes = plan(&project)?;
    if !args.dry_run {
        apply(&changes)?;
    }
    let root = Git::at(&project).root()?.unwrap_or(project);
    ui.result(&ChangeReport { command, changes, root, dry_run: args.dry_run });
    Ok(())
}

fn pre_push(globals: &Globals, args: &PrePushArgs, ui: &Ui) -> Result<(), Failure> {
    let cwd = working_folder()?;
    let refs = pushed()?;
    // git has put us where its variables are right; --project is a folder in there
    let (_, within) = repository(globals, &cwd)?;
    let git = Git::of_hook();
    let journals = journals(&git, globals, &cwd)?;
    let remote = args.remote.clone().or_else(|| variable("PRE_COMMIT_REMOTE_NAME")).unwrap_or_else(|| "origin".into());
    let checked = with_room(|| check_push(&git, &remote, &refs, &within, &journals))?;
    let report = FindingsReport { command: "hook pre-push", checked, format: LintFormat::Text };
    finish(report, "Nothing was pushed. To push it all the same: git push --no-verify", ui)
}

/// What git says on stdin; pre-commit keeps that for itself and tells of one ref in variables.
fn pushed() -> Result<Vec<PushedRef>> {
    let mut input = String::new();
    if !std::io::stdin().is_terminal() {
        std::io::stdin()
            .read_to_string(&mut input)
            .context(ErrorKind::Other, || "What is pushed cannot be read".into())?;
    }
    let refs = parse_refs(&input)?;
    if !input.trim().is_empty() {
        return Ok(refs);
    }
    if let Some(commit) = variable("PRE_COMMIT_TO_REF") {
        let name = |key: &str| variable(key).unwrap_or_else(|| "HEAD".into());
        let known = variable("PRE_COMMIT_FROM_REF");
        return Ok(vec![PushedRef {
            local: name("PRE_COMMIT_LOCAL_BRANCH"),
            commit,
            remote: name("PRE_COMMIT_REMOTE_BRANCH"),
            known,
        }]);
    }
    if std::io::stdin().is_terminal() {
        return Err(Error::new(ErrorKind::Usage, "git calls this before a push, and says on stdin what is pushed")
            .hint("Set it up: safemigrate hook install")
            .hint("To look at migrations now: safemigrate lint"));
    }
    Ok(refs)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

struct ChangeReport {
    command: &'static str,
    changes: Changes,
    root: PathBuf,
    dry_run: bool,
}

impl Report for ChangeReport {
    fn command(&self) -> &'static str {
        self.command
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("dry_run".to_owned(), json!(self.dry_run)),
            ("changes".to_owned(), as_json(&self.changes)),
            ("notes".to_owned(), json!(self.changes.notes)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let installs = self.command == "hook install";
        if self.changes.is_empty() {
            let said = if installs {
                "Nothing to do: the hook is there already"
            } else {
                "Nothing to do: there is no hook of ours"
            };
            return said.to_owned();
        }
        let mut lines = vec![diff(&self.changes, &self.root, style)];
        lines.push(match (self.dry_run, installs) {
            (true, _) => "Nothing was changed (--dry-run)".to_owned(),
            (false, true) => format!("{} From now on every `git push` is looked at first", style.green("✔")),
            (false, false) => format!("{} The hook is gone; what was there before is as it was", style.green("✔")),
        });
        lines.extend(self.changes.notes.iter().map(|note| format!("{} {note}", style.cyan("note:"))));
        lines.join("\n")
    }
}

fn as_json(changes: &Changes) -> Value {
    let list = changes.list.iter().map(|change| match change {
        Change::Text { path, before, after, .. } => json!({"path": path, "before": before, "after": after}),
        Change::Move { from, to } => json!({"path": from, "moved_to": to}),
    });
    list.collect()
}
