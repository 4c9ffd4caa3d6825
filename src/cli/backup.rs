//! `backup`.

use crate::domain::manifest::Kinds;
use crate::domain::unchanged::ReadRows;
use clap::{Args, ValueEnum};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackupKind {
    Full,
    DataOnly,
    Both,
}

impl From<BackupKind> for Kinds {
    fn from(kind: BackupKind) -> Self {
        match kind {
            BackupKind::Full => Self::Full,
            BackupKind::DataOnly => Self::DataOnly,
            BackupKind::Both => Self::Both,
        }
    }
}

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Structure and data, the data alone, or both from one read
    #[arg(long, value_enum, default_value = "both", value_name = "KIND")]
    pub kind: BackupKind,

    /// Read every row, also those that are proven to be as an earlier backup has them
    #[arg(long)]
    pub read_all: bool,
}

impl BackupArgs {
    pub fn reads(&self) -> ReadRows {
        if self.read_all { ReadRows::All } else { ReadRows::Unproven }
    }
}
