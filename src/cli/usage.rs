//! clap's errors in our own words and shape.

use super::Stop;
use crate::error::{Error, ErrorKind};
use crate::ui;
use std::ffi::OsString;

/// What to do instead of running.
pub(super) fn stop(error: &clap::Error, _args: &[OsString]) -> Stop {
    let settings = ui::Settings::default();
    if !error.use_stderr() {
        return Stop::Help { settings, text: error.render().ansi().to_string() };
    }
    let error = Error::new(ErrorKind::Usage, error.to_string());
    Stop::Wrong { settings, command: "safemigrate".to_owned(), error }
}
