//! `init`.

use clap::Args;

#[derive(Debug, Args)]
pub struct InitArgs {
    /// Show what would be changed, change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Take back what `init` changed, and nothing else
    #[arg(long)]
    pub undo: bool,
}
