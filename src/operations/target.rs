//! What a command works on: the place (folder, settings, store), and for most commands the database.

use super::guard::{self, Assessment};
use super::interrupt::Interrupt;
use super::shadow;
use super::workplace::{self, applied};
use crate::domain::event::Observer;
use crate::domain::manifest::{Kind, Manifest, ProjectInfo, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::prisma_journal;
use crate::postgres::session::{self, connect};
use crate::postgres::url::DatabaseUrl;
pub use crate::prisma::Choices;
use crate::prisma::settings::FILE as SETTINGS_FILE;
use crate::prisma::{Project, Settings, UrlSource, find_root};
use crate::store::Store;
use std::path::{Path, PathBuf};

/// Where things are kept. Nothing is asked of Prisma or a server to know it.
#[derive(Clone)]
pub struct Place {
    pub settings: Settings,
    pub store: Store,
    choices: Choices,
    cwd: PathBuf,
    root: PathBuf,
}

/// The database, and the Prisma project that migrates it.
pub struct Target {
    pub place: Place,
    /// `None` with only `--url` and no usable project.
    pub project: Option<Project>,
    why_no_project: Option<Error>,
    pub url: DatabaseUrl,
    source: UrlSource,
}

impl Place {
    /// # Errors
    /// `Config`.
    pub fn read_settings_again(&mut self) -> Result<()> {
        self.settings = Settings::load(&self.root)?;
        Ok(())
    }

    /// `store`: what `--store` says.
    ///
    /// # Errors
    /// `NoProject` where neither a project nor a store or URL says where; `Config`; `Store`.
    pub fn find(choices: Choices, store: Option<&str>, cwd: PathBuf) -> Result<Self> {
        let root = match find_root(&choices, &cwd) {
            Err(e) if e.kind == ErrorKind::NoProject && choices.project.is_none() => {
                let enough = store.is_some() || choices.url.is_some() || cwd.join(".safemigrate").is_dir();
                if enough { cwd.clone() } else { return Err(e) }
            }
            found => found?,
        };
        let settings = Settings::load(&root)?;
        let folder = store_folder(store, &settings, &root, &cwd)?;
        Ok(Self { store: Store::open(&folder)?, settings, choices, cwd, root })
    }

    /// The id of the full backup taken in the same checkpoint, if it is (still) there.
    pub fn full_of(&self, backup: &Manifest) -> Option<String> {
        let id = Kind::Full.id(backup.id.get(2..)?);
        self.store.manifest(&id).is_ok().then_some(id)
    }

    /// The backup that a user means, by default the one that the last run took before it began.
    ///
    /// # Errors
    /// `NoSuchBackup`, `Damaged`, `Usage`.
    pub fn backup(&self, id: Option<&str>, wanted: Wanted) -> Result<Manifest> {
        let Some(id) = id else { return self.checkpoint_of_last_run(wanted) };
        match self.store.resolve(id, wanted) {
            // named in full it may be of the other kind: the caller says what that means
            Err(e) if e.kind == ErrorKind::NoSuchBackup => self.store.resolve(id, Wanted::Any),
            found => found,
        }
    }

    fn checkpoint_of_last_run(&self, wanted: Wanted) -> Result<Manifest> {
        if let Some(file) = self.store.unreadable_runs()?.first() {
            let message =
                format!("Which run was the last is not sure: {} cannot be read. Nothing was changed", file.display());
            return Err(Error::new(ErrorKind::Damaged, message).hint("`safemigrate list` shows the backups; name one."));
        }
        let runs = self.store.runs()?;
        let latest = runs.iter().find(|run| run.without_backup || run.full().is_some());
        if let Some(run) = latest.filter(|run| run.without_backup) {
            let message =
                format!("The last run ({} {}) was without a backup. Nothing was changed", run.command, run.id);
            return Err(Error::new(ErrorKind::NoSuchBackup, message)
                .hint("`safemigrate list` shows the backups; name the one that you want."));
        }
        let id = runs.iter().find_map(|run| if wanted == Wanted::DataOnly { run.data_only() } else { run.full() });
        match id {
            Some(id) => self.store.manifest(id),
            None => {
                Err(Error::new(ErrorKind::NoSuchBackup, "There is no checkpoint of a run yet. Nothing was changed")
                    .hint("`safemigrate list` shows the backups; name one."))
            }
        }
    }
}

fn store_folder(flag: Option<&str>, settings: &Settings, root: &Path, cwd: &Path) -> Result<PathBuf> {
    match (flag, &settings.store.path) {
        (Some(text), _) if text.contains("://") => Err(Error::new(
            ErrorKind::Usage,
            "A store at a URL is not supported yet: --store takes a folder. Nothing was changed",
        )
        .hint("Give a folder, for example one that is synchronised: --store /backups/shop")),
        (Some(text), _) => Ok(cwd.join(text)),
        (None, Some(path)) => Ok(root.join(path)),
        (None, None) => Ok(root.join(".safemigrate")),
    }
}

impl Target {
    /// # Errors
    /// Those of reading the project, and of its database URL.
    pub async fn load(place: Place) -> Result<Self> {
        session::refuse_callers_options()?;
        match (Project::load(&place.choices, &place.cwd).await, &place.choices.url) {
            (Ok(project), _) => {
                let (url, source) = project.database_url()?;
                Ok(Self { place, project: Some(project), why_no_project: None, url, source })
            }
            // an address is enough for everything that does not run Prisma
            (Err(e), Some(text)) if e.kind != ErrorKind::Config => {
                let url = DatabaseUrl::parse(text)?;
                Ok(Self { place, project: None, why_no_project: Some(e), url, source: UrlSource::Flag })
            }
            (Err(e), _) => Err(e),
        }
    }

    /// What a journey around migrations works on.
    pub fn workplace<'a>(&'a self, observer: &'a dyn Observer, interrupt: &'a Interrupt) -> workplace::Place<'a> {
        workplace::Place {
            url: &self.url,
            store: &self.place.store,
            project: self.project.as_ref(),
            keep: self.place.settings.retention.keep,
            read: self.place.settings.backup.reads(),
            expect_loss: &self.place.settings.verify.expect_loss,
            observer,
            interrupt,
        }
    }

    /// The project, for what cannot be done without Prisma.
    ///
    /// # Errors
    /// Why there is none: `NoProject`, `Tool`.
    pub fn prisma_project(&self) -> Result<&Project> {
        match (&self.project, &self.why_no_project) {
            (Some(project), _) => Ok(project),
            (None, Some(why)) => {
                let error = Error::new(why.kind, why.message.clone());
                Err(why.hints.iter().fold(error, |error, hint| error.hint(hint)))
            }
            (None, None) => {
                Err(Error::new(ErrorKind::NoProject, "There is no Prisma project here. Nothing was changed"))
            }
        }
    }

    /// Where the database's address is written.
    pub fn source(&self) -> &UrlSource {
        &self.source
    }

    /// `safemigrate.toml` of the project, whether it is there or not.
    pub fn settings_file(&self) -> Option<PathBuf> {
        self.project.as_ref().map(|project| project.root.join(SETTINGS_FILE))
    }

    /// What this database is taken for.
    ///
    /// # Errors
    /// Those of connecting.
    pub async fn assess(&self) -> Result<Assessment> {
        let environment = |name: &str| std::env::var(name).ok();
        let project = self.project.as_ref();
        let assessed = guard::assess(&self.url, &self.source, project, &self.place.settings, environment).await;
        assessed.map_err(Error::nothing_changed)
    }

    /// What it is taken for, once it is sure that its shadow database is nobody's real one.
    ///
    /// # Errors
    /// Those of connecting; `Production`.
    pub async fn judge(&self) -> Result<Assessment> {
        let assessment = self.assess().await?;
        self.refuse_a_real_shadow(&assessment).await?;
        Ok(assessment)
    }

    /// Refuses a shadow database that is somebody's real one.
    ///
    /// # Errors
    /// `Production`.
    async fn refuse_a_real_shadow(&self, assessment: &Assessment) -> Result<()> {
        let Some(url) = self.project.as_ref().and_then(Project::shadow_url) else { return Ok(()) };
        shadow::refuse_a_real_one(&url, &assessment.identity, &self.place.settings.guard.registered).await
    }

    /// What manifests say of the project.
    ///
    /// # Errors
    /// Those of connecting.
    pub async fn project_info(&self, interrupt: &Interrupt) -> Result<Option<ProjectInfo>> {
        self.ask_for_info(interrupt).await.map_err(Error::nothing_changed)
    }

    async fn ask_for_info(&self, interrupt: &Interrupt) -> Result<Option<ProjectInfo>> {
        let mut connection = interrupt.or(connect(&self.url)).await?;
        let migrations = prisma_journal::read(&mut connection, self.url.prisma_schema()).await?;
        let Some(project) = &self.project else {
            let names: Vec<String> = applied(&migrations);
            return Ok((!names.is_empty()).then_some(ProjectInfo {
                prisma: None,
                git_commit: None,
                migrations: names,
            }));
        };
        Ok(Some(ProjectInfo {
            prisma: Some(project.prisma_version.text.clone()),
            git_commit: project.git_commit().await,
            migrations: applied(&migrations),
        }))
    }

    /// Migration folders on disk that the database does not know (any more): the next `dev` applies them.
    ///
    /// # Errors
    /// Those of connecting; `Config` when the folder cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<String>> {
        let Some(project) = &self.project else { return Ok(Vec::new()) };
        let mut connection = connect(&self.url).await?;
        let known = applied(&prisma_journal::read(&mut connection, self.url.prisma_schema()).await?);
        let mut folders = project.migrations_on_disk()?;
        folders.retain(|folder| !known.contains(folder));
        Ok(folders)
    }
}
