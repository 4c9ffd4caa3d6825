//! A job's page: how far it is, and then what came of it.

use super::html::View;
use super::jobs::Job;
use super::plans;
use super::runs;
use super::work::{Done, ReInserted, Work};
use crate::domain::checkmark::Proof;
use crate::domain::manifest::Manifest;
use crate::operations::check::Checked;
use crate::operations::restore::RolledBack;
use maud::{Markup, html};

impl View<'_> {
    /// What a job does, in a few words.
    pub fn job_name(&self, job: &Job) -> Markup {
        let words = self.words();
        let (name, id) = match &job.work {
            Work::Backup(_) => (words.job_backup, None),
            Work::PlanRollback { id } | Work::PlanReinsert { id, .. } => (words.job_plan, Some(id)),
            Work::Rollback { id, .. } => (words.job_rollback, Some(id)),
            Work::Reinsert { id, .. } => (words.job_reinsert, Some(id)),
            Work::Check { id } | Work::CheckByRestoring { id } => (words.job_check, Some(id)),
        };
        html! { (name) @if let Some(id) = id { " " code { (id) } } }
    }
}

pub fn page(view: &View<'_>, job: &Job) -> Markup {
    let words = view.words();
    let title = match &job.work {
        Work::PlanRollback { .. } => words.plan_rollback,
        Work::PlanReinsert { .. } => words.plan_reinsert,
        Work::Backup(_) => words.job_backup,
        Work::Rollback { .. } => words.job_rollback,
        Work::Reinsert { .. } => words.job_reinsert,
        Work::Check { .. } | Work::CheckByRestoring { .. } => words.job_check,
    };
    let ended = job.end().is_some();
    let live = (!ended).then(|| format!("/jobs/{}/live", job.number));
    let content = html! {
        h1 { (view.job_name(job)) }
        p { small { (view.time(&job.started_at)) " UTC" } }
        section #job data-live=[live] aria-live="polite" { (part(view, job)) }
        p { a href="/backups" { (words.back_to_list) } }
    };
    if ended { view.page(title, &content) } else { view.page_in_motion(title, &content) }
}

/// What changes while it works.
pub fn part(view: &View<'_>, job: &Job) -> Markup {
    let words = view.words();
    let notes = job.notes();
    html! {
        @match job.end().as_deref() {
            None => {
                p { strong { (words.working) ": " } (view.bar(&job.progress())) }
                @if job.is_cancelled() { p { (words.cancelling) } } @else {
                    form method="post" action={ "/jobs/" (job.number) "/cancel" } { button { (words.cancel) } }
                }
            }
            Some(Ok(done)) => (result(view, job, done)),
            Some(Err(error)) => {
                (view.error(error))
                // what was typed into the form is not lost
                @if let Work::PlanReinsert { id, wish } | Work::Reinsert { id, wish, .. } = &job.work {
                    (plans::reinsert_form(view, id, wish, None))
                }
            }
        }
        @if !notes.is_empty() { ul.notes lang="en" { @for note in &notes { li { (note) } } } }
    }
}

fn result(view: &View<'_>, job: &Job, done: &Done) -> Markup {
    match (done, &job.work) {
        (Done::Backup(manifests), _) => backups(view, manifests),
        (Done::RollbackPlan(plan), _) => plans::rollback(view, plan),
        (Done::ReinsertPlan(plan), Work::PlanReinsert { id, wish }) => plans::reinsert(view, id, wish, plan),
        (Done::ReinsertPlan(_), _) => html! {},
        (Done::RolledBack(done), _) => rolled_back(view, done),
        (Done::ReInserted(done), _) => re_inserted(view, done),
        (Done::Checked(checked), _) => checks(view, checked),
    }
}

fn backups(view: &View<'_>, manifests: &[Manifest]) -> Markup {
    let words = view.words();
    html! {
        section.good {
            h2 { "✔ " (words.done) }
            p { (words.taken_done) }
            ul {
                @for m in manifests {
                    li {
                        a href={ "/backups/" (m.id) } { (view.kind(m.kind)) " " code { (m.id) } } " "
                        (view.count(m.rows())) " " (words.growth_rows) ", " (view.size(m.bytes()))
                    }
                }
            }
        }
    }
}

fn rolled_back(view: &View<'_>, done: &RolledBack) -> Markup {
    let words = view.words();
    html! {
        section.good {
            h2 { "✔ " (words.done) }
            p { (words.rolled_back) " " (view.count(done.restored.rows)) " " (words.growth_rows) ", "
                (view.count(done.restored.tables as u64)) " " (words.tables) }
            ul.notes lang="en" { @for note in &done.restored.notes { li { (note) } } }
            @if !done.safety_backups.is_empty() {
                p { (words.undo) @for id in &done.safety_backups { " " a href={ "/backups/" (id) } { (id) } } }
            }
            @if !done.pending.is_empty() {
                p { (words.pending) " " @for name in &done.pending { code { (name) } " " } }
            }
            p { a href={ "/runs/" (done.run) } { (words.run) " " (done.run) } }
        }
    }
}

fn re_inserted(view: &View<'_>, done: &ReInserted) -> Markup {
    let words = view.words();
    html! {
        section.good {
            h2 { "✔ " (words.done) }
            p {
                @if done.verification.as_ref().is_some_and(|v| v.ok) { (words.all_back) } @else { (words.re_inserted) }
            }
        }
        div.wide role="region" aria-label=(words.re_inserted) tabindex="0" {
            table.list {
                thead {
                    tr {
                        th scope="col" { (words.table) }
                        @for name in [words.in_backup, words.inserted, words.present, words.updated, words.rejected] {
                            th.number scope="col" { (name) }
                        }
                    }
                }
                tbody {
                    @for t in &done.report.tables {
                        tr {
                            td data-label=(words.table) { (t.from) @if t.from != t.table { " → " (t.table) } }
                            @for (name, number) in [
                                (words.in_backup, t.in_backup), (words.inserted, t.inserted), (words.present, t.already_present),
                                (words.updated, t.updated), (words.rejected, t.rejected),
                            ] { td.number data-label=(name) { (view.count(number)) } }
                        }
                    }
                }
            }
        }
        @if let Some(folder) = &done.report.rejects_dir { p { (words.saved_rejects) " " code { (folder) } } }
        (plans::not_back(view, &done.not_back))
        @if let Some(verification) = done.verification.as_ref().filter(|v| !v.ok) { (runs::report(view, verification)) }
    }
}

fn checks(view: &View<'_>, checked: &Checked) -> Markup {
    let words = view.words();
    html! {
        @for finding in &checked.backups {
            @if finding.is_whole() {
                section.good {
                    h2 { "✔ " code { (finding.id) } " " (words.whole) }
                    p { (match finding.proof {
                        Proof::Hashes => words.proof_hashes,
                        Proof::Rows => words.proof_rows,
                        Proof::Restored => words.proof_restored,
                    }) }
                    @if let Some(note) = &finding.note { p lang="en" { (note) } }
                }
            } @else {
                section.bad role="alert" {
                    h2 { code { (finding.id) } " " (words.damaged) }
                    ul lang="en" { @for problem in &finding.problems { li { (problem) } } }
                }
            }
        }
    }
}
