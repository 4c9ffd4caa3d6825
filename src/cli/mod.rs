//! The command line: typed arguments, and nothing done with them yet.
//!
//! `--map`, `--fill` … stay text here; `domain` knows what they mean.

mod args;
mod passthrough;
mod usage;

pub use args::{
    BackupArgs, BackupKind, Command, DevArgs, GuardAction, GuardArgs, IdArgs, OnConflict, OnLoss, PruneArgs,
    ReinsertArgs, Rejects, ResetArgs, RollbackArgs, ShowArgs, Strategy,
};

use crate::error::Error;
use crate::ui;
use clap::builder::FalseyValueParser;
use clap::{Args, Parser};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// What the user typed, environment already merged in.
#[derive(Debug, Parser)]
#[command(name = "safemigrate", version, about = "prisma migrate for PostgreSQL that cannot lose your data")]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Command,
}

/// The flags of every command, before or after its name. A flag beats `SAFEMIGRATE_…` beats `safemigrate.toml`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// Folder of the Prisma project [default: here, or the nearest folder above with one]
    #[arg(long, global = true, value_name = "DIR", env = "SAFEMIGRATE_PROJECT", hide_env = true)]
    pub project: Option<PathBuf>,

    /// Where backups are kept [default: .safemigrate beside package.json]
    #[arg(long, global = true, value_name = "DIR|URL", env = "SAFEMIGRATE_STORE", hide_env = true)]
    pub store: Option<String>,

    /// Print one JSON object on stdout
    #[arg(long, global = true, env = "SAFEMIGRATE_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    pub json: bool,

    /// Say yes to every question (a database's name has to be typed all the same)
    #[arg(short, long, global = true, env = "SAFEMIGRATE_YES", hide_env = true, value_parser = FalseyValueParser::new())]
    pub yes: bool,

    /// Never ask; exit 7 where a question would be
    #[arg(long, global = true, env = "SAFEMIGRATE_NO_INPUT", hide_env = true, value_parser = FalseyValueParser::new())]
    pub no_input: bool,

    /// Results and errors only
    #[arg(short, long, global = true, env = "SAFEMIGRATE_QUIET", hide_env = true, value_parser = FalseyValueParser::new())]
    pub quiet: bool,

    /// Say more
    #[arg(short, long, global = true, env = "SAFEMIGRATE_VERBOSE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub verbose: bool,

    /// Colours [default: auto]
    #[arg(long, global = true, value_name = "WHEN", env = "SAFEMIGRATE_COLOR", hide_env = true, value_enum)]
    pub color: Option<ui::Color>,

    /// Prisma's schema file or folder, as Prisma's own flag
    #[arg(long, global = true, value_name = "PATH", env = "SAFEMIGRATE_SCHEMA", hide_env = true)]
    pub schema: Option<PathBuf>,

    /// Prisma's configuration file, as Prisma's own flag
    #[arg(long, global = true, value_name = "FILE", env = "SAFEMIGRATE_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,

    /// The database, instead of the one that the project names; works without a project
    #[arg(long, global = true, value_name = "URL", env = "SAFEMIGRATE_URL", hide_env = true)]
    pub url: Option<UrlText>,

    /// The database's name, where it would have to be typed
    #[arg(long, global = true, value_name = "NAME", env = "SAFEMIGRATE_CONFIRM", hide_env = true)]
    pub confirm: Option<String>,
}

/// A database URL as it was typed. It holds a password, so it never prints.
#[derive(Clone)]
pub struct UrlText(String);

impl UrlText {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for UrlText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Globals {
    pub fn ui_settings(&self) -> ui::Settings {
        ui::Settings {
            json: self.json,
            quiet: self.quiet,
            verbose: self.verbose,
            color: self.color.unwrap_or_default(),
            interactive: !self.no_input,
            yes: self.yes,
            confirm: self.confirm.clone(),
        }
    }
}

/// Why there is nothing to run.
pub enum Stop {
    /// Help or version was asked for: `Ui::new(settings).page(&text)`, exit 0.
    Help { settings: ui::Settings, text: String },
    /// Wrong usage, exit 2: `Ui::new(settings).error(&error, &command)`.
    Wrong { settings: ui::Settings, command: String, error: Error },
}

/// Reads the command line (with the program's name) and `SAFEMIGRATE_*`.
///
/// # Errors
/// `Stop` when help was asked for or the usage is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Stop> {
    let args: Vec<OsString> = args.into_iter().collect();
    Cli::try_parse_from(passthrough::arrange(args.clone())).map_err(|e| usage::stop(&e, &args))
}
