//! What is wanted of a guarded run, and how it ended.

use crate::domain::compare::Verification;
use crate::domain::ending::Conclusion;
use crate::domain::event::Observer;
use crate::domain::expected::LossPattern;
use crate::domain::lint::evidence::fingerprint;
use crate::domain::rehearsal::Rehearsal;
use crate::domain::run::{AppliedMigration, Run};
use crate::domain::suggest::Suggestion;
use crate::error::Result;
use crate::operations::interrupt::Interrupt;
use crate::operations::rehearsal::As;
use crate::operations::rescue::Answers;
use crate::postgres::url::DatabaseUrl;
use crate::prisma::Project;
use crate::store::Store;

/// Where a guarded command works.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub url: &'a DatabaseUrl,
    pub store: &'a Store,
    /// `None`: a command that is not Prisma's, around a database that is given by its URL.
    pub project: Option<&'a Project>,
    /// Backups of each kind that stay.
    pub keep: usize,
    /// Losses that are no surprise.
    pub expect_loss: &'a [LossPattern],
    pub observer: &'a dyn Observer,
    pub interrupt: &'a Interrupt,
}

/// How it ended.
#[derive(Debug)]
pub struct Outcome {
    pub run: Run,
    pub conclusion: Conclusion,
    pub suggestions: Vec<Suggestion>,
    /// `None` without a backup.
    pub verification: Option<Verification>,
}

/// Whether there is a way back.
#[derive(Clone, Copy)]
pub enum Backup<'a> {
    /// Before anything is done; without it nothing is.
    Before(Preparation<'a>),
    /// None, as typed by the user: nothing can be put back and nothing proven.
    Omitted,
}

/// A try on a scratch copy before anything is done.
#[derive(Clone, Copy)]
pub struct FirstTry<'a> {
    pub wanted: As,
    /// Whether it goes on after what was found; an error ends the run.
    pub go_on: &'a (dyn Fn(&Rehearsal) -> Result<()> + Sync),
}

/// What is done between the checkpoint and the command.
#[derive(Clone, Copy, Default)]
pub struct Preparation<'a> {
    pub first_try: Option<FirstTry<'a>>,
    /// Who says what was renamed; `None`: the command drafts nothing.
    pub rescue: Option<Answers<'a>>,
}

impl Place<'_> {
    /// The migration folders on disk.
    pub(super) fn folders(&self) -> Result<Vec<String>> {
        self.project.map_or_else(|| Ok(Vec::new()), Project::migrations_on_disk)
    }

    pub(super) fn as_they_ran(&self, applied: &[String]) -> Vec<AppliedMigration> {
        let project = self.project.iter();
        project.flat_map(|project| applied.iter().filter_map(|name| as_it_ran(project, name))).collect()
    }
}

/// `None` where its text cannot be read any more.
fn as_it_ran(project: &Project, name: &str) -> Option<AppliedMigration> {
    Some(AppliedMigration { name: name.to_owned(), blake3: fingerprint(&project.migration_sql(name)?) })
}
