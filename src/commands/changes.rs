//! Changes to files, as people read them.

use crate::domain::changes::{Change, Changes};
use crate::ui::Style;
use serde_json::{Value, json};
use std::path::Path;

/// Each file with the lines that go and come; paths as seen from `root`.
pub fn text(changes: &Changes, root: &Path, style: &Style) -> String {
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let mut lines = Vec::new();
    for change in &changes.list {
        match change {
            Change::Move { from, to } => lines.push(format!("{} → {}", shown(from), shown(to))),
            Change::Text { path, before, after, .. } => {
                let what = match (before, after) {
                    (None, _) => " (new)",
                    (_, None) => " (removed)",
                    _ => "",
                };
                lines.push(format!("{}{what}", style.bold(&shown(path))));
                lines.extend(difference(before.as_deref().unwrap_or(""), after.as_deref().unwrap_or(""), style));
            }
        }
    }
    lines.join("\n")
}

pub fn json(changes: &Changes) -> Value {
    let list = changes.list.iter().map(|change| match change {
        Change::Text { path, before, after, .. } => json!({"path": path, "before": before, "after": after}),
        Change::Move { from, to } => json!({"path": from, "moved_to": to}),
    });
    list.collect()
}

/// The lines between the first and the last that differ.
fn difference(before: &str, after: &str, style: &Style) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let behind = old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let gone = old[same..old.len() - behind].iter().map(|line| style.red(&format!("  - {line}")));
    let come = new[same..new.len() - behind].iter().map(|line| style.green(&format!("  + {line}")));
    gone.chain(come).collect()
}
