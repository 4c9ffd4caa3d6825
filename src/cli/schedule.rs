//! `schedule`.

use super::BackupKind;
use crate::domain::schedule::Every;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct ScheduleArgs {
    #[command(subcommand)]
    pub action: ScheduleAction,
}

#[derive(Debug, Subcommand)]
pub enum ScheduleAction {
    /// Let cron take a full backup every hour
    Install(InstallArgs),
    /// Take that out of the crontab; everything else in it stays
    Uninstall(UninstallArgs),
    /// Is it installed, did it run, how old is the last good backup?
    Status,
    /// What cron calls
    #[command(hide = true)]
    Run(ScheduledArgs),
}

#[derive(Debug, Args)]
pub struct InstallArgs {
    /// How often: 15m, 1h, 6h, 1d
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub every: Every,

    /// Structure and data, the data alone, or both from one read
    #[arg(long, value_enum, default_value = "full", value_name = "KIND")]
    pub kind: BackupKind,

    /// A timer of systemd instead of cron
    #[arg(long)]
    pub systemd: bool,

    /// Check everything and show what would be changed, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct UninstallArgs {
    /// Show what would be changed, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ScheduledArgs {
    #[arg(long, value_enum, default_value = "full", value_name = "KIND")]
    pub kind: BackupKind,

    /// Seconds to wait for another command
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u64>,

    /// Everything but the backup
    #[arg(long)]
    pub dry_run: bool,
}
