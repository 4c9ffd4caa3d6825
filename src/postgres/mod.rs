//! The only place that speaks to a server.

pub mod session;
pub mod url;

pub use sqlx::postgres::PgConnection;
