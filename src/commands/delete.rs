//! `delete ID`: one backup, for good.

use super::target::place;
use crate::cli::{Globals, ShowArgs};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::journal::enter;
use crate::operations::retention::{Candidate, Deleted, candidate, delete};
use crate::ui::{Answer, Failure, Fields, Report, Style, Ui, plural, size};
use serde_json::json;

pub fn run(globals: &Globals, args: &ShowArgs, ui: &Ui) -> Result<(), Failure> {
    let store = place(globals)?.store;
    let asked = candidate(&store, &args.id)?;
    permit(&asked, globals, ui)?;
    let _lock = enter(&store, "delete", &ui.progress())?;
    ui.result(&Delete(delete(&store, &asked)?));
    Ok(())
}

/// A held one goes only when its id is typed; `--yes` is not enough for it.
fn permit(asked: &Candidate, globals: &Globals, ui: &Ui) -> Result<()> {
    let id = &asked.id;
    if !asked.held.is_empty() {
        let reasons: Vec<String> = asked.held.iter().map(ToString::to_string).collect();
        let why = format!("{id} is held: {}", reasons.join("; "));
        ui.warn(&why);
        return ui.type_name(id, id).map_err(|mut error| {
            error.message = format!("{why}. {}", error.message);
            error.nothing_changed()
        });
    }
    if globals.confirm.as_ref() == Some(id) {
        return Ok(());
    }
    let what = match &asked.manifest {
        Some(m) => {
            let (rows, age) = (plural(m.rows(), "row"), ui.style().ago(&m.created_at));
            format!("{} backup of {}, {rows}, {age}", m.kind.name(), m.database.name)
        }
        None => "it cannot be read".to_owned(),
    };
    match ui
        .confirm(&format!("Delete {id} ({what})? Nothing brings it back."), false)
        .map_err(Error::nothing_changed)?
    {
        Answer::Yes => Ok(()),
        Answer::No => Err(Error::new(ErrorKind::Interrupted, "Cancelled. Nothing was changed")),
    }
}

struct Delete(Deleted);

impl Report for Delete {
    fn command(&self) -> &'static str {
        "delete"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let Deleted { id, swept, in_the_way } = &self.0;
        Fields::from_iter([
            ("backup".to_owned(), json!(id)),
            ("objects_removed".to_owned(), json!(swept.objects)),
            ("bytes_freed".to_owned(), json!(swept.bytes)),
            ("unreadable".to_owned(), json!(in_the_way)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let Deleted { id, swept, in_the_way } = &self.0;
        let mut text = format!("Deleted {id}; {} freed.", size(swept.bytes));
        if !in_the_way.is_empty() {
            text.push_str(&format!(
                "\n{} no room is made as long as a backup cannot be read, it may need any of it: {}",
                style.yellow("Note:"),
                in_the_way.join(", ")
            ));
        }
        text
    }
}
