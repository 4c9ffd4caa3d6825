//! The variables that Prisma sees: those of the process, then of `.env` files, each with where it came from.

use super::dotenv::{self, Variables};
use super::root::package_json;
use super::url::UrlSource;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Variables and, for those that the process did not have, where they came from. No `Debug`: it holds secrets.
#[derive(Clone, Default)]
pub struct Environment {
    variables: Variables,
    sources: BTreeMap<String, UrlSource>,
}

impl Environment {
    pub fn new(variables: Variables) -> Self {
        Self { variables, sources: BTreeMap::new() }
    }

    /// The environment that we were started in; what is not UTF-8 is no URL.
    pub fn of_process() -> Self {
        Self::new(
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Where a variable that is set came from.
    pub fn source(&self, name: &str) -> UrlSource {
        let of_process = || UrlSource::Environment { name: name.to_owned() };
        self.sources.get(name).cloned().unwrap_or_else(of_process)
    }

    /// Which variable holds this value, the usual name first.
    pub fn source_of_value(&self, value: &str) -> Option<UrlSource> {
        let usual = ["DATABASE_URL", "DIRECT_URL"].into_iter();
        let mut names = usual.chain(self.variables.keys().map(String::as_str));
        names.find(|name| self.get(name) == Some(value)).map(|name| self.source(name))
    }

    /// Adds a `.env` file; what is set already stays.
    pub fn load_file(&mut self, path: &Path) {
        let Ok(text) = fs::read_to_string(path) else { return };
        let before = self.variables.clone();
        dotenv::load(&mut self.variables, &text);
        let new = self.variables.keys().filter(|name| !before.contains_key(*name));
        self.sources.extend(new.map(|name| (name.clone(), of_file(name, path))));
    }

    /// The two files that Prisma 5 and 6 read: beside the nearest `package.json`, then the first of the folder of
    /// `--schema`, `./prisma` and `.`.
    pub fn load_prisma_6(&mut self, root: &Path, schema_flag: Option<&Path>) {
        let named_client =
            |dir: &Path| package_json(dir).ok().flatten().is_some_and(|p| p["name"].as_str() == Some(".prisma/client"));
        let package = root.ancestors().find(|dir| dir.join("package.json").is_file() && !named_client(dir));
        let first = package.map(|dir| dir.join(".env")).filter(|file| file.exists());
        let prisma = root.join("prisma");
        let candidates = schema_flag.and_then(Path::parent).into_iter().chain([prisma.as_path(), root]);
        let second = candidates.map(|dir| dir.join(".env")).find(|file| file.exists());
        if let Some(file) = &first {
            self.load_file(file);
        }
        if let Some(file) = second.filter(|second| first.as_ref() != Some(second)) {
            self.load_file(&file);
        }
    }

    /// Takes over what the configuration (or the JavaScript runtime) changed, and finds the `.env` files it had it from,
    /// for the words of a message.
    pub fn load_evaluated(&mut self, evaluated: &Variables, config_file: Option<&Path>, folders: &[PathBuf]) {
        let files = env_files(folders);
        let changed: Vec<_> = evaluated.iter().filter(|(name, value)| self.get(name) != Some(value.as_str())).collect();
        for (name, value) in changed {
            let file = files.iter().find(|(_, variables)| variables.get(name) == Some(value));
            let source = match (file, config_file) {
                (Some((path, _)), _) => of_file(name, path),
                (None, Some(path)) => UrlSource::Config { path: path.to_owned() },
                (None, None) => UrlSource::Environment { name: name.clone() },
            };
            self.sources.insert(name.clone(), source);
            self.variables.insert(name.clone(), value.clone());
        }
    }
}

fn of_file(name: &str, path: &Path) -> UrlSource {
    UrlSource::File { name: name.to_owned(), path: path.to_owned() }
}

/// The `.env*` files of some folders, in name order, with their expanded variables.
pub fn env_files(folders: &[PathBuf]) -> Vec<(PathBuf, Variables)> {
    let mut found: Vec<(PathBuf, Variables)> = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_env_file(path)).collect();
        files.sort();
        for file in files {
            if !found.iter().any(|(known, _)| *known == file) {
                let variables = dotenv::read(&file);
                found.push((file, variables));
            }
        }
    }
    found
}

/// Whether it is a `.env` file that somebody uses; examples only look like one.
fn is_env_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let example =
        ["example", "sample", "template", "dist", "defaults", "vault"].iter().any(|word| name.ends_with(word));
    name.starts_with(".env") && !example && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn the_order_of_prisma_6() {
        let root = tempdir().unwrap();
        let root = root.path();
        for (file, text) in [
            (".env", "A=root\nB=root"),
            ("prisma/.env", "B=prisma\nC=prisma"),
            ("db/.env", "C=db"),
            ("package.json", "{}"),
        ] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), text).unwrap();
        }
        let mut environment = Environment::new([("A".to_owned(), "process".to_owned())].into());
        environment.load_prisma_6(root, None);
        let get = |environment: &Environment| ["A", "B", "C"].map(|n| environment.get(n).unwrap().to_owned());
        assert_eq!(get(&environment), ["process", "root", "prisma"]);
        assert_eq!(environment.source("A"), UrlSource::Environment { name: "A".into() });
        assert_eq!(environment.source("C").env_file(), Some(root.join("prisma/.env").as_path()));

        let mut environment = Environment::new([("A".to_owned(), "process".to_owned())].into());
        environment.load_prisma_6(root, Some(&root.join("db/schema.prisma")));
        assert_eq!(get(&environment), ["process", "root", "db"]);
    }

    #[test]
    fn a_package_above_lends_its_file_when_the_folder_has_none() {
        let root = tempdir().unwrap();
        fs::create_dir_all(root.path().join("db/prisma")).unwrap();
        fs::write(root.path().join("package.json"), "{}").unwrap();
        fs::write(root.path().join(".env"), "A=above").unwrap();
        let mut environment = Environment::default();
        environment.load_prisma_6(&root.path().join("db"), None);
        assert_eq!(environment.get("A"), Some("above"));
    }

    #[test]
    fn what_the_configuration_set_is_traced_to_its_file() {
        let root = tempdir().unwrap();
        fs::write(root.path().join(".env"), "URL=postgresql://${H}/d\nH=h").unwrap();
        fs::write(root.path().join(".env.example"), "URL=postgresql://h/d").unwrap();
        let mut environment = Environment::default();
        let configured = [("URL", "postgresql://h/d"), ("OTHER", "made up")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let folders = [root.path().to_owned()];
        environment.load_evaluated(&configured.into(), Some(Path::new("prisma.config.ts")), &folders);
        assert_eq!(environment.source("OTHER"), UrlSource::Config { path: "prisma.config.ts".into() });
        let source = environment.source_of_value("postgresql://h/d").unwrap();
        assert_eq!(source.env_file(), Some(root.path().join(".env").as_path()));
    }
}
