//! The structure of a backup, out of the store.

use crate::domain::manifest::Structure;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::structure::Archive;
use crate::postgres::tools::{self, Program};
use crate::store::Store;

/// Unpacks the archive beside the store's own files. `server_version`: of the server that it came from.
///
/// # Errors
/// `Tool` without a fitting `pg_restore`; `Damaged`; `Store`.
pub async fn unpack(store: &Store, structure: &Structure, server_version: u32) -> Result<Archive> {
    let major = structure.pg_dump.split(|c: char| !c.is_ascii_digit()).next().and_then(|d| d.parse().ok());
    // pg_restore meets no server: it only has to know what this pg_dump wrote
    let tool = tools::find(Program::PgRestore, major.map_or(server_version, |m: u32| m * 10_000))?;
    let (content, folder) = (store.object(&structure.object)?, store.root().to_owned());
    let unpacking = tokio::task::spawn_blocking(move || Archive::unpack(tool, content, &folder));
    unpacking.await.map_err(|e| Error::new(ErrorKind::Other, "Unpacking stopped").because(e))?
}
