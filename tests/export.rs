//! Backups as files of `pg_dump`: what comes out is what PostgreSQL's own programs write and read.

#[path = "export/everything.rs"]
mod everything;
#[path = "export/file.rs"]
mod file;
#[path = "export/import.rs"]
mod import;
#[path = "export/place.rs"]
mod place;
#[path = "export/rows_alone.rs"]
mod rows_alone;
#[path = "export/size.rs"]
mod size;
#[path = "support/mod.rs"]
mod support;
