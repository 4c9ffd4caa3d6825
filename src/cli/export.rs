//! Backups as files.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// For `psql`, as `pg_dump --no-owner --no-acl` writes it; rows as COPY, of a data-only backup as INSERTs
    Sql,
    /// For `psql`, rows as INSERTs with their columns named
    Inserts,
    /// For `pg_restore`, as `pg_dump -Fc` writes it
    Archive,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// An id, the beginning of one, or `latest`
    pub id: String,

    /// The file; `-` is stdout [default: DATABASE-DATE-ID.sql or .dump in this folder]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// What kind of file
    #[arg(long, value_enum, default_value = "sql", value_name = "FORMAT")]
    pub format: ExportFormat,

    /// Replace a file of that name
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A file of `pg_dump` (-Fc, -Ft, plain SQL), its folder (-Fd), or one of `safemigrate export`
    pub file: PathBuf,
}
