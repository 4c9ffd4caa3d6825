//! `prune`: the newest of each kind stay, what nothing needs any more goes.

use super::target::place;
use crate::cli::{Globals, PruneArgs};
use crate::error::Result;
use crate::operations::journal::enter;
use crate::operations::retention::{self, Pruned};
use crate::ui::{Failure, Fields, Report, Style, Table, Ui, plural, size};
use serde_json::json;

pub fn run(globals: &Globals, args: &PruneArgs, ui: &Ui) -> Result<(), Failure> {
    let place = place(globals)?;
    let keep = args.keep.unwrap_or(place.settings.retention.keep);
    let pruned = if args.dry_run {
        retention::would_prune(&place.store, keep)?
    } else {
        let _lock = enter(&place.store, "prune", &ui.progress())?;
        retention::prune(&place.store, keep, &[])?
    };
    ui.result(&Prune { pruned, dry_run: args.dry_run });
    Ok(())
}

struct Prune {
    pruned: Pruned,
    dry_run: bool,
}

impl Prune {
    /// What would go and what would not, each with its reason.
    fn table(&self, style: &Style) -> String {
        let Pruned { backups, held, .. } = &self.pruned;
        let mut table = Table::new(["ID", "WHEN", "TAKEN", "GOES", "BECAUSE"]);
        for gone in backups {
            let (when, taken) = (style.ago(&gone.created_at), gone.reason.name().to_owned());
            table.row([style.cyan(&gone.id), when, taken, "yes".to_owned(), gone.why.clone()]);
        }
        for (id, why) in held {
            let why: Vec<String> = why.iter().map(ToString::to_string).collect();
            table.row([style.cyan(id), String::new(), String::new(), "held".to_owned(), why.join("; ")]);
        }
        table.render(style)
    }
}

impl Report for Prune {
    fn command(&self) -> &'static str {
        "prune"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let Pruned { backups, swept, held } = &self.pruned;
        let ids: Vec<&String> = backups.iter().map(|gone| &gone.id).collect();
        let why = backups.iter().map(|gone| json!({ "id": gone.id, "because": gone.why }));
        let held = held
            .iter()
            .map(|(id, why)| json!({ "id": id, "reasons": why.iter().map(ToString::to_string).collect::<Vec<_>>() }));
        Fields::from_iter([
            ("dry_run".to_owned(), json!(self.dry_run)),
            ("removed".to_owned(), json!(ids)),
            ("why".to_owned(), why.collect()),
            ("objects_removed".to_owned(), json!(swept.objects)),
            ("bytes_freed".to_owned(), json!(swept.bytes)),
            ("held".to_owned(), held.collect()),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let Pruned { backups, swept, held } = &self.pruned;
        let (gone, freed) = (plural(backups.len() as u64, "backup"), size(swept.bytes));
        if self.dry_run {
            let nothing = backups.is_empty() && held.is_empty();
            let table = if nothing { String::new() } else { format!("{}\n", self.table(style)) };
            return format!("{table}{gone} would go; {freed} would be freed. Nothing was changed (--dry-run)");
        }
        let mut text = match (backups.len(), swept.objects) {
            (0, 0) => "Nothing to remove.".to_owned(),
            _ => format!("Removed {gone}; {freed} freed."),
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
