//! The gate: Prisma may start while the backup is still being taken, but gets no further than its schema engine, without
//! which it reaches no database.
//!
//! Prisma starts the program that `PRISMA_SCHEMA_ENGINE_BINARY` names
//! (<https://www.prisma.io/docs/orm/reference/environment-variables-reference>). That is us under another name
//! (`stand_in`): it asks at our socket, waits, and becomes the real engine once it hears the word. When we die, the
//! socket closes, the word is never said, and there is no engine.

mod real;
mod stand_in;

use super::attached::ChildCommand;
use super::project::Project;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use stand_in::{is_stand_in, stand_in};

/// Where Prisma looks for the name of its engine.
const ENGINE: &str = "PRISMA_SCHEMA_ENGINE_BINARY";
/// For the stand-in: our socket, and the real engine.
const SOCKET: &str = "SAFEMIGRATE_GATE";
const REAL: &str = "SAFEMIGRATE_ENGINE";
/// The name under which we are the engine.
const NAME: &str = "safemigrate-engine";
/// The word that lets an engine pass.
const PASS: &[u8] = b"pass\n";

/// A gate that is shut until it is opened, and stays shut for ever when it is dropped before.
pub struct Gate {
    folder: TempDir,
    real: PathBuf,
    open: watch::Sender<bool>,
    arrived: watch::Receiver<bool>,
    _porter: JoinSet<()>,
}

impl Gate {
    /// `None` where this Prisma cannot be held so with certainty, or where no socket can be made (its path may be too long).
    pub fn of(project: &Project) -> Option<Self> {
        let real = real::engine(project)?;
        let us = std::env::current_exe().ok().filter(|us| us.is_file())?;
        let folder = tempfile::tempdir().ok()?;
        symlink(us, folder.path().join(NAME)).ok()?;
        let listener = UnixListener::bind(folder.path().join("gate")).ok()?;
        let (open, opened) = watch::channel(false);
        let (arriving, arrived) = watch::channel(false);
        let mut porter = JoinSet::new();
        porter.spawn(keep(listener, opened, arriving));
        Some(Self { folder, real, open, arrived, _porter: porter })
    }

    /// The command with this gate before its engine.
    pub fn before(&self, child: &ChildCommand) -> ChildCommand {
        let variable = |name: &str, value: PathBuf| (OsString::from(name), value.into_os_string());
        let environment = vec![
            variable(ENGINE, self.folder.path().join(NAME)),
            variable(SOCKET, self.folder.path().join("gate")),
            variable(REAL, self.real.clone()),
        ];
        ChildCommand { environment, ..child.clone() }
    }

    /// Waits until Prisma stands before the gate. It writes nothing from then on until it is opened.
    pub async fn arrived(&self) {
        let mut arrived = self.arrived.clone();
        if arrived.wait_for(|arrived| *arrived).await.is_err() {
            // nobody keeps the gate any more: nobody arrives
            std::future::pending::<()>().await;
        }
    }

    /// Lets everybody pass who came or comes.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

async fn keep(listener: UnixListener, opened: watch::Receiver<bool>, arriving: watch::Sender<bool>) {
    let mut waiting = JoinSet::new();
    while let Ok((engine, _)) = listener.accept().await {
        arriving.send_replace(true);
        waiting.spawn(let_pass(engine, opened.clone()));
    }
}

async fn let_pass(mut engine: UnixStream, mut opened: watch::Receiver<bool>) {
    // a sender that is gone never opened it
    if opened.wait_for(|open| *open).await.is_ok() {
        // an engine that is gone needs no word
        let _ = engine.write_all(PASS).await;
    }
}
