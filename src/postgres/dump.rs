//! The structure of a database, by PostgreSQL's own tool: everything but rows, large objects included.

use super::tools::{Program, command, find, outcome};
use super::url::DatabaseUrl;
use super::waiting::LOCK_TIMEOUT;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::fault;
use std::process::Stdio;
use tokio::io::AsyncReadExt;

/// Bytes handed on at once.
const PIECE: usize = 128 << 10;
/// How an archive begins.
const ARCHIVE: &[u8] = b"PGDMP";

/// Puts a date that is always the same into the head of an archive. When it was written says the manifest; with its own
/// date a structure (and its large objects) that did not change would be stored again each time. A head of another
/// make stays as it is.
fn without_date(head: &mut [u8]) {
    /// Midnight of 1 January 2000 as `struct tm` has it: second, minute, hour, day, month, year, summer time.
    const DATE: [u8; 7] = [0, 0, 0, 1, 0, 100, 0];
    let Some(&[major, minor, _, int, _, _]) = head.get(ARCHIVE.len()..ARCHIVE.len() + 6) else { return };
    // a number is its sign and its bytes, the lowest first
    let number = usize::from(int) + 1;
    let compression = match (major, minor) {
        (1, 12..=14) => number,
        (1, 15 | 16) => 1,
        _ => return,
    };
    let begin = ARCHIVE.len() + 6 + compression;
    let Some(date) = head.get_mut(begin..begin + DATE.len() * number) else { return };
    let month = date.chunks_exact(number).nth(4).map(|month| (month[0], month[1]));
    if !matches!(month, Some((0, 0..=11))) {
        return;
    }
    for (place, value) in date.chunks_exact_mut(number).zip(DATE) {
        place.fill(0);
        place[1] = value;
    }
}

/// Runs `pg_dump` under the exported snapshot and hands its archive on; gives the version of `pg_dump`.
///
/// # Errors
/// `Tool` without a `pg_dump` that fits the server; `Server` with what it said; what `sink` says.
pub async fn dump_structure(
    url: &DatabaseUrl,
    server_version: u32,
    snapshot: &str,
    mut sink: impl FnMut(&[u8]) -> Result<()>,
) -> Result<String> {
    let tool = find(Program::PgDump, server_version)?;
    let mut child = command(&tool, url, server_version)
        // -s would leave out the large objects
        .args(["--format=custom", "--compress=0", "--blobs", "--exclude-table-data=*.*", "--no-password"])
        .arg(format!("--snapshot={snapshot}"))
        // our own lock is held by now: it can only wait for one who queued behind us
        .arg(format!("--lock-wait-timeout={LOCK_TIMEOUT}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(ErrorKind::Tool, || format!("{} cannot be started", tool.path.display()))?;
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Error::new(ErrorKind::Tool, "pg_dump has no output"));
    };
    fault::at("pg-dump.started");
    let mut said = Vec::new();
    let mut begins_well = false;
    let reading = async {
        let mut piece = vec![0; PIECE];
        let mut filled = 0;
        loop {
            let n =
                stdout.read(&mut piece[filled..]).await.context(ErrorKind::Tool, || "pg_dump cannot be read".into())?;
            filled += n;
            if filled == PIECE || (n == 0 && filled > 0) {
                if !begins_well && piece.starts_with(ARCHIVE) {
                    begins_well = true;
                    without_date(&mut piece[..filled]);
                }
                sink(&piece[..filled])?;
                filled = 0;
            }
            if n == 0 {
                return Ok::<(), Error>(());
            }
        }
    };
    let (read, _) = tokio::join!(reading, stderr.read_to_end(&mut said));
    read?;
    let status = child.wait().await.context(ErrorKind::Tool, || "pg_dump cannot be watched".into())?;
    outcome("pg_dump", "reading the structure of the database", status, &said)?;
    if !begins_well {
        return Err(Error::new(ErrorKind::Tool, format!("{} wrote no archive", tool.path.display()))
            .hint("Is it PostgreSQL's own pg_dump? `safemigrate` takes the first that fits, or the one in SAFEMIGRATE_PG_BIN."));
    }
    Ok(tool.version)
}
