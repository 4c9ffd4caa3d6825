//! Comparing with a backup: `verify`, `diff`.

use clap::Args;

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// An id, the beginning of one, or `latest` [default: the checkpoint of the last run]
    pub id: Option<String>,

    /// Name lost rows by their key, and changed values
    #[arg(long)]
    pub deep: bool,

    /// How many rows of each table are named
    #[arg(long, value_name = "N", default_value_t = 20, requires = "deep")]
    pub rows: usize,
}

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// An id, the beginning of one, or `latest` [default: the checkpoint of the last run]
    pub id: Option<String>,

    /// Only how much is different, table by table
    #[arg(long)]
    pub stat: bool,

    /// Show up to N rows of each table by key, old and new values side by side
    #[arg(long, value_name = "N", conflicts_with = "stat")]
    pub rows: Option<usize>,
}
