//! A backup as a file for `psql` or `pg_restore`, as a stream: nobody has to hold it, and no server is needed.

mod produce;

use super::interrupt::Interrupt;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Kind, Manifest};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::postgres::export::{Piece, translate};
use crate::postgres::tools::{self, Program};
use crate::store::{NewFile, Store};
use produce::Job;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, channel};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// What `psql` reads; rows as COPY, of a data-only backup as INSERTs.
    Sql,
    /// The same with rows as INSERTs, their columns named.
    Inserts,
    /// What `pg_restore` reads.
    Archive,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Inserts => "inserts",
            Self::Archive => "archive",
        }
    }

    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Sql | Self::Inserts => "sql",
            Self::Archive => "dump",
        }
    }
}

/// A name for the file that says what is in it: `shop-2026-11-23-f-kbtp5mnt.sql`.
pub fn file_name(backup: &Manifest, format: Format) -> String {
    let harmless = |c: char| if c.is_alphanumeric() || "_.".contains(c) { c } else { '_' };
    let database: String = backup.database.name.chars().map(harmless).take(60).collect();
    let date = backup.created_at.get(..10).unwrap_or_default();
    format!("{}-{date}-{}.{}", database.trim_start_matches('.'), backup.id, format.extension())
}

/// An export that is under way. Dropped, it stops.
pub struct Export {
    pieces: Receiver<Piece>,
    store: Store,
    backup: String,
    observer: Arc<dyn Observer>,
}

/// Begins to export a backup. What is missing for it is said now, what is wrong with the backup when it is met.
///
/// # Errors
/// `Tool` without a `pg_restore` that fits.
pub fn start(store: &Store, backup: &Manifest, format: Format, observer: Arc<dyn Observer>) -> Result<Export> {
    let label = format!("Exporting {}", backup.id);
    let job = Job { store: store.clone(), backup: backup.clone(), format, observer: Arc::clone(&observer) };
    let with_tool =
        (format != Format::Archive && backup.kind == Kind::Full).then(|| fitting_tool(backup)).transpose()?;
    observer.on(Event::Stage { label, total_bytes: backup.bytes() });
    // two pieces ahead of whoever reads
    let (sender, mut pieces) = channel(2);
    tokio::task::spawn_blocking(move || job.run(&sender));
    if let Some(tool) = with_tool {
        let (sender, sql) = channel(2);
        let archive = std::mem::replace(&mut pieces, sql);
        tokio::spawn(async move {
            let ended = translate(&tool, archive, &sender).await;
            // nobody listens any more: then nobody has to know
            let _ = sender.send(ended.map(|()| None)).await;
        });
    }
    Ok(Export { pieces, store: store.clone(), backup: backup.id.clone(), observer })
}

fn fitting_tool(backup: &Manifest) -> Result<tools::Tool> {
    // it meets no server: it only has to know what this pg_dump wrote
    let wrote = backup.structure.as_ref().map_or("", |structure| structure.pg_dump.as_str());
    let major = wrote.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<u32>().ok());
    tools::find(Program::PgRestore, major.map_or(backup.database.server_version, |major| major * 10_000))
}

impl Export {
    /// The next piece; `None` when all of it was handed out and every hash was right.
    ///
    /// # Errors
    /// `Damaged`, with what was handed out worth nothing; `NoSuchBackup` when the backup was deleted meanwhile; `Tool`.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let stopped = || Err(Error::new(ErrorKind::Other, format!("The export of {} stopped", self.backup)));
        let piece = self.pieces.recv().await.unwrap_or_else(stopped);
        piece.map_err(|error| match self.store.manifest(&self.backup) {
            Err(gone) if error.kind == ErrorKind::Damaged && gone.kind == ErrorKind::NoSuchBackup => {
                Error::new(gone.kind, format!("{} was deleted while it was exported", self.backup))
            }
            _ => error,
        })
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.observer.on(Event::StageDone);
    }
}

/// Hands the whole export to `sink`, piece by piece; gives the bytes.
///
/// # Errors
/// Those of `Export::next` and of `sink`; `Interrupted`.
pub async fn write(
    export: &mut Export,
    mut sink: impl AsyncFnMut(Vec<u8>) -> Result<()>,
    interrupt: &Interrupt,
) -> Result<u64> {
    let mut bytes = 0;
    while let Some(piece) = interrupt.or(export.next()).await? {
        bytes += piece.len() as u64;
        interrupt.or(sink(piece)).await?;
    }
    Ok(bytes)
}

/// Writes the whole export into something that may make its writer wait, such as a pipe; gives the bytes.
///
/// # Errors
/// Those of `write`; `Other` when it takes no more.
pub async fn write_through(
    export: &mut Export,
    mut out: impl Write + Send + 'static,
    interrupt: &Interrupt,
) -> Result<u64> {
    let (sender, mut pieces) = channel::<Vec<u8>>(1);
    // on a thread that nobody waits for after an interrupt
    let writing = tokio::task::spawn_blocking(move || {
        while let Some(piece) = pieces.blocking_recv() {
            out.write_all(&piece)?;
        }
        out.flush()
    });
    let gone = || Error::new(ErrorKind::Other, "The reader takes no more of the export");
    let handed = write(export, async |piece| sender.send(piece).await.map_err(|_| gone()), interrupt).await;
    drop(sender);
    if handed.as_ref().is_err_and(|error| error.kind == ErrorKind::Interrupted) {
        return handed;
    }
    let ended = interrupt.or(async { Ok(writing.await) }).await?;
    match ended {
        Ok(Ok(())) => handed,
        Ok(Err(error)) => Err(gone().because(error)),
        Err(error) => Err(gone().because(error)),
    }
}

/// Whether a file stands in its place already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Replace,
}

/// Writes the whole export into a file for its owner alone, or no file; gives the bytes.
///
/// # Errors
/// Those of `write`; `Other` where the file cannot be written or stands there already.
pub async fn write_file(export: &mut Export, path: &Path, existing: Existing, interrupt: &Interrupt) -> Result<u64> {
    let cannot = || format!("{} cannot be written", path.display());
    let mut file = NewFile::beside(path).context(ErrorKind::Other, cannot)?;
    let bytes =
        write(export, async |piece| file.write_all(&piece).context(ErrorKind::Other, cannot), interrupt).await?;
    let placed = match existing {
        Existing::Refuse => file.place(),
        Existing::Replace => file.replace(),
    };
    placed.context(ErrorKind::Other, cannot)?;
    Ok(bytes)
}
