//! `backup`: a checkpoint (or one kind) of the database now.

use super::target::target;
use crate::cli::{BackupArgs, Globals};
use crate::domain::manifest::{Manifest, Reason};
use crate::error::Result;
use crate::operations::backup::back_up;
use crate::operations::checkpoint::Taken;
use crate::operations::interrupt::Interrupt;
use crate::operations::retention::listed;
use crate::ui::{Failure, Fields, Report, Style, Ui, plural, size};
use serde_json::json;
use std::collections::HashMap;

pub async fn run(globals: &Globals, args: &BackupArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let taken = back_up(&target, args.kind.into(), Reason::Manual, args.reads(), &ui.progress(), interrupt).await?;
    let (all, _) = listed(&target.place.store, target.place.settings.retention.keep).unwrap_or_default();
    let stored = all.into_iter().map(|backup| (backup.manifest.id, backup.stored_bytes)).collect();
    ui.result(&Backup { taken, stored });
    Ok(())
}

/// Backups that were just made.
pub struct Backup {
    pub taken: Taken,
    /// Bytes that each backup alone adds.
    pub stored: HashMap<String, u64>,
}

impl Backup {
    /// One for each.
    pub fn lines(&self, style: &Style) -> Vec<String> {
        let line = |m: &Manifest| {
            let (rows, tables) = (plural(m.rows(), "row"), plural(m.tables.len() as u64, "table"));
            format!("{} {:9}  {rows} in {tables}, {}", style.cyan(&m.id), m.kind.name(), size(m.bytes()))
        };
        self.taken.manifests().map(line).collect()
    }
}

impl Report for Backup {
    fn command(&self) -> &'static str {
        "backup"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let backups = self.taken.manifests().map(|m| {
            let stored = self.stored.get(&m.id).copied().unwrap_or(0);
            json!({
                "id": m.id, "kind": m.kind.name(), "rows": m.rows(), "bytes": m.bytes(), "stored_bytes": stored,
                "unchanged": m.spared(),
            })
        });
        Fields::from_iter([
            ("backups".to_owned(), backups.collect()),
            ("snapshot_seconds".to_owned(), json!(self.taken.snapshot_seconds)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let mut lines = self.lines(style);
        lines.push(format!("{} in {:.1} s, from one snapshot.", style.green("Backed up"), self.taken.snapshot_seconds));
        lines.join("\n")
    }
}
