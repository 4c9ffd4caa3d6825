//! The report of a run: written when it ends, found again when somebody wants to show it.

use crate::domain::event::{Event, Observer};
use crate::domain::lint::evidence::fingerprint;
use crate::domain::report::{AppliedScript, Document, Material, Types, compose, html, is_reported, markdown};
use crate::domain::run::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::prisma::Project;
pub use crate::store::ReportFormat;
use crate::store::Store;
use jiff::Timestamp;
use std::path::PathBuf;

/// Writes it into the store, with the migrations as they ran. The run is over by then: that its report could not be written is
/// a note. Call it under the lock.
pub fn write(store: &Store, run: &Run, project: Option<&Project>, observer: &dyn Observer) {
    if !is_reported(&run.command) {
        return;
    }
    let document = document(store, run, project);
    if let Err(error) = store.write_report(&run.id, &html(&document), &markdown(&document)) {
        observer.on(Event::Note(format!("The report of {} could not be written: {error}", run.id)));
    }
}

/// The report as it can be made of what is known of the run now.
pub fn document(store: &Store, run: &Run, project: Option<&Project>) -> Document {
    let between = |from: &str, to: &str| {
        let (from, to) = (from.parse::<Timestamp>().ok()?, to.parse::<Timestamp>().ok()?);
        Some(to.duration_since(from).as_secs_f64()).filter(|seconds| *seconds >= 0.0)
    };
    let copy = run.rehearsal.as_ref().map(|rehearsal| &rehearsal.copy);
    compose(&Material {
        run,
        scripts: project.map(|project| as_they_ran(run, project)).unwrap_or_default(),
        types_before: types(store, &run.before),
        types_after: types(store, &run.after),
        took: run.finished_at.as_ref().and_then(|end| between(&run.started_at, end)),
        copy_age: copy.and_then(|copy| between(&copy.taken_at, &run.started_at)),
    })
}

/// A text that was edited since is not what ran.
fn as_they_ran(run: &Run, project: &Project) -> Vec<AppliedScript> {
    let known = run.migrations.iter().filter_map(|ran| {
        let sql = project.migration_sql(&ran.name).filter(|sql| fingerprint(sql) == ran.blake3)?;
        Some(AppliedScript { name: ran.name.clone(), sql })
    });
    known.collect()
}

/// Of the full backup among these; what cannot be read is not known.
fn types(store: &Store, backups: &[String]) -> Types {
    let full = backups.iter().find(|id| id.starts_with("f-")).and_then(|id| store.manifest(id).ok());
    let tables = full.into_iter().flat_map(|manifest| manifest.tables);
    let columns = tables.flat_map(|data| {
        let name = data.table.name.to_string();
        data.table.columns.into_iter().map(move |column| ((name.clone(), column.name), column.type_name))
    });
    columns.collect()
}

/// A report that is there.
#[derive(Debug)]
pub struct Found {
    pub run: Run,
    pub html: PathBuf,
    pub markdown: PathBuf,
    /// The last run of a command that has reports, where it is another one: it has none.
    pub newer_without: Option<Run>,
}

/// The report of the run that an id or its beginning means; of the last run that has one without, or with `latest`.
///
/// # Errors
/// `NoSuchBackup` where there is none; `Usage` when several runs begin so; `Store`.
pub fn find(store: &Store, text: Option<&str>) -> Result<Found> {
    let runs = store.runs()?;
    let with_one = store.reports();
    let (run, newer_without) = match text {
        None | Some("latest") => {
            let last = runs.iter().find(|run| is_reported(&run.command));
            let found = runs.iter().find(|run| with_one.contains(&run.id)).ok_or_else(none_yet)?;
            (found.clone(), last.filter(|last| last.id != found.id).cloned())
        }
        Some(text) => (named(&runs, text)?.clone(), None),
    };
    if !with_one.contains(&run.id) {
        let message = format!("The run {} (safemigrate {}, {}) has no report", run.id, run.command, run.started_at);
        return Err(Error::new(ErrorKind::NoSuchBackup, message).hint("Those that have one: safemigrate history"));
    }
    let (html, markdown) = (store.report(&run.id, ReportFormat::Html), store.report(&run.id, ReportFormat::Markdown));
    Ok(Found { run, html, markdown, newer_without })
}

fn none_yet() -> Error {
    Error::new(ErrorKind::NoSuchBackup, "There is no report yet")
        .hint("`safemigrate dev`, `deploy` and `rehearse` write one for each run.")
}

fn named<'a>(runs: &'a [Run], text: &str) -> Result<&'a Run> {
    if let Some(run) = runs.iter().find(|run| run.id == text) {
        return Ok(run);
    }
    let begins = |run: &&Run| run.id.starts_with(text) || run.id.get(2..).is_some_and(|stem| stem.starts_with(text));
    let found: Vec<&Run> = runs.iter().filter(begins).filter(|_| !text.is_empty()).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Error::new(ErrorKind::NoSuchBackup, format!("There is no run {text}"))
            .hint("Those that there are: safemigrate history")),
        several => {
            let list: Vec<&str> = several.iter().map(|run| run.id.as_str()).collect();
            let message = format!("Several runs begin with {text}: {}", list.join(", "));
            Err(Error::new(ErrorKind::Usage, message).hint("Type more of the id."))
        }
    }
}
