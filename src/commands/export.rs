//! `export ID`: a backup as a file, or on stdout.

use super::target::place;
use crate::cli::{ExportArgs, ExportFormat, Globals};
use crate::domain::manifest::{Manifest, Wanted};
use crate::domain::names::shell_word;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::export::{Existing, Format, file_name, start, write_file, write_through};
use crate::operations::interrupt::Interrupt;
use crate::ui::{Answer, Failure, Fields, Report, Style, Ui, plural, size};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub async fn run(globals: &Globals, args: &ExportArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let place = place(globals)?;
    let backup = place.store.resolve(&args.id, Wanted::Any)?;
    let format = match args.format {
        ExportFormat::Sql => Format::Sql,
        ExportFormat::Inserts => Format::Inserts,
        ExportFormat::Archive => Format::Archive,
    };
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    if to_stdout && ui.is_json() {
        let message = "--json and -o - both want stdout for themselves. Nothing was written";
        return Err(Error::new(ErrorKind::Usage, message).hint("Give a file: -o FILE").into());
    }
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(file_name(&backup, format)));
    let existing = if to_stdout { Existing::Refuse } else { may_replace(&path, args.force, ui)? };
    let mut export = start(&place.store, &backup, format, Arc::new(ui.progress()))?;
    let written = if to_stdout {
        write_through(&mut export, ui.stream(), interrupt).await
    } else {
        write_file(&mut export, &path, existing, interrupt).await
    };
    drop(export);
    let bytes = written.map_err(|error| not_written(error, to_stdout))?;
    let report = Export { backup, format, path, bytes };
    if to_stdout {
        ui.say(&report.text(ui.style()));
    } else {
        ui.result(&report);
    }
    Ok(())
}

/// Whether the file may take the place of one that is there: `--force`, or a person says so.
fn may_replace(path: &Path, force: bool, ui: &Ui) -> Result<Existing> {
    if force {
        return Ok(Existing::Replace);
    }
    if !path.exists() {
        return Ok(Existing::Refuse);
    }
    match ui.confirm(&format!("{} exists. Replace it?", path.display()), false).map_err(Error::nothing_changed)? {
        Answer::Yes => Ok(Existing::Replace),
        Answer::No => Err(Error::new(ErrorKind::Interrupted, "Cancelled. Nothing was written")),
    }
}

/// What whoever waits for the file asks first.
fn not_written(mut error: Error, to_stdout: bool) -> Error {
    let sentence = if to_stdout { "What came out so far is worth nothing" } else { "No file was written" };
    if error.kind == ErrorKind::Interrupted {
        error.message = "Interrupted while exporting".to_owned();
    }
    error = error.promising_nothing();
    error.message = format!("{}. {sentence}", error.message.trim_end_matches('.'));
    error
}

struct Export {
    backup: Manifest,
    format: Format,
    path: PathBuf,
    bytes: u64,
}

impl Report for Export {
    fn command(&self) -> &'static str {
        "export"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("backup".to_owned(), json!(self.backup.id)),
            ("kind".to_owned(), json!(self.backup.kind.name())),
            ("format".to_owned(), json!(self.format.name())),
            ("file".to_owned(), json!(self.path)),
            ("bytes".to_owned(), json!(self.bytes)),
            ("tables".to_owned(), json!(self.backup.tables.len())),
            ("rows".to_owned(), json!(self.backup.rows())),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let Self { backup, path, bytes, .. } = self;
        let (rows, tables) = (plural(backup.rows(), "row"), plural(backup.tables.len() as u64, "table"));
        let (done, id) = (style.green("✔"), style.cyan(&backup.id));
        if path == Path::new("-") {
            return format!("{done} {id} written to stdout: {rows} in {tables}, {}, every hash right", size(*bytes));
        }
        let shown = path.display();
        let file = shell_word(&path.to_string_lossy());
        let how = match self.format {
            Format::Archive => format!("pg_restore --no-owner --no-acl -d DATABASE {file}"),
            Format::Sql | Format::Inserts => format!("psql -v ON_ERROR_STOP=1 -d DATABASE -f {file}"),
        };
        let whereto = match backup.structure {
            Some(_) => "Into an empty database",
            None => "Into the same structure, without rows",
        };
        format!("{done} {id} is in {shown}: {rows} in {tables}, {}, every hash right\n{whereto}: {how}", size(*bytes))
    }
}
