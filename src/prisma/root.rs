//! Which folder is the project: the nearest one upwards that has Prisma.

use super::Choices;
use super::schema::DEFAULT_PLACES;
use crate::error::{Context, Error, ErrorKind, Result};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Configuration files without their extension, as Prisma 6 and 7 look for them.
const CONFIG_NAMES: [&str; 5] =
    ["prisma7.config", ".config/prisma7", "prisma.config", ".config/prisma", ".config/prisma.config"];
const CONFIG_EXTENSIONS: [&str; 6] = ["js", "ts", "mjs", "cjs", "mts", "cts"];

/// Packages that make a folder a Prisma project. (`@prisma/client` alone does not: that is an app beside it.)
const PACKAGES: [&str; 2] = ["prisma", "@prisma/prisma7"];

/// The project's folder: `--project`, else the nearest folder upwards that has Prisma: as a dependency, as
/// `package.json#prisma`, by its configuration, or by a schema in a usual place.
///
/// # Errors
/// `NoProject`, with what to type instead; `Config` where a `package.json` on the way cannot be read.
pub fn find_root(choices: &Choices, cwd: &Path) -> Result<PathBuf> {
    if let Some(project) = &choices.project {
        let root = absolute(cwd, project);
        let root = fs::canonicalize(&root).map_err(|e| {
            let message =
                format!("The folder {} of --project cannot be opened. Nothing was changed", project.display());
            Error::new(ErrorKind::NoProject, message)
                .hint("--project takes the folder with package.json, seen from where you are.")
                .because(e)
        })?;
        return match has_prisma(&root)? || choices.schema.is_some() || choices.config.is_some() {
            true => Ok(root),
            false => Err(no_project(&format!("{} is no Prisma project", project.display()))),
        };
    }
    for dir in cwd.ancestors() {
        if has_prisma(dir)? {
            return Ok(dir.to_owned());
        }
    }
    // --schema or --config without any sign of Prisma around: the nearest package.json, as Prisma would
    let named = choices.schema.is_some() || choices.config.is_some();
    let nearest = cwd.ancestors().find(|dir| dir.join("package.json").is_file()).filter(|_| named);
    nearest.map(Path::to_owned).ok_or_else(|| no_project(&format!("No Prisma project in {} or above", cwd.display())))
}

/// Whether Prisma's configuration stands in this folder.
pub fn config_file(dir: &Path) -> Option<PathBuf> {
    let candidates = CONFIG_NAMES.iter().flat_map(|name| CONFIG_EXTENSIONS.iter().map(move |e| format!("{name}.{e}")));
    candidates.map(|name| dir.join(name)).find(|file| file.is_file())
}

/// The folder's `package.json`, if it has one.
///
/// # Errors
/// `Config` where it is not JSON.
pub fn package_json(dir: &Path) -> Result<Option<Value>> {
    let file = dir.join("package.json");
    let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
    let package = serde_json::from_str(text.trim_start_matches('\u{feff}'));
    package
        .map(Some)
        .context(ErrorKind::Config, || format!("{} is not valid JSON. Nothing was changed", file.display()))
}

/// Whether a `package.json` lists one of Prisma's packages, in any kind of dependency.
pub fn lists_prisma(package: &Value) -> bool {
    let kinds = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    kinds.iter().filter_map(|kind| package.get(kind)).any(|list| PACKAGES.iter().any(|name| list.get(name).is_some()))
}

fn has_prisma(dir: &Path) -> Result<bool> {
    let package = package_json(dir)?;
    let listed = package.as_ref().is_some_and(|package| package.get("prisma").is_some() || lists_prisma(package));
    // a bare schema.prisma is a root beside package.json only: else it is the `prisma` folder of the real root
    let places = if package.is_some() { &DEFAULT_PLACES[..] } else { &DEFAULT_PLACES[1..] };
    Ok(listed || config_file(dir).is_some() || places.iter().any(|place| dir.join(place).is_file()))
}

fn no_project(message: &str) -> Error {
    Error::new(ErrorKind::NoProject, format!("{message}. Nothing was changed"))
        .hint("Go into the folder with package.json and prisma/schema.prisma, or name it: --project DIR.")
        .hint("Backups and restores also work without a project: --url postgresql://USER@HOST/DATABASE.")
}

/// A path as the user typed it, seen from where they stand.
pub fn absolute(cwd: &Path, path: &Path) -> PathBuf {
    cwd.join(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn finds_the_nearest_folder_with_prisma() {
        let home = tempdir().unwrap();
        let home = home.path();
        write(&home.join("package.json"), r#"{"devDependencies":{"prisma":"7"}}"#);
        write(&home.join("packages/web/package.json"), r#"{"name":"web"}"#);
        write(&home.join("packages/db/package.json"), r#"{"name":"db"}"#);
        write(&home.join("packages/db/prisma/schema.prisma"), "");
        fs::create_dir_all(home.join("packages/db/src/deep")).unwrap();
        let find = |from: &str| find_root(&Choices::default(), &home.join(from)).unwrap();
        assert_eq!(find("packages/db/src/deep"), home.join("packages/db"));
        assert_eq!(find("packages/db/prisma"), home.join("packages/db"));
        assert_eq!(find("packages/web"), home);
        let project = Choices { project: Some("packages/db".into()), ..Choices::default() };
        assert_eq!(find_root(&project, home).unwrap(), fs::canonicalize(home.join("packages/db")).unwrap());
    }

    #[test]
    fn every_sign_counts() {
        for (file, text) in [
            ("package.json", r#"{"prisma":{"schema":"db/x.prisma"}}"#),
            ("package.json", r#"{"dependencies":{"@prisma/prisma7":"7"}}"#),
            ("prisma.config.ts", ""),
            (".config/prisma.mjs", ""),
            ("prisma/schema.prisma", ""),
        ] {
            let home = tempdir().unwrap();
            write(&home.path().join(file), text);
            assert_eq!(find_root(&Choices::default(), home.path()).unwrap(), home.path(), "{file}");
        }
    }

    #[test]
    fn says_what_to_do_without_one() {
        let home = tempdir().unwrap();
        let error = find_root(&Choices::default(), home.path()).unwrap_err();
        assert_eq!((error.kind, error.hints.len()), (ErrorKind::NoProject, 2));
        let project = Choices { project: Some("nowhere".into()), ..Choices::default() };
        assert_eq!(find_root(&project, home.path()).unwrap_err().kind, ErrorKind::NoProject);
        write(&home.path().join("package.json"), "{ no json");
        assert_eq!(find_root(&Choices::default(), home.path()).unwrap_err().kind, ErrorKind::Config);
    }
}
