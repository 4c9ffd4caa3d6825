//! An observer that also writes down how far the work is, for who looks at the store meanwhile.

use crate::domain::event::{Event, Observer};
use crate::domain::progress::Progress;
use crate::store::Store;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Nobody looks more often.
const PAUSE: Duration = Duration::from_millis(400);

pub struct Telling<'a> {
    store: &'a Store,
    observer: &'a dyn Observer,
    known: Mutex<Known>,
}

struct Known {
    progress: Progress,
    written: Instant,
}

impl<'a> Telling<'a> {
    pub fn new(store: &'a Store, observer: &'a dyn Observer) -> Self {
        let known = Known { progress: Progress::default(), written: Instant::now() };
        Self { store, observer, known: Mutex::new(known) }
    }
}

impl Observer for Telling<'_> {
    fn on(&self, event: Event) {
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.progress.note(&event);
            // a stage may be all that comes for long
            if matches!(event, Event::Stage { .. }) || known.written.elapsed() >= PAUSE {
                known.written = Instant::now();
                self.store.note_progress(&known.progress);
            }
        }
        self.observer.on(event);
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.store.forget_progress();
    }
}
