//! What is wanted of a guarded run, and how it ended.

use crate::domain::compare::Verification;
use crate::domain::ending::Conclusion;
use crate::domain::rehearsal::Rehearsal;
use crate::domain::run::Run;
use crate::domain::suggest::Suggestion;
use crate::error::Result;
use crate::operations::pending::As;
use crate::operations::rescue::Answers;

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
