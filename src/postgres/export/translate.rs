//! An archive becomes SQL while it arrives.

use crate::error::{Context, Error, ErrorKind, Result};
use crate::postgres::tools::{self, Tool};
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::sync::mpsc::{Receiver, Sender};

/// Bytes handed on at once.
const PIECE: usize = 128 << 10;

/// One thing that comes through a channel: bytes, the good end (`None`), or what went wrong.
pub type Piece = Result<Option<Vec<u8>>>;

/// Lets `pg_restore` write the SQL of the archive that comes in pieces: without owners and rights, as `pg_dump --no-owner
/// --no-acl` would.
///
/// # Errors
/// What came in place of the end; `Tool`, with what `pg_restore` said.
pub async fn translate(tool: &Tool, archive: Receiver<Piece>, sql: &Sender<Piece>) -> Result<()> {
    let mut child = tools::offline_command(tool)
        .args(["--no-owner", "--no-acl", "--file=-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(ErrorKind::Tool, || format!("{} cannot be started", tool.path.display()))?;
    let (Some(stdin), Some(mut stdout), Some(mut stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Error::new(ErrorKind::Tool, "pg_restore has no input and output"));
    };
    let writing = async {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            while piece.len() < PIECE {
                let read = stdout.read_buf(&mut piece).await;
                if read.context(ErrorKind::Tool, || "pg_restore cannot be read".into())? == 0 {
                    break;
                }
            }
            if piece.is_empty() {
                return Ok(());
            }
            sql.send(Ok(Some(piece))).await.map_err(|_| Error::new(ErrorKind::Interrupted, "Nobody reads on"))?;
        }
    };
    let mut said = Vec::new();
    let listening =
        async { stderr.read_to_end(&mut said).await.context(ErrorKind::Tool, || "pg_restore was lost".into()) };
    tokio::try_join!(feed(archive, stdin), writing, listening)?;
    let status = child.wait().await.context(ErrorKind::Tool, || "pg_restore was lost".into())?;
    tools::outcome("pg_restore", "writing the SQL of the backup", status, &said).map_err(|mut error| {
        error.kind = ErrorKind::Tool;
        error
    })
}

async fn feed(mut archive: Receiver<Piece>, stdin: ChildStdin) -> Result<()> {
    let mut stdin = Some(stdin);
    loop {
        match archive.recv().await {
            Some(Ok(Some(piece))) => {
                if let Some(open) = &mut stdin
                    && open.write_all(&piece).await.is_err()
                {
                    // it failed, and says so itself; the archive is read to its end for what that may say
                    stdin = None;
                }
            }
            Some(Ok(None)) => return Ok(()),
            Some(Err(error)) => return Err(error),
            None => return Err(Error::new(ErrorKind::Other, "Reading the backup stopped")),
        }
    }
}
