//! What is wrong with a file of the store, as the end of a sentence: "is missing", "is cut off: …".

use std::error::Error;
use std::fmt;

#[derive(Debug)]
pub struct Flaw {
    pub(super) how: &'static str,
    pub(super) cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Flaw {
    pub(super) fn new(how: &'static str) -> Self {
        Self { how, cause: None }
    }

    pub(super) fn because(how: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { how, cause: Some(cause.into()) }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.how)?;
        self.cause.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}
