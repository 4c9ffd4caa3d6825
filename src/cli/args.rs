//! The commands and their own options. Help texts are one line and one example each.

use super::backup::BackupArgs;
use super::compare::{DiffArgs, VerifyArgs};
use super::export::{ExportArgs, ImportArgs};
use super::hook::{HookAction, HookArgs, LintArgs};
use super::init::InitArgs;
use super::pages::{CompletionsArgs, ManArgs, UiArgs};
use super::rehearse::RehearseArgs;
use super::report::ReportArgs;
use super::schedule::{ScheduleAction, ScheduleArgs};
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Backup, `prisma migrate dev`, proof that nothing is lost
    #[command(override_usage = "safemigrate dev [OPTIONS] [PRISMA ARGS]…")]
    #[command(after_help = "Example:\n  safemigrate dev --name add-description")]
    Dev(DevArgs),
    /// Backup, then `prisma migrate reset`; refused on production
    #[command(override_usage = "safemigrate reset [OPTIONS] [PRISMA ARGS]…")]
    #[command(after_help = "Example:\n  safemigrate reset --force")]
    Reset(ResetArgs),
    /// Backup, `prisma migrate deploy`, proof; no backup, no migration
    #[command(override_usage = "safemigrate deploy [OPTIONS] [PRISMA ARGS]…")]
    #[command(after_help = "Example:\n  safemigrate deploy")]
    Deploy(DeployArgs),
    /// Backup, `prisma db push`, proof; refused on production
    #[command(override_usage = "safemigrate push [OPTIONS] [PRISMA ARGS]…")]
    #[command(after_help = "Example:\n  safemigrate push --accept-data-loss")]
    Push(DevArgs),
    /// Any command of Prisma's: what can destroy is guarded, the rest is passed on
    #[command(override_usage = "safemigrate prisma [PRISMA ARGS]…")]
    #[command(
        after_help = "Examples:\n  safemigrate prisma migrate dev --name x    as `safemigrate dev --name x`\n  alias prisma='safemigrate prisma'"
    )]
    Prisma(DevArgs),
    /// Backup, any command, proof: a data script, `psql -f`
    #[command(override_usage = "safemigrate run [OPTIONS] -- COMMAND…")]
    #[command(after_help = "Example:\n  safemigrate run -- npx tsx scripts/clean-up.ts")]
    Run(RunArgs),
    /// Back up the database now
    #[command(after_help = "Example:\n  safemigrate backup --url postgresql://me@localhost/shop --store ./backups")]
    Backup(BackupArgs),
    /// The backups: kind, age, rows, size, why
    #[command(after_help = "Example:\n  safemigrate list --json")]
    List,
    /// One backup, table by table
    #[command(after_help = "Example:\n  safemigrate show latest")]
    Show(ShowArgs),
    /// Compare the live database with a backup: rows, columns, values
    #[command(after_help = "Example:\n  safemigrate verify f-7k2m")]
    Verify(VerifyArgs),
    /// What is different since a backup: structure, Prisma schema, rows
    #[command(
        after_help = "Examples:\n  safemigrate diff\n  safemigrate diff f-7k2m --stat\n  safemigrate diff --rows 20 | less -R"
    )]
    Diff(DiffArgs),
    /// Are the backups themselves whole? `--restore` proves it
    #[command(after_help = "Example:\n  safemigrate check --all")]
    Check(CheckArgs),
    /// The guarded commands that ran, and how they ended
    #[command(after_help = "Example:\n  safemigrate history")]
    History,
    /// How a run went, for a pull request or in your browser
    #[command(after_help = "Examples:\n  safemigrate report --open\n  safemigrate report | gh pr comment -F -")]
    Report(ReportArgs),
    /// A full backup every hour by cron: install, status, uninstall
    #[command(after_help = "Example:\n  safemigrate schedule install --every 6h")]
    Schedule(ScheduleArgs),
    /// Unfinished runs and what to do about them
    #[command(after_help = "Example:\n  safemigrate status")]
    Status,
    /// Finish or undo what a crash left
    #[command(after_help = "Example:\n  safemigrate recover")]
    Recover,
    /// Delete old backups; those that are held stay
    #[command(after_help = "Example:\n  safemigrate prune --keep 5")]
    Prune(PruneArgs),
    /// Hold a backup until it is unpinned
    #[command(after_help = "Example:\n  safemigrate pin f-7k2m")]
    Pin(ShowArgs),
    /// Let a pinned backup go with the others
    #[command(after_help = "Example:\n  safemigrate unpin f-7k2m")]
    Unpin(ShowArgs),
    /// Delete one backup; a held one only when its id is typed (`--confirm ID`)
    #[command(after_help = "Example:\n  safemigrate delete f-7k2m")]
    Delete(ShowArgs),
    /// Put structure and data back as a full backup holds them
    #[command(after_help = "Example:\n  safemigrate rollback --set-aside")]
    Rollback(RollbackArgs),
    /// Try what is pending on a scratch copy of the data: what fails, what would be lost?
    #[command(after_help = "Example:\n  safemigrate rehearse --as deploy")]
    Rehearse(RehearseArgs),
    /// Put the rows of a data-only backup into the schema as it is now
    #[command(after_help = "Example:\n  safemigrate reinsert --map Product.price=amount --dry-run")]
    Reinsert(ReinsertArgs),
    /// A backup as a file for `psql` or `pg_restore`
    #[command(
        after_help = "Examples:\n  safemigrate export latest\n  safemigrate export f-7k2m -o - | gzip > shop.sql.gz\n  safemigrate export d-7k2m --format archive -o rows.dump"
    )]
    Export(ExportArgs),
    /// A file of `pg_dump` into the store, through a scratch database
    #[command(after_help = "Example:\n  safemigrate import shop.dump")]
    Import(ImportArgs),
    /// What this database is taken for; mark it as production
    #[command(after_help = "Example:\n  safemigrate guard mark")]
    Guard(GuardArgs),
    /// Look at migrations before they run: what would destroy data?
    #[command(after_help = "Example:\n  safemigrate lint --since origin/main --format github")]
    Lint(LintArgs),
    /// The same before every `git push`: install, uninstall
    #[command(after_help = "Example:\n  safemigrate hook install")]
    Hook(HookArgs),
    /// Set up a project: settings, npm scripts, git hook, ignore line; shows it and asks
    #[command(after_help = "Example:\n  safemigrate init --dry-run")]
    Init(InitArgs),
    /// The page with all backups, in your browser: look, create, restore, check
    #[command(after_help = "Example:\n  safemigrate ui --port 5656 --no-open")]
    Ui(UiArgs),
    /// The script that teaches your shell our commands: bash, zsh, fish, powershell
    #[command(after_help = "Example:\n  source <(safemigrate completions bash)   # in ~/.bashrc")]
    Completions(CompletionsArgs),
    /// Write the pages of `man` into a folder
    #[command(hide = true, after_help = "Example:\n  safemigrate man ./man && man -l ./man/safemigrate-dev.1")]
    Man(ManArgs),
}

impl Command {
    /// The name in `"command"` of the JSON output.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dev(_) => "dev",
            Self::Reset(_) => "reset",
            Self::Deploy(_) => "deploy",
            Self::Push(_) => "push",
            Self::Prisma(_) => "prisma",
            Self::Run(_) => "run",
            Self::Backup(_) => "backup",
            Self::List => "list",
            Self::Show(_) => "show",
            Self::Verify(_) => "verify",
            Self::Diff(_) => "diff",
            Self::Check(_) => "check",
            Self::History => "history",
            Self::Report(_) => "report",
            Self::Schedule(schedule) => match schedule.action {
                ScheduleAction::Install(_) => "schedule install",
                ScheduleAction::Uninstall(_) => "schedule uninstall",
                ScheduleAction::Status => "schedule status",
                ScheduleAction::Run(_) => "schedule run",
            },
            Self::Status => "status",
            Self::Recover => "recover",
            Self::Prune(_) => "prune",
            Self::Pin(_) => "pin",
            Self::Unpin(_) => "unpin",
            Self::Delete(_) => "delete",
            Self::Rollback(_) => "rollback",
            Self::Rehearse(_) => "rehearse",
            Self::Reinsert(_) => "reinsert",
            Self::Export(_) => "export",
            Self::Import(_) => "import",
            Self::Guard(guard) => match guard.action {
                GuardAction::Status => "guard status",
                GuardAction::Mark => "guard mark",
                GuardAction::Unmark => "guard unmark",
            },
            Self::Lint(_) => "lint",
            Self::Hook(hook) => match hook.action {
                HookAction::Install(_) => "hook install",
                HookAction::Uninstall(_) => "hook uninstall",
                HookAction::PrePush(_) => "hook pre-push",
            },
            Self::Init(_) => "init",
            Self::Completions(_) => "completions",
            Self::Ui(_) => "ui",
            Self::Man(_) => "man",
        }
    }
}

/// What to do when the verification after a migration found loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnLoss {
    Ask,
    Keep,
    Rollback,
    Reinsert,
}

#[derive(Debug, Args)]
pub struct DevArgs {
    /// Try it on a scratch copy of the data first; go on only where nothing fails and nothing is lost
    #[arg(long)]
    pub rehearse: bool,

    /// When data is lost [default: ask at a terminal, else keep and exit 3]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_loss: Option<OnLoss>,

    /// Handed to Prisma untouched, wherever they stand; after `--` everything is Prisma's
    #[arg(last = true, value_name = "PRISMA ARGS")]
    pub prisma_args: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct ResetArgs {
    /// Handed to Prisma untouched, wherever they stand; after `--` everything is Prisma's
    #[arg(last = true, value_name = "PRISMA ARGS")]
    pub prisma_args: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct DeployArgs {
    /// Apply the migrations without a backup and without a proof; it is recorded
    #[arg(long, conflicts_with_all = ["on_loss", "rehearse"])]
    pub no_backup: bool,

    #[command(flatten)]
    pub guarded: DevArgs,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// When data is lost [default: ask at a terminal, else keep and exit 3]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_loss: Option<OnLoss>,

    /// The command and its arguments, behind `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// An id, the beginning of one, or `latest`
    pub id: String,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// An id, the beginning of one, or `latest` [default: the backups of the newest checkpoint]
    pub id: Option<String>,

    /// Every backup in the store
    #[arg(long, conflicts_with = "id")]
    pub all: bool,

    /// Also restore into a scratch database beside the live one, compare everything, drop it
    #[arg(long)]
    pub restore: bool,
}

#[derive(Debug, Args)]
pub struct PruneArgs {
    /// How many of each kind stay [default: `[retention]` of safemigrate.toml, else 10]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub keep: Option<usize>,

    /// Show what would go, and why, and what that would free; change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A pruning that leaves nothing is no pruning.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one has to stay".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a number".to_owned()),
    }
}

/// How a full backup takes the place of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// Restore beside the live database, prove it, then rename both
    Swap,
    /// Restore inside the live database in one transaction
    InPlace,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// A full backup: an id, the beginning of one, or `latest` [default: the checkpoint of the last run]
    pub id: Option<String>,

    /// Move the migration folders that the next `dev` would apply again into the store
    #[arg(long)]
    pub set_aside: bool,

    /// [default: swap where the role may create databases, else in-place]
    #[arg(long, value_enum, value_name = "HOW")]
    pub strategy: Option<Strategy>,
}

/// What to do with a row whose key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnConflict {
    /// Leave the live row as it is
    Skip,
    /// Write only into columns that are NULL or at their default
    Fill,
    /// Overwrite the live row
    Update,
    /// Empty the tables first
    Replace,
}

/// What to do with rows that do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rejects {
    /// Undo everything, exit 6
    Fail,
    /// Put them, with the reason, into `rejects/` of the store and go on
    Save,
}

#[derive(Debug, Args)]
pub struct ReinsertArgs {
    /// A data-only backup: an id, the beginning of one, or `latest` [default: the checkpoint of the last run]
    pub id: Option<String>,

    /// Show what would be done, change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// A table (Old=New) or column (Table.old=new) that has another name now
    #[arg(long, value_name = "OLD=NEW")]
    pub map: Vec<String>,

    /// What to write where there is no value: Table.column=SQL-EXPRESSION
    #[arg(long, value_name = "COLUMN=SQL")]
    pub fill: Vec<String>,

    /// A value that is written differently now: Table.column:old=new
    #[arg(long, value_name = "COLUMN:OLD=NEW")]
    pub map_value: Vec<String>,

    /// How a value becomes one of the new type: Table.column=SQL-EXPRESSION over the old columns
    #[arg(long, value_name = "COLUMN=SQL")]
    pub cast: Vec<String>,

    /// Only this table (repeat for more)
    #[arg(long, value_name = "TABLE")]
    pub table: Vec<String>,

    /// A row with the same key is there already
    #[arg(long, value_enum, default_value = "skip", value_name = "WHAT")]
    pub on_conflict: OnConflict,

    /// A row does not fit
    #[arg(long, value_enum, default_value = "fail", value_name = "WHAT")]
    pub rejects: Rejects,
}

#[derive(Debug, Args)]
pub struct GuardArgs {
    #[command(subcommand)]
    pub action: GuardAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum GuardAction {
    /// What this database is taken for, and why
    Status,
    /// Mark this database as production
    Mark,
    /// Take the mark away
    Unmark,
}
