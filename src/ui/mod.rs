//! The terminal: results on stdout, talk on stderr, with `--json` exactly one object on stdout.
//!
//! One `Ui` is made in `main` and handed down. Nothing else in the program prints.

mod ask;
mod changes;
mod human;
mod progress;
mod report;
mod style;
mod table;
#[cfg(test)]
mod tests;

pub use crate::domain::figures::{count, plural, size};
pub use ask::Answer;
pub use changes::{diff, painted, seen_from};
pub use human::ago;
pub use progress::Progress;
pub use report::{Failure, Fields, Report};
pub use style::{Color, Style};
pub use table::Table;

use crate::error::Error;
use console::Term;
use progress::Bar;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What the user said about talking; flags and environment already merged.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub json: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub color: Color,
    /// False after `--no-input`. Whether there is a terminal to ask at is found out by `Ui::new`.
    pub interactive: bool,
    /// `-y`: every confirmation is answered with yes, except a typed name.
    pub yes: bool,
    /// `--confirm NAME`: the answer to `type_name`.
    pub confirm: Option<String>,
}

/// Where words go: the real streams, or a buffer in a test.
type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

pub struct Ui {
    settings: Settings,
    out: Sink,
    err: Sink,
    out_style: Style,
    err_style: Style,
    /// Stdin and stderr are terminals and nobody forbade questions.
    can_ask: bool,
    bar: Arc<Bar>,
}

impl Ui {
    /// The user's terminal, or what stands in its place.
    pub fn new(settings: Settings) -> Self {
        let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let can_ask = terminal && settings.interactive && !settings.json;
        let show_bar = io::stderr().is_terminal() && !settings.json && !settings.quiet;
        let out_style = Style::of(settings.color, &Term::stdout());
        let err_style = Style::of(settings.color, &Term::stderr());
        let (out, err) = (sink(io::stdout()), sink(io::stderr()));
        let bar = Arc::new(Bar::new(show_bar));
        Self { settings, out, err, out_style, err_style, can_ask, bar }
    }

    /// A `Ui` that nobody can be asked at and that writes into the two streams, without colour and without a width; for tests.
    pub fn captured(settings: Settings, out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        let style = Style::plain();
        let bar = Arc::new(Bar::new(false));
        let (out, err) = (sink(out), sink(err));
        Self { settings, out, err, out_style: style.clone(), err_style: style, can_ask: false, bar }
    }

    pub fn is_json(&self) -> bool {
        self.settings.json
    }

    /// Whether a question would reach a person: stdin and stderr are terminals, no `--no-input`, no `--json`.
    pub fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// Style of stderr, for sentences handed to `say` and `warn`.
    pub fn style(&self) -> &Style {
        &self.err_style
    }

    /// Talk; not with `-q`.
    pub fn say(&self, text: &str) {
        if !self.settings.quiet {
            self.talk(text);
        }
    }

    /// Something to know even with `-q`.
    pub fn warn(&self, text: &str) {
        self.talk(&format!("{} {text}", self.err_style.yellow("warning:")));
    }

    /// Talk for `-v` only.
    pub fn detail(&self, text: &str) {
        if self.settings.verbose {
            self.talk(&self.err_style.dim(text));
        }
    }

    /// The result of a command that did what it should: text, or with `--json` one object.
    pub fn result(&self, report: &(impl Report + ?Sized)) {
        if self.settings.json {
            self.object(report);
        } else {
            self.bar.clear();
            self.print(&human::tame(&report.text(&self.out_style)));
        }
    }

    /// The same as with `--json`, for who asked for the object in another way.
    pub fn object(&self, report: &(impl Report + ?Sized)) {
        self.bar.clear();
        self.print(&human::tame_json(&report::success(report)));
    }

    /// Text for stdout that is no result: help, version. Its colours are taken out where nobody wants them.
    pub fn page(&self, text: &str) {
        self.print(&self.out_style.keep_or_strip(text));
    }

    /// Stdout for a result that is a stream of bytes. Unlike with words, a reader who is gone matters.
    pub fn stream(&self) -> Stream {
        Stream(Arc::clone(&self.out))
    }

    /// An error that has no report: `error: …`, its causes and hints, or with `--json` one object.
    pub fn error(&self, error: &Error, command: &str) {
        self.bar.clear();
        if self.settings.json {
            self.print(&human::tame_json(&report::failure(error, command, &Fields::new())));
        } else {
            self.talk(&report::error_text(error, &self.err_style));
        }
    }

    /// An error with what there is to report all the same (exit 3 and 6): both as text, or one object with the fields of
    /// both.
    pub fn failure(&self, failure: &Failure, command: &str) {
        let Some(report) = &failure.report else { return self.error(&failure.error, command) };
        self.bar.clear();
        if self.settings.json {
            let json = report::failure(&failure.error, report.command(), &report.json());
            self.print(&human::tame_json(&json));
        } else {
            self.print(&human::tame(&report.text(&self.out_style)));
            self.talk(&report::error_text(&failure.error, &self.err_style));
        }
    }

    /// What operations tell their progress to.
    pub fn progress(&self) -> Progress {
        Progress::new(self.bar.clone(), self.err.clone(), &self.settings)
    }

    /// Takes a bar that is still shown off the screen, so that another program's output follows cleanly.
    pub fn clear_progress(&self) {
        self.bar.clear();
    }

    fn talk(&self, text: &str) {
        self.bar.suspend(|| write(&self.err, &human::tame(text)));
    }

    fn print(&self, text: &str) {
        self.bar.suspend(|| write(&self.out, text));
    }
}

/// Bytes to stdout, as they are.
pub struct Stream(Sink);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

fn sink(stream: impl Write + Send + 'static) -> Sink {
    Arc::new(Mutex::new(Box::new(stream)))
}

/// Writes whole lines; nobody listening any more (`safemigrate list | head -1`) is no error.
fn write(sink: &Sink, text: &str) {
    if text.is_empty() {
        return;
    }
    let mut stream = sink.lock().unwrap_or_else(PoisonError::into_inner);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(stream, "{text}{end}").and_then(|()| stream.flush());
}
