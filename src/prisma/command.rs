//! Prisma's command line for this project: the user's words, and the flags that keep it on the same database.

use super::attached::ChildCommand;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Commands of Prisma 7 that can be told the database.
const TAKE_URL: [[&str; 2]; 3] = [["migrate", "dev"], ["db", "push"], ["db", "pull"]];

/// Prisma 6 knows `--url` at this one only.
const TAKE_URL_IN_6: [[&str; 2]; 1] = [["db", "execute"]];

/// `prisma SUBCOMMAND ARGS`, with `--schema`, `--config` and `--url` handed on.
///
/// # Errors
/// `Usage` where this Prisma command cannot be told `--url`: it would migrate another database than the one backed up.
pub fn prisma_command<A: AsRef<OsStr>>(project: &Project, subcommand: &[&str], args: &[A]) -> Result<ChildCommand> {
    let words = subcommand.iter().map(OsStr::new).chain(args.iter().map(AsRef::as_ref)).collect::<Vec<_>>();
    // flags must stand behind the subcommand's words and before a `--`
    let is_word = |word: &&OsStr| !word.as_encoded_bytes().starts_with(b"-");
    let verb = words.iter().copied().take_while(is_word).count().min(subcommand.len().max(2));
    let mut arguments: Vec<OsString> = words[..verb].iter().map(OsString::from).collect();
    for (flag, path) in [("--schema", &project.choices.schema), ("--config", &project.choices.config)] {
        if let Some(path) = path {
            arguments.extend([flag.into(), path.into()]);
        }
    }
    if let Some(url) = &project.choices.url {
        let known = if project.prisma_version.reads_config_only() { &TAKE_URL[..] } else { &TAKE_URL_IN_6[..] };
        if !known.iter().any(|known| words[..verb].iter().eq(known.iter())) {
            return Err(cannot_be_told(project, &words[..verb]));
        }
        arguments.extend(["--url".into(), url.into()]);
    }
    arguments.extend(words[verb..].iter().map(OsString::from));
    let shown: Vec<_> = std::iter::once(OsStr::new("prisma")).chain(words).map(OsStr::to_string_lossy).collect();
    Ok(ChildCommand {
        program: project.tool.runtime.program.clone(),
        arguments: project.tool.entry.iter().cloned().chain(arguments).collect(),
        directory: project.root.clone(),
        path: Some(path_with_binaries(&project.root)),
        environment: Vec::new(),
        shown: shown.join(" "),
    })
}

/// As npm does it: generators and seed scripts are found in the project's `.bin` folders.
pub(super) fn path_with_binaries(folder: &Path) -> OsString {
    let binaries = folder.ancestors().map(|dir| dir.join("node_modules/.bin")).filter(|dir| dir.is_dir());
    let path = std::env::var_os("PATH").unwrap_or_default();
    // a folder with a colon in its name cannot stand in a PATH at all
    std::env::join_paths(binaries.chain(std::env::split_paths(&path))).unwrap_or(path)
}

fn cannot_be_told(project: &Project, verb: &[&OsStr]) -> Error {
    let verb = verb.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let version = &project.prisma_version;
    Error::new(
        ErrorKind::Usage,
        format!("`prisma {verb}` of Prisma {version} cannot be told another database with --url. Nothing was changed"),
    )
    .hint(format!(
        "Set the variable for this one command instead: {}=\"postgresql://…\" safemigrate …",
        project.url_variable()
    ))
}
