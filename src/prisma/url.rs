//! Which database the project's Prisma would migrate, and where that is written.

use super::config::PrismaConfig;
use super::environment::Environment;
use super::schema::{Datasource, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::url::Secret;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the database URL came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlSource {
    /// `--url` (or `SAFEMIGRATE_URL`).
    Flag,
    /// A variable of the environment we were started in.
    Environment { name: String },
    /// A variable in a `.env` file.
    File { name: String, path: PathBuf },
    /// Prisma's configuration, which does not show from where it has it.
    Config { path: PathBuf },
    /// Written out in the schema.
    Schema { path: PathBuf },
}

impl UrlSource {
    /// The `.env` file that gave the URL.
    pub fn env_file(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// The variable that held the URL.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Environment { name } | Self::File { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for UrlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--url"),
            Self::Environment { name } => write!(f, "{name} in the environment"),
            Self::File { name, path } => write!(f, "{name} in {}", path.display()),
            Self::Config { path } | Self::Schema { path } => write!(f, "{}", path.display()),
        }
    }
}

/// Prisma 7, and Prisma 6 with the `classic` engine: the configuration's URL.
///
/// # Errors
/// `Config` where it has none.
pub fn of_config(config: &PrismaConfig, environment: &Environment) -> Result<(Secret, UrlSource)> {
    // Prisma 6 migrates over directUrl; Prisma 7 knows no such setting
    let url = config.direct_url.as_ref().or(config.url.as_ref()).filter(|url| !url.is_empty());
    match (url, &config.file) {
        (Some(url), Some(file)) => {
            let source = environment.source_of_value(url).unwrap_or_else(|| UrlSource::Config { path: file.clone() });
            Ok((Secret::new(url), source))
        }
        (None, Some(file)) => Err(no_url(&format!("{} has no datasource.url", file.display()))
            .hint("Add it: datasource: { url: env(\"DATABASE_URL\") } — and set DATABASE_URL.")),
        (_, None) => {
            Err(no_url("The project has no prisma.config.ts, the only place where Prisma 7 reads the database URL")
                .hint("Write one: https://pris.ly/prisma-config, or give --url postgresql://USER@HOST/DATABASE."))
        }
    }
}

/// Prisma 5 and 6: `directUrl`, else `url` of the datasource block.
///
/// # Errors
/// `Config` where there is none, or its variable is not set.
pub fn of_schema(datasource: Option<&Datasource>, environment: &Environment) -> Result<(Secret, UrlSource)> {
    let datasource = datasource.ok_or_else(|| no_url("The Prisma schema has no datasource block"))?;
    let (setting, value) = match (&datasource.direct_url, &datasource.url) {
        (Some(direct), _) => ("directUrl", direct),
        (None, Some(url)) => ("url", url),
        (None, None) => return Err(no_url(&format!("The datasource of {} has no url", datasource.file.display()))),
    };
    match value {
        Value::Literal(url) => Ok((Secret::new(url), UrlSource::Schema { path: datasource.file.clone() })),
        Value::Env(name) => match environment.get(name).filter(|value| !value.is_empty()) {
            Some(url) => Ok((Secret::new(url), environment.source(name))),
            None => {
                Err(no_url(&format!("The variable {name} ({setting} in {}) is not set", datasource.file.display()))
                    .hint(format!("Set {name} in .env beside package.json, or in the environment.")))
            }
        },
    }
}

fn no_url(message: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{message}. Nothing was changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datasource(url: Option<Value>, direct_url: Option<Value>) -> Datasource {
        Datasource { file: "schema.prisma".into(), provider: None, url, direct_url, shadow_url: None }
    }

    fn environment(name: &str, value: &str) -> Environment {
        Environment::new([(name.to_owned(), value.to_owned())].into())
    }

    #[test]
    fn direct_url_wins_in_the_schema() {
        let both = datasource(Some(Value::Literal("pooled".into())), Some(Value::Env("DIRECT".into())));
        let (url, source) = of_schema(Some(&both), &environment("DIRECT", "direct")).unwrap();
        assert_eq!((url.reveal(), source.variable()), ("direct", Some("DIRECT")));
        let error = of_schema(Some(&both), &environment("DIRECT", "")).unwrap_err();
        assert!(error.kind == ErrorKind::Config && error.message.contains("DIRECT (directUrl in"), "{error}");
        assert!(of_schema(Some(&datasource(None, None)), &environment("A", "b")).is_err());
        assert!(of_schema(None, &environment("A", "b")).is_err());
    }

    #[test]
    fn the_configuration_says_where_it_has_the_url_from() {
        let config =
            PrismaConfig { file: Some("prisma.config.ts".into()), url: Some("u".into()), ..Default::default() };
        let (_, source) = of_config(&config, &environment("DATABASE_URL", "u")).unwrap();
        assert_eq!(source, UrlSource::Environment { name: "DATABASE_URL".into() });
        let (_, source) = of_config(&config, &environment("DATABASE_URL", "other")).unwrap();
        assert_eq!(source, UrlSource::Config { path: "prisma.config.ts".into() });
        let empty = PrismaConfig { file: Some("prisma.config.ts".into()), ..Default::default() };
        assert!(of_config(&empty, &environment("A", "b")).unwrap_err().message.contains("datasource.url"));
        assert!(of_config(&PrismaConfig::default(), &environment("A", "b")).is_err());
    }
}
