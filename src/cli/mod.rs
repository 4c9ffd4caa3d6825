//! The command line: typed arguments, and nothing done with them yet.
//!
//! `--map`, `--fill` … stay text here; `domain` knows what they mean.

mod args;
mod backup;
mod compare;
mod environment;
mod export;
mod hook;
mod init;
mod pages;
mod passthrough;
mod rehearse;
mod report;
mod schedule;
mod usage;

pub use args::{
    CheckArgs, Command, DeployArgs, DevArgs, GuardAction, GuardArgs, OnConflict, OnLoss, PruneArgs, ReinsertArgs,
    Rejects, ResetArgs, RollbackArgs, RunArgs, ShowArgs, Strategy,
};
pub use backup::{BackupArgs, BackupKind};
pub use compare::{DiffArgs, VerifyArgs};
pub use export::{ExportArgs, ExportFormat, ImportArgs};
pub use init::InitArgs;
pub use pages::{CompletionsArgs, ManArgs, ManPage, UiArgs, completions, man_pages};

pub use rehearse::{RehearseArgs, RehearseAs};
pub use report::{ReportArgs, ReportAs};
pub use schedule::{InstallArgs, ScheduleAction, ScheduleArgs, ScheduledArgs, UninstallArgs};

pub use hook::{ChangeArgs, HookAction, HookArgs, LintArgs, LintFormat, PrePushArgs};

use crate::error::Error;
use crate::ui;
use clap::{Args, CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

const STORY: &str = "\
prisma migrate for PostgreSQL that cannot lose your data

  safemigrate dev        instead of `prisma migrate dev`: backup, migrate, proof
  safemigrate rollback   everything as it was before, structure and data
  safemigrate reinsert   the rows of before in the schema of now
  safemigrate list       the backups";

const ENVIRONMENT: &str = "\
Each flag under \"Everywhere\" but --confirm has a variable: SAFEMIGRATE_STORE=/backups,
SAFEMIGRATE_JSON=1. A flag beats it, and it beats safemigrate.toml.";

/// What the user typed, environment already merged in.
#[derive(Debug, Parser)]
#[command(name = "safemigrate", version, about = STORY, after_help = ENVIRONMENT, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
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
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,

    /// Where backups are kept [default: .safemigrate beside package.json]
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub store: Option<String>,

    /// Print one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,

    /// Say yes to every question (a database's name has to be typed all the same)
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Never ask; exit 7 where a question would be
    #[arg(long, global = true)]
    pub no_input: bool,

    /// Results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Colours [default: auto]
    #[arg(long, global = true, value_name = "WHEN", value_enum)]
    pub color: Option<ui::Color>,

    /// Prisma's schema file or folder, as Prisma's own flag
    #[arg(long, global = true, value_name = "PATH")]
    pub schema: Option<PathBuf>,

    /// Prisma's configuration file, as Prisma's own flag
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The database, instead of the one that the project names; works without a project
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<UrlText>,

    /// What would have to be typed: NAME@IDENTITY (`guard status`; for `delete` the held backup's id)
    #[arg(long, global = true, value_name = "NAME")]
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
    Wrong { settings: ui::Settings, command: String, error: Box<Error> },
}

/// Reads the command line (with the program's name) and `SAFEMIGRATE_*`.
///
/// # Errors
/// `Stop` when help was asked for or the usage is wrong.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Stop> {
    parse_with(args.into_iter().collect(), |name| std::env::var_os(name))
}

fn parse_with(args: Vec<OsString>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Cli, Stop> {
    let mut root = Cli::command();
    root.build();
    let args = passthrough::unwrap_prisma(&root, args);
    let (args, variables) = environment::add(&root, args, variable);
    let args = passthrough::arrange(&root, args);
    let matches = Cli::command().try_get_matches_from(&args);
    matches.and_then(|m| Cli::from_arg_matches(&m)).map_err(|e| usage::stop(&e, &root, &args, &variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Cli {
        match parse_with(line.split(' ').map(OsString::from).collect(), |_| None) {
            Ok(cli) => cli,
            Err(Stop::Wrong { error, .. }) => panic!("{line}: {error}"),
            Err(Stop::Help { text, .. }) => panic!("{line}: {text}"),
        }
    }

    #[test]
    fn clap_finds_no_fault_in_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_and_after_the_command() {
        for line in ["s --json -q --store x list", "s list --json -q --store x", "s --json list -q --store=x"] {
            let globals = parsed(line).globals;
            assert!(globals.json && globals.quiet && !globals.verbose, "{line}");
            assert_eq!(globals.store.as_deref(), Some("x"), "{line}");
        }
    }

    #[test]
    fn dev_hands_prismas_words_on_in_order() {
        let cli = parsed("s --json dev --name x --on-loss keep --create-only --schema p/s.prisma -- --skip-seed -v");
        assert!(cli.globals.json && !cli.globals.verbose);
        assert_eq!(cli.globals.schema, Some("p/s.prisma".into()));
        let Command::Dev(dev) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(dev.on_loss, Some(OnLoss::Keep));
        assert_eq!(dev.prisma_args, ["--name", "x", "--create-only", "--skip-seed", "-v"]);
    }

    #[test]
    fn reinsert_keeps_its_expressions_as_typed() {
        let cli = parsed("s reinsert latest --map A=B --map a.b.c=d --fill t.c=x=1 --map-value t.c:a=b --dry-run");
        let Command::Reinsert(args) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(args.id.as_deref(), Some("latest"));
        assert_eq!(args.map, ["A=B", "a.b.c=d"]);
        assert_eq!((args.fill, args.map_value), (vec!["t.c=x=1".to_owned()], vec!["t.c:a=b".to_owned()]));
        assert!(args.dry_run && args.on_conflict == OnConflict::Skip && args.rejects == Rejects::Fail);
    }

    #[test]
    fn a_url_never_prints() {
        let cli = parsed("s list --url postgres://u:secret@h/d");
        assert!(!format!("{cli:?}").contains("secret"));
        assert_eq!(cli.globals.url.map(|u| u.reveal().to_owned()).as_deref(), Some("postgres://u:secret@h/d"));
    }

    #[test]
    fn every_command_has_an_example_and_a_name() {
        let root = Cli::command();
        for command in root.get_subcommands() {
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let name = command.get_name();
            assert!(example.contains(&format!("safemigrate {name}")), "{name}: {example}");
            assert!(command.get_about().is_some(), "{name}");
        }
    }
}
