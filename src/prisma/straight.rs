//! Prisma's commands that cannot destroy: Prisma takes our place, so that nothing stands between it and the user.

use super::command::path_with_binaries;
use super::tool::Tool;
use crate::domain::prisma_command::is_harmless_in_every_version;
use crate::error::{Error, ErrorKind, Result};
use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Becomes the Prisma that is installed for `project` (or the working folder), with these words: same folder, terminal,
/// environment, signals and exit code. Comes back only with the reason why it could not.
pub async fn replace_us(project: Option<&Path>, working_folder: &Path, words: &[OsString]) -> Error {
    match become_prisma(project, working_folder, words).await {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

async fn become_prisma(project: Option<&Path>, working_folder: &Path, words: &[OsString]) -> Result<Infallible> {
    let folder = project.map_or_else(|| working_folder.to_owned(), |project| working_folder.join(project));
    if !folder.is_dir() {
        let message = format!("The folder {} of --project does not exist. Nothing was changed", folder.display());
        return Err(Error::new(ErrorKind::NoProject, message));
    }
    let harmless = words.first().is_none_or(|word| is_harmless_in_every_version(&word.to_string_lossy()));
    // of a Prisma that is not known, only what certainly does no harm
    let tool = if harmless { Tool::find_any(&folder).await? } else { Tool::find(&folder).await? };
    let mut prisma = Command::new(&tool.runtime.program);
    prisma.args(&tool.entry).args(words).current_dir(&folder).env("PATH", path_with_binaries(&folder));
    let error = prisma.exec();
    Err(Error::new(ErrorKind::Tool, "Prisma cannot be started. Nothing was changed").because(error))
}
