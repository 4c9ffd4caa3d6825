//! What goes with migrations: the schema that they follow, and the scripts of package.json.

use crate::domain::init::script::empties_a_database;
use crate::domain::lint::published::{Difference, Script};
use crate::domain::lint::{Finding, Kind};
use crate::error::Result;
use crate::git::{Entry, Git, Pushed};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A schema that changed without a migration, and scripts that reset without us.
pub(super) fn findings(
    git: &Git,
    brought: &Pushed,
    paths: &BTreeSet<String>,
    folders: &BTreeSet<String>,
) -> Result<Vec<Finding>> {
    let schemas: Vec<&String> = paths.iter().filter(|path| path.ends_with(".prisma")).collect();
    let packages = packages(paths, folders);
    if (schemas.is_empty() || !folders.is_empty()) && packages.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted: Vec<String> = packages.into_iter().collect();
    wanted.extend(schemas.iter().map(|path| (*path).clone()));
    let tip = git.files(&brought.commit, &wanted)?;
    let mut found = scripts(git, &tip)?;
    if folders.is_empty() && !schemas.is_empty() && uses_migrations(git, brought)? {
        for path in schemas {
            if has_changed(git, brought, path)? {
                found.push(without_migration(path));
            }
        }
    }
    Ok(found)
}

/// `package.json` beside or above what is pushed, and those that are pushed.
fn packages(paths: &BTreeSet<String>, folders: &BTreeSet<String>) -> BTreeSet<String> {
    const PACKAGE: &str = "package.json";
    let mut packages: BTreeSet<String> =
        paths.iter().filter(|path| path.rsplit('/').next() == Some(PACKAGE)).cloned().collect();
    let around =
        folders.iter().map(String::as_str).chain(paths.iter().filter(|p| p.ends_with(".prisma")).map(String::as_str));
    for place in around {
        let mut folder = place;
        while let Some((above, _)) = folder.rsplit_once('/') {
            packages.insert(format!("{above}/{PACKAGE}"));
            folder = above;
        }
        packages.insert(PACKAGE.to_owned());
    }
    packages
}

fn uses_migrations(git: &Git, brought: &Pushed) -> Result<bool> {
    Ok(git.files(&brought.commit, &[])?.iter().any(|entry| Script::of(&entry.path).is_some()))
}

/// Whether more than comments and spaces differ from every base.
fn has_changed(git: &Git, brought: &Pushed, path: &String) -> Result<bool> {
    let at = |commit: &str| -> Result<Option<String>> {
        let entry = git.files(commit, std::slice::from_ref(path))?.into_iter().find(|entry| &entry.path == path);
        let Some(entry) = entry else { return Ok(None) };
        Ok(git.contents([entry.blob.clone()], |_, content| Some(meaning(&content.text())))?.remove(&entry.blob))
    };
    let now = at(&brought.commit)?;
    for base in &brought.bases {
        let is_other =
            base.differences.iter().any(|d| matches!(d, Difference::Edited(p) | Difference::Added(p) if p == path));
        if !is_other || at(&base.commit)? == now {
            return Ok(false);
        }
    }
    Ok(now.is_some() && !brought.bases.is_empty())
}

fn meaning(schema: &str) -> String {
    let lines = schema.lines().map(|line| line.trim()).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

fn without_migration(path: &str) -> Finding {
    let kind = Kind::SchemaWithoutMigration;
    Finding {
        file: path.to_owned(),
        line: 1,
        kind,
        severity: kind.severity(),
        message: "The schema changed, and no new migration goes with it".to_owned(),
        remedy: "Make one: safemigrate dev --name NAME".to_owned(),
    }
}

fn scripts(git: &Git, tip: &[Entry]) -> Result<Vec<Finding>> {
    let packages: Vec<&Entry> = tip.iter().filter(|entry| entry.path.ends_with("package.json")).collect();
    let texts: BTreeMap<String, String> =
        git.contents(packages.iter().map(|entry| entry.blob.clone()), |_, content| Some(content.text()))?;
    let found = packages.iter().filter_map(|entry| Some(bare_resets(&entry.path, texts.get(&entry.blob)?)));
    Ok(found.flatten().collect())
}

/// Scripts that empty a database without us.
pub(super) fn bare_resets(path: &str, package: &str) -> Vec<Finding> {
    let parsed: Value = serde_json::from_str(package.trim_start_matches('\u{feff}')).unwrap_or_default();
    let scripts = parsed["scripts"].as_object().into_iter().flatten();
    let bare =
        scripts.filter_map(|(name, command)| Some((name, command.as_str().filter(|text| empties_a_database(text))?)));
    let finding = |(name, command): (&String, &str)| {
        let kind = Kind::BareReset;
        let at = package.lines().position(|line| line.contains(&format!("\"{name}\"")) && line.contains("prisma"));
        Finding {
            file: path.to_owned(),
            line: at.map_or(1, |at| at + 1),
            kind,
            severity: kind.severity(),
            message: format!("The script {name} empties whatever database it meets: {command}"),
            remedy: "Let it be `safemigrate reset`: it makes a backup first, and refuses on production".to_owned(),
        }
    };
    bare.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_reset_without_us() {
        let found = bare_resets(
            "package.json",
            "{\n \"scripts\": {\n  \"a\": \"x\",\n  \"db\": \"prisma migrate reset\"\n }\n}",
        );
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [4]);
        assert!(bare_resets("package.json", "no json").is_empty());
    }

    #[test]
    fn comments_and_spaces_mean_nothing() {
        assert_eq!(meaning("model A {\r\n  id Int @id\n\n // x\n}"), meaning("model A {\n\tid   Int  @id\n}"));
        assert_ne!(meaning("id Int"), meaning("id Int?"));
    }
}
