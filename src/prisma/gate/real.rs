//! The engine that Prisma would start without us, where that is beyond doubt.

use super::{ENGINE, is_stand_in};
use crate::prisma::project::Project;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Its older name; where it is set, which one counts is another question.
const OLD_NAME: &str = "PRISMA_MIGRATION_ENGINE_BINARY";

pub(super) fn engine(project: &Project) -> Option<PathBuf> {
    let node = project.tool.runtime.program.file_stem() == Some(OsStr::new("node"));
    let package = project.tool.package.parent()?;
    // a package manager in between would outlive what we end
    if !node || !project.tool.runtime.arguments.is_empty() || !asks_the_variable(package) {
        return None;
    }
    // before 7 it may ask for a driver adapter, with which Prisma starts no engine
    if project.config_file.is_some() && !project.prisma_version.reads_config_only() {
        return None;
    }
    let named = std::env::var_os(ENGINE);
    // a Prisma that stands at another run's gate has started us
    if is_stand_in(named.as_deref()) {
        return None;
    }
    // what a configuration or `.env` says may come after what we say
    let evaluated = project.variable(ENGINE).map(OsStr::new);
    if project.variable(OLD_NAME).is_some() || evaluated != named.as_deref() {
        return None;
    }
    let engine = match named {
        Some(path) => project.root.join(path),
        None => installed(package, &project.prisma_version.text)?,
    };
    is_program(&engine).then_some(engine)
}

/// Whether the program of this Prisma knows the variable at all.
fn asks_the_variable(package: &Path) -> bool {
    let Ok(files) = fs::read_dir(package.join("build")) else { return false };
    let is_script = |path: &PathBuf| path.extension().is_some_and(|e| e == "js");
    let asks =
        |path: PathBuf| fs::read(path).is_ok_and(|text| memchr::memmem::find(&text, ENGINE.as_bytes()).is_some());
    files.flatten().map(|entry| entry.path()).filter(is_script).any(asks)
}

/// The one that the package beside Prisma's brought for this machine.
fn installed(package: &Path, version: &str) -> Option<PathBuf> {
    let engines = [package.join("node_modules/@prisma/engines"), package.parent()?.join("@prisma/engines")];
    let engines = engines.into_iter().find(|folder| folder.is_dir())?;
    let json: serde_json::Value = serde_json::from_slice(&fs::read(engines.join("package.json")).ok()?).ok()?;
    let is_engine = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        name.starts_with("schema-engine-") && !name.contains(".sha256") && !name.ends_with(".gz") && is_program(path)
    };
    let mut found = fs::read_dir(&engines).ok()?.flatten().map(|entry| entry.path()).filter(is_engine);
    // of several, Prisma knows which is of this machine
    let engine = found.next().filter(|_| json["version"] == version)?;
    found.next().is_none().then_some(engine)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
