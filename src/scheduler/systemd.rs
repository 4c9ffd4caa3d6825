//! systemd's timers of a user: two files and `systemctl --user`.

use crate::error::{Context, Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where a user's own units are.
pub fn folder(home: &Path) -> PathBuf {
    let configuration = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    configuration.unwrap_or_else(|| home.join(".config")).join("systemd/user")
}

/// Whether there is a systemd that would run a timer of this user.
///
/// # Errors
/// `Tool`, and what can be done instead.
pub fn is_there() -> Result<()> {
    systemctl(&["show-environment"]).map(drop).map_err(|error| {
        let message = "There is no systemd here that runs timers of this user. Nothing was changed";
        let error = Error::new(ErrorKind::Tool, message).because(error.causes().join(": "));
        error.hint("Without --systemd cron does it.")
    })
}

/// Reads the units again and starts the timer, now and whenever the user's systemd starts.
///
/// # Errors
/// `Other` with what `systemctl` said.
pub fn enable(timer: &str) -> Result<()> {
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", timer])?;
    // a timer that runs already goes on with its old times
    systemctl(&["restart", timer]).map(drop)
}

/// Stops the timer. Its files may go then; call `reload` when they are gone.
///
/// # Errors
/// `Other` with what `systemctl` said.
pub fn disable(timer: &str) -> Result<()> {
    systemctl(&["disable", "--now", timer]).map(drop)
}

/// # Errors
/// `Other` with what `systemctl` said.
pub fn reload() -> Result<()> {
    systemctl(&["daemon-reload"]).map(drop)
}

fn systemctl(arguments: &[&str]) -> Result<Vec<u8>> {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(arguments).env("LC_ALL", "C").stdin(Stdio::null());
    let shown = format!("`systemctl --user {}` failed", arguments.join(" "));
    let output = command.output().context(ErrorKind::Tool, || shown.clone())?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::new(ErrorKind::Other, shown).because(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
