//! `init`: what it would write into the project's files, and what it would take out of them again.

use super::hook;
use crate::domain::changes::{Change, Changes};
use crate::domain::init::{Ignored, Record, ignore, package, record::NEW_FILE, script};
use crate::domain::names::shell_option;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::prisma::files::text;
use crate::prisma::{Choices, PackageManager, Settings, find_root, root, schema, settings};
use std::path::{Component, Path, PathBuf};
use walkdir::WalkDir;

const PACKAGE: &str = "package.json";
const IGNORE: &str = ".gitignore";
const STORE: &str = ".safemigrate";

/// What is to be done in one project.
pub struct Setup {
    /// The folder of the project.
    pub root: PathBuf,
    pub manager: PackageManager,
    /// The script of `package.json` that runs `safemigrate dev` afterwards.
    pub dev_script: Option<String>,
    /// A line that the user has to type for the scripts to run.
    pub to_do: Option<String>,
    pub changes: Changes,
    /// Every file that was looked at, whether it is to be changed or not.
    pub files: Vec<PathBuf>,
}

/// Plans `init`; nothing is changed yet.
///
/// # Errors
/// `NoProject`; `Config` where a file of the project cannot be understood or the database is none of PostgreSQL.
pub fn plan(choices: &Choices, cwd: &Path) -> Result<Setup> {
    let mut setup = Setup::find(choices, cwd)?;
    let root = setup.root.clone();
    of_postgresql(&root, choices.schema.as_deref().map(|path| cwd.join(path)))?;
    let settings = Settings::load(&root)?;
    let mut record = settings.init.clone();
    let package = setup.guard_scripts(&mut record)?;
    let ignore = setup.ignore_store(&settings, &mut record)?;
    let hook = setup.of_hook(hook::plan_install(&root));
    record.hook |= !hook.is_empty();
    let toml = root.join(settings::FILE);
    let before = read(&toml)?;
    let after = record.written_into(before.as_deref().unwrap_or(NEW_FILE));
    setup.files.insert(0, toml.clone());
    // what takes it back comes first: whatever ends us in between, it can be taken back
    let list = [Change::text(toml, before, Some(after), None), package, ignore];
    setup.changes.list = list.into_iter().flatten().chain(hook).collect();
    Ok(setup)
}

/// Plans `init --undo`; nothing is changed yet.
///
/// # Errors
/// `NoProject`, `Config`.
pub fn plan_undo(choices: &Choices, cwd: &Path) -> Result<Setup> {
    let mut setup = Setup::find(choices, cwd)?;
    let root = setup.root.clone();
    let settings = Settings::load(&root)?;
    let record = settings.init.clone();
    let package = setup.take_scripts_back(&record)?;
    let ignore = setup.take_line_back(&record)?;
    let hook = if record.hook { setup.of_hook(hook::plan_uninstall(&root)) } else { Vec::new() };
    let toml = root.join(settings::FILE);
    let before = read(&toml)?;
    let rest = before.as_deref().map(|text| Record::default().written_into(text));
    let after = rest.filter(|rest| rest.trim() != NEW_FILE.trim() && !rest.trim().is_empty());
    if after.is_some() && after != before {
        setup.changes.notes.push(format!("{} says more than init wrote, and stays.", settings::FILE));
    }
    setup.files.push(toml.clone());
    // the record goes last, as it came first
    let record = Change::text(toml, before, after, None);
    setup.changes.list = hook.into_iter().chain([package, ignore, record].into_iter().flatten()).collect();
    Ok(setup)
}

impl Setup {
    fn find(choices: &Choices, cwd: &Path) -> Result<Self> {
        let root = find_root(choices, cwd).map_err(|error| match error.kind {
            ErrorKind::NoProject if choices.project.is_none() => with_projects_below(error, cwd),
            _ => error,
        })?;
        let manager = PackageManager::detect(&root);
        Ok(Self { root, manager, dev_script: None, to_do: None, changes: Changes::default(), files: Vec::new() })
    }

    fn note(&mut self, note: String) {
        self.changes.notes.push(note);
    }

    fn guard_scripts(&mut self, record: &mut Record) -> Result<Option<Change>> {
        let path = self.root.join(PACKAGE);
        let Some(before) = read(&path)? else {
            self.note(format!("There is no {PACKAGE} here, so there are no scripts to change."));
            return Ok(None);
        };
        let guarded = package::guarded(&before).ok_or_else(|| no_scripts(&path))?;
        for (name, call) in &guarded.left {
            self.note(format!("The script \"{name}\" runs Prisma somewhere else and stays as it is: {call}"));
        }
        let deploys = |line: &str| line.contains("safemigrate deploy");
        for (name, _) in guarded.scripts.iter().filter(|(_, script)| deploys(&script.now)) {
            self.note(format!(
                "\"{name}\" takes a backup before it deploys now: where it runs, safemigrate and pg_dump have to be there."
            ));
        }
        if guarded.dev.is_none() {
            let (name, line) = package::ADDED;
            self.note(format!("\"{name}\" is a script of yours already, so none was added for `{line}`."));
        }
        self.to_do = (!lists_us(&before)).then(|| self.manager.add_line("safemigrate"));
        self.changes.notes.extend(scripts_above(&self.root));
        self.dev_script = guarded.dev;
        record.scripts_made |= guarded.scripts_made;
        record.scripts.extend(guarded.scripts);
        self.files.push(path.clone());
        Ok(Change::text(path, Some(before), Some(guarded.text), None))
    }

    fn ignore_store(&mut self, settings: &Settings, record: &mut Record) -> Result<Option<Change>> {
        let store = settings.store.path.clone().unwrap_or_else(|| self.root.join(STORE));
        let mut target = None;
        for folder in up_to_repository(&self.root) {
            // what lies outside of the project is nobody's to commit
            let Some(line) = line_for(folder, &self.root, &store) else { continue };
            let path = folder.join(IGNORE);
            let Some(before) = read(&path)? else { continue };
            if ignore::with_line(&before, &line) == before {
                self.files.push(path);
                return Ok(None);
            }
            target = target.or(Some((path, Some(before), line)));
        }
        let is_repository = self.root.ancestors().any(|folder| folder.join(".git").exists());
        let new = || Some((self.root.join(IGNORE), None, line_for(&self.root, &self.root, &store)?));
        let Some((path, before, line)) = target.or_else(|| is_repository.then(new).flatten()) else { return Ok(None) };
        let after = ignore::with_line(before.as_deref().unwrap_or_default(), &line);
        record.ignore = Some(Ignored { file: seen_from(&self.root, &path), line });
        self.files.push(path.clone());
        Ok(Change::text(path, before, Some(after), None))
    }

    /// Where the hook cannot be planned (no repository, a file that has to be changed by hand), that is said, and the
    /// rest is done all the same.
    fn of_hook(&mut self, planned: Result<Changes>) -> Vec<Change> {
        match planned {
            Ok(planned) => {
                self.changes.notes.extend(planned.notes);
                planned.list
            }
            Err(error) => {
                let error = error.promising_nothing();
                let hints: String = error.hints.iter().map(|hint| format!(" {hint}")).collect();
                self.note(format!(
                    "The git hook is left as it is. {}.{hints}",
                    error.to_string().trim_end_matches('.')
                ));
                Vec::new()
            }
        }
    }

    fn take_scripts_back(&mut self, record: &Record) -> Result<Option<Change>> {
        let path = self.root.join(PACKAGE);
        let Some(before) = read(&path)? else { return Ok(None) };
        let back = package::taken_back(&before, record).ok_or_else(|| no_scripts(&path))?;
        for name in back.kept {
            let was = record.scripts.get(&name).and_then(|script| script.was.clone());
            let was = was.map_or_else(|| "there was none".to_owned(), |was| format!("it was `{was}`"));
            self.note(format!("The script \"{name}\" was changed since, and stays; before init {was}."));
        }
        self.files.push(path.clone());
        Ok(Change::text(path, Some(before), Some(back.text), None))
    }

    fn take_line_back(&mut self, record: &Record) -> Result<Option<Change>> {
        let Some(ignored) = &record.ignore else { return Ok(None) };
        let path = self.root.join(&ignored.file);
        let Some(before) = read(&path)? else { return Ok(None) };
        let after = ignore::without_line(&before, &ignored.line);
        self.files.push(path.clone());
        Ok(Change::text(path, Some(before), Some(after).filter(|after| !after.is_empty()), None))
    }
}

/// The folder and those above it in the same repository; the folder alone where there is none.
fn up_to_repository(root: &Path) -> impl Iterator<Item = &Path> {
    let repository = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(root);
    root.ancestors().take_while(move |folder| folder.starts_with(repository))
}

/// A workspace's own `package.json` may call Prisma for this project; it belongs to all of them, so it is only named.
fn scripts_above(root: &Path) -> Vec<String> {
    let mut notes = Vec::new();
    for folder in up_to_repository(root).skip(1) {
        let Ok(Some(package)) = root::package_json(folder) else { continue };
        let scripts = package["scripts"].as_object().into_iter().flatten();
        for (name, line) in scripts.filter_map(|(name, line)| Some((name, line.as_str()?))) {
            if script::read(line) != script::Reading::default() {
                let file = seen_from(root, &folder.join(PACKAGE));
                notes.push(format!("{file} has a script that calls Prisma, \"{name}\", and stays as it is: {line}"));
            }
        }
    }
    notes
}

/// What `.gitignore` in `folder` would say about the store; `None` where the store is not in the project.
fn line_for(folder: &Path, root: &Path, store: &Path) -> Option<String> {
    let inside = store.strip_prefix(root).ok()?;
    if inside.components().any(|part| !matches!(part, Component::Normal(_))) {
        return None;
    }
    // a name alone is known in every folder below
    let path = if inside.components().count() == 1 { inside } else { store.strip_prefix(folder).ok()? };
    Some(format!("{}/", path.components().collect::<PathBuf>().to_str()?))
}

/// A file in `root` or in a folder above it, as seen from there.
fn seen_from(root: &Path, file: &Path) -> String {
    let folder = file.parent().unwrap_or(file);
    let up = root.strip_prefix(folder).map_or(0, |inside| inside.components().count());
    let name = file.strip_prefix(root).ok().or(file.file_name().map(Path::new)).unwrap_or(file);
    format!("{}{}", "../".repeat(up), name.display())
}

fn read(path: &Path) -> Result<Option<String>> {
    let read = text(path).context(ErrorKind::Config, || format!("{} cannot be read as text", path.display()));
    read.map_err(Error::nothing_changed)
}

fn no_scripts(path: &Path) -> Error {
    let message = format!("The scripts of {} cannot be understood. Nothing was changed", path.display());
    Error::new(ErrorKind::Config, message).hint("`scripts` has to be an object of names and command lines.")
}

fn lists_us(package: &str) -> bool {
    let package: serde_json::Value = serde_json::from_str(package.trim_start_matches('\u{feff}')).unwrap_or_default();
    let kinds = ["dependencies", "devDependencies", "optionalDependencies"];
    kinds.iter().any(|kind| package[kind].get("safemigrate").is_some())
}

/// A schema for another database is nothing for us. Where it cannot be found without asking Prisma, it is not looked at.
fn of_postgresql(root: &Path, named: Option<PathBuf>) -> Result<()> {
    let package = root::package_json(root)?.unwrap_or_default();
    let configured = package["prisma"]["schema"].as_str().map(|path| root.join(path));
    let usual = ["prisma/schema.prisma", "prisma/schema", "prisma", "schema.prisma"].map(|place| root.join(place));
    let schema = named.into_iter().chain(configured).chain(usual).find(|place| place.exists());
    schema.map_or(Ok(()), |schema| schema::datasource(&schema).map(drop))
}

/// In a monorepo's root: the projects below, for whoever asks from there.
fn with_projects_below(mut error: Error, cwd: &Path) -> Error {
    const DEEPEST: usize = 3;
    const MOST: usize = 5;
    let walk = WalkDir::new(cwd).min_depth(1).max_depth(DEEPEST).sort_by_file_name().into_iter();
    let folders = walk.filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.file_type().is_dir() && name != "node_modules" && !name.starts_with('.')
    });
    let is_project = |folder: &Path| {
        let choices = Choices { project: Some(folder.to_owned()), ..Choices::default() };
        folder.join(PACKAGE).is_file() && find_root(&choices, cwd).is_ok()
    };
    let found = folders.flatten().filter(|entry| is_project(entry.path())).take(MOST);
    let lines = found.map(|entry| {
        let project = entry.path().strip_prefix(cwd).unwrap_or(entry.path()).display().to_string();
        format!("There is one below: safemigrate init {}", shell_option("--project", &project))
    });
    error.hints.splice(0..0, lines);
    error
}
