//! What a command works on: the place (folder, settings, store), and for most commands the database.

use crate::cli::Globals;
use crate::domain::manifest::{Manifest, ProjectInfo};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::postgres::prisma_journal;
use crate::postgres::session::connect;
use crate::postgres::url::DatabaseUrl;
use crate::prisma::{Choices, Project, Settings, UrlSource, find_root};
use crate::store::{Store, Wanted};
use std::path::{Path, PathBuf};

/// Where things are kept. Nothing is asked of Prisma or a server to know it.
pub struct Place {
    pub settings: Settings,
    pub store: Store,
    choices: Choices,
    cwd: PathBuf,
}

/// The database, and the Prisma project that migrates it.
pub struct Target {
    pub place: Place,
    /// `None` with only `--url` and no project.
    pub project: Option<Project>,
    pub url: DatabaseUrl,
    pub source: UrlSource,
}

impl Place {
    /// # Errors
    /// `NoProject` where neither a project nor `--store` or `--url` says where; `Config`; `Store`.
    pub fn find(globals: &Globals) -> Result<Self> {
        let cwd = std::env::current_dir().context(ErrorKind::Other, || "The working folder is gone".into())?;
        let choices = Choices {
            project: globals.project.clone(),
            schema: globals.schema.clone(),
            config: globals.config.clone(),
            url: globals.url.as_ref().map(|url| url.reveal().to_owned()),
        };
        let root = match find_root(&choices, &cwd) {
            Ok(root) => root,
            Err(e) if e.kind == ErrorKind::NoProject && globals.project.is_none() => {
                let enough = globals.store.is_some() || globals.url.is_some() || cwd.join(".safemigrate").is_dir();
                if enough { cwd.clone() } else { return Err(e) }
            }
            Err(e) => return Err(e),
        };
        let settings = Settings::load(&root)?;
        let store = store_folder(globals.store.as_deref(), &settings, &root, &cwd)?;
        Ok(Self { store: Store::open(&store)?, settings, choices, cwd })
    }
}

fn store_folder(flag: Option<&str>, settings: &Settings, root: &Path, cwd: &Path) -> Result<PathBuf> {
    let folder = match (flag, &settings.store.path) {
        (Some(text), _) if text.contains("://") => {
            return Err(Error::new(ErrorKind::Usage, "A store at a URL is not supported yet: --store takes a folder"));
        }
        (Some(text), _) => cwd.join(text),
        (None, Some(path)) => root.join(path),
        (None, None) => root.join(".safemigrate"),
    };
    Ok(folder)
}

impl Target {
    /// # Errors
    /// Those of `Place::find`, of reading the project, and of its database URL.
    pub async fn load(globals: &Globals) -> Result<Self> {
        let place = Place::find(globals)?;
        match (Project::load(&place.choices, &place.cwd).await, &place.choices.url) {
            (Ok(project), _) => {
                let (url, source) = project.database_url()?;
                Ok(Self { place, project: Some(project), url, source })
            }
            // an address is enough for everything that does not run Prisma
            (Err(e), Some(text)) if e.kind != ErrorKind::Config => {
                let url = DatabaseUrl::parse(text)?;
                Ok(Self { place, project: None, url, source: UrlSource::Flag })
            }
            (Err(e), _) => Err(e),
        }
    }

    /// What manifests say of the project.
    ///
    /// # Errors
    /// Those of connecting.
    pub async fn project_info(&self, interrupt: &Interrupt) -> Result<Option<ProjectInfo>> {
        let mut connection = interrupt.or(connect(&self.url)).await?;
        let migrations = prisma_journal::read(&mut connection, self.url.prisma_schema()).await?;
        if self.project.is_none() && migrations.is_empty() {
            return Ok(None);
        }
        let git_commit = match &self.project {
            Some(project) => project.git_commit().await,
            None => None,
        };
        Ok(Some(ProjectInfo {
            prisma: self.project.as_ref().map(|p| p.prisma_version.text.clone()),
            git_commit,
            migrations: migrations.into_iter().filter(|m| m.is_applied()).map(|m| m.name).collect(),
        }))
    }
}

/// The backup of the wanted kind that the last run took before it began.
///
/// # Errors
/// `NoSuchBackup` when no run took one.
pub fn checkpoint_of_last_run(store: &Store, wanted: Wanted) -> Result<Manifest> {
    let runs = store.runs()?;
    let id = runs.iter().find_map(|run| match wanted {
        Wanted::DataOnly => run.data_only(),
        Wanted::Any | Wanted::Full => run.full(),
    });
    match id {
        Some(id) => store.manifest(id),
        None => Err(Error::new(ErrorKind::NoSuchBackup, "There is no checkpoint of a run yet")
            .hint("`safemigrate list` shows the backups; name one.")),
    }
}
