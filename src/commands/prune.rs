//! `prune`: the newest of each kind stay, what nothing needs any more goes.

use super::target::place;
use crate::cli::{Globals, PruneArgs};
use crate::error::Result;
use crate::operations::journal::enter;
use crate::operations::retention::{self, Pruned};
use crate::ui::{Failure, Fields, Report, Style, Ui, plural, size};
use serde_json::json;

pub fn run(globals: &Globals, args: &PruneArgs, ui: &Ui) -> Result<(), Failure> {
    let place = place(globals)?;
    let _lock = enter(&place.store, "prune", &ui.progress())?;
    let keep = args.keep.unwrap_or(place.settings.retention.keep);
    ui.result(&Prune(retention::prune(&place.store, keep, &[])?));
    Ok(())
}

struct Prune(Pruned);

impl Report for Prune {
    fn command(&self) -> &'static str {
        "prune"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let Pruned { backups, swept, held } = &self.0;
        let held = held
            .iter()
            .map(|(id, why)| json!({ "id": id, "reasons": why.iter().map(ToString::to_string).collect::<Vec<_>>() }));
        Fields::from_iter([
            ("removed".to_owned(), json!(backups)),
            ("objects_removed".to_owned(), json!(swept.objects)),
            ("bytes_freed".to_owned(), json!(swept.bytes)),
            ("held".to_owned(), held.collect()),
        ])
    }

    fn text(&self, _style: &Style) -> String {
        let Pruned { backups, swept, held } = &self.0;
        let mut text = match (backups.len(), swept.objects) {
            (0, 0) => "Nothing to remove.".to_owned(),
            (gone, _) => format!("Removed {}; {} freed.", plural(gone as u64, "backup"), size(swept.bytes)),
        };
        if !held.is_empty() {
            let older = plural(held.len() as u64, "older backup");
            text.push_str(&format!(
                "\n{older} held: `safemigrate list` says why, `safemigrate delete ID` removes one."
            ));
        }
        text
    }
}
