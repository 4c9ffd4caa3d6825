//! Backups by the clock: what is put into a crontab and taken out of it, what cron then runs, and what is said when
//! it does not.

mod scene;
mod support;

#[path = "schedule/install.rs"]
mod install;
#[path = "schedule/quoting.rs"]
mod quoting;
#[path = "schedule/real_cron.rs"]
mod real_cron;
#[path = "schedule/run.rs"]
mod run;
#[path = "schedule/systemd.rs"]
mod systemd;
#[path = "schedule/tables.rs"]
mod tables;
