//! What a restore would do, before anybody is asked: read it, change what can be changed, type the name.

use super::html::View;
use super::runs;
use super::work::{ReinsertPlan, RollbackPlan, Warning, Wish};
use crate::domain::compare::{TableVerdict, Verification};
use crate::domain::reinsert::{NotBack, OnConflict, Rejects};
use crate::operations::rollback::{Plan, Strategy};
use maud::{Markup, html};

pub fn rollback(view: &View<'_>, done: &RollbackPlan) -> Markup {
    let (words, plan) = (view.words(), &done.plan);
    html! {
        h2 { (words.plan_rollback) }
        dl {
            dt { (words.database) } dd { (plan.database) }
            dt { (words.plan_strategy) }
            dd {
                (match plan.strategy { Strategy::Swap => words.swap, Strategy::InPlace => words.in_place })
                " " small lang="en" { "(" (plan.why) ")" }
            }
            dt { (words.tables) } dd { (view.count(plan.tables as u64)) }
            dt { (words.rows) } dd { (view.count(plan.rows)) }
            @if !plan.tables_removed.is_empty() {
                dt { (words.plan_removed) } dd.lost { (plan.tables_removed.join(", ")) }
            }
            @if !plan.tables_brought_back.is_empty() {
                dt { (words.plan_back) } dd { (plan.tables_brought_back.join(", ")) }
            }
            @if !plan.sessions.is_empty() && plan.strategy == Strategy::Swap {
                dt { (words.plan_sessions) } dd { (view.count(plan.sessions.len() as u64)) }
            }
        }
        @if !plan.notes.is_empty() { ul.notes lang="en" { @for note in &plan.notes { li { (note) } } } }
        (since(view, plan, &done.since))
        p { (words.plan_safety) }
        form.confirm method="post" action={ "/backups/" (plan.backup) "/rollback" } {
            (type_name(view, &done.warning))
            button.danger { (words.do_rollback) }
        }
    }
}

fn since(view: &View<'_>, plan: &Plan, since: &Verification) -> Markup {
    let words = view.words();
    if plan.creates_database {
        return html! { p { (words.plan_new) } };
    }
    let changed = Verification {
        ok: since.ok,
        tables: since.tables.iter().filter(|t| t.verdict != TableVerdict::Identical).cloned().collect(),
    };
    html! {
        h3 { (words.plan_since) }
        @if changed.tables.is_empty() { p { (words.plan_nothing_since) } } @else { (runs::report(view, &changed)) }
    }
}

fn type_name(view: &View<'_>, warning: &Warning) -> Markup {
    html! {
        @if !warning.reasons.is_empty() {
            div.bad role="alert" {
                p { strong { (view.words().not_development) } }
                ul lang="en" { @for reason in &warning.reasons { li { (reason) } } }
            }
        }
        label {
            (view.words().type_name) " " code { (warning.word) } " "
            input name="typed" required autocomplete="off" autocapitalize="none" spellcheck="false";
        }
        " "
    }
}

pub fn reinsert(view: &View<'_>, id: &str, wish: &Wish, plan: &ReinsertPlan) -> Markup {
    let words = view.words();
    html! {
        h2 { (words.plan_reinsert) }
        pre.plan lang="en" tabindex="0" { (plan.lines.join("\n")) }
        (not_back(view, &plan.not_back))
        @if !plan.suggestions.is_empty() {
            h3 { (words.suggestions) }
            ul lang="en" { @for line in &plan.suggestions { li { code { (line) } } } }
        }
        (reinsert_form(view, id, wish, Some(&plan.warning)))
    }
}

/// The options, to be changed and planned again; with the database's name also to be carried out.
pub fn reinsert_form(view: &View<'_>, id: &str, wish: &Wish, warning: Option<&Warning>) -> Markup {
    let words = view.words();
    let lines = |name: &str, label: &str, value: &str| {
        html! { label { (label) textarea name=(name) rows="2" spellcheck="false" { (value) } } }
    };
    let choice = |name: &str, label: &str, options: &[(&str, &str, bool)]| {
        html! {
            label {
                (label) " "
                select name=(name) {
                    @for (value, text, chosen) in options { option value=(value) selected[*chosen] { (text) } }
                }
            }
        }
    };
    let on = wish.on_conflict;
    html! {
        form.confirm method="post" action={ "/backups/" (id) "/plan" } {
            (lines("maps", words.maps, &wish.maps))
            (lines("fills", words.fills, &wish.fills))
            (lines("map_values", words.map_values, &wish.map_values))
            (lines("tables", words.only_tables, &wish.tables))
            (choice("on_conflict", words.on_conflict, &[
                ("skip", words.skip_rows, on == OnConflict::Skip),
                ("fill", words.fill_rows, on == OnConflict::Fill),
                ("update", words.update_rows, on == OnConflict::Update),
                ("replace", words.replace_rows, on == OnConflict::Replace),
            ]))
            (choice("rejects", words.rejects, &[
                ("fail", words.rejects_fail, wish.rejects == Rejects::Fail),
                ("save", words.rejects_save, wish.rejects == Rejects::Save),
            ]))
            p { button { (words.plan_again) } }
        }
        @if let Some(warning) = warning {
            form.confirm method="post" action={ "/backups/" (id) "/reinsert" } {
                // what is carried out is what the plan above was made of, whatever stands in the fields by now
                @for (name, value) in [
                    ("maps", wish.maps.as_str()), ("fills", &wish.fills), ("map_values", &wish.map_values),
                    ("tables", &wish.tables), ("on_conflict", on.name()), ("rejects", wish.rejects.name()),
                ] { input type="hidden" name=(name) value=(value); }
                (type_name(view, warning))
                button.danger { (words.do_reinsert) }
            }
        }
    }
}

pub fn not_back(view: &View<'_>, left: &[NotBack]) -> Markup {
    let words = view.words();
    html! {
        @if !left.is_empty() {
            h3 { (words.not_back) }
            ul {
                @for one in left {
                    li.lost {
                        (one.table) @if let Some(column) = &one.column { "." (column) } ": "
                        @match (one.rows, one.values) {
                            (Some(rows), _) => { (view.count(rows)) " " (words.growth_rows) },
                            (None, values) => { (view.count(values.unwrap_or(0))) " " (words.values) },
                        }
                        " " small lang="en" { "(" (one.why) ")" }
                    }
                }
            }
        }
    }
}
