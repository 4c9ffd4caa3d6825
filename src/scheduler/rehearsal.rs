//! What cron will run, run once as cron would: by `/bin/sh`, at home, with nothing of the user's shell around it.

use crate::error::{Context, ErrorKind, Result};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// What our own program said of itself.
pub enum Rehearsed {
    /// Its JSON object.
    Ready(Value),
    Refused {
        code: i32,
        message: String,
        hints: Vec<String>,
    },
}

/// `line`: a command of ours that answers with one JSON object.
///
/// # Errors
/// `Other` where there is no shell.
pub fn rehearse(line: &str, home: &Path, user: &str) -> Result<Rehearsed> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(line).current_dir(home).env_clear();
    shell.env("HOME", home).env("LOGNAME", user).env("SHELL", "/bin/sh").env("PATH", "/usr/bin:/bin");
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output =
        shell.output().context(ErrorKind::Other, || "/bin/sh cannot be started. Nothing was changed".into())?;
    let said: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let code = output.status.code().unwrap_or(-1);
    Ok(match said {
        Some(said) if code == 0 => Rehearsed::Ready(said),
        Some(said) => {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let hints = said["error"]["hints"].as_array().into_iter().flatten().filter_map(text).collect();
            Rehearsed::Refused { code, message: text(&said["error"]["message"]).unwrap_or_default(), hints }
        }
        None => {
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Rehearsed::Refused { code, message, hints: Vec::new() }
        }
    })
}
