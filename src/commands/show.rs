//! `show ID`: one backup, table by table.

use super::target::place;
use crate::cli::{Globals, ShowArgs};
use crate::domain::manifest::Wanted;
use crate::error::Result;
use crate::operations::retention::{Listed, listed};
use crate::ui::{Failure, Fields, Report, Style, Table, Ui, count, size};
use serde_json::json;

pub fn run(globals: &Globals, args: &ShowArgs, ui: &Ui) -> Result<(), Failure> {
    let place = place(globals)?;
    let manifest = place.store.resolve(&args.id, Wanted::Any)?;
    let (all, _) = listed(&place.store, place.settings.retention.keep)?;
    match all.into_iter().find(|backup| backup.manifest.id == manifest.id) {
        Some(backup) => ui.result(&Show(backup)),
        // removed since it was found
        None => ui.result(&Show(Listed { manifest, stored_bytes: 0, held: Vec::new(), is_old: false, known: None })),
    }
    Ok(())
}

struct Show(Listed);

impl Report for Show {
    fn command(&self) -> &'static str {
        "show"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let m = &self.0.manifest;
        let tables = m.tables.iter().map(|t| {
            let columns = t.table.data_columns().zip(&t.stats.columns).map(|(column, stats)| {
                json!({ "column": column.name, "type": column.type_name, "non_null": stats.non_null })
            });
            json!({
                "table": t.table.name.to_string(), "rows": t.stats.rows, "bytes": t.stats.bytes,
                "columns": columns.collect::<Vec<_>>(),
            })
        });
        let backup = json!({
            "id": m.id, "kind": m.kind.name(), "created_at": m.created_at, "database": m.database.name,
            "tables": tables.collect::<Vec<_>>(), "rows": m.rows(), "bytes": m.bytes(), "stored_bytes": self.0.stored_bytes,
            "reason": m.reason.name(), "run": m.run, "pinned": self.0.is_pinned(),
            "held": self.0.held.iter().map(ToString::to_string).collect::<Vec<_>>(), "server_version": m.database.server_version,
            "project": m.project, "imported": m.imported.as_ref().map(|imported| &imported.file),
            "unchanged": m.spared(),
        });
        Fields::from_iter([("backup".to_owned(), backup)])
    }

    fn text(&self, style: &Style) -> String {
        let m = &self.0.manifest;
        let mut lines = vec![format!(
            "{} {} of {}, {}",
            style.cyan(&m.id),
            m.kind.name(),
            m.database.name,
            style.ago(&m.created_at)
        )];
        lines.push(format!("  why        {}", m.reason.name()));
        lines.extend(self.0.held.iter().map(|why| format!("  held       {why}")));
        if let Some(imported) = &m.imported {
            lines.push(format!("  from       {}, imported", imported.file));
        }
        if let Some(run) = &m.run {
            lines.push(format!("  run        {run}"));
        }
        if let Some(project) = &m.project {
            let last = project.migrations.last().map_or("none", String::as_str);
            lines.push(format!("  migration  {last} ({} applied)", project.migrations.len()));
            if let Some(commit) = &project.git_commit {
                lines.push(format!("  git        {commit}"));
            }
        }
        lines.push(format!(
            "  server     PostgreSQL {}.{}",
            m.database.server_version / 10_000,
            m.database.server_version % 10_000
        ));
        lines.push(format!(
            "  size       {} as read, {} only for this backup in the store",
            size(m.bytes()),
            size(self.0.stored_bytes)
        ));
        if let Some(spared) = m.spared() {
            lines.push(format!(
                "  unchanged  rows of {} of {} tables ({} of {} segments) were proven unchanged since {} and not read again",
                count(spared.tables),
                count(spared.of_tables),
                count(spared.segments),
                count(spared.of_segments),
                spared.since
            ));
        }
        let mut table = Table::new(["TABLE", ">ROWS", ">SIZE", ">COLUMNS"]);
        for t in &m.tables {
            let columns = t.table.columns.len() as u64;
            table.row([t.table.name.to_string(), count(t.stats.rows), size(t.stats.bytes), count(columns)]);
        }
        format!("{}\n\n{}", lines.join("\n"), table.render(style))
    }
}
