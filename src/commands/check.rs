//! `check`: are the backups themselves whole? With `--restore` it is proven.

use super::target::{place, target};
use crate::cli::{CheckArgs, Globals};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::check::{Checked, Finding, Proof, Scope, check, prove};
use crate::operations::interrupt::Interrupt;
use crate::ui::{Failure, Fields, Report, Style, Ui, plural, size};
use serde_json::json;

pub async fn run(globals: &Globals, args: &CheckArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let scope = match &args.id {
        _ if args.all => Scope::All,
        None => Scope::Newest,
        Some(id) if id == "latest" => Scope::Newest,
        Some(id) => Scope::One(id.clone()),
    };
    let progress = ui.progress();
    let checked = if args.restore {
        let target = target(globals).await?;
        let store = &target.place.store;
        let mut checked = check(store, &scope, &progress, interrupt).await?;
        if let Err(error) = prove(&target.url, store, &mut checked, &progress, interrupt).await {
            return Err(Failure::with(error, Check(checked)));
        }
        checked
    } else {
        check(&place(globals)?.store, &scope, &progress, interrupt).await?
    };
    if checked.is_whole() {
        ui.result(&Check(checked));
        return Ok(());
    }
    Err(Failure::with(damaged(&checked), Check(checked)))
}

fn damaged(checked: &Checked) -> Error {
    let bad: Vec<&Finding> = checked.backups.iter().filter(|finding| !finding.is_whole()).collect();
    let message = match bad.as_slice() {
        [] => "The backups are whole, but not the journal beside them: which run was the last is not sure".to_owned(),
        [one] => format!("The backup {} is damaged: {}", one.id, one.problems.join("; ")),
        several => {
            let ids: Vec<&str> = several.iter().map(|finding| finding.id.as_str()).collect();
            format!("{} of {} backups are damaged: {}", several.len(), checked.backups.len(), ids.join(", "))
        }
    };
    let mut error = Error::new(ErrorKind::Damaged, format!("{message}. Nothing was changed"));
    if !bad.is_empty() {
        error = error.hint(
            "Take a new one (`safemigrate backup`): of the data that is still the same it also writes damaged objects anew.",
        );
        error = error.hint("`safemigrate check --all` tells which others are whole.");
    }
    error
}

struct Check(Checked);

impl Report for Check {
    fn command(&self) -> &'static str {
        "check"
    }

    fn ok(&self) -> bool {
        self.0.is_whole()
    }

    fn json(&self) -> Fields {
        let backups = self.0.backups.iter().map(|finding| {
            json!({
                "id": finding.id, "ok": finding.is_whole(), "problems": finding.problems, "proof": finding.proof,
                "note": finding.note, "objects": finding.objects, "bytes": finding.bytes,
            })
        });
        Fields::from_iter([
            ("backups".to_owned(), backups.collect()),
            ("journal_problems".to_owned(), json!(self.0.journal)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let mut lines = Vec::new();
        for finding in &self.0.backups {
            let id = style.cyan(&finding.id);
            if !finding.is_whole() {
                lines.push(format!("{} {id} is damaged", style.red("✘")));
                lines.extend(finding.problems.iter().map(|problem| format!("    {problem}")));
                continue;
            }
            let read = format!("{}, {} read", plural(finding.objects as u64, "object"), size(finding.bytes));
            let proof = match finding.proof {
                Proof::Hashes => "every hash is right",
                Proof::Rows => "every hash, count and digest is right",
                Proof::Restored => "restored into a scratch database, compared value by value, dropped again",
            };
            lines.push(format!("{} {id} is whole: {read}; {proof}", style.green("✔")));
            lines.extend(finding.note.iter().map(|note| format!("    {} {note}", style.yellow("Note:"))));
        }
        lines.extend(self.0.journal.iter().map(|problem| format!("{} {problem}", style.red("✘"))));
        lines.join("\n")
    }
}
