//! Progress of operations: a bar at a terminal, else one plain line a stage.

use super::{Settings, Sink, human, write};
use crate::domain::event::{Event, Observer};
use crate::domain::figures::plural;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// With a known size, and without.
const SIZED: &str = "{spinner} {msg} [{bar:20}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}{prefix}";
const UNSIZED: &str = "{spinner} {msg} {decimal_bytes} {decimal_bytes_per_sec}{prefix}";
/// Before the first byte there is no size and no rate worth showing.
const PLAIN: &str = "{spinner} {msg}{prefix}";

/// The bar that is on the screen now, if any; shared so that talk can step around it.
pub(super) struct Bar {
    /// There is a terminal to draw on, and it may be drawn on.
    allowed: bool,
    current: Mutex<Option<ProgressBar>>,
}

impl Bar {
    pub(super) fn new(allowed: bool) -> Self {
        Self { allowed, current: Mutex::new(None) }
    }

    fn start(&self, label: String, total: u64) {
        self.clear();
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target((total > 0).then_some(total), target).with_message(label);
        bar.set_style(look(PLAIN));
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    /// A copy that is used without holding the lock: the work of `suspend` may talk too.
    fn get(&self) -> Option<ProgressBar> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the bar off the screen.
    pub(super) fn clear(&self) {
        let bar = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }

    /// Does something to the screen while the bar is out of the way.
    pub(super) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        match self.get() {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Shows what operations tell.
#[derive(Clone)]
pub struct Progress {
    bar: Arc<Bar>,
    err: Sink,
    quiet: bool,
    verbose: bool,
    tables: Arc<AtomicU64>,
}

impl Progress {
    pub(super) fn new(bar: Arc<Bar>, err: Sink, settings: &Settings) -> Self {
        let (quiet, verbose) = (settings.quiet, settings.verbose);
        Self { bar, err, quiet, verbose, tables: Arc::default() }
    }

    fn stage(&self, label: String, total: u64) {
        self.tables.store(0, Ordering::Relaxed);
        if self.bar.allowed {
            self.bar.start(human::tame(&label).into_owned(), total);
        } else if !self.quiet {
            write(&self.err, &human::tame(&format!("{label} …")));
        }
    }

    fn bytes(&self, more: u64) {
        let Some(bar) = self.bar.get() else { return };
        if bar.position() == 0 {
            bar.set_style(look(if bar.length().is_some() { SIZED } else { UNSIZED }));
        }
        bar.inc(more);
        // the total was an estimate
        if bar.length().is_some_and(|total| total < bar.position()) {
            bar.set_length(bar.position());
        }
    }

    fn table_done(&self, name: &str) {
        let done = self.tables.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bar) = self.bar.get() {
            bar.set_prefix(format!(", {} done", plural(done, "table")));
        }
        if self.verbose {
            self.line(&format!("  {}", human::one_line(name)));
        }
    }

    fn line(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| write(&self.err, &human::tame(text)));
        }
    }
}

impl Observer for Progress {
    fn on(&self, event: Event) {
        match event {
            Event::Stage { label, total_bytes } => self.stage(label, total_bytes),
            Event::Bytes(more) => self.bytes(more),
            Event::TableDone(name) => self.table_done(&name),
            Event::StageDone => self.bar.clear(),
            Event::Note(text) => self.line(&text),
        }
    }
}

fn look(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}
