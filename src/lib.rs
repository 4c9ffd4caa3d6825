//! safemigrate: `prisma migrate` for PostgreSQL that cannot lose your data.
//!
//! The rooms and the way the arrows point stand in `docs/architecture.md`; `tests/architecture.rs` keeps them.

pub mod cli;
pub mod commands;
pub mod domain;
pub mod error;
pub mod operations;
pub mod postgres;
pub mod prisma;
pub mod store;
pub mod ui;
