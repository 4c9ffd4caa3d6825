//! `list`: the backups, newest first.

use super::target::place;
use crate::cli::Globals;
use crate::domain::retention::Hold;
use crate::error::Result;
use crate::operations::retention::{Listed, listed};
use crate::ui::{Failure, Fields, Report, Style, Table, Ui, count, size};
use serde_json::json;

pub fn run(globals: &Globals, ui: &Ui) -> Result<(), Failure> {
    let place = place(globals)?;
    let (backups, unreadable) = listed(&place.store, place.settings.retention.keep)?;
    for error in &unreadable {
        ui.warn(&error.to_string());
    }
    ui.result(&List { backups, damaged: unreadable.iter().map(ToString::to_string).collect() });
    Ok(())
}

struct List {
    backups: Vec<Listed>,
    /// What is wrong with those that cannot be read.
    damaged: Vec<String>,
}

impl Report for List {
    fn command(&self) -> &'static str {
        "list"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let backups = self.backups.iter().map(|backup| {
            let m = &backup.manifest;
            json!({
                "id": m.id, "kind": m.kind.name(), "created_at": m.created_at, "database": m.database.name,
                "tables": m.tables.len(), "rows": m.rows(), "bytes": m.bytes(), "stored_bytes": backup.stored_bytes,
                "reason": m.reason.name(), "run": m.run, "pinned": backup.is_pinned(),
                "imported": m.imported.as_ref().map(|imported| &imported.file),
                "held": backup.held.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        });
        Fields::from_iter([("backups".to_owned(), backups.collect()), ("damaged".to_owned(), json!(self.damaged))])
    }

    fn text(&self, style: &Style) -> String {
        if self.backups.is_empty() {
            return "No backups yet. `safemigrate backup` takes one, `safemigrate dev` takes them by itself.".into();
        }
        let mut table = Table::new(["ID", "KIND", "WHEN", "DATABASE", ">TABLES", ">ROWS", ">SIZE", ">ADDS", "WHY"]);
        for Listed { manifest: m, stored_bytes, .. } in &self.backups {
            table.row([
                style.cyan(&m.id),
                m.kind.name().into(),
                style.ago(&m.created_at),
                m.database.name.clone(),
                count(m.tables.len() as u64),
                count(m.rows()),
                size(m.bytes()),
                size(*stored_bytes),
                if m.imported.is_some() { "imported".into() } else { m.reason.name().into() },
            ]);
        }
        let mut text = table.render(style);
        let held: Vec<String> = self.backups.iter().filter_map(|backup| held(backup, style)).collect();
        if !held.is_empty() {
            text.push_str(&format!("\nHeld, however old they get:\n{}", held.join("\n")));
        }
        text
    }
}

/// Why an old backup is still there, and of a new one what its user should know.
fn held(backup: &Listed, style: &Style) -> Option<String> {
    let worth_saying = |why: &&Hold| backup.is_old || !matches!(why, Hold::LastRun(_) | Hold::AfterShrink(_));
    let why: Vec<String> = backup.held.iter().filter(worth_saying).map(ToString::to_string).collect();
    (!why.is_empty()).then(|| format!("  {}  {}", style.cyan(&backup.manifest.id), why.join("; ")))
}
