//! The files of `pg_dump`, run on our own connection: never by `psql`, whose commands a file may hold.

mod policy;
mod run;
mod source;

pub use run::{Loaded, load, prepare};
pub use source::Source;
