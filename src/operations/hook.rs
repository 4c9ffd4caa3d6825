//! `hook install` and `uninstall`: where this repository keeps its hooks, and what would be changed there.

use crate::domain::changes::{Change, Changes};
use crate::domain::hook::{self, CHAINED, Places};
use crate::domain::names::shell_word;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::git::Git;
use crate::prisma::files::text;
use std::path::{Path, PathBuf};

/// lefthook's own list, in its order.
const LEFTHOOK: [&str; 6] = [
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".config/lefthook.yml",
    ".config/lefthook.yaml",
];
const LEFTHOOK_OTHERS: [&str; 4] = ["lefthook.toml", "lefthook.json", ".lefthook.toml", ".lefthook.json"];
const PRE_COMMIT: &str = ".pre-commit-config.yaml";
const HOOK: &str = "pre-push";
const EXECUTABLE: u32 = 0o755;

/// Where a repository keeps its hooks.
struct Site {
    root: PathBuf,
    /// What git runs.
    hooks: PathBuf,
    /// Whether `hooks` belongs to this repository.
    is_own: bool,
    husky: Option<PathBuf>,
    places: Places,
}

/// What `hook install` does in the repository of `project`; nothing where it is done already.
///
/// # Errors
/// `Config` outside of a repository, and where a file has to be changed by hand; `Tool` without git.
pub fn plan_install(project: &Path) -> Result<Changes> {
    let site = Site::find(project)?;
    if let Some(husky) = &site.husky {
        return site.husky(husky);
    }
    if let Some(file) = site.first_of(&LEFTHOOK) {
        let note = "If lefthook has not made git's pre-push hook yet: npx lefthook install";
        return edit(&file, |text| hook::lefthook(text, &site.places), note, "a command in `pre-push`");
    }
    if let Some(file) = site.first_of(&LEFTHOOK_OTHERS) {
        return Err(by_hand(&file, "a command in `pre-push` with use_stdin"));
    }
    if let Some(file) = site.first_of(&[PRE_COMMIT]) {
        let note = "If pre-commit has not made git's pre-push hook yet: pre-commit install --hook-type pre-push. \
                    It hands on the first of several branches that are pushed at once; push them one by one";
        return edit(&file, |text| hook::pre_commit(text, &site.places), note, "a local hook for the stage pre-push");
    }
    site.plain()
}

/// Takes out what `hook install` did, wherever it did it.
///
/// # Errors
/// As `plan_install`.
pub fn plan_uninstall(project: &Path) -> Result<Changes> {
    let site = Site::find(project)?;
    let mut list = Vec::new();
    let husky = site.husky.iter().map(|folder| folder.join(HOOK));
    let configurations = LEFTHOOK.iter().chain([&PRE_COMMIT]).map(|name| site.root.join(name));
    for file in husky.chain(configurations) {
        let Some(before) = read(&file)? else { continue };
        let after = (!hook::is_made_by_us(&before)).then(|| hook::without(&before));
        list.extend(Change::text(file, Some(before), after, None));
    }
    let (ours, chained) = (site.hooks.join(HOOK), site.hooks.join(CHAINED));
    if let Some(before) = read_if_text(&ours)?.filter(|text| hook::is_ours(text)) {
        list.push(Change::Text { path: ours.clone(), before: Some(before), after: None, mode: None });
        if chained.symlink_metadata().is_ok() {
            list.push(Change::Move { from: chained, to: ours });
        }
    }
    Ok(Changes { list, notes: Vec::new() })
}

impl Site {
    fn find(project: &Path) -> Result<Self> {
        let git = Git::at(project);
        let (Some(root), Some(hooks), Some(common)) = (git.root()?, git.hooks()?, git.common_folder()?) else {
            let message = format!("{} is in no git repository. Nothing was changed", project.display());
            return Err(Error::new(ErrorKind::Config, message).hint("Make one: git init"));
        };
        let husky = husky_folder(&root, &hooks);
        let canonical = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (real_root, real_common, real_project) = (canonical(&root), canonical(&common), canonical(project));
        let parent = hooks.parent().map(canonical).unwrap_or_default();
        let is_in_git = parent.starts_with(&real_common);
        let is_own = is_in_git || parent.starts_with(&real_root);
        let inside = real_project.strip_prefix(&real_root).unwrap_or(Path::new(""));
        let project = inside.to_str().unwrap_or_default().to_owned();
        let program = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_str()?.to_owned()));
        let folder = program.filter(|folder| is_in_git && husky.is_none() && !folder.contains("node_modules"));
        Ok(Self { root, hooks, is_own, husky, places: Places { project, folder } })
    }

    fn first_of(&self, names: &[&str]) -> Option<PathBuf> {
        names.iter().map(|name| self.root.join(name)).find(|file| file.is_file())
    }

    fn husky(&self, folder: &Path) -> Result<Changes> {
        let file = folder.join(HOOK);
        let before = read(&file)?;
        let after = hook::husky(before.as_deref(), &self.places);
        let mode = before.is_none().then_some(EXECUTABLE);
        let active = self.hooks.components().any(|part| part.as_os_str() == HUSKY);
        let notes = (!active).then(|| "husky is not set up in this clone yet: npx husky".to_owned());
        let list = Change::text(file, before, Some(after), mode).into_iter().collect();
        Ok(Changes { list, notes: notes.into_iter().collect() })
    }

    /// git's own folder, or that of `core.hooksPath`: one file, with what was there before beside it.
    fn plain(&self) -> Result<Changes> {
        let (file, chained) = (self.hooks.join(HOOK), self.hooks.join(CHAINED));
        if !self.is_own {
            let message = format!(
                "core.hooksPath is {}, which other repositories use too. Nothing was changed",
                self.hooks.display()
            );
            return Err(Error::new(ErrorKind::Config, message)
                .hint("Give this repository hooks of its own: git config --local core.hooksPath .git/hooks")
                .hint(format!(
                    "Or call it from {}: safemigrate hook pre-push \"$@\"",
                    shell_word(&file.to_string_lossy())
                )));
        }
        let after = hook::script(&self.places);
        let exists = file.symlink_metadata().is_ok();
        let text = if exists { read_if_text(&file)? } else { None };
        let mut list = Vec::new();
        let before = match text.filter(|text| hook::is_ours(text)) {
            Some(ours) => Some(ours),
            None if exists && chained.symlink_metadata().is_ok() => {
                let message =
                    format!("{} and {} are both there. Nothing was changed", file.display(), chained.display());
                return Err(
                    Error::new(ErrorKind::Config, message).hint("Keep the one that is right, and remove the other.")
                );
            }
            None => {
                list.extend(exists.then(|| Change::Move { from: file.clone(), to: chained }));
                None
            }
        };
        list.extend(Change::text(file, before, Some(after), Some(EXECUTABLE)));
        Ok(Changes { list, notes: Vec::new() })
    }
}

const HUSKY: &str = ".husky";

/// `.husky/_` is what git runs with husky 9, `.husky` with older ones; before it is set up, the folder beside package.json.
fn husky_folder(root: &Path, hooks: &Path) -> Option<PathBuf> {
    let named = hooks.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == HUSKY));
    let there = root.join(HUSKY);
    named.map(Path::to_owned).or_else(|| there.is_dir().then_some(there))
}

fn edit(file: &Path, with: impl Fn(&str) -> Option<String>, note: &str, what: &str) -> Result<Changes> {
    let before = read(file)?.unwrap_or_default();
    let Some(after) = with(&before) else { return Err(by_hand(file, what)) };
    let list = Change::text(file.to_owned(), Some(before), Some(after), None).into_iter().collect();
    Ok(Changes { list, notes: vec![note.to_owned()] })
}

fn by_hand(file: &Path, what: &str) -> Error {
    let message = format!("{} is written in a way that only you can change. Nothing was changed", file.display());
    Error::new(ErrorKind::Config, message).hint(format!("Add {what} that runs: safemigrate hook pre-push"))
}

fn read(file: &Path) -> Result<Option<String>> {
    text(file).context(ErrorKind::Config, || format!("{} cannot be read. Nothing was changed", file.display()))
}

/// A hook may be a program.
fn read_if_text(file: &Path) -> Result<Option<String>> {
    match text(file) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(None),
        other => other.context(ErrorKind::Config, || format!("{} cannot be read. Nothing was changed", file.display())),
    }
}
