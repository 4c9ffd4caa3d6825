//! Ctrl-C and SIGTERM as a value that the journeys can wait for, so that each cleans up after itself.

use crate::error::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// Told once, heard by everybody who holds a clone.
#[derive(Clone)]
pub struct Interrupt {
    /// How many signals there were.
    heard: watch::Receiver<usize>,
    /// So many of them are old news.
    since: usize,
    muted: Arc<AtomicBool>,
}

/// The other end: whoever hears the signal.
pub struct Interrupter {
    sender: watch::Sender<usize>,
    muted: Arc<AtomicBool>,
}

/// While it lives, signals are for somebody else (Prisma, at the terminal).
pub struct Muted(Arc<AtomicBool>);

impl Interrupt {
    pub fn new() -> (Interrupter, Interrupt) {
        let (sender, heard) = watch::channel(0);
        let muted = Arc::new(AtomicBool::new(false));
        (Interrupter { sender, muted: Arc::clone(&muted) }, Interrupt { heard, since: 0, muted })
    }

    pub fn is_set(&self) -> bool {
        *self.heard.borrow() > self.since
    }

    /// For clearing up after an interrupt: only a further one is heard, from somebody who does not want to wait for it.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { since: *self.heard.borrow(), ..self.clone() }
    }

    pub fn mute(&self) -> Muted {
        self.muted.store(true, Ordering::SeqCst);
        Muted(Arc::clone(&self.muted))
    }

    /// Does the work, or drops it at the first interrupt. Cleaning up what the work left is the caller's.
    ///
    /// # Errors
    /// The work's own, or `Interrupted`.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut heard = self.heard.clone();
        tokio::select! {
            biased;
            // a dropped sender means that nobody can interrupt any more
            Ok(_) = heard.wait_for(|signals| *signals > self.since) => Err(Error::new(ErrorKind::Interrupted, "Interrupted")),
            done = work => done,
        }
    }
}

impl Drop for Muted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Interrupter {
    pub fn interrupt(&self) {
        if !self.muted.load(Ordering::SeqCst) {
            self.sender.send_modify(|signals| *signals += 1);
        }
    }
}
