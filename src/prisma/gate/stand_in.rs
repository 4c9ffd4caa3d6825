//! The other end: what Prisma takes for its engine until the gate is open.

use super::{ENGINE, NAME, PASS, REAL, SOCKET};
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Whether a process was started as Prisma's engine, by the name that it was called by.
pub fn is_stand_in(called: Option<&OsStr>) -> bool {
    called.and_then(|called| Path::new(called).file_name()).is_some_and(|name| name == NAME)
}

/// Waits for the word and becomes the engine: the same arguments and streams, of which nothing was read. Comes back only where
/// there is no word, or no engine.
pub fn stand_in(arguments: impl Iterator<Item = OsString>) {
    let (Some(socket), Some(real)) = (env::var_os(SOCKET), env::var_os(REAL)) else { return };
    let mut heard = Vec::new();
    let waited = UnixStream::connect(socket).and_then(|mut gate| gate.read_to_end(&mut heard));
    if waited.is_err() || heard != PASS {
        return;
    }
    // comes back only with an error, which Prisma sees as an engine that ended
    let _ = Command::new(&real).args(arguments).env(ENGINE, &real).env_remove(SOCKET).env_remove(REAL).exec();
}
