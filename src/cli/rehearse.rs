//! The words of `rehearse`.

use clap::{Args, ValueEnum};

/// As which of Prisma's commands migrations are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RehearseAs {
    /// Pending migrations, and what Prisma would draft from the schema
    Dev,
    /// Pending migrations
    Deploy,
    /// What Prisma would draft from the schema
    Push,
}

#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// Which command is rehearsed [default: dev; deploy where the database is production]
    #[arg(long = "as", value_enum, value_name = "COMMAND")]
    pub wanted: Option<RehearseAs>,

    /// On the data of this backup [default: the newest, if it is younger than an hour and of the same schema; else one is taken]
    #[arg(long, value_name = "ID")]
    pub backup: Option<String>,

    /// Take a new backup first
    #[arg(long, conflicts_with = "backup")]
    pub fresh: bool,

    /// Only so many of the rows, with those that they reference: for large databases
    #[arg(long, value_name = "N%", value_parser = percent)]
    pub sample: Option<f64>,
}

/// `5`, `5%`, `0.1%`
fn percent(text: &str) -> Result<f64, String> {
    match text.trim().trim_end_matches('%').trim_end().parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 100.0 => Ok(number),
        Ok(_) => Err("it must be more than 0 and at most 100".to_owned()),
        Err(_) => Err("not a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn parts_of_a_hundred() {
        assert_eq!(percent("5%"), Ok(5.0));
        assert_eq!(percent("0.1"), Ok(0.1));
        for bad in ["0%", "101%", "-1", "x", "", "NaN"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }
}
