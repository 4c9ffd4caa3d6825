//! Ctrl-C and SIGTERM as a value that the journeys can wait for, so that each cleans up after itself.

use crate::error::{Error, ErrorKind, Result};
use std::future::Future;
use tokio::sync::watch;

/// Told once, heard by everybody who holds a clone.
#[derive(Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// The other end: whoever hears the signal.
pub struct Interrupter(watch::Sender<bool>);

impl Interrupt {
    pub fn new() -> (Interrupter, Interrupt) {
        let (sender, receiver) = watch::channel(false);
        (Interrupter(sender), Interrupt(receiver))
    }

    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Does the work, or drops it at the first interrupt. Cleaning up what the work left is the caller's.
    ///
    /// # Errors
    /// The work's own, or `Interrupted`.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut heard = self.0.clone();
        tokio::select! {
            biased;
            // a dropped sender means that nobody can interrupt any more
            Ok(_) = heard.wait_for(|set| *set) => Err(interrupted()),
            done = work => done,
        }
    }
}

impl Interrupter {
    pub fn interrupt(&self) {
        self.0.send_replace(true);
    }
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "Interrupted")
}
