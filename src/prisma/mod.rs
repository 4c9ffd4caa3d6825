//! The user's project: configuration, environment, schema, migrations, and running its Prisma.

pub mod attached;
pub mod command;
mod config;
pub mod dotenv;
mod draft;
mod environment;
pub mod files;
pub mod gate;
mod git;
pub mod migrations;
pub mod package_manager;
pub mod production_files;
pub mod project;
pub mod root;
pub mod schema;
pub mod settings;
pub mod straight;
mod tool;
pub mod url;
pub mod version;

use std::path::PathBuf;

pub use attached::{Attach, Attached, ChildCommand, ChildExit, run_attached};
pub use command::prisma_command;
pub use package_manager::PackageManager;
pub use project::Project;
pub use root::find_root;
pub use settings::Settings;
pub use url::UrlSource;
pub use version::Version;

/// The global flags that say which project and which database; `schema`, `config` and `url` mean what they mean for Prisma.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    pub project: Option<PathBuf>,
    pub schema: Option<PathBuf>,
    pub config: Option<PathBuf>,
    pub url: Option<String>,
}
