//! `init`, `init --undo`: the change is shown, a person says yes, and then it is done.

use crate::cli::{Globals, InitArgs};
use crate::domain::changes::{Change, Changes};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::operations::init::{Setup, plan, plan_undo};
use crate::prisma::Choices;
use crate::prisma::files::apply;
use crate::ui::{Answer, Failure, Fields, Report, Style, Ui, diff, plural, seen_from};
use serde_json::{Value, json};
use std::path::Path;

pub fn run(globals: &Globals, args: &InitArgs, ui: &Ui) -> Result<(), Failure> {
    let cwd = std::env::current_dir().context(ErrorKind::Other, || "The working folder is gone".into())?;
    let choices = Choices {
        project: globals.project.clone(),
        schema: globals.schema.clone(),
        config: globals.config.clone(),
        url: None,
    };
    let setup = if args.undo { plan_undo(&choices, &cwd)? } else { plan(&choices, &cwd)? };
    let done = Init { setup, undo: args.undo, dry_run: args.dry_run };
    if !args.dry_run && !done.setup.changes.is_empty() {
        agree(&done.setup, ui)?;
        apply(&done.setup.changes)?;
    }
    ui.result(&done);
    Ok(())
}

fn agree(setup: &Setup, ui: &Ui) -> Result<()> {
    let shown = diff(&setup.changes, &setup.root, ui.style());
    ui.say(&format!("{shown}{}", notes(&setup.changes, ui.style())));
    let files = plural(setup.changes.list.len() as u64, "file");
    match ui.confirm(&format!("Change {files} in {} as shown?", setup.root.display()), true)? {
        Answer::Yes => Ok(()),
        Answer::No => Err(Error::new(ErrorKind::Interrupted, "Cancelled. Nothing was changed")),
    }
}

struct Init {
    setup: Setup,
    undo: bool,
    dry_run: bool,
}

/// What becomes of a file.
fn becomes(change: &Change) -> &'static str {
    match change {
        Change::Text { before: None, .. } => "created",
        Change::Text { after: None, .. } => "removed",
        Change::Text { .. } => "changed",
        Change::Move { .. } => "moved",
    }
}

impl Init {
    fn files(&self) -> Vec<Value> {
        let file = |path: &Path, change: &str| json!({ "path": seen_from(&self.setup.root, path), "change": change });
        let changed = self.setup.changes.list.iter();
        let untouched = self.setup.files.iter().filter(|path| changed.clone().all(|change| change.path() != *path));
        changed.clone().map(|c| file(c.path(), becomes(c))).chain(untouched.map(|p| file(p, "unchanged"))).collect()
    }
}

impl Report for Init {
    fn command(&self) -> &'static str {
        "init"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("dry_run".to_owned(), json!(self.dry_run)),
            ("changes".to_owned(), json!(self.files())),
            ("diff".to_owned(), json!(diff(&self.setup.changes, &self.setup.root, &Style::plain()))),
            ("notes".to_owned(), json!(self.setup.changes.notes)),
            ("to_do".to_owned(), json!(self.setup.to_do)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let Setup { root, changes, .. } = &self.setup;
        if changes.is_empty() {
            let left = if self.undo { "Nothing of init is left here" } else { "Everything is set up already" };
            return format!("{left}. Nothing was changed.\n{}{}", notes(changes, style), self.still_to_do());
        }
        if self.dry_run {
            let diff = diff(changes, root, style);
            return format!("{diff}{}This is what would be done. Nothing was changed.\n", notes(changes, style));
        }
        let line = |c: &Change| format!("{} {} {}\n", style.green("✔"), seen_from(root, c.path()), becomes(c));
        let mut text: String = changes.list.iter().map(line).collect();
        if !self.undo {
            text.push_str(&self.still_to_do());
            let script = self.setup.dev_script.as_ref().map(|name| self.setup.manager.run_line(name));
            text.push_str(&format!("From now on: {}\n", script.as_deref().unwrap_or("safemigrate dev")));
            text.push_str("To take this back: safemigrate init --undo\n");
        }
        text
    }
}

impl Init {
    fn still_to_do(&self) -> String {
        self.setup
            .to_do
            .as_ref()
            .map(|line| format!("Still to do, for the scripts to run: {line}\n"))
            .unwrap_or_default()
    }
}

fn notes(changes: &Changes, style: &Style) -> String {
    changes.notes.iter().map(|note| format!("{} {note}\n", style.yellow("note:"))).collect()
}
