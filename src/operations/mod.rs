//! The journeys: each is plan → (shown, confirmed) → apply. They never print; they return reports and hand out events.

pub mod backup;
pub mod bystanders;
pub mod check;
pub mod checkpoint;
pub mod export;
pub mod guard;
pub mod guarded_run;
pub mod hook;
pub mod ids;
pub mod import;
pub mod init;
pub mod interrupt;
pub mod journal;
pub mod lint;
pub mod reading;
pub mod recover;
pub mod reinsert;
pub mod report;
pub mod restore;
pub mod retention;
pub mod rollback;
pub mod schedule;
mod shadow;
pub mod target;
mod telling;
pub mod verification;
