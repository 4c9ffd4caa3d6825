//! `pin ID`, `unpin ID`: a backup that stays until the user says otherwise, and one that need not any more.

use super::target::place;
use crate::cli::{Globals, ShowArgs};
use crate::domain::retention::Hold;
use crate::error::Result;
use crate::operations::journal::enter;
use crate::operations::retention::candidate;
use crate::store::Store;
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;

pub fn pin(globals: &Globals, args: &ShowArgs, ui: &Ui) -> Result<(), Failure> {
    run(globals, args, ui, "pin", Store::pin)
}

pub fn unpin(globals: &Globals, args: &ShowArgs, ui: &Ui) -> Result<(), Failure> {
    run(globals, args, ui, "unpin", Store::unpin)
}

fn run(
    globals: &Globals,
    args: &ShowArgs,
    ui: &Ui,
    command: &'static str,
    act: fn(&Store, &str) -> Result<bool>,
) -> Result<(), Failure> {
    let store = place(globals)?.store;
    // an id that means nothing must not make a store
    let id = candidate(&store, &args.id)?.id;
    let _lock = enter(&store, command, &ui.progress())?;
    let id = candidate(&store, &id)?.id;
    let changed = act(&store, &id)?;
    let held = candidate(&store, &id)?.held;
    ui.result(&Pin { command, id, changed, held });
    Ok(())
}

struct Pin {
    command: &'static str,
    id: String,
    /// False: it was so before.
    changed: bool,
    held: Vec<Hold>,
}

impl Pin {
    fn is_pinned(&self) -> bool {
        self.held.contains(&Hold::Pinned)
    }
}

impl Report for Pin {
    fn command(&self) -> &'static str {
        self.command
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("backup".to_owned(), json!(self.id)),
            ("pinned".to_owned(), json!(self.is_pinned())),
            ("changed".to_owned(), json!(self.changed)),
            ("held".to_owned(), self.held.iter().map(ToString::to_string).collect()),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let id = style.cyan(&self.id);
        let mut text = match (self.is_pinned(), self.changed) {
            (true, true) => format!("{id} is pinned: it stays until `safemigrate unpin {}`.", self.id),
            (true, false) => format!("{id} was pinned already."),
            (false, true) => format!("{id} is not pinned any more."),
            (false, false) => format!("{id} was not pinned."),
        };
        if !self.is_pinned() && !self.held.is_empty() {
            let reasons: Vec<String> = self.held.iter().map(ToString::to_string).collect();
            text.push_str(&format!("\nIt is held all the same: {}.", reasons.join("; ")));
            text.push_str(&format!("\n`safemigrate delete {}` removes it.", self.id));
        }
        text
    }
}
