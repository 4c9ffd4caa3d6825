//! What is different since a backup: the structure, Prisma's schema, the rows.

use super::interrupt::Interrupt;
use super::structure::unpack;
use super::target::Target;
use super::verification::{Compared, Comparison, Extent};
use crate::domain::compare::TableRows;
use crate::domain::described::described;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::Manifest;
use crate::domain::unified::unified;
use crate::error::Result;
use crate::git::Git;
use crate::postgres::session::connect;
use crate::postgres::snapshot::read_database_info;
use crate::postgres::structure::{self, Section, listing};
use crate::postgres::tools::{self, Program};
use crate::prisma::Project;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Everything that is different.
#[derive(Debug)]
pub struct Difference {
    /// Of the structure as SQL; empty where it is the same.
    pub schema: String,
    /// Of Prisma's schema since the commit that the backup names; `None` where git does not have it.
    pub prisma_schema: Option<String>,
    /// Every table, by name.
    pub tables: Vec<TableRows>,
}

/// Compares the database, as of one instant, with a backup. `named`: rows of each table that are named by their key.
/// The database is only read.
///
/// # Errors
/// Those of the connection; `Tool`, `Damaged`, `Store`, `Interrupted`.
pub async fn diff(
    target: &Target,
    backup: &Manifest,
    named: usize,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Difference> {
    let store = &target.place.store;
    let comparison = Comparison { url: &target.url, store, backup, named };
    let compared = comparison.make(Extent::Everything(&[]), observer, interrupt).await?;
    let full = match &backup.structure {
        Some(_) => Some(backup.clone()),
        None => target.place.full_of(backup).and_then(|id| store.manifest(&id).ok()),
    };
    let (then, now) = match full {
        Some(full) => interrupt.or(structures(target, &full)).await?,
        None => {
            observer.on(Event::Note(format!(
                "The full backup of {} is gone: of the structure columns, types, defaults and keys are compared",
                backup.id
            )));
            descriptions(backup, &compared)
        }
    };
    let schema = unified((&format!("structure in {}", backup.id), &then), ("structure now", &now));
    let prisma_schema = target.project.as_ref().and_then(|project| prisma_schema(project, backup));
    Ok(Difference { schema, prisma_schema, tables: compared.rows })
}

/// As SQL: of the archive, and of the database.
async fn structures(target: &Target, full: &Manifest) -> Result<(String, String)> {
    let Some(structure) = &full.structure else { return Ok(Default::default()) };
    let archive = unpack(&target.place.store, structure, full.database.server_version).await?;
    let mut then = archive.entries(Section::PreData).await?;
    then.extend(archive.entries(Section::PostData).await?);
    let server_version = read_database_info(&mut connect(&target.url).await?).await?.server_version;
    let pg_dump = tools::find(Program::PgDump, server_version)?;
    let now = structure::describe(&pg_dump, &target.url, server_version).await?;
    Ok((listing(then), listing(now)))
}

fn descriptions(backup: &Manifest, compared: &Compared) -> (String, String) {
    (described(backup.tables.iter().map(|data| &data.table)), described(&compared.tables))
}

/// `None` where git does not know the commit, or is not there.
fn prisma_schema(project: &Project, backup: &Manifest) -> Option<String> {
    let commit = backup.project.as_ref()?.git_commit.as_deref()?;
    let git = Git::at(&project.root);
    let root = git.root().ok()??.canonicalize().ok()?;
    let schema = project.schema.canonicalize().ok()?;
    let within = schema.strip_prefix(&root).ok()?.to_str()?.to_owned();
    let full = git.commit(commit).ok()??;
    let entries = git.files(&full, &[within]).ok()?;
    let entries: Vec<_> = entries.into_iter().filter(|entry| entry.path.ends_with(".prisma")).collect();
    let texts = git.contents(entries.iter().map(|e| e.blob.clone()), |_, content| Some(content.text())).ok()?;
    let then: Option<BTreeMap<String, String>> =
        entries.iter().map(|entry| Some((entry.path.clone(), texts.get(&entry.blob)?.clone()))).collect();
    let then = then.filter(|then| !then.is_empty())?;
    let named = |(path, text): (PathBuf, String)| {
        Some((path.canonicalize().ok()?.strip_prefix(&root).ok()?.to_str()?.to_owned(), text))
    };
    let now: BTreeMap<String, String> = project.schema_texts().ok()?.into_iter().map(named).collect::<Option<_>>()?;
    let paths: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let of_one = |path: &&String| {
        let text = |texts: &BTreeMap<String, String>| texts.get(*path).cloned().unwrap_or_default();
        unified((&format!("{path} at {commit}"), &text(&then)), (path, &text(&now)))
    };
    Some(paths.iter().map(of_one).collect())
}
