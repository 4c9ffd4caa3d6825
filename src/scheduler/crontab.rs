//! The crontab of the user who runs us, read and written by the program `crontab`.

use crate::error::{Context, Error, ErrorKind, Result};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long another installation of ours may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps a second of us from changing the crontab between our reading and our writing. `crontab` has no lock for that.
pub struct Held {
    _home: Option<File>,
}

/// Waits for its turn. `home`: a folder that all of the user's commands share.
///
/// # Errors
/// `Locked` when it is not our turn for long.
pub fn hold(home: &Path) -> Result<Held> {
    let Ok(file) = File::open(home) else { return Ok(Held { _home: None }) };
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Held { _home: Some(file) }),
            // a disk that knows no locks
            Err(TryLockError::Error(_)) => return Ok(Held { _home: None }),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
            Err(TryLockError::WouldBlock) => {
                let message = "Another safemigrate is changing the crontab. Nothing was changed";
                return Err(Error::new(ErrorKind::Locked, message).hint("Try again when it is done."));
            }
        }
    }
}

/// The crontab; `None` where the user has none.
///
/// # Errors
/// `Tool` without cron; `Other` where the user may have no crontab.
pub fn read() -> Result<Option<Vec<u8>>> {
    let output = crontab(&["-l"]).output().map_err(missing)?;
    if output.status.success() {
        return Ok(Some(output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    // busybox speaks of its file
    if said.contains("no crontab") || said.contains("No such file") {
        return Ok(None);
    }
    let error = Error::new(ErrorKind::Other, "The crontab cannot be read (`crontab -l`). Nothing was changed");
    Err(if said.is_empty() { error } else { error.because(said) })
}

/// Puts a crontab in the place of the user's; `None` takes it away.
///
/// # Errors
/// `Tool` without cron; `Other` with what `crontab` said; it is then as it was.
pub fn write(content: Option<&[u8]>) -> Result<()> {
    let mut command = crontab(&[if content.is_some() { "-" } else { "-r" }]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(missing)?;
    let stdin = child.stdin.take();
    let fed = stdin.map_or(Ok(()), |mut stdin| stdin.write_all(content.unwrap_or_default()));
    let output = child.wait_with_output().context(ErrorKind::Other, || "`crontab` did not end well".into())?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let refused =
        |said: String| Error::new(ErrorKind::Other, "`crontab` did not take it. Nothing was changed").because(said);
    if !output.status.success() {
        return Err(refused(said));
    }
    fed.map_err(|e| refused(e.to_string()))?;
    if read()?.as_deref() == content {
        return Ok(());
    }
    let message = "The crontab is not what was written: somebody else changed it at the same time";
    Err(Error::new(ErrorKind::Other, message).hint("Look at it (crontab -l), and try again."))
}

fn crontab(arguments: &[&str]) -> Command {
    let mut command = Command::new("crontab");
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null());
    // Debian's would show three lines that are not in the file
    command.env_remove("CRONTAB_NOHEADER");
    command
}

fn missing(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Tool, "There is no `crontab` here. Nothing was changed")
        .hint("Install cron (Debian, Ubuntu: apt-get install cron; Fedora: dnf install cronie), or use --systemd.")
        .because(error)
}
