//! The points as the crash tests know them.

use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A moment between two steps.
pub fn at(name: &'static str) {
    state().reached("at", name);
}

/// Something is read from the disk.
///
/// # Errors
/// `EIO` where the test wants it.
pub fn reading(name: &'static str) -> io::Result<()> {
    match state().reached("reading", name) {
        Some(Kind::Fails) => Err(Errno::IO.into()),
        Some(Kind::IsFull) | None => Ok(()),
    }
}

/// Something is written to the disk, made durable, renamed or removed.
///
/// # Errors
/// `EIO` or `ENOSPC` where the test wants it.
pub fn writing(name: &'static str) -> io::Result<()> {
    match state().reached("writing", name) {
        Some(Kind::Fails) => Err(Errno::IO.into()),
        Some(Kind::IsFull) => Err(Errno::NOSPC.into()),
        None => Ok(()),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Fails,
    IsFull,
}

struct State {
    fault: Option<Fault>,
    log: Option<File>,
    counts: Mutex<Counts>,
}

struct Fault {
    name: String,
    nth: usize,
    /// `None`: the process dies.
    kind: Option<Kind>,
}

#[derive(Default)]
struct Counts {
    reached: HashMap<&'static str, usize>,
    is_full: bool,
}

fn state() -> &'static State {
    static STATE: OnceLock<State> = OnceLock::new();
    STATE.get_or_init(|| {
        let log = std::env::var_os("SAFEMIGRATE_FAULT_LOG");
        State {
            fault: std::env::var("SAFEMIGRATE_FAULT").ok().as_deref().and_then(parse),
            log: log.and_then(|path| OpenOptions::new().create(true).append(true).open(path).ok()),
            counts: Mutex::default(),
        }
    })
}

fn parse(text: &str) -> Option<Fault> {
    let mut words = text.split(':');
    let (name, nth, kind) = (words.next()?.to_owned(), words.next()?.parse().ok()?, words.next()?);
    let kind = match kind {
        "KILL" => None,
        "EIO" => Some(Kind::Fails),
        "ENOSPC" => Some(Kind::IsFull),
        _ => return None,
    };
    Some(Fault { name, nth, kind })
}

impl State {
    fn reached(&self, what: &str, name: &'static str) -> Option<Kind> {
        self.log(&format!("{what} {name}"));
        let fault = self.fault.as_ref()?;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.reached.entry(name).or_default();
        *count += 1;
        let strikes = *count == fault.nth && name == fault.name;
        if strikes {
            self.log("struck");
            let Some(kind) = fault.kind else { die() };
            counts.is_full = matches!(kind, Kind::IsFull);
            return Some(kind);
        }
        (counts.is_full && what == "writing").then_some(Kind::IsFull)
    }

    fn log(&self, line: &str) {
        if let Some(mut log) = self.log.as_ref() {
            // one call, so that lines of several threads stay apart
            let _ = log.write_all(format!("{line}\n").as_bytes());
        }
    }
}

fn die() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}
