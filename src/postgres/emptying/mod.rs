//! Making room inside a database for a restore in place, in the transaction of the caller.
//!
//! Everything that users made goes; what belongs to extensions stays, and so do the schemas themselves, whose
//! rights are put back to those of a new schema so that the backup's statements lead to where they led before.

mod extensions;
mod initial;
mod objects;
mod rights;

pub use extensions::{
    drop_unknown as drop_unknown_extension, installed as installed_extensions, move_to as move_extension,
};
pub use initial::reset_rights;
pub use objects::{
    UserObject, drop_all, foreign_globals, large_objects, lock_tables, unlink_large_objects, user_objects,
};
pub use rights::{
    Schema, clear_default_privileges, create_schema, drop_schema, kept_default_privileges, renew_schema, schemas,
};

use super::session::doing;
use crate::error::Result;
use sqlx::Row;
use sqlx::postgres::PgRow;

/// Schemas of users, of `pg_namespace n`.
const USER_SCHEMA: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(doing("reading what is in the database"))
}
