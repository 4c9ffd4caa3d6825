//! A PostgreSQL that knows extensions of our own, without touching the one that is installed.
//!
//! A server looks for its files relative to where its program lies, so that a copy of the program among links to all
//! the rest is a whole installation.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::server::ServerPrograms;

impl ServerPrograms {
    /// The same programs beneath `folder`, with the files of `extensions` among PostgreSQL's own.
    pub fn with_extensions(&self, folder: &Path, extensions: &Path) -> ServerPrograms {
        let (share, libraries) = (self.configured("--sharedir"), self.configured("--pkglibdir"));
        let bin = self.bin.canonicalize().expect("the programs' folder");
        let common: PathBuf = bin
            .components()
            .zip(share.components())
            .zip(libraries.components())
            .take_while(|((a, b), c)| a == b && b == c)
            .map(|((a, _), _)| a)
            .collect();
        let beneath = |path: &Path| folder.join(path.strip_prefix(&common).expect("a common beginning"));
        let (new_bin, new_share, new_libraries) = (beneath(&bin), beneath(&share), beneath(&libraries));
        link_all(&bin, &new_bin, "postgres");
        fs::copy(bin.join("postgres"), new_bin.join("postgres")).expect("the server's program");
        link_all(&share, &new_share, "extension");
        link_all(&share.join("extension"), &new_share.join("extension"), "");
        for entry in fs::read_dir(extensions).expect("a folder").flatten() {
            // the server's user may have no way into our folder
            let file = new_share.join("extension").join(entry.file_name());
            fs::copy(entry.path(), &file).expect("a file of an extension");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("permissions");
        }
        if !new_libraries.exists() {
            fs::create_dir_all(new_libraries.parent().expect("a parent")).expect("a folder");
            symlink(&libraries, &new_libraries).expect("a link");
        }
        ServerPrograms { bin: new_bin, major: self.major }
    }

    /// Of the extensions beneath `folder`, where `with_extensions` put this server, only those stay that `other` has, too.
    pub fn hide_extensions_without(&self, folder: &Path, other: &ServerPrograms) {
        let theirs = other.configured("--sharedir").join("extension");
        for entry in walkdir::WalkDir::new(folder).into_iter().flatten().filter(|e| e.path_is_symlink()) {
            let name = entry.file_name();
            if Path::new(name).extension().is_some_and(|e| e == "control") && !theirs.join(name).exists() {
                fs::remove_file(entry.path()).expect("a link");
            }
        }
    }

    fn configured(&self, what: &str) -> PathBuf {
        let output = self.command("pg_config").arg(what).output().expect("pg_config");
        let path = String::from_utf8(output.stdout).expect("a path");
        Path::new(path.trim()).canonicalize().unwrap_or_else(|e| panic!("{what} {path}: {e}"))
    }
}

/// Links to everything in a folder but `without`.
fn link_all(from: &Path, to: &Path, without: &str) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten().filter(|e| e.file_name() != without) {
        symlink(entry.path(), to.join(entry.file_name())).expect("a link");
    }
}
