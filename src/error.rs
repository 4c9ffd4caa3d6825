//! The one error type: what kind it is (which decides the exit code), what happened, why, and what to type next.

use std::error::Error as StdError;
use std::fmt;

/// What went wrong, in the words that `--json` prints and with the exit code of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Wrong flags, names or values on our command line.
    Usage,
    /// No Prisma project where one is needed.
    NoProject,
    /// The project's Prisma configuration or `safemigrate.toml` cannot be used.
    Config,
    /// The database URL is of a kind that cannot be backed up (a pooler, `prisma+postgres://` …).
    Url,
    /// The server does not answer.
    Unreachable,
    /// The server refuses the user or the password.
    Authentication,
    /// The database named in the URL does not exist.
    NoDatabase,
    /// The server refused a statement, or the connection broke.
    Server,
    /// The store cannot be read or written.
    Store,
    /// A migration ran and data is gone.
    DataLost,
    /// Taken for production.
    Production,
    /// A restore stopped half way; a human has to finish or undo it.
    NeedsYou,
    /// Rows of the backup do not fit into the schema as it is now.
    RowsDoNotFit,
    /// A confirmation is needed and nobody can be asked.
    Confirmation,
    /// No backup with this id.
    NoSuchBackup,
    /// Another run holds the lock.
    Locked,
    /// A tool is missing or too old.
    Tool,
    /// The backup is damaged.
    Damaged,
    /// Ctrl-C, SIGTERM or a cancelled question.
    Interrupted,
    /// Prisma itself failed with this exit code, which is passed on.
    Prisma(u8),
    /// `lint` or the check before a push found what would destroy data.
    Findings,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// The exit code of `CONTRACT.md`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::DataLost => 3,
            Self::Production => 4,
            Self::NeedsYou => 5,
            Self::RowsDoNotFit => 6,
            Self::Confirmation => 7,
            Self::NoSuchBackup => 10,
            Self::Locked => 11,
            Self::Tool => 12,
            Self::Damaged => 13,
            Self::Interrupted => 130,
            Self::Prisma(code) => code,
            Self::NoProject
            | Self::Config
            | Self::Url
            | Self::Unreachable
            | Self::Authentication
            | Self::NoDatabase
            | Self::Server
            | Self::Store
            | Self::Findings
            | Self::Other => 1,
        }
    }

    /// The name in `error.kind` of the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::NoProject => "no-project",
            Self::Config => "config",
            Self::Url => "url",
            Self::Unreachable => "unreachable",
            Self::Authentication => "authentication",
            Self::NoDatabase => "no-database",
            Self::Server => "server",
            Self::Store => "store",
            Self::DataLost => "data-lost",
            Self::Production => "production",
            Self::NeedsYou => "needs-you",
            Self::RowsDoNotFit => "rows-do-not-fit",
            Self::Confirmation => "confirmation",
            Self::NoSuchBackup => "no-such-backup",
            Self::Locked => "locked",
            Self::Tool => "tool",
            Self::Damaged => "damaged",
            Self::Interrupted => "interrupted",
            Self::Prisma(_) => "prisma",
            Self::Findings => "findings",
            Self::Other => "error",
        }
    }
}

/// An error as a user reads it. `message` is one sentence without secrets; `hints` say what to type next.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    pub hints: Vec<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What most messages end with.
const NOTHING_CHANGED: &str = ". Nothing was changed";

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), source: None }
    }

    /// Adds a line that says what to do or to type.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds what caused it; shown below the message.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds the sentence that a user looks for first, unless it is said already.
    #[must_use]
    pub fn nothing_changed(mut self) -> Self {
        if !self.message.contains("othing was changed") {
            self.message = format!("{}{NOTHING_CHANGED}", self.message.trim_end_matches('.'));
        }
        self
    }

    /// Takes that sentence away, where by now something was changed.
    #[must_use]
    pub fn promising_nothing(mut self) -> Self {
        self.message = self.message.replace(NOTHING_CHANGED, "");
        self
    }

    /// The causes, outermost first, without those that only repeat the text before them.
    pub fn causes(&self) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        let mut next = self.source.as_deref().map(|e| e as &dyn StdError);
        while let Some(cause) = next {
            let text = cause.to_string();
            // sqlx's own words add nothing to what PostgreSQL says
            let noise = ["error returned from database: ", "error communicating with database: "];
            let said = noise.iter().find_map(|noise| text.strip_prefix(noise)).unwrap_or(&text);
            let text = said.to_owned();
            if !texts.iter().any(|t| t.contains(&text)) {
                texts.push(text);
            }
            next = cause.source();
        }
        texts
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in self.causes() {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn StdError + 'static))
    }
}

/// Turns any error into ours by saying what we were doing when it came.
pub trait Context<T> {
    fn context(self, kind: ErrorKind, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> Context<T> for std::result::Result<T, E> {
    fn context(self, kind: ErrorKind, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::new(kind, message()).because(e))
    }
}
