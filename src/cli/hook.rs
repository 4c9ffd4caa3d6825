//! `lint` and `hook`: what is typed, and what git hands over.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// How findings are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    #[default]
    Text,
    /// Annotations of GitHub Actions
    Github,
}

#[derive(Debug, Args)]
pub struct LintArgs {
    /// Scripts, folders of migrations, or folders with some [default: all of the project]
    #[arg(conflicts_with = "since")]
    pub files: Vec<PathBuf>,

    /// What HEAD brings that this commit does not have, as the check before a push looks at it
    #[arg(long, value_name = "COMMIT")]
    pub since: Option<String>,

    #[arg(long, value_enum, default_value = "text", value_name = "HOW", help = "How findings are written")]
    pub format: LintFormat,
}

#[derive(Debug, Args)]
pub struct HookArgs {
    #[command(subcommand)]
    pub action: HookAction,
}

#[derive(Debug, Subcommand)]
pub enum HookAction {
    /// Let git call us before every push (git's own hooks, core.hooksPath, husky, lefthook, pre-commit)
    Install(ChangeArgs),
    /// Take that back; hooks that were there before stay
    Uninstall(ChangeArgs),
    /// What git calls: reads on stdin what is pushed
    PrePush(PrePushArgs),
}

#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// Show what would be changed, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct PrePushArgs {
    /// The remote's name, or its URL where it has none
    pub remote: Option<String>,
    /// The remote's URL
    #[arg(value_name = "URL")]
    pub address: Option<String>,
}
