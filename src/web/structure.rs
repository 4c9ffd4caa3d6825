//! The tables of two backups side by side, as far as manifests know them: columns, types, defaults and keys.

use super::html::View;
use crate::domain::described::described;
use crate::domain::manifest::Manifest;
use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

/// Unchanged lines around a change.
const AROUND: usize = 3;

pub fn side_by_side(view: &View<'_>, before: &Manifest, after: &Manifest) -> Markup {
    let words = view.words();
    let text = |manifest: &Manifest| described(manifest.tables.iter().map(|data| &data.table));
    let (then, now) = (text(before), text(after));
    let diff = TextDiff::from_lines(&then, &now);
    let groups = diff.grouped_ops(AROUND);
    if groups.is_empty() {
        return html! { p { (words.same_schema) } };
    }
    html! {
        div.wide role="region" aria-label=(words.schema_diff) tabindex="0" {
            table.diff {
                thead { tr { th scope="col" { (words.before) } th scope="col" { (words.after) } } }
                @for group in &groups {
                    tbody {
                        @for (left, right) in group.iter().flat_map(|op| pairs(diff.iter_changes(op))) {
                            tr {
                                @match left {
                                    Some((true, line)) => td.gone { del { (line) } },
                                    Some((false, line)) => td { (line) },
                                    None => td.none {},
                                }
                                @match right {
                                    Some((true, line)) => td.new { ins { (line) } },
                                    Some((false, line)) => td { (line) },
                                    None => td.none {},
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A line of one side, and whether it is changed.
type Side<'a> = Option<(bool, &'a str)>;

/// The lines of one operation: what was removed stands beside what was put in its place.
fn pairs<'a>(changes: impl Iterator<Item = similar::Change<&'a str>>) -> Vec<(Side<'a>, Side<'a>)> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for change in changes {
        let line = change.value().trim_end_matches('\n');
        match change.tag() {
            ChangeTag::Equal => {
                left.push(Some((false, line)));
                right.push(Some((false, line)));
            }
            ChangeTag::Delete => left.push(Some((true, line))),
            ChangeTag::Insert => right.push(Some((true, line))),
        }
    }
    let longest = left.len().max(right.len());
    left.resize(longest, None);
    right.resize(longest, None);
    left.into_iter().zip(right).collect()
}
