//! The project's own Prisma, found where it is installed and never fetched.

use super::package_manager::PackageManager;
use super::root::{lists_prisma, package_json};
use super::version::Version;
use crate::error::{Context, Error, ErrorKind, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// How the project's Prisma is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub version: Version,
    /// The `package.json` from which Prisma's own packages resolve; under Plug'n'Play the project's.
    pub package: PathBuf,
    pub runtime: Runtime,
    /// What stands before Prisma's own words.
    pub entry: Vec<OsString>,
}

/// What runs JavaScript here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    pub program: PathBuf,
    /// What stands before a script: nothing for `node`, `node` for `yarn`.
    pub arguments: Vec<OsString>,
}

impl Tool {
    /// Looks for Prisma upwards from the project: `node_modules`, then yarn's Plug'n'Play.
    ///
    /// # Errors
    /// `Tool` with the line that installs what is missing, or where this Prisma is not one that we guard.
    pub async fn find(root: &Path) -> Result<Self> {
        let found = Self::find_any(root).await?;
        found.version.check(&PackageManager::detect(root).add_line("@prisma/prisma7"))?;
        Ok(found)
    }

    /// Looks for a Prisma of any version.
    ///
    /// # Errors
    /// `Tool` with the line that installs what is missing.
    pub async fn find_any(root: &Path) -> Result<Self> {
        let manager = PackageManager::detect(root);
        match root.ancestors().find_map(installed) {
            Some(package) => Self::from_package(package, runtime(manager)?),
            None if root.ancestors().any(|dir| dir.join(".pnp.cjs").is_file()) => plug_n_play(root).await,
            None => Err(not_installed(root, manager)),
        }
    }

    fn from_package(package: PathBuf, runtime: Runtime) -> Result<Self> {
        let broken = || format!("{} cannot be used. Nothing was changed", package.display());
        let dir = package.parent().unwrap_or(&package);
        let json = package_json(dir)?.ok_or_else(|| Error::new(ErrorKind::Tool, broken()))?;
        let version = json["version"].as_str().and_then(Version::parse);
        let bin = ["prisma7", "prisma"].iter().find_map(|name| json["bin"][name].as_str()).or(json["bin"].as_str());
        let (Some(version), Some(bin)) = (version, bin) else {
            return Err(Error::new(ErrorKind::Tool, broken()).hint("Install it anew."));
        };
        let entry = vec![dir.join(bin).into_os_string()];
        Ok(Self { version, package, runtime, entry })
    }
}

/// The `package.json` of the Prisma that stands in this folder. Beside Prisma 8 the wrapper of Prisma 7 is the one meant.
fn installed(dir: &Path) -> Option<PathBuf> {
    let modules = dir.join("node_modules");
    let package = |name: &str| Some(modules.join(name).join("package.json")).filter(|file| file.is_file());
    let (prisma, seven) = (package("prisma"), package("@prisma/prisma7"));
    let newer = |file: &PathBuf| version(file).is_some_and(|v| v.major > 7);
    let found = match (prisma, seven) {
        (Some(prisma), Some(seven)) if newer(&prisma) => seven,
        (Some(prisma), _) => prisma,
        (None, Some(seven)) => seven,
        (None, None) => behind_link(&modules.join(".bin/prisma"))?,
    };
    // pnpm links packages in: their neighbours are found from where they really are
    fs::canonicalize(found).ok()
}

/// The package to which a link in `.bin` leads.
fn behind_link(link: &Path) -> Option<PathBuf> {
    let target = fs::canonicalize(link).ok()?;
    let package = target.ancestors().map(|dir| dir.join("package.json")).find(|file| file.is_file())?;
    let name = package_json(package.parent()?).ok()??["name"].as_str()?.to_owned();
    matches!(name.as_str(), "prisma" | "@prisma/prisma7").then_some(package)
}

fn version(package: &Path) -> Option<Version> {
    Version::parse(package_json(package.parent()?).ok()??["version"].as_str()?)
}

fn runtime(manager: PackageManager) -> Result<Runtime> {
    let candidates = if manager == PackageManager::Bun { ["node", "bun"].as_slice() } else { &["node"] };
    let program = candidates.iter().find_map(|name| which::which(name).ok()).ok_or_else(|| {
        Error::new(ErrorKind::Tool, "Prisma needs Node.js, and `node` is not in the PATH. Nothing was changed")
            .hint("Install Node.js (https://nodejs.org), or put the folder of `node` into the PATH.")
    })?;
    Ok(Runtime { program, arguments: Vec::new() })
}

/// Yarn knows where the packages are; only it can tell the version and start the program.
async fn plug_n_play(root: &Path) -> Result<Tool> {
    let program = which::which("yarn").context(ErrorKind::Tool, || {
        "The project is installed by yarn (Plug'n'Play), and `yarn` is not in the PATH. Nothing was changed".into()
    })?;
    let runtime = Runtime { program, arguments: vec!["node".into()] };
    let question = "console.log(require('prisma/package.json').version)";
    let mut asking = Command::new(&runtime.program);
    asking.args(&runtime.arguments).args(["-e", question]).current_dir(root).kill_on_drop(true);
    let answer = asking.output().await.context(ErrorKind::Tool, || "yarn cannot be started".into())?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let version = text.lines().rev().find_map(|line| Version::parse(line.trim()));
    let version = version.ok_or_else(|| not_installed(root, PackageManager::Yarn))?;
    // --binaries-only: a script named "prisma" in package.json may be safemigrate itself
    let entry = ["run", "--binaries-only", "prisma"].map(OsString::from).to_vec();
    Ok(Tool { version, package: root.join("package.json"), runtime, entry })
}

fn not_installed(root: &Path, manager: PackageManager) -> Error {
    let listed = package_json(root).ok().flatten().is_some_and(|package| lists_prisma(&package));
    let line = if listed { manager.install_line() } else { manager.add_line(&wanted(root)) };
    Error::new(ErrorKind::Tool, format!("Prisma is not installed in {}. Nothing was changed", root.display()))
        .hint(format!("Install it: {line}"))
}

/// The Prisma that fits the client that the project lists; else 7, never simply the newest.
fn wanted(root: &Path) -> String {
    let package = package_json(root).ok().flatten().unwrap_or_default();
    let client = ["dependencies", "devDependencies"].iter().find_map(|kind| package[kind]["@prisma/client"].as_str());
    let major = client.and_then(|range| range.trim_start_matches(['^', '~', '=', 'v']).split('.').next());
    format!("prisma@{}", major.filter(|major| matches!(*major, "5" | "6" | "7")).unwrap_or("7"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::{TempDir, tempdir};

    fn project(files: &[(&str, &str)]) -> TempDir {
        let root = tempdir().unwrap();
        for (file, text) in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        root
    }

    const SIX: &str = r#"{"name":"prisma","version":"6.19.0","bin":{"prisma":"build/index.js"}}"#;

    #[tokio::test]
    async fn finds_prisma_hoisted_upwards() {
        let root = project(&[("node_modules/prisma/package.json", SIX), ("packages/db/package.json", "{}")]);
        let tool = Tool::find(&root.path().join("packages/db")).await.unwrap();
        let entry = fs::canonicalize(root.path()).unwrap().join("node_modules/prisma/build/index.js");
        assert_eq!((tool.version.major, tool.entry), (6, vec![entry.into_os_string()]));
    }

    #[tokio::test]
    async fn takes_seven_beside_eight_and_refuses_eight_alone() {
        let eight = r#"{"version":"8.0.0-rc.2","bin":{"prisma":"x.js"}}"#;
        let root = project(&[("node_modules/prisma/package.json", eight)]);
        let error = Tool::find(root.path()).await.unwrap_err();
        assert!(error.kind == ErrorKind::Tool && error.message.contains("8.0.0-rc.2"), "{error}");
        let seven = root.path().join("node_modules/@prisma/prisma7");
        fs::create_dir_all(&seven).unwrap();
        fs::write(seven.join("package.json"), r#"{"version":"7.10.0","bin":{"prisma7":"build/prisma7.js"}}"#).unwrap();
        let tool = Tool::find(root.path()).await.unwrap();
        assert!(tool.entry[0].to_string_lossy().ends_with("build/prisma7.js"));
    }

    #[tokio::test]
    async fn says_how_to_install_what_is_missing() {
        let missing =
            project(&[("package.json", r#"{"dependencies":{"@prisma/client":"^6.2.0"}}"#), ("yarn.lock", "")]);
        let error = Tool::find(missing.path()).await.unwrap_err();
        assert_eq!((error.kind, error.hints[0].as_str()), (ErrorKind::Tool, "Install it: yarn add --dev prisma@6"));
        let listed = project(&[("package.json", r#"{"devDependencies":{"prisma":"7"}}"#), ("pnpm-lock.yaml", "")]);
        let error = Tool::find(listed.path()).await.unwrap_err();
        assert_eq!(error.hints[0], "Install it: pnpm install");
    }
}
