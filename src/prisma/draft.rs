//! What Prisma would write to bring a database to the project's schema: `prisma migrate diff`, which only reads.

use super::command::path_with_binaries;
use super::config::without_passwords;
use super::project::Project;
use super::schema;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::postgres::url::Secret;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use url::Url;

/// The variable in which the child finds the database's address; it stands on no command line and in no file.
const VARIABLE: &str = "SAFEMIGRATE_SCRATCH_URL";
/// A larger schema takes some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

impl Project {
    /// The SQL from another database of the project's server to the project's schema; empty where there is no difference.
    ///
    /// # Errors
    /// `Config` with Prisma's reason: the schema is not valid; `Tool` where it cannot be started.
    pub async fn draft(&self, database: &str) -> Result<String> {
        let address = self.address_of(database)?;
        let folder = tempfile::tempdir().context(ErrorKind::Other, || "No temporary folder can be made".into())?;
        let mut child = Command::new(&self.tool.runtime.program);
        child.args(&self.tool.entry).args(["migrate", "diff", "--script"]);
        if self.prisma_version.reads_config_only() {
            child.arg("--from-config-datasource").arg("--to-schema").arg(&self.schema);
        } else {
            let from = folder.path().join("from.prisma");
            write(&from, &schema::leading_to(&self.schema, VARIABLE)?)?;
            child.arg("--from-schema-datasource").arg(from).arg("--to-schema-datamodel").arg(&self.schema);
        }
        if self.prisma_version.reads_config_only() || self.config_file.is_some() {
            child.arg("--config").arg(self.config_leading_elsewhere(&folder)?);
        }
        child.current_dir(&self.root).env("PATH", path_with_binaries(&self.root)).env(VARIABLE, address.reveal());
        child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, child.output()).await;
        let output = output.map_err(|_| {
            let seconds = PATIENCE.as_secs();
            Error::new(ErrorKind::Config, format!("`prisma migrate diff` does not end within {seconds} s"))
        })?;
        let output = output.context(ErrorKind::Tool, || "Prisma cannot be started".into())?;
        if !output.status.success() {
            let said = without_passwords(String::from_utf8_lossy(&output.stderr).trim());
            let error = Error::new(ErrorKind::Config, "Prisma cannot draft a migration from the schema");
            return Err(if said.is_empty() { error } else { error.because(said) });
        }
        let script = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let says_something = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with("--");
        Ok(if script.lines().any(says_something) { script + "\n" } else { String::new() })
    }

    /// The address that Prisma uses, with another database in it.
    fn address_of(&self, database: &str) -> Result<Secret> {
        let (own, _) = self.written_url()?;
        let mut address = Url::parse(own.reveal().trim().trim_matches('"'))
            .map_err(|_| Error::new(ErrorKind::Url, "The database URL cannot be read. Nothing was changed"))?;
        address.set_path(&format!("/{database}"));
        Ok(Secret::new(address.to_string()))
    }

    /// A configuration that is the project's own, but for the database.
    fn config_leading_elsewhere(&self, folder: &TempDir) -> Result<std::path::PathBuf> {
        let text = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
        let own = match &self.config_file {
            Some(file) => {
                let file = Url::from_file_path(file).map_err(|()| unusable(file))?;
                format!(
                    "import given from {};\nconst {{ loadedFromFile, ...own }} = given?.default ?? given;\n",
                    serde_json::Value::from(file.as_str())
                )
            }
            None => "const own = {};\n".to_owned(),
        };
        // Prisma 6 takes the database from the schema, unless the configuration has one
        let always = if self.prisma_version.reads_config_only() { "true" } else { "own.datasource" };
        let config = format!(
            "{own}const url = process.env.{VARIABLE};\n\
             const {{ shadowDatabaseUrl, directUrl, ...rest }} = own.datasource ?? {{}};\n\
             const datasource = {{ ...rest, url, ...(directUrl && {{ directUrl: url }}) }};\n\
             export default {{\n  ...own,\n  schema: {},\n  migrations: {{ ...own.migrations, path: {} }},\n  ...({always} && {{ datasource }}),\n}};\n",
            text(&self.schema),
            text(&self.migrations),
        );
        let path = folder.path().join("prisma.config.mjs");
        write(&path, &config)?;
        Ok(path)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).context(ErrorKind::Other, || format!("{} cannot be written", path.display()))
}

fn unusable(file: &Path) -> Error {
    Error::new(ErrorKind::Config, format!("The path {} cannot be written as a URL", file.display()))
}
