//! The structure of a backup, given back: the archive as SQL entries, and running them.
//!
//! `pg_restore` only turns the archive into text and never meets the server. The text is run on our own
//! connections: one of another major version would send settings that this server does not know, its meta-commands
//! are psql's, and a function without a search path would fail for good.

mod contents;
mod lexer;
mod listing;
mod run;
mod script;

pub use contents::{
    analyze, begin, clear_extension_rows, commit, drop_schemas_but, lend_schemas, referenced_first, run_part,
    search_like_the_application, search_nothing, set_sequences, take_schemas_back,
};
pub(super) use lexer::{Lexer, State};
pub use listing::listing;
pub use run::{
    Frame, Paths, came_too_early, close, prepare_session, run_entry, run_parallel, run_sql, scratch_sessions,
};
pub use script::{Entry, Splitter, one_line};

use super::tools::{self, Program, Tool};
use super::url::DatabaseUrl;
use super::waiting::LOCK_TIMEOUT;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::fault;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

/// Statements for large objects are sent in parts of about so many bytes.
const PART: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What must be there before the rows: types, tables, functions, views.
    PreData,
    /// Large objects; the rows are not in the archive.
    Data,
    /// What is faster or only possible after the rows: indexes, constraints, triggers, rules, policies.
    PostData,
}

/// The structure object of a backup, unpacked into a file without a name.
pub struct Archive {
    tool: Tool,
    file: File,
}

impl Archive {
    /// Unpacks; what `content` says at its end (a wrong hash) is passed on. Blocks.
    ///
    /// # Errors
    /// `Damaged` when the content cannot be read; `Store` when `folder` cannot take it.
    pub fn unpack(tool: Tool, mut content: impl Read, folder: &Path) -> Result<Self> {
        let mut file = fault::writing("archive.unpack")
            .and_then(|()| tempfile::tempfile_in(folder))
            .context(ErrorKind::Store, || format!("{} cannot be written", folder.display()))?;
        std::io::copy(&mut content, &mut file).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => {
                Error::new(ErrorKind::Damaged, "The backup is damaged: its structure cannot be read").because(error)
            }
            _ => Error::new(ErrorKind::Store, "The backup's structure cannot be unpacked").because(error),
        })?;
        Ok(Self { tool, file })
    }

    /// All entries of a section, in the order in which they can be run.
    ///
    /// # Errors
    /// `Damaged` when `pg_restore` cannot read the archive, `Tool` when it cannot be started.
    pub async fn entries(&self, section: Section) -> Result<Vec<Entry>> {
        let mut script = self.open(section, Splitter::whole())?;
        let mut entries = Vec::new();
        while let Some(entry) = script.next().await? {
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The large objects, in parts that fit into memory. Their statements need one transaction around them.
    ///
    /// # Errors
    /// Those of `entries`.
    pub fn large_objects(&self) -> Result<Script> {
        self.open(Section::Data, Splitter::in_parts(PART))
    }

    fn open(&self, section: Section, splitter: Splitter) -> Result<Script> {
        let unreadable = || "The unpacked structure cannot be read".to_owned();
        let mut input = self.file.try_clone().context(ErrorKind::Store, unreadable)?;
        input.seek(SeekFrom::Start(0)).context(ErrorKind::Store, unreadable)?;
        let mut command = tools::offline_command(&self.tool);
        let section = match section {
            Section::PreData => "--section=pre-data",
            Section::Data => "--section=data",
            Section::PostData => "--section=post-data",
        };
        command.args(["--file=-", section]).stdin(input);
        Script::start(command, splitter, Program::PgRestore, "reading the structure of the backup")
    }
}

/// What is in a database now, without rows and large objects, as the entries that a backup of it would hold.
///
/// # Errors
/// `Server` with what `pg_dump` says.
pub async fn describe(pg_dump: &Tool, url: &DatabaseUrl, server_version: u32) -> Result<Vec<Entry>> {
    let mut command = tools::command(pg_dump, url, server_version);
    command.args(["--exclude-table-data=*.*", "--no-blobs"]).arg(format!("--lock-wait-timeout={LOCK_TIMEOUT}"));
    let mut script = Script::start(command, Splitter::whole(), Program::PgDump, "reading the structure")?;
    let mut entries = Vec::new();
    while let Some(entry) = script.next().await? {
        entries.push(entry);
    }
    Ok(entries)
}

/// A script while its program writes it.
pub struct Script {
    child: Child,
    lines: BufReader<ChildStdout>,
    complaints: JoinHandle<Vec<u8>>,
    splitter: Option<Splitter>,
    program: &'static str,
    what: &'static str,
    /// What it means when the program fails.
    failure: ErrorKind,
}

impl Script {
    fn start(mut command: Command, splitter: Splitter, program: Program, what: &'static str) -> Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let failure = match program {
            Program::PgRestore => ErrorKind::Damaged,
            Program::PgDump => ErrorKind::Server,
        };
        let program = program.name();
        let cannot = || format!("{program} cannot be started");
        let mut child = command.spawn().context(ErrorKind::Tool, cannot)?;
        let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Error::new(ErrorKind::Tool, cannot()));
        };
        fault::at("script.started");
        let complaints = tokio::spawn(async move {
            let mut text = Vec::new();
            // a broken pipe ends it as its end does
            let _ = stderr.read_to_end(&mut text).await;
            text
        });
        let lines = BufReader::with_capacity(64 << 10, stdout);
        Ok(Self { child, lines, complaints, splitter: Some(splitter), program, what, failure })
    }

    /// The next entry or part of one; `None` when the script is whole and its program ended well.
    ///
    /// # Errors
    /// `Damaged` for an archive, `Server` for a database, with what the program said.
    pub async fn next(&mut self) -> Result<Option<Entry>> {
        let mut line = Vec::new();
        while let Some(splitter) = &mut self.splitter {
            line.clear();
            let read = self.lines.read_until(b'\n', &mut line).await;
            if read.context(self.failure, || format!("A pipe broke while {}", self.what))? == 0 {
                // no "done" before the program said so itself
                self.wait().await?;
                return Ok(self.splitter.take().and_then(Splitter::finish));
            }
            let text = std::str::from_utf8(&line)
                .context(ErrorKind::Other, || "The structure of the database is not valid UTF-8".into())?;
            if let Some(entry) = splitter.line(text) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    async fn wait(&mut self) -> Result<()> {
        let status = self.child.wait().await.context(ErrorKind::Tool, || format!("{} was lost", self.program))?;
        let complaints = (&mut self.complaints).await.unwrap_or_default();
        tools::outcome(self.program, self.what, status, &complaints).map_err(|mut error| {
            error.kind = self.failure;
            error
        })
    }
}
