//! Backups by the clock: what is put into a crontab and taken out of it, what cron then runs, and what is said when
//! it does not.

mod scene;
mod support;

#[path = "page/served.rs"]
#[allow(dead_code, reason = "the page's own tests use the rest")]
mod served;

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
