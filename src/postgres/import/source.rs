//! What kind of file it is, and its text.

use crate::error::{Context, Error, ErrorKind, Result};
use crate::postgres::tools::{self, Program, Tool};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::task::JoinHandle;

/// How the table of contents begins, in every format of archive.
const ARCHIVE: &[u8] = b"PGDMP";
/// Where the first file of a tar archive begins.
const IN_TAR: u64 = 512;

/// A file that can be read.
pub struct Source {
    path: PathBuf,
    /// Turns it into SQL, if it is an archive.
    tool: Option<Tool>,
    /// Bytes of the file or folder.
    pub bytes: u64,
}

/// Text that comes, and whoever writes it.
pub struct Text {
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    writer: Option<(Child, JoinHandle<Vec<u8>>)>,
}

impl Source {
    /// Finds out what it is. `server_version` as the server says it (150018).
    ///
    /// # Errors
    /// `Usage` where it is no file of `pg_dump`; `Tool` without a `pg_restore` that reads it.
    pub fn open(path: &Path, server_version: u32) -> Result<Self> {
        let unreadable = || format!("{} cannot be read. Nothing was changed", path.display());
        let path = path.canonicalize().context(ErrorKind::Usage, unreadable)?;
        let there = std::fs::metadata(&path).context(ErrorKind::Usage, unreadable)?;
        if there.is_dir() {
            let contents = path.join("toc.dat");
            let mut file = File::open(&contents).map_err(|error| {
                let message = format!(
                    "{} is a folder, and none of pg_dump: it holds no toc.dat. Nothing was changed",
                    path.display()
                );
                Error::new(ErrorKind::Usage, message).because(error)
            })?;
            let beginning = read_at(&mut file, 0).context(ErrorKind::Usage, unreadable)?;
            let sizes = std::fs::read_dir(&path).context(ErrorKind::Usage, unreadable)?;
            let bytes = sizes.flatten().filter_map(|entry| entry.metadata().ok()).map(|m| m.len()).sum();
            let tool = archive_tool(&beginning, server_version)?;
            return Ok(Self { path, tool, bytes });
        }
        if !there.is_file() {
            return Err(Error::new(ErrorKind::Usage, format!("{} is no file. Nothing was changed", path.display())));
        }
        let mut file = File::open(&path).context(ErrorKind::Usage, unreadable)?;
        let mut beginning = read_at(&mut file, 0).context(ErrorKind::Usage, unreadable)?;
        refuse_packed(&beginning, &path)?;
        if !beginning.starts_with(ARCHIVE) {
            let in_tar = read_at(&mut file, IN_TAR).context(ErrorKind::Usage, unreadable)?;
            if in_tar.starts_with(ARCHIVE) {
                beginning = in_tar;
            }
        }
        let tool = archive_tool(&beginning, server_version)?;
        Ok(Self { path, tool, bytes: there.len() })
    }

    /// Begins to read the SQL.
    ///
    /// # Errors
    /// `Usage`, `Tool`.
    pub async fn text(&self) -> Result<Text> {
        let Some(tool) = &self.tool else {
            let file = tokio::fs::File::open(&self.path).await;
            let file = file.context(ErrorKind::Usage, || format!("{} cannot be read", self.path.display()))?;
            return Ok(Text { reader: Box::new(file), writer: None });
        };
        let cannot = || format!("{} cannot be started", tool.path.display());
        let mut child = tools::offline_command(tool)
            .arg("--file=-")
            // absolute, so that it is none of its options
            .arg(&self.path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context(ErrorKind::Tool, cannot)?;
        let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Error::new(ErrorKind::Tool, cannot()));
        };
        let complaints = tokio::spawn(async move {
            let mut said = Vec::new();
            // a broken pipe ends it as its end does
            let _ = stderr.read_to_end(&mut said).await;
            said
        });
        Ok(Text { reader: Box::new(stdout), writer: Some((child, complaints)) })
    }
}

impl Text {
    /// After the end of the text: whether it was the whole of it.
    ///
    /// # Errors
    /// `Other`, with what `pg_restore` says.
    pub async fn finish(self) -> Result<()> {
        let Some((mut child, complaints)) = self.writer else { return Ok(()) };
        let status = child.wait().await.context(ErrorKind::Tool, || "pg_restore was lost".into())?;
        let said = complaints.await.unwrap_or_default();
        tools::outcome("pg_restore", "reading the archive", status, &said).map_err(|mut error| {
            error.kind = ErrorKind::Other;
            error
        })
    }
}

fn read_at(file: &mut File, place: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(place))?;
    let mut bytes = Vec::new();
    file.take(8).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refuse_packed(beginning: &[u8], path: &Path) -> Result<()> {
    let packers: [(&[u8], &str); 4] =
        [(b"\x1f\x8b", "gunzip"), (b"\x28\xb5\x2f\xfd", "unzstd"), (b"BZh", "bunzip2"), (b"\xfd7zXZ", "unxz")];
    match packers.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        None => Ok(()),
        Some((_, program)) => {
            let message = format!("{} is compressed. Nothing was changed", path.display());
            Err(Error::new(ErrorKind::Usage, message).hint(format!("Unpack it first: {program} FILE")))
        }
    }
}

/// The `pg_restore` that reads an archive which begins so; `None` for a script.
fn archive_tool(beginning: &[u8], server_version: u32) -> Result<Option<Tool>> {
    let Some([_major, minor, ..]) = beginning.strip_prefix(ARCHIVE) else { return Ok(None) };
    // which pg_dump was the first to write this kind
    let needed = match minor {
        0..=14 => 12,
        15 => 16,
        _ => 17,
    };
    tools::find(Program::PgRestore, (needed * 10_000).max(server_version)).map(Some).map_err(Error::nothing_changed)
}
