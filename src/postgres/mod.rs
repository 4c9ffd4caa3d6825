//! The only place that speaks to a server.

pub mod catalog;
pub mod census;
pub mod claim;
pub mod commit;
pub mod copy;
pub mod databases;
pub mod dump;
pub mod emptying;
pub mod export;
pub mod import;
pub mod mark;
pub mod prisma_journal;
pub mod reinsert;
pub mod session;
pub mod snapshot;
pub mod statements;
pub mod structure;
pub mod surroundings;
pub mod tools;
pub mod trying;
pub mod unchanged;
pub mod url;
pub mod waiting;
pub mod writers;

pub use sqlx::postgres::PgConnection;
