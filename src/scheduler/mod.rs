//! The only place that speaks to what starts programs by the clock: the user's crontab, and systemd's units of a user.

pub mod crontab;
mod rehearsal;
pub mod systemd;

pub use rehearsal::{Rehearsed, rehearse};

use std::fs;

/// Whether a cron runs on this machine; `None` where that cannot be seen. In containers and in WSL there often is none.
pub fn cron_runs() -> Option<bool> {
    const NAMES: [&str; 5] = ["cron", "crond", "fcron", "dcron", "bcron-sched"];
    let processes: Vec<_> = fs::read_dir("/proc").ok()?.flatten().collect();
    let mut names =
        processes.iter().filter_map(|process| fs::read_to_string(process.path().join("comm")).ok()).peekable();
    names.peek()?;
    Some(names.any(|name| NAMES.contains(&name.trim())))
}
