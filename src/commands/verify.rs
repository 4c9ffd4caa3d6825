//! `verify [ID]`: the live database against a backup.

use super::loss;
use super::target::target;
use crate::cli::{Globals, IdArgs};
use crate::domain::compare::Verification;
use crate::domain::manifest::Wanted;
use crate::error::{Error, ErrorKind, Result};
use crate::operations::check::refuse_damaged;
use crate::operations::interrupt::Interrupt;
use crate::operations::verification::{Extent, compare_live};
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;

pub async fn run(globals: &Globals, args: &IdArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let target = target(globals).await?;
    let store = &target.place.store;
    let backup = target.place.backup(args.id.as_deref(), Wanted::Full)?;
    interrupt.or(refuse_damaged(store, &backup)).await?;
    let verification =
        compare_live(&target.url, store, &backup, Extent::Everything(&[]), &ui.progress(), interrupt).await?;
    let ok = verification.ok;
    let report = Verify { backup: backup.id.clone(), verification };
    if ok {
        ui.result(&report);
        return Ok(());
    }
    let mut error =
        Error::new(ErrorKind::DataLost, format!("The database does not hold everything that is in {}", backup.id));
    if let Some(full) = target.place.full_of(&backup) {
        error = error.hint(format!("Structure and data as in the backup: safemigrate rollback {full}"));
    }
    error = error.hint(format!("Its rows into the schema as it is:   safemigrate reinsert {}", backup.id));
    Err(Failure::with(error, report))
}

struct Verify {
    backup: String,
    verification: Verification,
}

impl Report for Verify {
    fn command(&self) -> &'static str {
        "verify"
    }

    fn ok(&self) -> bool {
        self.verification.ok
    }

    fn json(&self) -> Fields {
        Fields::from_iter([
            ("backup".to_owned(), json!(self.backup)),
            ("tables".to_owned(), json!(self.verification.tables)),
        ])
    }

    fn text(&self, style: &Style) -> String {
        let all = loss::overview(&self.verification, style);
        let end = match self.verification.ok {
            true => style.green(format!("Everything in {} is there: every row, every value.", self.backup)),
            false => style.red(format!("Not everything in {} is there.", self.backup)),
        };
        format!("{all}\n{end}")
    }
}
