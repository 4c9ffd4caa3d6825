//! A `node` that compiles Prisma's JavaScript once for all tests, and not at each of its two thousand starts.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::prisma_engine::fixtures;

/// The `PATH` of a project and the folder in which our `node` keeps what it compiled.
pub fn environment() -> [(OsString, OsString); 2] {
    [("PATH".into(), path(&[])), ("COMPILED_MODULES".into(), shelf("compiled-modules").into())]
}

/// Some folders, that of our `node`, and the caller's `PATH`.
pub fn path(before: &[PathBuf]) -> OsString {
    let path = std::env::var_os("PATH").expect("PATH");
    let folders = before.iter().cloned().chain([ours()]).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).expect("a PATH")
}

/// The folder of our `node`: it becomes the real one, with `fixtures/compiled.cjs` before the program.
fn ours() -> PathBuf {
    static OURS: OnceLock<PathBuf> = OnceLock::new();
    OURS.get_or_init(|| {
        let folder = shelf("node");
        let real = which::which("node").expect("node: run scripts/setup");
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
        let script = format!(
            "#!/bin/sh\nexec {} --require {} \"$@\"\n",
            quoted(&real),
            quoted(&fixtures().join("compiled.cjs"))
        );
        let program = folder.join("node");
        if fs::read_to_string(&program).ok().as_ref() != Some(&script) {
            // Another test may be starting it.
            let unfinished = folder.join(format!("node.{}", std::process::id()));
            fs::write(&unfinished, script).expect("our node");
            fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o755)).expect("permissions");
            fs::rename(unfinished, program).expect("our node");
        }
        folder
    })
    .clone()
}

fn shelf(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder of the tests'");
    folder
}
