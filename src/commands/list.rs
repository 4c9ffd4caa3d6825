//! `list`: the backups, newest first.

use super::target::place;
use crate::cli::Globals;
use crate::domain::manifest::Manifest;
use crate::error::Result;
use crate::operations::retention::with_sizes;
use crate::ui::{Failure, Fields, Report, Style, Table, Ui, count, size};
use serde_json::json;

pub fn run(globals: &Globals, ui: &Ui) -> Result<(), Failure> {
    let place = place(globals)?;
    let (backups, unreadable) = with_sizes(&place.store)?;
    for error in &unreadable {
        ui.warn(&error.to_string());
    }
    ui.result(&List { backups, damaged: unreadable.iter().map(ToString::to_string).collect() });
    Ok(())
}

struct List {
    backups: Vec<(Manifest, u64)>,
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
        let backups = self.backups.iter().map(|(m, stored)| {
            json!({
                "id": m.id, "kind": m.kind.name(), "created_at": m.created_at, "database": m.database.name,
                "tables": m.tables.len(), "rows": m.rows(), "bytes": m.bytes(), "stored_bytes": stored,
                "reason": m.reason.name(), "run": m.run, "pinned": false,
            })
        });
        Fields::from_iter([("backups".to_owned(), backups.collect()), ("damaged".to_owned(), json!(self.damaged))])
    }

    fn text(&self, style: &Style) -> String {
        if self.backups.is_empty() {
            return "No backups yet. `safemigrate backup` takes one, `safemigrate dev` takes them by itself.".into();
        }
        let mut table = Table::new(["ID", "KIND", "WHEN", "DATABASE", ">TABLES", ">ROWS", ">SIZE", ">ADDS", "WHY"]);
        for (m, stored) in &self.backups {
            table.row([
                style.cyan(&m.id),
                m.kind.name().into(),
                style.ago(&m.created_at),
                m.database.name.clone(),
                count(m.tables.len() as u64),
                count(m.rows()),
                size(m.bytes()),
                size(*stored),
                m.reason.name().into(),
            ]);
        }
        table.render(style)
    }
}
