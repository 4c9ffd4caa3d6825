//! Running a script: statements one by one, rows by COPY.

use super::policy::{Policy, is_excused, policy};
use super::source::Source;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::postgres::session::{doing, server_error};
use crate::postgres::statements::{Statement, Statements, Strange};
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// INSERTs that follow each other are sent together, up to so many bytes.
const TOGETHER: usize = 256 << 10;
/// Rows are sent in pieces of about so many bytes.
const PIECE: usize = 128 << 10;
/// Of what was left out, so much is told.
const TOLD: usize = 120;

const BEGINNING: &[u8] = b"-- PostgreSQL database dump\n";
const END: &[u8] = b"-- PostgreSQL database dump complete\n";

/// What became of a script.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The beginnings of statements about owners, rights, settings and subscriptions that this server or role does not let in.
    pub left_out: Vec<String>,
}

/// Runs all of it in the session's database. `on_bytes` hears how much was read.
///
/// # Errors
/// `Usage` where it is no script of one database; `Server`, with the line and PostgreSQL's reason; `Other` where it is cut off.
pub async fn load(connection: &mut PgConnection, source: &Source, on_bytes: impl FnMut(u64)) -> Result<Loaded> {
    let mut text = source.text().await?;
    let mut script = Script {
        lines: BufReader::with_capacity(PIECE, &mut text.reader),
        connection,
        on_bytes,
        statements: Statements::default(),
        inserts: String::new(),
        inserts_from: 0,
        skipped_lines: 0,
        loaded: Loaded::default(),
        end: End::Empty,
    };
    let ran = script.run().await;
    let Script { loaded, end, .. } = script;
    if let (Err(error), End::Empty | End::Whole) = (ran, end) {
        return Err(error);
    }
    // pg_restore knows better why there is no more
    text.finish().await?;
    match end {
        End::Whole => Ok(loaded),
        End::CutOff => Err(Error::new(ErrorKind::Other, "The file is cut off: it ends in the middle")),
        End::Empty => Err(Error::new(ErrorKind::Usage, "The file holds no statement: it is none of pg_dump")),
    }
}

/// How the text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// No statement came.
    Empty,
    CutOff,
    Whole,
}

struct Script<'c, R, F> {
    lines: BufReader<R>,
    connection: &'c mut PgConnection,
    on_bytes: F,
    statements: Statements,
    /// They wait for more of their kind.
    inserts: String,
    inserts_from: u64,
    /// Lines of rows, which the statements have not seen.
    skipped_lines: u64,
    loaded: Loaded,
    end: End,
}

impl<R: AsyncRead + Unpin, F: FnMut(u64)> Script<'_, R, F> {
    async fn run(&mut self) -> Result<()> {
        let (mut line, mut is_dump, mut is_whole) = (Vec::new(), false, false);
        while self.end != End::CutOff && self.next(&mut line).await? {
            is_dump |= line == BEGINNING;
            is_whole |= line == END;
            let ended = self.statements.line(&line).map_err(|strange| self.refused(&strange))?;
            for statement in ended {
                if self.end == End::Empty {
                    self.end = End::Whole;
                }
                self.treat(&statement).await?;
            }
        }
        self.send_inserts().await?;
        if !self.statements.is_between() || (is_dump && !is_whole) {
            self.end = End::CutOff;
        }
        Ok(())
    }

    async fn next(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        let read = self.lines.read_until(b'\n', line).await;
        let read = read.context(ErrorKind::Other, || "The file cannot be read to its end".into())?;
        (self.on_bytes)(read as u64);
        Ok(read > 0)
    }

    fn refused(&self, strange: &Strange) -> Error {
        match strange {
            Strange::Command(line) => {
                let message =
                    format!("Line {} holds a command of psql, and such are not run", line + self.skipped_lines);
                Error::new(ErrorKind::Usage, message)
                    .hint("A file of pg_dump has none; with --create it has \\connect: make it without.")
            }
            Strange::NotUtf8(line) => {
                let message = format!("Line {} is no text in UTF-8", line + self.skipped_lines);
                Error::new(ErrorKind::Usage, message).hint("Make the dump with: pg_dump --encoding=UTF8")
            }
        }
    }

    async fn treat(&mut self, statement: &Statement) -> Result<()> {
        if statement.begins(&["INSERT"]) {
            if self.inserts.is_empty() {
                self.inserts_from = statement.line + self.skipped_lines;
            }
            self.inserts.push_str(&statement.text);
            self.inserts.push(';');
            return if self.inserts.len() >= TOGETHER { self.send_inserts().await } else { Ok(()) };
        }
        self.send_inserts().await?;
        let line = statement.line + self.skipped_lines;
        match policy(statement) {
            Policy::Refuse(why) => {
                let message = format!("Line {line} is not run ({}): {why}", told(statement));
                return Err(Error::new(ErrorKind::Usage, message));
            }
            Policy::LeaveOut => self.loaded.left_out.push(told(statement)),
            Policy::Rows => return self.rows(statement).await,
            Policy::Run => self.execute(&statement.text, line).await?,
            Policy::RunOrLeaveOut => match self.connection.execute(statement.text.as_str()).await {
                Ok(_) => {}
                Err(error) => {
                    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
                    if !is_excused(statement, &code) {
                        return Err(at_line(line, error));
                    }
                    self.loaded.left_out.push(told(statement));
                }
            },
        }
        Ok(())
    }

    async fn execute(&mut self, sql: &str, line: u64) -> Result<()> {
        self.connection.execute(sql).await.map(drop).map_err(|error| at_line(line, error))
    }

    async fn send_inserts(&mut self) -> Result<()> {
        if self.inserts.is_empty() {
            return Ok(());
        }
        let inserts = std::mem::take(&mut self.inserts);
        self.execute(&inserts, self.inserts_from).await
    }

    /// What follows, up to `\.`, into the table.
    async fn rows(&mut self, statement: &Statement) -> Result<()> {
        let at = statement.line + self.skipped_lines;
        let mut copy = self.connection.copy_in_raw(&statement.text).await.map_err(|error| at_line(at, error))?;
        let (mut line, mut piece) = (Vec::new(), Vec::with_capacity(PIECE));
        loop {
            line.clear();
            let read = self.lines.read_until(b'\n', &mut line).await;
            if !matches!(read, Ok(1..)) {
                let _ = copy.abort("the file is cut off").await;
                read.context(ErrorKind::Other, || "The file cannot be read to its end".into())?;
                self.end = End::CutOff;
                return Ok(());
            }
            self.skipped_lines += 1;
            (self.on_bytes)(line.len() as u64);
            let at_end = matches!(line.as_slice(), b"\\.\n" | b"\\.\r\n" | b"\\.");
            if !at_end {
                piece.extend_from_slice(&line);
            }
            if piece.len() >= PIECE || (at_end && !piece.is_empty()) {
                if let Err(error) = copy.send(piece.as_slice()).await {
                    // the server's own reason comes with the end of the COPY
                    return Err(at_line(at, copy.finish().await.err().unwrap_or(error)));
                }
                piece.clear();
            }
            if at_end {
                return copy.finish().await.map(drop).map_err(|error| at_line(at, error));
            }
        }
    }
}

fn told(statement: &Statement) -> String {
    let text = statement.text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("--"));
    text.collect::<Vec<_>>().join(" ").trim().chars().take(TOLD).collect()
}

fn at_line(line: u64, error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    let error = server_error(&format!("running line {line} of the file"), error);
    match code.as_str() {
        "42P01" => error.hint("A dump of rows alone has no structure to go into: take a full one."),
        "0A000" | "58P01" => error.hint("Does this server have all the extensions that the dump needs?"),
        _ => error,
    }
}

/// Names are found as in a session of the user.
///
/// # Errors
/// `Server`.
pub async fn prepare(connection: &mut PgConnection) -> Result<()> {
    let sql = "SELECT pg_catalog.set_config('search_path', '\"$user\", public', false)";
    connection.execute(sql).await.map(drop).map_err(doing("setting up the session"))
}
