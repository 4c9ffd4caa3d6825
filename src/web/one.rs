//! One backup: what is in it, why it stays, and what can be done with it.

use super::html::View;
use super::listing;
use crate::domain::manifest::{Kind, Manifest};
use crate::error::Result;
use crate::operations::retention::{Listed, listed};
use maud::{Markup, html};

/// `None` where there is none with this id.
pub fn page(view: &View<'_>, id: &str) -> Result<Option<Markup>> {
    let place = &view.page.place;
    let (all, _) = listed(&place.store, place.settings.retention.keep)?;
    let Some(backup) = all.into_iter().find(|b| b.manifest.id == id) else { return Ok(None) };
    let runs = place.store.runs()?;
    let run = backup.manifest.run.as_ref().and_then(|id| runs.iter().find(|run| &run.id == id));
    let m = &backup.manifest;
    let content = html! {
        h1 { (view.kind(m.kind)) " " code { (m.id) } }
        p { (listing::state(view, &backup, run)) }
        (facts(view, &backup))
        (actions(view, &backup))
        (contents(view, m))
    };
    Ok(Some(view.page(id, &content)))
}

fn facts(view: &View<'_>, backup: &Listed) -> Markup {
    let (words, m) = (view.words(), &backup.manifest);
    let project = m.project.as_ref();
    html! {
        dl {
            dt { (words.taken) } dd { (view.time(&m.created_at)) " UTC" }
            dt { (words.reason) } dd { (view.reason(m.reason)) }
            @if let Some(run) = &m.run { dt { (words.run) } dd { a href={ "/runs/" (run) } { (run) } } }
            dt { (words.database) } dd { (m.database.name) " · " (words.server) " " (m.database.server_version / 10_000) }
            dt { (words.rows) } dd { (view.count(m.rows())) }
            dt { (words.size) } dd { (view.size(m.bytes())) }
            dt { (words.stored) } dd { (view.size(backup.stored_bytes)) }
            @if let Some(commit) = project.and_then(|p| p.git_commit.as_ref()) {
                dt { (words.commit) } dd { code { (commit) } }
            }
            @if let Some(project) = project {
                dt { (words.migrations_then) }
                dd {
                    (view.count(project.migrations.len() as u64))
                    @if let Some(last) = project.migrations.last() { ", " span.migration { (last) } }
                }
            }
            @if !backup.held.is_empty() {
                dt { (words.why_held) }
                dd lang="en" { ul { @for why in &backup.held { li { (why) } } } }
            }
        }
    }
}

fn actions(view: &View<'_>, backup: &Listed) -> Markup {
    let (words, m) = (view.words(), &backup.manifest);
    let hint = if m.kind == Kind::Full { words.restore_full_hint } else { words.restore_data_hint };
    let (pin, pinning) = if backup.is_pinned() { ("unpin", words.unpin) } else { ("pin", words.pin) };
    html! {
        section.actions aria-labelledby="actions" {
            h2 #actions { (words.actions) }
            (act(m, "plan", words.restore, hint))
            (act(m, pin, pinning, words.pin_hint))
            (act(m, "check", words.check, words.check_hint))
            (act(m, "check-restore", words.check_restore, words.check_restore_hint))
            p {
                strong { (words.download) ": " }
                // of a data-only backup rows are always INSERTs
                @if m.kind == Kind::Full { (file(m, "sql", words.sql_file)) " · " }
                (file(m, "inserts", words.inserts_file)) " · " (file(m, "archive", words.archive_file))
            }
            (delete(view, backup))
        }
    }
}

fn file(m: &Manifest, format: &str, name: &str) -> Markup {
    html! { a href={ "/backups/" (m.id) "/download/" (format) } download { (name) } }
}

fn act(m: &Manifest, verb: &str, name: &str, hint: &str) -> Markup {
    html! {
        form method="post" action={ "/backups/" (m.id) "/" (verb) } { button { (name) } " " small { (hint) } }
    }
}

/// Asked for twice: by opening it, and where the backup is held by typing its id.
fn delete(view: &View<'_>, backup: &Listed) -> Markup {
    let (words, m) = (view.words(), &backup.manifest);
    html! {
        details {
            summary { (words.delete) }
            form method="post" action={ "/backups/" (m.id) "/delete" } {
                p { (words.delete_sure) }
                @if !backup.held.is_empty() {
                    label { (words.delete_type) " " input name="typed" required autocomplete="off" spellcheck="false"; }
                }
                " " button.danger { (words.delete_yes) }
            }
        }
    }
}

fn contents(view: &View<'_>, m: &Manifest) -> Markup {
    let words = view.words();
    html! {
        section {
            h2 { (words.contents) }
            div.wide role="region" aria-label=(words.contents) tabindex="0" {
                table.list {
                    thead {
                        tr {
                            th scope="col" { (words.table) }
                            th.number scope="col" { (words.rows) }
                            th.number scope="col" { (words.size) }
                            th.number scope="col" { (words.columns) }
                        }
                    }
                    tbody {
                        @for data in &m.tables {
                            tr {
                                td data-label=(words.table) { (data.table.name) }
                                td.number data-label=(words.rows) { (view.count(data.stats.rows)) }
                                td.number data-label=(words.size) { (view.size(data.stats.bytes)) }
                                td.number data-label=(words.columns) { (view.count(data.table.data_columns().count() as u64)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
