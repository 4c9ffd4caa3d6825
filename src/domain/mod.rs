//! Plain data and the decisions over it. No I/O, no async, no clock.

pub mod changes;
pub mod checkmark;
pub mod compare;
pub mod digest;
pub mod ending;
pub mod event;
pub mod export;
pub mod guard;
pub mod holder;
pub mod hook;
pub mod init;
pub mod lint;
pub mod manifest;
pub mod migration_sql;
pub mod names;
pub mod prisma_command;
pub mod progress;
pub mod rehearsal;
pub mod reinsert;
pub mod retention;
pub mod rows;
pub mod run;
pub mod schedule;
pub mod schema;
pub mod suggest;
pub mod touched;
