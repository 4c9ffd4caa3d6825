//! Runs: what ran, what it did to the data, and the way back.

use super::html::View;
use super::structure;
use crate::domain::compare::{ColumnReport, ColumnVerdict, TableReport, TableVerdict, Verification};
use crate::domain::run::{Run, State};
use crate::error::Result;
use maud::{Markup, html};

/// All of them, newest first.
pub fn page(view: &View<'_>) -> Result<Markup> {
    let words = view.words();
    let runs = view.page.place.store.runs()?;
    let content = html! {
        h1 { (words.runs) }
        @if runs.is_empty() { p { (words.no_runs) } } @else {
            div.wide role="region" aria-label=(words.runs) tabindex="0" {
                table.list {
                    thead {
                        tr {
                            th scope="col" { (words.run) }
                            th scope="col" { (words.command) }
                            th scope="col" { (words.when) }
                            th scope="col" { (words.migrations_applied) }
                            th scope="col" { (words.state) }
                        }
                    }
                    tbody {
                        @for run in &runs {
                            tr {
                                td data-label=(words.run) { a href={ "/runs/" (run.id) } { (run.id) } }
                                td data-label=(words.command) { code { "safemigrate " (run.command) } }
                                td data-label=(words.when) { (view.time(&run.started_at)) }
                                td data-label=(words.migrations_applied) { (run.migrations_applied.join(", ")) }
                                td data-label=(words.state) { (state(view, run)) }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(view.page(words.runs, &content))
}

/// In one word, as `history` says it.
pub fn state(view: &View<'_>, run: &Run) -> Markup {
    let words = view.words();
    let verified = run.verification.as_ref().map(|v| v.ok);
    html! {
        @if run.is_unfinished() { span.badge.warn { (words.unfinished) } }
        @else if run.state == State::Failed { span.badge.warn { (words.did_not_succeed) } }
        @else if verified == Some(false) && run.command != "reset" { span.badge.lost { (words.data_lost) } }
        @else if verified == Some(true) { span.badge.good { (words.safe) } }
        @else { span.badge { (words.done) } }
    }
}

/// `None` where there is none with this id.
pub fn one(view: &View<'_>, id: &str) -> Result<Option<Markup>> {
    let store = &view.page.place.store;
    let Some(run) = store.runs()?.into_iter().find(|run| run.id == id) else { return Ok(None) };
    let words = view.words();
    let full = |ids: &[String]| ids.iter().find(|id| id.starts_with("f-")).and_then(|id| store.manifest(id).ok());
    let (before, after) = (full(&run.before), full(&run.after));
    let content = html! {
        h1 { (words.run_title) " " code { (run.id) } }
        p { (state(view, &run)) }
        (facts(view, &run))
        @if run.is_unfinished() { p.bad lang="en" { (run.next_step()) } }
        (ways_back(view, &run))
        @if let Some(verification) = &run.verification {
            section { h2 { (words.verification) } (report(view, verification)) }
        }
        @if let (Some(before), Some(after)) = (&before, &after) {
            section { h2 { (words.schema_diff) } (structure::side_by_side(view, before, after)) }
        }
    };
    Ok(Some(view.page(id, &content)))
}

fn facts(view: &View<'_>, run: &Run) -> Markup {
    let words = view.words();
    let links = |ids: &[String]| html! { @for id in ids { a href={ "/backups/" (id) } { (id) } " " } };
    html! {
        dl {
            dt { (words.command) } dd { code { "safemigrate " (run.command) } }
            dt { (words.database) } dd { (run.database) }
            dt { (words.when) } dd { (view.time(&run.started_at)) }
            @if let Some(end) = &run.finished_at { dt { (words.ended) } dd { (view.time(end)) " UTC" } }
            @if !run.migrations_applied.is_empty() {
                dt { (words.migrations_applied) }
                dd { ul { @for name in &run.migrations_applied { li.migration { (name) } } } }
            }
            @if let Some(code) = run.prisma_exit_code { dt { (words.exit_code) } dd { (code) } }
            @if let Some(outcome) = &run.outcome { dt { (words.outcome) } dd lang="en" { (outcome) } }
            @if !run.before.is_empty() { dt { (words.checkpoint) } dd { (links(&run.before)) } }
            @if !run.after.is_empty() { dt { (words.after_it) } dd { (links(&run.after)) } }
            @if view.page.place.store.reports().contains(&run.id) {
                dt { (words.report_file) }
                dd {
                    a href={ "/runs/" (run.id) "/report/html" } download { "HTML" } " · "
                    a href={ "/runs/" (run.id) "/report/md" } download { "Markdown" }
                }
            }
        }
    }
}

fn ways_back(view: &View<'_>, run: &Run) -> Markup {
    let words = view.words();
    let there = |id: Option<&str>| id.filter(|id| view.page.place.store.manifest(id).is_ok()).map(str::to_owned);
    let way = |id: &str, name: &str| {
        html! { form method="post" action={ "/backups/" (id) "/plan" } { button { (name) } } }
    };
    html! {
        section.actions aria-label=(words.actions) {
            @if let Some(id) = there(run.full()) { (way(&id, words.go_rollback)) }
            @if let Some(id) = there(run.data_only()) { (way(&id, words.go_reinsert)) }
        }
    }
}

/// Table by table; the columns only where something became of them.
pub fn report(view: &View<'_>, verification: &Verification) -> Markup {
    let words = view.words();
    html! {
        div.wide role="region" aria-label=(words.verification) tabindex="0" {
            table.list {
                thead {
                    tr {
                        th scope="col" { (words.table) }
                        th.number scope="col" { (words.before) }
                        th.number scope="col" { (words.after) }
                        th scope="col" { (words.verdict) }
                    }
                }
                tbody {
                    @for t in &verification.tables {
                        tr {
                            td data-label=(words.table) { (t.table) @if let Some(to) = &t.to { " → " (to) } }
                            td.number data-label=(words.before) { (view.count(t.before)) }
                            td.number data-label=(words.after) { (view.count(t.after)) }
                            td data-label=(words.verdict) {
                                span.lost[t.is_unexpected_loss()] { (table_verdict(view, t.verdict)) }
                                @if let Some(why) = &t.expected { " · " (words.expected) ": " (why) }
                            }
                        }
                        @for c in t.columns.iter().filter(|c| says_more(t, c)) {
                            tr.column {
                                td data-label=(words.columns) { "· " (c.column) @if let Some(to) = &c.to { " → " (to) } }
                                td.number data-label=(words.before) { (view.count(c.before)) }
                                td.number data-label=(words.after) { (view.count(c.after)) }
                                td data-label=(words.verdict) {
                                    span.lost[c.is_unexpected_loss()] { (column_verdict(view, c.verdict)) }
                                    @if let Some(changed) = c.values_changed { " (" (view.count(changed)) ")" }
                                    @if let Some(why) = &c.expected { " · " (words.expected) ": " (why) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What becomes of a table becomes of its columns, and of its rows of their values.
fn says_more(table: &TableReport, column: &ColumnReport) -> bool {
    let went_with_rows = || column.before.saturating_sub(column.after) <= table.before.saturating_sub(table.after);
    match (table.verdict, column.verdict) {
        (TableVerdict::Dropped | TableVerdict::Added, _) | (_, ColumnVerdict::Identical) => false,
        (TableVerdict::LostRows, ColumnVerdict::LostValues) => column.values_changed.is_some() || !went_with_rows(),
        _ => true,
    }
}

fn table_verdict(view: &View<'_>, verdict: TableVerdict) -> &'static str {
    let words = view.words();
    match verdict {
        TableVerdict::Identical => words.identical,
        TableVerdict::Kept => words.kept,
        TableVerdict::Grown => words.grown,
        TableVerdict::LostRows => words.lost_rows,
        TableVerdict::Dropped => words.dropped,
        TableVerdict::Added => words.added,
        TableVerdict::Renamed => words.renamed,
    }
}

fn column_verdict(view: &View<'_>, verdict: ColumnVerdict) -> &'static str {
    let words = view.words();
    match verdict {
        ColumnVerdict::Identical => words.identical,
        ColumnVerdict::Changed => words.changed,
        ColumnVerdict::LostValues => words.lost_values,
        ColumnVerdict::Dropped => words.dropped,
        ColumnVerdict::Added => words.added,
        ColumnVerdict::Renamed => words.renamed,
        ColumnVerdict::Retyped => words.retyped,
    }
}
