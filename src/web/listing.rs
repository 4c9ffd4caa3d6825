//! The list of backups: what there is, from when, how big, and why it stays.

use super::chart;
use super::format;
use super::html::View;
use crate::domain::manifest::{Kind, Manifest, Reason};
use crate::domain::run::Run;
use crate::error::{Error, Result};
use crate::operations::retention::{Listed, listed};
use crate::operations::schedule::concern;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::HashMap;

const REASONS: [Reason; 5] =
    [Reason::BeforeMigration, Reason::AfterMigration, Reason::BeforeRestore, Reason::Scheduled, Reason::Manual];

/// What stands behind the question mark. A word that we do not know is as none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    kind: String,
    reason: String,
    sort: String,
}

/// What the list shows.
struct Shown {
    backups: Vec<Listed>,
    unreadable: Vec<Error>,
    runs: HashMap<String, Run>,
}

pub fn page(view: &View<'_>, wish: &Wish) -> Result<Markup> {
    let place = &view.page.place;
    let (backups, unreadable) = listed(&place.store, place.settings.retention.keep)?;
    let runs = place.store.runs()?.into_iter().map(|run| (run.id.clone(), run)).collect();
    let all = Shown { backups, unreadable, runs };
    let words = view.words();
    let content = html! {
        h1 { (words.backups) }
        @if let Some(concern) = concern(&place.store) { p.bad role="status" lang="en" { (concern) } }
        (create(view))
        @for error in &all.unreadable {
            p.bad { strong { (words.unreadable) ": " } span lang="en" { (error.message) } }
        }
        @if all.backups.is_empty() {
            p { (words.no_backups) }
        } @else {
            (chart::growth(view, &all.backups))
            (filter(view, wish))
            (table(view, wish, &all))
        }
    };
    Ok(view.page(words.backups, &content))
}

fn create(view: &View<'_>) -> Markup {
    let words = view.words();
    let kinds = [
        ("both", words.both, words.both_hint),
        ("full", words.full, words.full_hint),
        ("data-only", words.data_only, words.data_only_hint),
    ];
    html! {
        form.create method="post" action="/backups" {
            fieldset {
                legend { (words.create) }
                @for (value, name, hint) in kinds {
                    label {
                        input type="radio" name="kind" value=(value) checked[value == "both"];
                        " " (name) " " small { (hint) }
                    }
                }
                button { (words.create) }
            }
        }
    }
}

fn filter(view: &View<'_>, wish: &Wish) -> Markup {
    let words = view.words();
    let choice = |name: &str, label: &str, chosen: &str, options: &[(&str, &str)]| {
        html! {
            label {
                (label) " "
                select name=(name) {
                    @for (value, text) in options { option value=(value) selected[*value == chosen] { (text) } }
                }
            }
        }
    };
    let kinds = [("", words.all), (Kind::Full.name(), words.full), (Kind::DataOnly.name(), words.data_only)];
    let reasons: Vec<(&str, &str)> =
        std::iter::once(("", words.all)).chain(REASONS.iter().map(|r| (r.name(), view.reason(*r)))).collect();
    let orders = [("", words.newest), ("oldest", words.oldest), ("size", words.largest), ("rows", words.most_rows)];
    html! {
        form.filter method="get" action="/backups" role="search" aria-label=(words.filter) {
            (choice("kind", words.kind, &wish.kind, &kinds))
            (choice("reason", words.reason, &wish.reason, &reasons))
            (choice("sort", words.sort, &wish.sort, &orders))
            button { (words.show) }
        }
    }
}

fn table(view: &View<'_>, wish: &Wish, all: &Shown) -> Markup {
    let words = view.words();
    let fits = |m: &Manifest| {
        [(&wish.kind, m.kind.name()), (&wish.reason, m.reason.name())]
            .iter()
            .all(|(wish, is)| wish.is_empty() || wish == is)
    };
    let mut backups: Vec<&Listed> = all.backups.iter().filter(|b| fits(&b.manifest)).collect();
    match wish.sort.as_str() {
        "oldest" => backups.reverse(),
        "size" => backups.sort_by_key(|b| std::cmp::Reverse(b.manifest.bytes())),
        "rows" => backups.sort_by_key(|b| std::cmp::Reverse(b.manifest.rows())),
        _ => {}
    }
    if backups.is_empty() {
        return html! { p { (words.none_fits) } };
    }
    // in any other order the backups of a run do not stand together
    let by_time = matches!(wish.sort.as_str(), "" | "oldest");
    let groups = backups.chunk_by(|a, b| by_time && a.manifest.run == b.manifest.run);
    html! {
        div.wide role="region" aria-label=(words.backups) tabindex="0" {
            table.list {
                thead {
                    tr {
                        th scope="col" { (words.kind) }
                        th scope="col" { (words.when) }
                        th scope="col" { (words.reason) }
                        th scope="col" { (words.migration) }
                        th.number scope="col" { (words.tables) }
                        th.number scope="col" { (words.rows) }
                        th.number scope="col" { (words.size) }
                        th.number scope="col" { (words.stored) }
                        th scope="col" { (words.state) }
                    }
                }
                @for group in groups {
                    tbody {
                        @if by_time && let Some(id) = &group[0].manifest.run { (group_head(view, id, all.runs.get(id))) }
                        @for backup in group { (row(view, backup, all)) }
                    }
                }
            }
        }
    }
}

fn group_head(view: &View<'_>, id: &str, run: Option<&Run>) -> Markup {
    html! {
        tr.group {
            th colspan="9" scope="colgroup" {
                (view.words().run) " "
                @match run {
                    Some(run) => {
                        a href={ "/runs/" (id) } { (id) } " " code { "safemigrate " (run.command) }
                        " " (super::runs::state(view, run))
                    }
                    None => { (id) }
                }
            }
        }
    }
}

fn row(view: &View<'_>, backup: &Listed, all: &Shown) -> Markup {
    let (words, m) = (view.words(), &backup.manifest);
    html! {
        tr {
            td data-label=(words.kind) { a href={ "/backups/" (m.id) } { (view.kind(m.kind)) " " code { (m.id) } } }
            td data-label=(words.when) { (view.time(&m.created_at)) }
            td data-label=(words.reason) { (view.reason(m.reason)) }
            td data-label=(words.migration) { (belongs_to(m, &all.runs)) }
            td.number data-label=(words.tables) { (view.count(m.tables.len() as u64)) }
            td.number data-label=(words.rows) { (view.count(m.rows())) }
            td.number data-label=(words.size) { (view.size(m.bytes())) }
            td.number data-label=(words.stored) { (view.size(backup.stored_bytes)) }
            td data-label=(words.state) { (state(view, backup, m.run.as_ref().and_then(|id| all.runs.get(id)))) }
        }
    }
}

/// What its run applied, else the last migration of its time; and the commit.
fn belongs_to(m: &Manifest, runs: &HashMap<String, Run>) -> Markup {
    let applied = m.run.as_ref().and_then(|id| runs.get(id)).and_then(|run| run.migrations_applied.last());
    let last = m.project.as_ref().and_then(|project| project.migrations.last());
    let commit = m.project.as_ref().and_then(|project| project.git_commit.as_deref());
    html! {
        @if let Some(name) = applied.or(last) { span.migration { (name) } }
        @if let Some(commit) = commit { " " code { (commit.get(..8).unwrap_or(commit)) } }
    }
}

pub fn state(view: &View<'_>, backup: &Listed, run: Option<&Run>) -> Markup {
    let words = view.words();
    let proven = run
        .is_some_and(|run| run.verification.as_ref().is_some_and(|v| v.ok) && run.after.contains(&backup.manifest.id));
    html! {
        @if backup.is_pinned() { span.badge { (words.pinned) } " " }
        @else if !backup.held.is_empty() {
            @let why: Vec<String> = backup.held.iter().map(ToString::to_string).collect();
            span.badge title=(why.join("; ")) { (words.held) } " "
        }
        @else if backup.is_old { span.badge.warn { (words.goes_next) } " " }
        @if proven { span.badge.good { (words.proven) } }
        @if let Some(known) = &backup.known { (checked(view, known)) }
    }
}

fn checked(view: &View<'_>, known: &crate::domain::checkmark::Checkmark) -> Markup {
    let words = view.words();
    html! {
        @if known.problems.is_empty() {
            span.badge.good title=(format!("{} UTC", format::minute(&known.at))) { (words.whole) }
        } @else {
            span.badge.warn title=(known.problems.join("; ")) { (words.damaged) }
        }
    }
}
