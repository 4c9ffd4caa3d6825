//! `prisma.config.*`, which is a program: evaluated by the project's own `@prisma/config` in a child of ours.

use super::dotenv::Variables;
use super::root::config_file;
use super::tool::Tool;
use crate::error::{Context, Error, ErrorKind, Result};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::process::Command;

const EVALUATE: &str = include_str!("evaluate.cjs");

/// A configuration that takes longer hangs (it may wait for a network that is not there).
const PATIENCE: Duration = Duration::from_secs(60);

/// What the configuration says; all empty where the project has none. No `Debug`: it holds the database URL.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrismaConfig {
    /// The file it was read from.
    pub file: Option<PathBuf>,
    pub schema: Option<PathBuf>,
    pub migrations: Option<PathBuf>,
    /// Prisma 6: `classic` or `js`.
    pub engine: Option<String>,
    pub url: Option<String>,
    pub direct_url: Option<String>,
    pub shadow_database_url: Option<String>,
    /// The environment afterwards, with what the configuration set (usually by `import "dotenv/config"`) and what the
    /// runtime did (bun reads `.env` files by itself).
    pub environment: Variables,
    /// Prisma's loader gave up.
    pub(super) failed: Option<Failure>,
}

#[derive(Deserialize)]
pub(super) struct Failure {
    tag: String,
    file: Option<PathBuf>,
    message: Option<String>,
}

/// Evaluates the configuration of the project in `root` (`file`: the one of `--config`).
///
/// # Errors
/// `Config` with Prisma's own reason where the configuration fails; `Tool` where JavaScript does not run.
pub async fn evaluate(tool: &Tool, root: &Path, file: Option<&Path>) -> Result<PrismaConfig> {
    if file.is_none() && !tool.version.reads_config_only() && nothing_to_evaluate(tool, root) {
        return Ok(PrismaConfig::default());
    }
    let marker = format!("safemigrate-{}-{}:", std::process::id(), nanoseconds());
    let mut child = Command::new(&tool.runtime.program);
    child.args(&tool.runtime.arguments).arg("-e").arg(EVALUATE).arg("--").arg(&tool.package);
    child.arg(file.unwrap_or(Path::new(""))).arg(&marker).current_dir(root);
    child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, child.output()).await;
    let output = output.map_err(|_| {
        Error::new(
            ErrorKind::Config,
            format!("The Prisma configuration does not end within {} s. Nothing was changed", PATIENCE.as_secs()),
        )
    })?;
    let output = output.context(ErrorKind::Tool, || {
        format!("{} cannot be started. Nothing was changed", tool.runtime.program.display())
    })?;
    let config = read(&output, &marker)?;
    match config.failed {
        Some(failure) => Err(failure.into_error(root)),
        None => Ok(config),
    }
}

/// Whether it is certain without asking that no program decides anything here: neither a configuration under any name that
/// Prisma's loader would try, nor a runtime that reads `.env` or loads more than it is given. Asking takes half a second.
fn nothing_to_evaluate(tool: &Tool, root: &Path) -> bool {
    let plain =
        tool.runtime.arguments.is_empty() && tool.runtime.program.file_stem().is_some_and(|program| program == "node");
    let told = std::env::var_os("NODE_OPTIONS").is_some_and(|options| !options.is_empty());
    plain
        && !told
        && fs::read_dir(root).is_ok_and(|entries| entries.into_iter().all(|entry| entry.is_ok_and(is_no_config)))
}

fn is_no_config(entry: fs::DirEntry) -> bool {
    // some file systems know no case
    let name = entry.file_name().to_string_lossy().to_lowercase();
    name != ".config" && !(name.starts_with("prisma") && name.contains(".config"))
}

fn read(output: &Output, marker: &str) -> Result<PrismaConfig> {
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().find_map(|line| line.strip_prefix(marker));
    let config = answer.and_then(|json| serde_json::from_str(json).ok());
    config.ok_or_else(|| {
        let said = shortened(&without_passwords(&String::from_utf8_lossy(&output.stderr)));
        let error = Error::new(
            ErrorKind::Config,
            format!("The Prisma configuration could not be evaluated ({}). Nothing was changed", output.status),
        );
        if said.is_empty() { error } else { error.because(said) }
    })
}

impl Failure {
    fn into_error(self, root: &Path) -> Error {
        // where loading it failed, Prisma sometimes names the folder only
        let file =
            self.file.filter(|file| file.is_file() || self.tag == "ConfigFileNotFound").or_else(|| config_file(root));
        let file = file.as_deref().unwrap_or(Path::new("prisma.config")).display().to_string();
        let message = self.message.map(|text| shortened(&without_passwords(&text)));
        let error = match self.tag.as_str() {
            "ConfigFileNotFound" => format!("The Prisma configuration {file} does not exist. Nothing was changed"),
            "ConfigFileSyntaxError" => {
                format!("The Prisma configuration {file} is not one that this Prisma accepts. Nothing was changed")
            }
            _ => format!("The Prisma configuration {file} cannot be loaded. Nothing was changed"),
        };
        let missing = message.as_deref().is_some_and(|text| text.contains("environment variable"));
        let mut error = Error::new(ErrorKind::Config, error);
        if missing {
            error = error.hint("Set the variable in .env or in the environment. (Prisma 7 reads .env only where the configuration imports \"dotenv/config\".)");
        }
        match message {
            Some(message) => error.because(message),
            None => error,
        }
    }
}

/// The last lines, without the walls of text that Prisma's validator writes before its point.
fn shortened(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && line.len() < 200).collect();
    lines[lines.len().saturating_sub(3)..].join(" ")
}

/// Takes user and password out of every address in a text that somebody else wrote.
pub fn without_passwords(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`')).unwrap_or(after.len());
        let secret = after[..end].rfind('@').map_or(0, |at| at + 1);
        clean.push_str(if secret > 0 { "***@" } else { "" });
        rest = &after[secret..];
    }
    clean + rest
}

fn nanoseconds() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prisma::tool::Runtime;
    use crate::prisma::version::Version;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn output(stdout: &str, stderr: &str) -> Output {
        Output { status: ExitStatus::from_raw(0), stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn finds_the_answer_between_what_the_configuration_prints() {
        let config =
            read(&output("[dotenv] hello\nm:{\"url\":\"u\",\"environment\":{\"A\":\"1\"}}\n", ""), "m:").unwrap();
        assert_eq!((config.url.as_deref(), config.environment["A"].as_str()), (Some("u"), "1"));
    }

    #[test]
    fn no_answer_shows_the_last_words_without_passwords() {
        let error = read(&output("", "at x\nbad postgresql://jo:p@ss@h/d, sorry\n"), "m:").err().unwrap();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.to_string().ends_with("at x bad postgresql://***@h/d, sorry"), "{error}");
    }

    #[test]
    fn what_may_hold_a_configuration_is_asked_about() {
        let root = tempfile::tempdir().unwrap();
        let package = root.path().join("package.json");
        let runtime = |program: &str| Runtime { program: program.into(), arguments: Vec::new() };
        let tool = |runtime| Tool { version: Version::parse("6.19.0").unwrap(), package, runtime, entry: Vec::new() };
        let mut tool = tool(runtime("/usr/bin/node"));
        for usual in ["package.json", "prisma.ts", "tsconfig.json"] {
            fs::write(root.path().join(usual), "{}").unwrap();
        }
        fs::create_dir(root.path().join("prisma")).unwrap();
        assert!(nothing_to_evaluate(&tool, root.path()));
        for name in ["prisma.config.ts", "Prisma.Config.mjs", "prisma.config", "prisma.config.json", ".config"] {
            let folder = root.path().join(name);
            fs::create_dir(&folder).unwrap();
            assert!(!nothing_to_evaluate(&tool, root.path()), "{name}");
            fs::remove_dir(folder).unwrap();
        }
        assert!(!nothing_to_evaluate(&tool, &root.path().join("none")));
        tool.runtime.arguments = vec!["node".into()];
        assert!(!nothing_to_evaluate(&tool, root.path()), "yarn");
        tool.runtime = runtime("/usr/bin/bun");
        assert!(!nothing_to_evaluate(&tool, root.path()), "bun reads .env by itself");
    }

    #[test]
    fn a_missing_variable_gets_a_hint() {
        let failure = r#"{"failed":{"tag":"ConfigLoadError","file":"/p/prisma.config.ts","message":"Cannot resolve environment variable: DATABASE_URL."}}"#;
        let config = read(&output(&format!("m:{failure}"), ""), "m:").unwrap();
        let error = config.failed.unwrap().into_error(Path::new("/p"));
        assert!(error.to_string().contains("DATABASE_URL"), "{error}");
        assert_eq!(error.hints.len(), 1);
    }
}
