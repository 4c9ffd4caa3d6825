//! How files come into the store: private, whole, durable.

use crate::fault;
use rustix::fs::OFlags;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use tempfile::NamedTempFile;

/// A folder for its owner alone, with those above it where they are missing.
///
/// # Errors
/// Those of the disk.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    fault::writing("folder.make")?;
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty() && !above.exists()) {
        make_private_folder(above)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    // the umask may have taken the owner's rights away, and an existing folder may be open to others
    if fs::metadata(folder)?.permissions().mode() & 0o777 == 0o700 {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// A new file for its owner alone.
///
/// # Errors
/// Those of the disk; `AlreadyExists`.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    make_private(&file)?;
    Ok(file)
}

/// Gives the owner back what the umask took from him, and nobody else anything.
///
/// # Errors
/// Those of the disk.
pub fn make_private(file: &File) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o777 == 0o600 {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

/// A file that goes away again unless it gets a name.
///
/// # Errors
/// Those of the disk.
pub fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let temp = tempfile::NamedTempFile::new_in(folder)?;
    make_private(temp.as_file())?;
    Ok(temp)
}

/// Opens a file of the store for reading. A link is not followed, and a FIFO does not keep us waiting.
///
/// # Errors
/// Those of the disk; `InvalidInput` where something else than a regular file stands under this name.
pub fn open_regular(path: &Path) -> io::Result<File> {
    fault::reading("file.open")?;
    let special = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
    let opened = OpenOptions::new().read(true).custom_flags(no_surprises()).open(path);
    let file = opened.map_err(|error| match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => special(),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(special()) }
}

/// What the disk gives back when this goes, as `du` counts it: a small file takes a whole block.
pub fn taken_on_disk(path: &Path) -> u64 {
    /// Of `stat`, whatever the disk's own are.
    const BLOCK: u64 = 512;
    fs::symlink_metadata(path).map_or(0, |there| there.blocks() * BLOCK)
}

/// Flags of `open`: neither a link nor a FIFO leads us astray.
pub fn no_surprises() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// The whole content of a regular file.
///
/// # Errors
/// As `open_regular`.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open_regular(path)?.read_to_end(&mut content)?;
    fault::reading("file.read")?;
    Ok(content)
}

/// Whole or not at all: a full disk must not leave an empty file.
pub fn write_if_absent(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    match write_new(path, content) {
        // somebody who began with us was quicker, and may have swept our half of it away
        Err(_) if path.exists() => Ok(()),
        written => written,
    }
}

/// Makes a rename in this folder survive a power cut.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    fault::writing("folder.fsync")?;
    File::open(folder)?.sync_all()
}

/// The same for the folder in which a file stands.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    sync_folder(folder_of(path))
}

/// Replaces a file as a whole: temp file beside it, fsync, rename, fsync of the folder.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    write_durable(path, content)?;
    sync_folder(folder_of(path))
}

/// As `write_whole`, but the folder is still to be synced.
pub fn write_durable(path: &Path, content: &[u8]) -> io::Result<()> {
    let temp = durable_temp(folder_of(path), content)?;
    fault::writing("file.rename")?;
    temp.persist(path).map(drop).map_err(io::Error::from)
}

/// As `write_whole`, but never over an existing file.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let temp = durable_temp(folder_of(path), content)?;
    fault::writing("file.rename")?;
    temp.persist_noclobber(path)?;
    sync_folder(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn durable_temp(folder: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    fault::writing("file.create")?;
    let mut temp = temporary_in(folder)?;
    fault::writing("file.write")?;
    temp.write_all(content)?;
    fault::writing("file.fsync")?;
    temp.as_file().sync_all()?;
    Ok(temp)
}
