//! Which package manager the project uses, so that a hint says the line its people would type.

use serde_json::Value;
use std::fmt;
use std::fs;
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    Npm,
    Pnpm,
    Yarn,
    Bun,
}

/// Files that only one of them leaves behind: lock files first, then traces inside `node_modules`.
const TRACES: &[(&str, PackageManager)] = &[
    ("pnpm-lock.yaml", PackageManager::Pnpm),
    ("yarn.lock", PackageManager::Yarn),
    ("bun.lock", PackageManager::Bun),
    ("bun.lockb", PackageManager::Bun),
    ("package-lock.json", PackageManager::Npm),
    ("npm-shrinkwrap.json", PackageManager::Npm),
    ("pnpm-workspace.yaml", PackageManager::Pnpm),
    (".yarnrc.yml", PackageManager::Yarn),
    (".pnp.cjs", PackageManager::Yarn),
    ("node_modules/.modules.yaml", PackageManager::Pnpm),
    ("node_modules/.yarn-state.yml", PackageManager::Yarn),
    ("node_modules/.yarn-integrity", PackageManager::Yarn),
    ("node_modules/.package-lock.json", PackageManager::Npm),
];

impl PackageManager {
    /// By the `packageManager` field, then lock files, then what is installed; the nearest folder upwards decides.
    pub fn detect(root: &Path) -> Self {
        let declared = root.ancestors().find_map(declared);
        let traced = || root.ancestors().find_map(|dir| TRACES.iter().find(|(file, _)| dir.join(file).exists()));
        declared.or_else(|| traced().map(|(_, manager)| *manager)).unwrap_or(Self::Npm)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        }
    }

    /// The line that installs what `package.json` already lists.
    pub fn install_line(self) -> String {
        format!("{} install", self.name())
    }

    /// The line that runs a script of `package.json`.
    pub fn run_line(self, script: &str) -> String {
        format!("{} run {script}", self.name())
    }

    /// The line that adds a development dependency.
    pub fn add_line(self, package: &str) -> String {
        match self {
            Self::Npm => format!("npm install --save-dev {package}"),
            Self::Pnpm => format!("pnpm add --save-dev {package}"),
            Self::Yarn => format!("yarn add --dev {package}"),
            Self::Bun => format!("bun add --dev {package}"),
        }
    }
}

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn declared(dir: &Path) -> Option<PackageManager> {
    let package: Value = serde_json::from_slice(&fs::read(dir.join("package.json")).ok()?).ok()?;
    match package.get("packageManager")?.as_str()?.split('@').next()? {
        "npm" => Some(PackageManager::Npm),
        "pnpm" => Some(PackageManager::Pnpm),
        "yarn" => Some(PackageManager::Yarn),
        "bun" => Some(PackageManager::Bun),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn field_beats_lock_file_beats_what_is_installed() {
        let root = tempdir().unwrap();
        let app = root.path().join("packages/app");
        fs::create_dir_all(app.join("node_modules")).unwrap();
        fs::write(app.join("package.json"), "{}").unwrap();
        fs::write(app.join("node_modules/.package-lock.json"), "{}").unwrap();
        assert_eq!(PackageManager::detect(&app), PackageManager::Npm);
        fs::write(app.join("bun.lock"), "").unwrap();
        assert_eq!(PackageManager::detect(&app), PackageManager::Bun);
        fs::write(root.path().join("package.json"), r#"{"packageManager":"pnpm@9.1.0+sha512.abc"}"#).unwrap();
        assert_eq!(PackageManager::detect(&app), PackageManager::Pnpm);
    }

    #[test]
    fn a_hoisted_lock_file_counts() {
        let root = tempdir().unwrap();
        fs::create_dir_all(root.path().join("packages/app")).unwrap();
        fs::write(root.path().join("yarn.lock"), "").unwrap();
        let manager = PackageManager::detect(&root.path().join("packages/app"));
        assert_eq!(manager.add_line("prisma@7"), "yarn add --dev prisma@7");
    }
}
