//! A child at the user's terminal: its prompts, colours and Ctrl-C work as without us.

use crate::error::{Context, Error, ErrorKind, Result};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A program to be run, as a value that can be shown before it is.
#[derive(Clone, PartialEq, Eq)]
pub struct ChildCommand {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub directory: PathBuf,
    /// Its `PATH`, where it is not ours.
    pub path: Option<OsString>,
    /// Variables that it has besides ours.
    pub environment: Vec<(OsString, OsString)>,
    /// The command as a user would type it, without secrets.
    pub shown: String,
}

impl fmt::Display for ChildCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl ChildCommand {
    /// The same command with one more flag, if it has not got it.
    #[must_use]
    pub fn with(&self, flag: &str) -> Self {
        let mut child = self.clone();
        if !child.has(flag) {
            child.arguments.push(flag.into());
            child.shown = format!("{} {flag}", child.shown);
        }
        child
    }

    /// The same command without a flag.
    #[must_use]
    pub fn without(&self, flag: &str) -> Self {
        let mut child = self.clone();
        child.arguments.retain(|word| word != flag);
        child
    }

    pub fn has(&self, flag: &str) -> bool {
        self.arguments.iter().any(|word| word == flag)
    }
}

/// Where the child's results go; its questions are asked on the terminal either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attach {
    Terminal,
    /// For `--json`: our stdout belongs to the one JSON object.
    StdoutToStderr,
}

/// How the child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildExit {
    /// Its exit code, or 128 + the signal that killed it.
    pub code: i32,
    /// Whether Ctrl-C (or Ctrl-\) was pressed meanwhile.
    pub interrupted: bool,
    /// Whether we were told to end (SIGTERM, SIGHUP); the child was told, too.
    pub terminated: bool,
}

impl ChildExit {
    pub fn success(self) -> bool {
        self.code == 0
    }
}

/// Runs it in our process group with our terminal and waits for its end, whatever signals come: Ctrl-C is the child's to
/// answer, a request to end is handed on. The future must be driven to its end; dropping it leaves the child alone.
///
/// # Errors
/// `Tool` where the program cannot be started.
pub async fn run_attached(command: &ChildCommand, attach: Attach) -> Result<ChildExit> {
    Attached::start(command, attach)?.ended().await
}

/// A child in our process group, with our terminal. Dropped, it is left alone.
pub struct Attached {
    child: Child,
    shown: String,
    keys: [Signal; 2],
    requests: [Signal; 2],
    interrupted: bool,
    terminated: bool,
}

impl Attached {
    /// # Errors
    /// `Tool` where the program cannot be started.
    pub fn start(command: &ChildCommand, attach: Attach) -> Result<Self> {
        // listening replaces the default (death) from before the child exists; a child starts with the defaults again
        let keys = [listen(SignalKind::interrupt())?, listen(SignalKind::quit())?];
        let requests = [listen(SignalKind::terminate())?, listen(SignalKind::hangup())?];
        let mut child = Command::new(&command.program);
        child.args(&command.arguments).current_dir(&command.directory).envs(command.environment.iter().cloned());
        if let Some(path) = &command.path {
            child.env("PATH", path);
        }
        if attach == Attach::StdoutToStderr {
            let stderr = io::stderr().as_fd().try_clone_to_owned();
            child.stdout(Stdio::from(
                stderr.context(ErrorKind::Other, || "stderr is closed. Nothing was changed".into())?,
            ));
        }
        let child = child.spawn().map_err(|error| cannot_start(command, error))?;
        Ok(Self { child, shown: command.to_string(), keys, requests, interrupted: false, terminated: false })
    }

    /// Waits for its end. A future that is dropped before can be made anew.
    ///
    /// # Errors
    /// `Other` where its end was not seen.
    pub async fn ended(&mut self) -> Result<ChildExit> {
        loop {
            let [interrupt, quit] = &mut self.keys;
            let [terminate, hangup] = &mut self.requests;
            let request = tokio::select! {
                status = self.child.wait() => {
                    let status = status.context(ErrorKind::Other, || format!("The end of {} was not seen", self.shown))?;
                    let Self { interrupted, terminated, .. } = *self;
                    return Ok(ChildExit { code: code(status), interrupted, terminated });
                }
                _ = interrupt.recv() => None,
                _ = quit.recv() => None,
                _ = terminate.recv() => Some("TERM"),
                _ = hangup.recv() => Some("HUP"),
            };
            match request {
                None => self.interrupted = true,
                Some(signal) => {
                    self.terminated = true;
                    hand_on(self.child.id(), signal).await;
                }
            }
        }
    }

    /// Ends it at once, without a last word of its own, and waits for that.
    pub async fn kill(mut self) {
        // one that has ended by itself cannot be killed
        let _ = self.child.kill().await;
    }
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).context(ErrorKind::Other, || "Signals cannot be listened to. Nothing was changed".into())
}

/// Sends a signal to the child, which is not yet waited for, so that the number is still its own.
async fn hand_on(child: Option<u32>, signal: &str) {
    let Some(child) = child else { return };
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -s \"$1\" \"$2\"", "sh", signal]).arg(child.to_string());
    // a child that cannot be told has ended, or belongs to somebody else: either way its end is waited for
    let _ = shell.stdin(Stdio::null()).stderr(Stdio::null()).status().await;
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn cannot_start(command: &ChildCommand, error: io::Error) -> Error {
    let missing = error.kind() == io::ErrorKind::NotFound;
    let what = if missing { "is not there" } else { "cannot be started" };
    Error::new(ErrorKind::Tool, format!("{} {what}. Nothing was changed", command.program.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn shell(script: &str) -> ChildCommand {
        ChildCommand {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            directory: "/".into(),
            path: None,
            environment: Vec::new(),
            shown: script.into(),
        }
    }

    async fn run(script: &str) -> ChildExit {
        run_attached(&shell(script), Attach::StdoutToStderr).await.unwrap()
    }

    #[tokio::test]
    async fn passes_codes_and_names_signals() {
        assert_eq!(run("exit 7").await.code, 7);
        assert_eq!(run("kill -KILL $$").await.code, 137);
        assert!(run("test \"$PWD\" = /").await.success());
        let gone = ChildCommand { program: "/nowhere/node".into(), ..shell("") };
        assert_eq!(run_attached(&gone, Attach::Terminal).await.unwrap_err().kind, ErrorKind::Tool);
    }

    /// Signals reach the whole process, so they are sent to one of its own.
    #[test]
    fn signals_in_a_process_of_its_own() {
        let inner = "prisma::attached::tests::lives_through_ctrl_c_and_hands_a_request_to_end_on";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let output = alone.args([inner, "--exact", "--ignored"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }

    #[tokio::test]
    #[ignore = "run by signals_in_a_process_of_its_own"]
    async fn lives_through_ctrl_c_and_hands_a_request_to_end_on() {
        // the child signals us and answers what it is told itself
        let exit = run("kill -INT $PPID; sleep 0.3; exit 5").await;
        assert_eq!((exit.code, exit.interrupted, exit.terminated), (5, true, false));
        let asked = run("trap 'exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.05; done");
        let exit = tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap();
        assert_eq!((exit.code, exit.terminated), (9, true));
    }
}
