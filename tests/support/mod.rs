//! What every end-to-end test stands on: a private PostgreSQL, a real Prisma project, a terminal.
//!
//! `scripts/setup` installs what is needed; nothing here uses a server or a project that was there before.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test file uses its own part of this")]

mod both;
mod cluster;
pub mod dump;
mod extension;
mod node;
mod prepared;
mod prisma_engine;
mod project;
mod proxy;
mod psql;
mod server;
mod state;
mod template;
mod terminal;

pub(crate) use both::on_both;
pub use cluster::{Cluster, PASSWORD};
pub use node::{environment as node_environment, path};
pub use prisma_engine::engine_environment;
pub use project::{Output, Prisma, Project, Shape};
pub use proxy::{Count, FAILS, Fault, Proxy};
pub use psql::PsqlSession;
pub use server::ServerPrograms;
pub use state::same;
pub use terminal::Terminal;
