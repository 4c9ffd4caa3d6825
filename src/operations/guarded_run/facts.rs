//! What is known when the command has ended.

use super::{Place, Seen};
use crate::domain::ending::{Facts, Migration};
use crate::domain::run::Run;
use crate::error::Result;

/// Migration folders that came during the run and are not applied.
pub(super) fn drafted(place: &Place<'_>, after: &Seen, folders_before: &[String]) -> Result<Vec<String>> {
    let mut folders = place.folders()?;
    folders.retain(|name| !folders_before.contains(name) && !after.names(Migration::is_applied).contains(name));
    Ok(folders)
}

pub(super) fn facts(run: &Run, before: &Seen, after: &Seen, drafted: Vec<String>) -> Facts {
    let without = |all: Vec<String>, known: &[String]| -> Vec<String> {
        all.into_iter().filter(|n| !known.contains(n)).collect()
    };
    // a reset applies everything anew
    let anew = run.command == "reset" && run.prisma_exit_code == Some(0);
    let known = if anew { Vec::new() } else { before.names(Migration::is_applied) };
    let (failed_before, failed_now) = (before.names(Migration::is_failed), after.names(Migration::is_failed));
    Facts {
        command: run.command.clone(),
        exit_code: run.prisma_exit_code.unwrap_or(0),
        failed: without(failed_now.clone(), &failed_before),
        failed_before: failed_before.into_iter().filter(|n| failed_now.contains(n)).collect(),
        applied: without(after.names(Migration::is_applied), &known),
        drafted,
        existed: before.taken.is_some(),
        exists: after.taken.is_some(),
        full: run.full().map(str::to_owned),
        data_only: run.data_only().map(str::to_owned),
        suggestions: Vec::new(),
    }
}
