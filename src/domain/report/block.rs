//! What a report is made of, whatever it is written in.

use super::picture::Picture;

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub title: Line,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Of a section.
    Heading(String),
    Paragraph(Line),
    /// What is to be seen before everything else.
    Callout(Tone, Line),
    List(Vec<Line>),
    Table(Table),
    Code(Code),
    Picture(Picture),
    /// Shown when it is asked for.
    Fold {
        summary: Line,
        blocks: Vec<Block>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Neutral,
    Warning,
    Bad,
}

/// Text that somebody else has written, line for line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// As fences name it: `sql`, `sh`, `text`.
    pub language: &'static str,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it is about, for who does not see it.
    pub name: &'static str,
    /// None: each row begins with its own.
    pub head: Vec<Head>,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub title: &'static str,
    pub is_number: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub tone: Tone,
    pub cells: Vec<Line>,
}

/// A sentence, or a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Span>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Our own.
    Words(String),
    /// The same, to be seen first.
    Strong(String),
    /// A name, a value, an id, a piece of SQL: it means nothing to Markdown or HTML.
    Foreign(String),
}

impl Table {
    /// A heading that begins with `>` is above numbers.
    pub fn new(name: &'static str, head: &[&'static str]) -> Self {
        let head = head.iter().map(|title| match title.strip_prefix('>') {
            Some(title) => Head { title, is_number: true },
            None => Head { title, is_number: false },
        });
        Self { name, head: head.collect(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, tone: Tone, cells: [Line; N]) {
        self.rows.push(Row { tone, cells: cells.into() });
    }
}

impl Line {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn words(mut self, words: impl Into<String>) -> Self {
        self.0.push(Span::Words(words.into()));
        self
    }

    pub fn strong(mut self, words: impl Into<String>) -> Self {
        self.0.push(Span::Strong(words.into()));
        self
    }

    /// A name of any length is cut where nobody reads on.
    pub fn foreign(mut self, text: &str) -> Self {
        const LONGEST: usize = 200;
        self.0.push(Span::Foreign(cut(text, LONGEST)));
        self
    }

    /// Names with commas between them.
    pub fn list<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut line = self;
        for (n, name) in names.into_iter().enumerate() {
            line = if n == 0 { line } else { line.words(", ") }.foreign(name);
        }
        line
    }
}

impl From<&str> for Line {
    fn from(words: &str) -> Self {
        Self::new().words(words)
    }
}

impl From<String> for Line {
    fn from(words: String) -> Self {
        Self::new().words(words)
    }
}

/// At most so many characters, with a sign that there are more.
pub fn cut(text: &str, longest: usize) -> String {
    if text.chars().nth(longest).is_none() {
        return text.to_owned();
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}
