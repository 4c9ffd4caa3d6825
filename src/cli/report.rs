//! `report`.

use clap::{Args, ValueEnum};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportAs {
    /// Print the path of the HTML file
    Html,
    /// Print the Markdown
    Md,
    /// Print what `--json` prints
    Json,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A run's id, the beginning of one, or `latest` [default: the last run that has a report]
    pub run: Option<String>,

    /// Show the HTML file in your browser
    #[arg(long)]
    pub open: bool,

    /// [default: text at a terminal, else md]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ReportAs>,
}
