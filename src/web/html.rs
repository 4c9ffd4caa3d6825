//! The frame of every page, and what all pages show alike.

use super::Page;
use super::format;
use super::language::Language;
use super::words::Words;
use crate::domain::manifest::{Kind, Reason};
use crate::domain::progress::Progress;
use crate::error::Error;
use crate::operations::ids;
use maud::{DOCTYPE, Markup, html};

/// Who is looking, and at what.
pub struct View<'a> {
    pub page: &'a Page,
    pub language: Language,
    /// Without the query; for the link to the other language.
    pub path: String,
}

impl View<'_> {
    pub fn words(&self) -> &'static Words {
        self.language.words()
    }

    pub fn size(&self, bytes: u64) -> String {
        format::size(self.language, bytes)
    }

    pub fn count(&self, number: u64) -> String {
        format::count(self.language, number)
    }

    /// How long ago, with the moment itself behind it.
    pub fn time(&self, time: &str) -> Markup {
        html! {
            time datetime=(time) title=(format!("{} UTC", format::minute(time))) {
                (format::ago(self.language, &ids::now(), time))
                " " small { (format::minute(time)) }
            }
        }
    }

    pub fn kind(&self, kind: Kind) -> Markup {
        let (picture, word) = match kind {
            Kind::Full => ("📦", self.words().full),
            Kind::DataOnly => ("📊", self.words().data_only),
        };
        html! { span.kind { span aria-hidden="true" { (picture) } " " (word) } }
    }

    pub fn reason(&self, reason: Reason) -> &'static str {
        let words = self.words();
        match reason {
            Reason::BeforeMigration => words.before_migration,
            Reason::AfterMigration => words.after_migration,
            Reason::BeforeRestore => words.before_restore,
            Reason::Scheduled => words.scheduled,
            Reason::Manual => words.manual,
        }
    }

    /// The whole page.
    pub fn page(&self, title: &str, content: &Markup) -> Markup {
        self.framed(title, content, &html! {})
    }

    /// The same, asking again by itself where there is no script to do it.
    pub fn page_in_motion(&self, title: &str, content: &Markup) -> Markup {
        self.framed(title, content, &html! { noscript { meta http-equiv="refresh" content="2"; } })
    }

    fn framed(&self, title: &str, content: &Markup, head: &Markup) -> Markup {
        let words = self.words();
        let other = if self.language == Language::English { "ru" } else { "en" };
        let place = &self.page.place;
        bare(
            self.language,
            title,
            head,
            &html! {
                a.skip href="#content" { (words.skip) }
                header {
                    nav aria-label="safemigrate" {
                        a.brand href="/backups" { "safemigrate" }
                        a href="/backups" aria-current=[self.here("/backups")] { (words.backups_short) }
                        a href="/runs" aria-current=[self.here("/runs")] { (words.runs) }
                        a.language href={ (self.path) "?lang=" (other) } lang=(other) hreflang=(other) { (words.other_language) }
                    }
                }
                div #now data-live="/now" aria-live="polite" { (self.now()) }
                main #content tabindex="-1" { (content) }
                footer {
                    (words.store) ": " code { (place.store.root().display()) }
                    " · safemigrate " (env!("CARGO_PKG_VERSION"))
                }
            },
        )
    }

    fn here(&self, place: &str) -> Option<&'static str> {
        (self.path == place).then_some("page")
    }

    /// What is at work right now, here or in a terminal.
    pub fn now(&self) -> Markup {
        let words = self.words();
        let jobs = self.page.jobs.at_work();
        let elsewhere = self.page.place.store.lock_holder().filter(|holder| holder.pid != std::process::id());
        html! {
            @for job in &jobs {
                p.now {
                    strong { (words.at_work) ": " } (self.job_name(job)) " "
                    (self.bar(&job.progress())) " "
                    a href={ "/jobs/" (job.number) } { (words.watch) }
                }
            }
            @if let Some(holder) = elsewhere {
                p.now {
                    strong { (words.at_work) ": " }
                    code { "safemigrate " (holder.command) } " (" (words.process) " " (holder.pid) ") "
                    (words.at_work_other) " " (format::minute(&holder.since)) " UTC"
                    @if let Some(progress) = self.page.place.store.progress_of(holder.pid) { ": " (self.bar(&progress)) }
                }
            }
        }
    }

    /// How far a job is.
    pub fn bar(&self, progress: &Progress) -> Markup {
        let words = self.words();
        let share = progress.bytes.min(progress.total);
        html! {
            span.stage {
                (if progress.stage.is_empty() { words.waiting } else { &progress.stage })
                " "
                @if progress.total > 0 {
                    progress max=(progress.total) value=(share) aria-label=(progress.stage) {}
                    " " (self.size(progress.bytes)) " " (words.of) " " (words.about) " " (self.size(progress.total))
                }
                @if progress.tables > 0 { ", " (self.count(progress.tables)) " " (words.tables_done) }
            }
        }
    }

    /// An error as the terminal would show it.
    pub fn error(&self, error: &Error) -> Markup {
        let words = self.words();
        html! {
            section.bad role="alert" {
                h2 { (words.failed) }
                p lang="en" { (error.message) }
                @for cause in error.causes() { p.cause lang="en" { (cause) } }
                @if !error.hints.is_empty() {
                    h3 { (words.what_to_do) }
                    ul lang="en" { @for hint in &error.hints { li { (hint) } } }
                }
            }
        }
    }
}

/// The page without anything in it that only its user may see.
fn bare(language: Language, title: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · safemigrate" }
                link rel="icon" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/style.css";
                script src="/assets/page.js" defer {}
                (head)
            }
            body { (body) }
        }
    }
}

/// Where nothing is.
pub fn nothing(view: &View<'_>) -> Markup {
    let words = view.words();
    html! { h1 { (words.not_found) } p { a href="/backups" { (words.back_to_list) } } }
}

/// For whoever has no cookie: nothing of the store is in it.
pub fn refused(language: Language) -> Markup {
    let words = language.words();
    bare(
        language,
        words.refused_title,
        &html! {},
        &html! {
            main { h1 { (words.refused_title) } p { (words.refused) } }
        },
    )
}

/// Hands the cookie over, and goes on to the list.
pub fn welcome(language: Language) -> Markup {
    let words = language.words();
    let head = html! { meta http-equiv="refresh" content="0;url=/backups"; };
    bare(language, words.backups, &head, &html! { main { p { a href="/backups" { (words.welcome) } } } })
}

pub const STYLE: &str = include_str!("assets/style.css");
pub const SCRIPT: &str = include_str!("assets/page.js");
pub const ICON: &str = include_str!("assets/icon.svg");
