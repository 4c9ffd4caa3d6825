//! Few colours, and none where nobody wants them.

use super::human;
use clap::ValueEnum;
use console::Term;
use jiff::Timestamp;
use std::borrow::Cow;

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// How text looks on one stream: colours or none, how wide, and what time it is.
#[derive(Debug, Clone)]
pub struct Style {
    color: bool,
    width: Option<usize>,
    now: Timestamp,
}

impl Style {
    /// No colours, no width: a file or a pipe.
    pub fn plain() -> Self {
        Self { color: false, width: None, now: Timestamp::now() }
    }

    /// As `plain`, but at a fixed time (RFC 3339) and width; for tests of reports.
    pub fn fixed(width: Option<usize>, now: Timestamp) -> Self {
        Self { color: false, width, now }
    }

    #[cfg(test)]
    pub(super) fn colored() -> Self {
        Self { color: true, ..Self::plain() }
    }

    pub(super) fn of(choice: Color, stream: &Term) -> Self {
        let terminal = stream.is_term();
        let color = match choice {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color(),
        };
        let size = stream.size_checked().filter(|_| terminal);
        let width = size.map(|(_, columns)| usize::from(columns));
        Self { color, width, now: Timestamp::now() }
    }

    /// Columns of the terminal; `None` when it is a file or a pipe, where nothing is cut.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// `3 min ago`, for an RFC 3339 time.
    pub fn ago(&self, then: &str) -> String {
        human::ago(&self.now.to_string(), then)
    }

    /// The same of what this command may have made itself, which began before it was there.
    pub fn ago_or_now(&self, then: &str) -> String {
        let is_new = then.parse::<Timestamp>().is_ok_and(|then| then > self.now);
        if is_new { human::ago(then, then) } else { self.ago(then) }
    }

    pub fn bold(&self, text: impl AsRef<str>) -> String {
        self.paint("1", text.as_ref())
    }

    pub fn dim(&self, text: impl AsRef<str>) -> String {
        self.paint("2", text.as_ref())
    }

    /// Loss and errors.
    pub fn red(&self, text: impl AsRef<str>) -> String {
        self.paint("31;1", text.as_ref())
    }

    /// Safe.
    pub fn green(&self, text: impl AsRef<str>) -> String {
        self.paint("32", text.as_ref())
    }

    /// Warnings.
    pub fn yellow(&self, text: impl AsRef<str>) -> String {
        self.paint("33", text.as_ref())
    }

    /// Ids and things to type.
    pub fn cyan(&self, text: impl AsRef<str>) -> String {
        self.paint("36", text.as_ref())
    }

    pub(super) fn keep_or_strip<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.color { Cow::Borrowed(text) } else { console::strip_ansi_codes(text) }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// <https://no-color.org>: any value but the empty one. A dumb terminal shows codes as text.
fn no_color() -> bool {
    let is_set = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    is_set || std::env::var_os("TERM").is_some_and(|v| v == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_colour_where_nobody_wants_it() {
        let stream = Term::stdout();
        assert_eq!(Style::of(Color::Never, &stream).red("x"), "x");
        assert_eq!(Style::of(Color::Always, &stream).red("x"), "\x1b[31;1mx\x1b[0m");
        assert_eq!(Style::of(Color::Always, &stream).red(""), "");
        assert_eq!(Style::of(Color::Never, &stream).keep_or_strip("\x1b[1mx\x1b[0m"), "x");
    }
}
