//! The project as Prisma itself would find it: folder, version, schema, migrations, database.

use super::config::{self, PrismaConfig};
use super::environment::{Environment, env_files};
use super::package_manager::PackageManager;
use super::root::{absolute, find_root, package_json};
use super::schema::{self, DEFAULT_PLACES, Datasource};
use super::tool::Tool;
use super::url::{self, UrlSource};
use super::version::Version;
use super::{Choices, dotenv::Variables};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::url::{DatabaseUrl, Secret};
use std::path::{Path, PathBuf};

/// A Prisma project that is installed and whose configuration could be read. No `Debug`: it holds the database URL.
pub struct Project {
    /// The folder in which Prisma's commands run.
    pub root: PathBuf,
    pub prisma_version: Version,
    /// The schema file, or the folder of schema files.
    pub schema: PathBuf,
    pub migrations: PathBuf,
    pub package_manager: PackageManager,
    /// The configuration that was read, if the project has one.
    pub config_file: Option<PathBuf>,
    pub(super) tool: Tool,
    /// What the user asked for, with absolute paths, to be handed on to Prisma.
    pub(super) choices: Choices,
    config: PrismaConfig,
    datasource: Option<Datasource>,
    environment: Environment,
}

impl Project {
    /// Finds the project of `cwd` (or `--project`) and reads what Prisma would read. No server is asked.
    ///
    /// # Errors
    /// `NoProject`; `Tool` where Prisma or Node.js is missing or of another age; `Config` where the configuration fails,
    /// the schema is missing, or it is for another database.
    pub async fn load(choices: &Choices, cwd: &Path) -> Result<Self> {
        let root = find_root(choices, cwd)?;
        let choices = Choices {
            project: Some(root.clone()),
            schema: choices.schema.as_deref().map(|path| absolute(cwd, path)),
            config: choices.config.as_deref().map(|path| absolute(cwd, path)),
            url: choices.url.clone(),
        };
        if let Some(config) = choices.config.as_ref().filter(|config| !config.is_file()) {
            return Err(missing(config, "--config"));
        }
        let tool = Tool::find(&root).await?;
        let config = config::evaluate(&tool, &root, choices.config.as_deref()).await?;
        let schema = find_schema(&choices, &config, &root, &tool.version)?;
        let datasource = schema::datasource(&schema)?;
        let migrations = migrations_folder(&config, &schema, datasource.as_ref(), &tool.version);
        let mut environment = Environment::of_process();
        environment.load_evaluated(&config.environment, config.file.as_deref(), &folders(&root, &schema));
        if config.file.is_none() {
            environment.load_prisma_6(&root, choices.schema.as_deref());
        }
        Ok(Self {
            package_manager: PackageManager::detect(&root),
            prisma_version: tool.version.clone(),
            config_file: config.file.clone(),
            root,
            schema,
            migrations,
            tool,
            choices,
            config,
            datasource,
            environment,
        })
    }

    /// The database that this project's Prisma migrates, and where that is written.
    ///
    /// # Errors
    /// `Config` where no URL is set, `Url` where it is none of a database that can be backed up.
    pub fn database_url(&self) -> Result<(DatabaseUrl, UrlSource)> {
        let (url, source) = self.written_url()?;
        let parsed = DatabaseUrl::parse(url.reveal());
        let parsed = match source {
            UrlSource::Flag => parsed?,
            _ => parsed.map_err(|error| error.hint(format!("The URL is from {source}.")))?,
        };
        Ok((parsed, source))
    }

    /// A variable as Prisma sees it.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }

    /// The same as it is written.
    ///
    /// # Errors
    /// `Config` where no URL is set.
    pub(super) fn written_url(&self) -> Result<(Secret, UrlSource)> {
        if let Some(url) = &self.choices.url {
            return Ok((Secret::new(url), UrlSource::Flag));
        }
        match self.config.engine.as_deref() {
            Some("js") => Err(Error::new(
                ErrorKind::Config,
                "The Prisma configuration connects through a driver adapter (engine: \"js\"), \
                     so safemigrate cannot see which database it is. Nothing was changed",
            )
            .hint("Use engine: \"classic\" with datasource.url, or upgrade to Prisma 7.")),
            Some("classic") => url::of_config(&self.config, &self.environment),
            _ if self.prisma_version.reads_config_only() => url::of_config(&self.config, &self.environment),
            _ => url::of_schema(self.datasource.as_ref(), &self.environment),
        }
    }

    /// The files of the Prisma schema with their texts.
    ///
    /// # Errors
    /// `Config` where one cannot be read.
    pub fn schema_texts(&self) -> Result<Vec<(PathBuf, String)>> {
        schema::texts(&self.schema)
    }

    /// The whole text of the Prisma schema.
    ///
    /// # Errors
    /// As `schema_texts`.
    pub fn schema_text(&self) -> Result<String> {
        Ok(self.schema_texts()?.into_iter().map(|(_, text)| text + "\n").collect())
    }

    /// The database that Prisma empties to try migrations on, where the project names one. One that cannot be read is
    /// Prisma's to complain about.
    pub fn shadow_url(&self) -> Option<DatabaseUrl> {
        let of_schema = || match self.datasource.as_ref()?.shadow_url.as_ref()? {
            schema::Value::Env(name) => self.environment.get(name).map(ToString::to_string),
            schema::Value::Literal(url) => Some(url.clone()),
        };
        let text = self.config.shadow_database_url.clone().or_else(of_schema)?;
        DatabaseUrl::parse(&text).ok()
    }

    /// The variable to set when Prisma should use another database.
    pub(super) fn url_variable(&self) -> String {
        let of_schema = self.datasource.as_ref().and_then(|d| d.direct_url.as_ref().or(d.url.as_ref()));
        let of_config = || self.environment.source_of_value(self.config.url.as_deref()?)?.variable().map(str::to_owned);
        match of_schema {
            Some(schema::Value::Env(name)) => name.clone(),
            _ => of_config().unwrap_or_else(|| "DATABASE_URL".into()),
        }
    }

    /// The project's `.env*` files with their variables.
    pub fn env_files(&self) -> Vec<(PathBuf, Variables)> {
        env_files(&folders(&self.root, &self.schema))
    }
}

/// Where `.env` files of a project lie: its root, `prisma/`, the folder of the schema, and the workspace above it.
fn folders(root: &Path, schema: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned(), root.join("prisma")];
    folders.extend(schema.parent().map(Path::to_owned));
    folders.extend(schema.is_dir().then(|| schema.to_owned()));
    // up to the repository's root; without a repository nothing above is known to belong to the project
    if let Some(repository) = root.ancestors().find(|dir| dir.join(".git").exists()) {
        folders.extend(root.ancestors().skip(1).take_while(|dir| dir.starts_with(repository)).map(Path::to_owned));
    }
    folders
}

fn find_schema(choices: &Choices, config: &PrismaConfig, root: &Path, version: &Version) -> Result<PathBuf> {
    let from_package = || -> Result<Option<PathBuf>> {
        let Some(dir) = root.ancestors().find(|dir| dir.join("package.json").is_file()) else { return Ok(None) };
        let package = package_json(dir)?.filter(|_| !version.reads_config_only()).unwrap_or_default();
        Ok(package["prisma"]["schema"].as_str().map(|path| dir.join(path)))
    };
    let (named, by) = match (&choices.schema, &config.schema) {
        (Some(path), _) => (Some(path.clone()), "--schema"),
        (None, Some(path)) => (Some(path.clone()), "the Prisma configuration"),
        (None, None) => (from_package()?, "package.json"),
    };
    if let Some(path) = named {
        return if path.exists() { Ok(path) } else { Err(missing(&path, by)) };
    }
    // Prisma 7 looks beside the --config file
    let beside = choices.config.as_deref().and_then(Path::parent).filter(|_| version.reads_config_only());
    let base = beside.unwrap_or(root);
    DEFAULT_PLACES.iter().map(|place| base.join(place)).find(|file| file.is_file()).ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            format!(
                "No Prisma schema in {}: neither {}. Nothing was changed",
                base.display(),
                DEFAULT_PLACES.join(" nor ")
            ),
        )
        .hint("Name it: --schema FILE, or `schema` in prisma.config.ts.")
    })
}

fn migrations_folder(
    config: &PrismaConfig,
    schema: &Path,
    datasource: Option<&Datasource>,
    version: &Version,
) -> PathBuf {
    if let Some(path) = &config.migrations {
        return path.clone();
    }
    // Prisma 6: beside the file with the datasource; Prisma 7: in the folder that is the schema
    let beside = datasource.and_then(|d| d.file.parent()).filter(|_| !version.reads_config_only());
    let schema_root = if schema.is_dir() { schema } else { schema.parent().unwrap_or(schema) };
    beside.unwrap_or(schema_root).join("migrations")
}

fn missing(path: &Path, named_by: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("{} does not exist ({named_by} names it). Nothing was changed", path.display()),
    )
}
