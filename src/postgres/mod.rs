//! The only place that speaks to a server.

pub mod catalog;
pub mod census;
pub mod copy;
pub mod snapshot;
pub mod session;
pub mod tools;
pub mod url;

pub use sqlx::postgres::PgConnection;
