//! Progress of operations: a bar at a terminal, else one plain line a stage.

use super::{Settings, Sink, write};
use crate::domain::event::{Event, Observer};
use std::sync::Arc;

/// The bar that is on the screen now, if any; shared so that talk can step around it.
pub(super) struct Bar {
    shown: bool,
}

impl Bar {
    pub(super) fn new(shown: bool) -> Self {
        Self { shown }
    }

    pub(super) fn clear(&self) {}

    pub(super) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }
}

/// Shows what operations tell.
#[derive(Clone)]
pub struct Progress {
    bar: Arc<Bar>,
    err: Sink,
    quiet: bool,
}

impl Progress {
    pub(super) fn new(bar: Arc<Bar>, err: Sink, settings: &Settings) -> Self {
        Self { bar, err, quiet: settings.quiet }
    }
}

impl Observer for Progress {
    fn on(&self, event: Event) {
        if let Event::Stage { label, .. } = event
            && !self.quiet
            && !self.bar.shown
        {
            write(&self.err, &label);
        }
    }
}
