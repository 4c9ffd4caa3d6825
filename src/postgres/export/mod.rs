//! A backup as the files of `pg_dump`: its archive and its INSERT statements. No server is asked.
//!
//! The archive is written straight from the store: the structure's own table of contents with the tables' rows added, then
//! the rows. What `pg_restore` writes of it is the plain SQL file, word by word as `pg_dump` would have written it.

mod archive;
mod blocks;
mod idents;
mod inserts;
mod rows_alone;
mod translate;

pub use archive::{Contents, Rows};
pub use blocks::{Block, Compression, copy_large_objects};
pub use inserts::Inserts;
pub use rows_alone::{begin, end, heading};
pub use translate::{Piece, translate};
