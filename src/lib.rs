//! safemigrate: `prisma migrate` for PostgreSQL that cannot lose your data.
//!
//! The rooms and the way the arrows point stand in `docs/architecture.md`; `tests/architecture.rs` keeps them.

// The other lints stand in Cargo.toml. What a user, a server or a disk can cause is an error with a hint, never a panic
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable))]

pub mod cli;
pub mod commands;
pub mod domain;
pub mod error;
pub mod fault;
pub mod git;
pub mod operations;
pub mod postgres;
pub mod prisma;
pub mod scheduler;
pub mod store;
pub mod ui;
pub mod web;
