//! Finding and running PostgreSQL's own programs. They get what they need by environment, never by argv,
//! and nothing of the caller's `PG*` reaches them.

use super::url::{DatabaseUrl, Host, Tls};
use crate::error::{Context, Error, ErrorKind, Result};
use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// A directory that is looked into first and alone.
const BIN_VARIABLE: &str = "SAFEMIGRATE_PG_BIN";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    PgDump,
    PgRestore,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::PgDump => "pg_dump",
            Self::PgRestore => "pg_restore",
        }
    }
}

/// One program of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub program: Program,
    /// Absolute.
    pub path: PathBuf,
    /// As the program says it: `15.18`, `18beta1`.
    pub version: String,
    pub major: u32,
}

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
    let mut command = std::process::Command::new(&path);
    for name in unwanted_variables() {
        command.env_remove(name);
    }
    let output = command.arg("--version").env("LC_ALL", "C").stdin(Stdio::null()).output().ok()?;
    let (version, major) = parse_version(&String::from_utf8_lossy(&output.stdout))?;
    output.status.success().then_some(Tool { program, path, version, major })
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

/// What must not reach PostgreSQL's programs: another server, another library.
fn unwanted_variables() -> Vec<std::ffi::OsString> {
    let names = env::vars_os().map(|(name, _)| name);
    let unwanted = |n: &str| ["PG", "LD_", "DYLD_"].iter().any(|prefix| n.starts_with(prefix));
    names.filter(|n| n.to_str().is_some_and(unwanted)).collect()
}

/// The program without any server: reads and writes files and pipes only.
pub fn offline_command(tool: &Tool) -> Command {
    let mut command = Command::new(&tool.path);
    for name in unwanted_variables() {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    // a group of its own: the terminal's Ctrl-C is ours to answer, in our order
    command.process_group(0);
    command
}

/// The program, aimed at the database of the URL. The caller adds arguments and says where output goes.
/// `pg_dump` needs no `-d`: the name comes by `PGDATABASE`, where nothing in it can be mistaken for options.
pub fn command(tool: &Tool, url: &DatabaseUrl) -> Command {
    let mut command = offline_command(tool);
    match &url.host {
        Host::Tcp(host) => command.env("PGHOST", host),
        Host::Socket(directory) => command.env("PGHOST", directory),
    };
    command
        .env("PGPORT", url.port.to_string())
        .env("PGUSER", &url.user)
        .env("PGDATABASE", &url.database)
        .env("PGSSLMODE", url.tls.libpq())
        .env("PGSSLROOTCERT", root_certificate(url, tool.major))
        .env("PGAPPNAME", "safemigrate")
        .env("PGCONNECT_TIMEOUT", "10")
        .env("PGCLIENTENCODING", "UTF8")
        .env("PGGSSENCMODE", "disable")
        // our own connections read no password file either: one way in, not two
        .env("PGPASSFILE", NO_FILE)
        .env("PGOPTIONS", options(url));
    if let Some(password) = &url.password {
        command.env("PGPASSWORD", password.reveal());
    }
    command
}

/// A path where nothing is: keeps libpq from files in the home directory that our own connections do not read.
const NO_FILE: &str = "/nonexistent/safemigrate";

fn root_certificate(url: &DatabaseUrl, major: u32) -> PathBuf {
    if let Some(file) = &url.root_certificate {
        return file.clone();
    }
    match url.tls {
        // a stray ~/.postgresql/root.crt would turn these into verify-ca
        Tls::Disable | Tls::Prefer | Tls::Require => NO_FILE.into(),
        Tls::VerifyFull if major >= 16 => "system".into(),
        Tls::VerifyCa | Tls::VerifyFull => {
            let bundles =
                ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
            bundles.iter().map(PathBuf::from).find(|b| b.exists()).unwrap_or_else(|| NO_FILE.into())
        }
    }
}

/// Settings that a role or database may have turned hostile and that `pg_dump` does not set by itself. Every
/// server since 9.6 knows them and every user may set them; an unknown one would refuse the connection.
const OPTIONS: &[&str] = &[
    "DateStyle=ISO,YMD",
    "IntervalStyle=postgres",
    "TimeZone=UTC",
    "bytea_output=hex",
    "extra_float_digits=3",
    "lc_monetary=C",
    "quote_all_identifiers=off",
    "standard_conforming_strings=on",
    "transform_null_equals=off",
    "array_nulls=on",
    "row_security=off",
    "xmloption=content",
    "client_min_messages=warning",
    "statement_timeout=0",
    "lock_timeout=0",
    "idle_in_transaction_session_timeout=0",
    "default_transaction_read_only=off",
    "default_transaction_deferrable=off",
];

fn options(url: &DatabaseUrl) -> String {
    let ours = OPTIONS.iter().map(|o| format!("-c {o}"));
    url.options.clone().into_iter().chain(ours).collect::<Vec<_>>().join(" ")
}

/// Runs it to its end. `what` completes the sentence "… failed: ‹what›", for example "dumping the structure".
///
/// # Errors
/// `Tool` when it cannot be started, `Server` with the last lines that it wrote to stderr.
pub async fn run(mut command: Command, what: &str) -> Result<()> {
    command.stderr(Stdio::piped());
    let program = program_name(&command);
    let child = command.spawn().context(ErrorKind::Tool, || format!("{program} cannot be started"))?;
    let output = child.wait_with_output().await.context(ErrorKind::Tool, || format!("{program} cannot be watched"))?;
    outcome(&program, what, output.status, &output.stderr)
}

/// The error for a program that ended badly, with the last lines of its stderr.
///
/// # Errors
/// `Server`, unless the status is a success.
pub fn outcome(program: &str, what: &str, status: std::process::ExitStatus, stderr: &[u8]) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(6)..].join("\n");
    let error = Error::new(ErrorKind::Server, format!("{program} failed while {what} ({status})"));
    Err(if last.is_empty() { error } else { error.because(last) })
}

fn program_name(command: &Command) -> String {
    let path = Path::new(command.as_std().get_program());
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
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

    #[test]
    fn the_password_is_never_an_argument() {
        let url = DatabaseUrl::parse("postgresql://jo:s3cret@h:5433/my%20db?options=endpoint%3Dx").unwrap();
        let command = command(&tool("15.1", 15), &url);
        let set = |name: &str| {
            let value = command.as_std().get_envs().find(|(n, _)| *n == name).and_then(|(_, v)| v);
            value.map(|v| v.to_string_lossy().into_owned())
        };
        assert_eq!(set("PGPASSWORD").as_deref(), Some("s3cret"));
        assert_eq!(set("PGDATABASE").as_deref(), Some("my db"));
        assert!(set("PGOPTIONS").unwrap().starts_with("endpoint=x -c DateStyle=ISO,YMD"));
        assert_eq!(command.as_std().get_args().count(), 0);
    }
}
