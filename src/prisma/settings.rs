//! `safemigrate.toml`, the optional file beside `package.json`.

use crate::domain::expected::LossPattern;
use crate::domain::guard::Identity;
use crate::domain::init::Record;
use crate::domain::retention::DEFAULT_KEEP;
use crate::domain::unchanged::ReadRows;
use crate::error::{Context, Error, ErrorKind, Result};
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file's name.
pub const FILE: &str = "safemigrate.toml";

/// What the file says; everything has a default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub store: Store,
    pub backup: Backup,
    pub retention: Retention,
    pub guard: Guard,
    pub verify: Verify,
    pub hook: Hook,
    /// What `init` changed.
    pub init: Record,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Absolute once loaded; `None`: `.safemigrate` beside `package.json`.
    pub path: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Every backup reads every row, also those that are proven to be as an earlier one has them.
    pub read_all: bool,
}

impl Backup {
    pub fn reads(&self) -> ReadRows {
        if self.read_all { ReadRows::All } else { ReadRows::Unproven }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// How many backups of each kind stay; at least 1.
    pub keep: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { keep: DEFAULT_KEEP }
    }
}

/// Patterns over host, `host/database` and database name; `*` and `?` are wild.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    pub production: Vec<String>,
    pub development: Vec<String>,
    /// Production databases by what their servers say they are; `guard mark` writes them.
    pub registered: Vec<Identity>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verify {
    /// Losses that are no surprise after a guarded command.
    pub expect_loss: Vec<LossPattern>,
    /// `dev` and `deploy` try the migrations on a scratch copy first.
    pub rehearse: bool,
}

/// No keys yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hook {}

impl Settings {
    /// Reads the file in `folder`; the defaults where there is none.
    ///
    /// # Errors
    /// `Config` with key and line where it cannot be read or says something that we do not know.
    pub fn load(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            text => {
                text.context(ErrorKind::Config, || format!("{} cannot be read. Nothing was changed", file.display()))?
            }
        };
        let mut settings = Self::parse(&text).map_err(|(line, reason)| {
            Error::new(ErrorKind::Config, format!("{} line {line}: {reason}. Nothing was changed", file.display()))
        })?;
        settings.store.path = settings.store.path.map(|path| folder.join(path));
        Ok(settings)
    }

    /// What a text says that is no file (yet); `None` where it is none of ours.
    pub fn of(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let settings: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            (text[..at.min(text.len())].matches('\n').count() + 1, error.message().replace('\n', ", "))
        })?;
        let line_of =
            |key: &str| text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |at| at + 1);
        if settings.retention.keep == 0 {
            return Err((line_of("keep"), "keep must be at least 1".into()));
        }
        for (key, patterns) in
            [("production", &settings.guard.production), ("development", &settings.guard.development)]
        {
            if patterns.iter().any(|pattern| pattern.trim().is_empty()) {
                return Err((line_of(key), format!("an empty pattern in {key} matches nothing")));
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::init::record::NEW_FILE;
    use tempfile::tempdir;

    #[test]
    fn everything_has_a_default() {
        let root = tempdir().unwrap();
        let settings = Settings::load(root.path()).unwrap();
        assert_eq!((settings.retention.keep, settings.store.path, settings.guard.production.len()), (10, None, 0));
    }

    #[test]
    fn the_file_of_init_says_what_the_defaults_say() {
        let defaults = Settings::parse(NEW_FILE).unwrap();
        assert_eq!(defaults, Settings::default());
        let spoken = NEW_FILE.replace("# [", "[").replace("# path", "path").replace("# keep", "keep");
        let spoken = Settings::parse(&spoken.replace("# prod", "prod").replace("# dev", "dev")).unwrap();
        assert_eq!((spoken.retention, spoken.guard.development.len()), (defaults.retention, 1));
    }

    #[test]
    fn reads_all_sections() {
        let root = tempdir().unwrap();
        let text = "[store]\npath = \"../backups\"\n[retention]\nkeep = 3\n[guard]\nproduction = [\"*.prod.example.com\"]\n[verify]\n[hook]\n";
        fs::write(root.path().join(FILE), text).unwrap();
        let settings = Settings::load(root.path()).unwrap();
        assert_eq!(settings.store.path, Some(root.path().join("../backups")));
        assert_eq!(
            (settings.retention.keep, settings.guard.production.as_slice()),
            (3, ["*.prod.example.com".to_owned()].as_slice())
        );
    }

    #[test]
    fn names_key_and_line() {
        let root = tempdir().unwrap();
        for (text, words) in [
            ("[guard]\nprodution = []\n", ["line 2", "prodution"]),
            ("\n\n[guards]\n", ["line 3", "guards"]),
            ("[guard]\nproduction = \"x\"\n", ["line 2", "sequence"]),
            ("[retention]\nkeep = 0\n", ["line 2", "keep"]),
            ("[guard]\n\ndevelopment = [\"\"]\n", ["line 3", "development"]),
            ("[guard\n", ["line 1", "unclosed"]),
            ("[verify]\nexpect_loss = [\"Log\", \"*\"]\n", ["line 2", "every loss"]),
            (
                "[verify]\nexpect_loss = [\n  \"Log\",\n  \"a.b.c.d\",\n]\n",
                ["line 2", "\"a.b.c.d\" has too many parts"],
            ),
            ("[verify]\n\nexpect_loss = \"Log\"\n", ["line 3", "sequence"]),
        ] {
            fs::write(root.path().join(FILE), text).unwrap();
            let error = Settings::load(root.path()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Config);
            assert!(words.iter().all(|word| error.message.contains(word)), "{text}: {}", error.message);
        }
    }
}
