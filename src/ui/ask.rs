//! Questions, only where a person can answer them.

use super::Ui;
use crate::error::{Error, ErrorKind, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
}

impl Ui {
    /// A yes-or-no question; `-y` says yes.
    ///
    /// # Errors
    /// `Confirmation` when nobody can be asked, `Interrupted` on Ctrl-C or Esc.
    pub fn confirm(&self, question: &str, _default: bool) -> Result<Answer> {
        Err(nobody(question))
    }

    /// One of several; the index of the chosen one. `-y` does not choose.
    ///
    /// # Errors
    /// As `confirm`.
    pub fn choose(&self, question: &str, _options: &[&str]) -> Result<usize> {
        Err(nobody(question))
    }

    /// Has the user type `expected` (a database's name), or takes it from `--confirm`; `-y` is not enough.
    ///
    /// # Errors
    /// As `confirm`, and `Confirmation` when something else was typed.
    pub fn type_name(&self, expected: &str) -> Result<()> {
        Err(nobody(expected))
    }
}

fn nobody(question: &str) -> Error {
    Error::new(ErrorKind::Confirmation, format!("This needs a confirmation, and nobody can be asked: {question}"))
}
