//! A report is data with two renderers; an error is printed by one function.

use super::Style;
use crate::error::Error;
use serde_json::{Value, json};

/// Fields of a JSON object besides `command` and `ok`.
pub type Fields = serde_json::Map<String, Value>;

/// What a command has to say at its end.
pub trait Report {
    fn command(&self) -> &'static str;
    fn ok(&self) -> bool;
    /// Fields besides `command` and `ok`, as `CONTRACT.md` names them.
    fn json(&self) -> Fields;
    fn text(&self, style: &Style) -> String;
}

/// How a command ends when it does not end well; some errors have a report to show all the same.
pub struct Failure {
    pub error: Error,
    pub report: Option<Box<dyn Report>>,
}

impl Failure {
    pub fn with(error: Error, report: impl Report + 'static) -> Self {
        Self { error, report: Some(Box::new(report)) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, report: None }
    }
}

/// The one object of a command that ended well.
pub(super) fn success(report: &(impl Report + ?Sized)) -> String {
    object(report.command(), report.ok(), None, &report.json())
}

/// The one object of a command that did not.
pub(super) fn failure(error: &Error, command: &str, fields: &Fields) -> String {
    let error = json!({ "kind": error.kind.name(), "message": error.to_string(), "hints": error.hints });
    object(command, false, Some(error), fields)
}

/// `command` and `ok` first, for the eyes; the contract does not order them.
fn object(command: &str, ok: bool, error: Option<Value>, fields: &Fields) -> String {
    let mut text = format!("{{\"command\":{},\"ok\":{ok}", Value::from(command));
    let rest = error.iter().map(|e| ("error", e)).chain(fields.iter().map(|(k, v)| (k.as_str(), v)));
    for (key, value) in rest {
        text.push_str(&format!(",{}:{value}", Value::from(key)));
    }
    text.push('}');
    text
}

/// `error: what happened`, then why, then what to type.
pub(super) fn error_text(error: &Error, style: &Style) -> String {
    let mut text = format!("{} {}", style.red("error:"), error.message);
    for cause in error.causes() {
        text.push_str(&format!("\n  {} {cause}", style.dim("because:")));
    }
    for hint in &error.hints {
        text.push_str(&format!("\n{} {hint}", style.cyan("hint:")));
    }
    text
}
