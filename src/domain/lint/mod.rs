//! What the SQL of migrations does to data, before it runs anywhere.

pub mod accept;
mod alter;
mod comments;
mod data;
pub mod evidence;
pub mod kind;
mod known;
pub mod published;
mod reader;
pub mod secrets;
mod sql;
mod types;

pub use kind::{Finding, Kind, Severity};
pub use known::Known;
pub use reader::{meant, read};
pub use sql::{columns as columns_of, is_too_deep, named};
pub use types::{Cast, SqlType, cast};

use super::names::QualifiedName;
use accept::Accept;

/// What is said of one finding.
struct Sentence {
    message: String,
    remedy: String,
}

impl Sentence {
    fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into() }
    }

    fn unreadable(what: &str) -> Self {
        Self::new(format!("{what}: what it does to data is not known"), "Read it yourself")
    }

    fn finding(self, file: &str, line: usize, kind: Kind) -> Finding {
        let meant = format!("If it is meant, write above it: {}", Accept::comment(kind));
        let end = if self.remedy.ends_with([';', '…']) { " " } else { ". " };
        let remedy = format!("{}{end}{meant}", self.remedy);
        Finding { file: file.to_owned(), line, kind, severity: kind.severity(), message: self.message, remedy }
    }
}

/// A name as people say it: the schema only where it is another than Prisma's default.
fn shown(name: &QualifiedName) -> String {
    if name.schema == "public" { name.name.clone() } else { name.to_string() }
}

#[cfg(test)]
mod tests;
