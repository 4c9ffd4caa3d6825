//! Where PostgreSQL's programs are, and which version fits a server.

use super::{Program, Tool, said_version};
use crate::error::{Error, ErrorKind, Result};
use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};

/// A directory that is looked into first and alone.
const BIN_VARIABLE: &str = "SAFEMIGRATE_PG_BIN";

/// The lowest version that can work with a server of `server_version_num` (150018): the same major or the next newer one.
///
/// # Errors
/// `Tool`, with the command that installs it.
pub fn find(program: Program, server_version_num: u32) -> Result<Tool> {
    let needed = server_version_num / 10_000;
    let found = installed(program);
    choose(&found, needed).cloned().ok_or_else(|| missing(program, needed, &found))
}

/// Every installed version of the program, in the order in which places are searched.
pub fn installed(program: Program) -> Vec<Tool> {
    let mut seen = HashSet::new();
    let mut tools = Vec::new();
    for directory in directories() {
        let path = directory.join(program.name());
        let Ok(real) = path.canonicalize() else { continue };
        // Debian's pg_wrapper picks a version by itself, and may pick another one on the next call
        if real.file_name().is_some_and(|n| n == "pg_wrapper") || !seen.insert(real) {
            continue;
        }
        tools.extend(ask_version(program, path));
    }
    tools
}

fn choose(tools: &[Tool], needed: u32) -> Option<&Tool> {
    tools.iter().filter(|t| t.major >= needed).min_by_key(|t| t.major)
}

fn directories() -> Vec<PathBuf> {
    if let Some(only) = env::var_os(BIN_VARIABLE).filter(|v| !v.is_empty()) {
        return vec![env::current_dir().unwrap_or_default().join(only)];
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = env::split_paths(&path).filter(|d| d.is_absolute()).collect();
    for (parent, prefix, below) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr/pgsql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/libexec", "postgresql", ""),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/opt/homebrew/opt", "libpq", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/usr/local/opt", "libpq", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "libpq", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
        ("/Library/PostgreSQL", "", "bin"),
    ] {
        directories.extend(children(Path::new(parent), prefix).into_iter().map(|d| d.join(below)));
    }
    for (cellar, formula) in
        ["/opt/homebrew/Cellar", "/usr/local/Cellar"].iter().flat_map(|c| [(c, "postgresql"), (c, "libpq")])
    {
        for version in children(Path::new(cellar), formula).iter().flat_map(|d| children(d, "")) {
            directories.push(version.join("bin"));
        }
    }
    directories.push("/usr/local/pgsql/bin".into());
    directories
}

/// Directories directly below, sorted by name; none where it cannot be read.
fn children(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = parent.read_dir().into_iter().flatten().flatten();
    let named = entries.filter(|e| e.file_name().to_string_lossy().starts_with(prefix)).map(|e| e.path());
    let mut directories: Vec<PathBuf> = named.filter(|p| p.is_dir()).collect();
    directories.sort();
    directories
}

fn ask_version(program: Program, path: PathBuf) -> Option<Tool> {
    let (version, major) = parse_version(&said_version(&path)?)?;
    Some(Tool { program, path, version, major })
}

/// `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15.18, 15.
fn parse_version(text: &str) -> Option<(String, u32)> {
    let version = text.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((version.to_owned(), digits.parse().ok()?))
}

fn missing(program: Program, needed: u32, found: &[Tool]) -> Error {
    let name = program.name();
    let newest = found.iter().max_by_key(|t| t.major);
    let message = match (newest, env::var_os(BIN_VARIABLE).filter(|v| !v.is_empty())) {
        (Some(tool), _) => format!(
            "The server is PostgreSQL {needed}, but the newest {name} here is {} ({})",
            tool.version,
            tool.path.display()
        ),
        (None, Some(place)) => {
            format!("{BIN_VARIABLE} names {}, but no working {name} is there", place.to_string_lossy())
        }
        (None, None) => format!("{name} of PostgreSQL {needed} is needed, but it is not installed"),
    };
    Error::new(ErrorKind::Tool, message + ". Nothing was changed").hint(format!("Install it: {}", install_line(needed)))
}

fn install_line(major: u32) -> String {
    if cfg!(target_os = "macos") {
        format!("brew install postgresql@{major}")
    } else if Path::new("/etc/alpine-release").exists() {
        format!("sudo apk add postgresql{major}-client")
    } else if Path::new("/etc/redhat-release").exists() {
        format!("sudo dnf install postgresql{major}   (packages: https://www.postgresql.org/download/linux/redhat/)")
    } else {
        format!("sudo apt-get install -y postgresql-client-{major}   (not there? https://wiki.postgresql.org/wiki/Apt)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(version: &str, major: u32) -> Tool {
        Tool { program: Program::PgDump, path: format!("/pg/{version}").into(), version: version.into(), major }
    }

    #[test]
    fn reads_versions() {
        assert_eq!(parse_version("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(("15.18".into(), 15)));
        assert_eq!(parse_version("pg_restore (PostgreSQL) 18beta1\n"), Some(("18beta1".into(), 18)));
        assert_eq!(parse_version("something else"), None);
    }

    #[test]
    fn takes_the_lowest_that_fits() {
        let tools = [tool("17.2", 17), tool("14.9", 14), tool("16.4", 16)];
        assert_eq!(choose(&tools, 15).map(|t| t.major), Some(16));
        assert_eq!(choose(&tools, 14).map(|t| t.major), Some(14));
        assert_eq!(choose(&tools, 18), None);
    }

    #[test]
    fn a_missing_tool_says_how_to_get_it() {
        let error = missing(Program::PgDump, 16, &[tool("15.1", 15)]);
        assert_eq!((error.kind, error.hints.len()), (ErrorKind::Tool, 1));
        assert!(error.message.contains("PostgreSQL 16") && error.message.contains("15.1"));
    }
}
