//! `import FILE`: a file of `pg_dump` into the store.

use super::backup::Backup;
use super::target::target;
use crate::cli::{Globals, ImportArgs};
use crate::domain::names::shell_word;
use crate::operations::import::{Done, import};
use crate::operations::interrupt::Interrupt;
use crate::operations::journal::enter;
use crate::operations::retention::{self, listed};
use crate::ui::{Failure, Fields, Report, Style, Ui, plural};
use serde_json::json;
use std::path::PathBuf;

/// Of what was left out, so many are named; `--json` names all.
const NAMED: usize = 5;

pub async fn run(globals: &Globals, args: &ImportArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let (store, progress) = (&target.place.store, ui.progress());
    let _lock = enter(store, "import", &progress)?;
    let Done { taken, loaded } = import(&target.url, store, &args.file, &progress, interrupt).await?;
    // from here on the backup exists, whatever becomes of the old ones
    let keep = target.place.settings.retention.keep;
    retention::make_room(store, keep, &taken.ids(), &progress);
    let (all, _) = listed(store, keep).unwrap_or_default();
    let stored = all.into_iter().map(|backup| (backup.manifest.id, backup.stored_bytes)).collect();
    let database = target.url.database.clone();
    ui.result(&Import {
        backup: Backup { taken, stored },
        left_out: loaded.left_out,
        file: args.file.clone(),
        database,
    });
    Ok(())
}

struct Import {
    backup: Backup,
    left_out: Vec<String>,
    file: PathBuf,
    database: String,
}

impl Report for Import {
    fn command(&self) -> &'static str {
        "import"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let mut fields = self.backup.json();
        fields.insert("file".to_owned(), json!(self.file));
        fields.insert("database".to_owned(), json!(self.database));
        fields.insert("left_out".to_owned(), json!(self.left_out));
        fields
    }

    fn text(&self, style: &Style) -> String {
        let mut lines = self.backup.lines(style);
        lines.push(format!(
            "{} {} as a backup of {}. The database itself was not touched.",
            style.green("Imported"),
            shell_word(&self.file.to_string_lossy()),
            self.database
        ));
        let full = self.backup.taken.full.iter().map(|full| &full.id);
        lines.extend(full.map(|id| format!("To put it in place of {}: safemigrate rollback {id}", self.database)));
        if !self.left_out.is_empty() {
            let count = plural(self.left_out.len() as u64, "statement");
            lines.push(format!(
                "{} {count} left out, about what is not here (roles, rights, settings):",
                style.yellow("Note:")
            ));
            lines.extend(self.left_out.iter().take(NAMED).map(|statement| format!("    {statement}")));
        }
        lines.join("\n")
    }
}
