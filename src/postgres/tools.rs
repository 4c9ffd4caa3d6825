//! Finding and running PostgreSQL's own programs. They get what they need by environment, never by argv,
//! and nothing of the caller's `PG*` reaches them.

mod find;

pub use find::{find, installed};

use super::url::{DatabaseUrl, Host, Tls};
use crate::error::{Error, ErrorKind, Result};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

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

/// What must not reach PostgreSQL's programs: another server, another library.
fn unwanted_variables() -> Vec<std::ffi::OsString> {
    let names = env::vars_os().map(|(name, _)| name);
    let unwanted = |n: &str| ["PG", "LD_", "DYLD_"].iter().any(|prefix| n.starts_with(prefix));
    names.filter(|n| n.to_str().is_some_and(unwanted)).collect()
}

/// What the program says to `--version`; `None` when it does not run here.
fn said_version(path: &Path) -> Option<String> {
    let mut command = std::process::Command::new(path);
    for name in unwanted_variables() {
        command.env_remove(name);
    }
    let output = command.arg("--version").env("LC_ALL", "C").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
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

/// The program, aimed at the database of the URL on a server of `server_version` (150018). The caller adds arguments and says where output goes.
/// `pg_dump` needs no `-d`: the name comes by `PGDATABASE`, where nothing in it can be mistaken for options.
pub fn command(tool: &Tool, url: &DatabaseUrl, server_version: u32) -> Command {
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
        .env("PGOPTIONS", options(url, server_version));
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
/// server since 12 knows them and every user may set them; an unknown one would refuse the connection.
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
    "jit=off",
];

/// The same that older servers do not know, with the version that brought them.
const NEWER_OPTIONS: &[(u32, &str)] = &[(140_000, "idle_session_timeout=0"), (170_000, "transaction_timeout=0")];

fn options(url: &DatabaseUrl, server_version: u32) -> String {
    let newer = NEWER_OPTIONS.iter().filter(|(since, _)| server_version >= *since).map(|(_, option)| option);
    let ours = OPTIONS.iter().chain(newer).map(|o| format!("-c {o}"));
    url.options.clone().into_iter().chain(ours).collect::<Vec<_>>().join(" ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_an_argument() {
        let tool = Tool { program: Program::PgDump, path: "/pg/pg_dump".into(), version: "15.1".into(), major: 15 };
        let url = DatabaseUrl::parse("postgresql://jo:s3cret@h:5433/my%20db?options=endpoint%3Dx").unwrap();
        let command = command(&tool, &url, 150_018);
        let set = |name: &str| {
            let value = command.as_std().get_envs().find(|(n, _)| *n == name).and_then(|(_, v)| v);
            value.map(|v| v.to_string_lossy().into_owned())
        };
        assert_eq!(set("PGPASSWORD").as_deref(), Some("s3cret"));
        assert_eq!(set("PGDATABASE").as_deref(), Some("my db"));
        let options = set("PGOPTIONS").unwrap();
        assert!(
            options.starts_with("endpoint=x -c DateStyle=ISO,YMD") && options.contains(" -c idle_session_timeout=0")
        );
        assert!(!options.contains("transaction_timeout=0"), "this server does not know it");
        assert_eq!(command.as_std().get_args().count(), 0);
    }
}
