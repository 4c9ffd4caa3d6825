//! The environment in which the fixtures' Prisma finds its schema engine.
//!
//! `scripts/setup` has tried once to fetch Prisma's own; where that failed, `fixtures/engine/schema-engine.mjs`
//! serves Prisma's WebAssembly build of the same engine.

use std::path::{Path, PathBuf};

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// `installation` is the fixture whose `node_modules` the project uses.
pub fn engine_environment(installation: &Path) -> Vec<(String, String)> {
    let mut environment = vec![("CHECKPOINT_DISABLE".to_string(), "1".to_string())];
    if has_own_engine(installation) {
        return environment;
    }
    let stand_in = fixtures().join("engine/schema-engine.mjs").display().to_string();
    environment.push(("ENGINE_MODULES".to_string(), installation.display().to_string()));
    // Prisma 6 wants this file to exist before it migrates; it never loads it.
    environment.push(("PRISMA_QUERY_ENGINE_LIBRARY".to_string(), stand_in.clone()));
    environment.push(("PRISMA_SCHEMA_ENGINE_BINARY".to_string(), stand_in));
    environment
}

fn has_own_engine(installation: &Path) -> bool {
    let engines = installation.join("node_modules/@prisma/engines");
    let entries = std::fs::read_dir(&engines)
        .unwrap_or_else(|_| panic!("{} is not installed: run scripts/setup", installation.display()));
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("schema-engine-"))
}
