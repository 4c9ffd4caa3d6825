//! Taking backups: one snapshot, one read of the data, both kinds.

use super::ids;
use super::interrupt::Interrupt;
use super::reading::{Base, Candidates, ReadTable, Reading};
use crate::domain::event::{Event, Observer};
pub use crate::domain::manifest::Kinds;
use crate::domain::manifest::{Imported, Kind, Manifest, ProjectInfo, Reason, Structure};
pub use crate::domain::unchanged::ReadRows;
use crate::domain::unchanged::{Moment, SnapshotInfo, Trace};
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::dump::dump_structure;
use crate::postgres::session::explain_rights;
use crate::postgres::snapshot::Snapshot;
use crate::postgres::tools::{Program, find};
use crate::postgres::url::DatabaseUrl;
use crate::postgres::waiting::naming;
use crate::store::{Batch, Store};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// What is to be taken, and what the manifests shall say about it.
pub struct Request {
    pub kinds: Kinds,
    pub reason: Reason,
    pub run: Option<String>,
    pub project: Option<ProjectInfo>,
    pub read: ReadRows,
}

/// The backups that exist now.
pub struct Taken {
    pub full: Option<Manifest>,
    pub data_only: Option<Manifest>,
    /// From the opening of the snapshot to the durable manifest.
    pub snapshot_seconds: f64,
}

impl Taken {
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.full.iter().chain(&self.data_only)
    }

    pub fn ids(&self) -> Vec<String> {
        self.manifests().map(|m| m.id.clone()).collect()
    }
}

/// Takes a backup. It exists whole or not at all; the database is only read.
///
/// # Errors
/// Those of the connection; `Tool` without a fitting `pg_dump`; `Store`; `Interrupted`.
pub async fn take(
    url: &DatabaseUrl,
    store: &Store,
    request: &Request,
    observer: &dyn Observer,
    interrupt: &Interrupt,
) -> Result<Taken> {
    let taken = interrupt.or(naming(url, take_uninterrupted(url, store, request, None, observer))).await;
    observer.on(Event::StageDone);
    taken.map_err(|e| no_backup(store, request.reason, e))
}

/// What a file was loaded from and which database it is meant for.
pub struct Origin {
    pub database: String,
    pub imported: Imported,
}

/// The same of a database into which a file was loaded: the backup is one of the database that it is meant for.
///
/// # Errors
/// Those of `take`.
pub async fn take_imported(
    url: &DatabaseUrl,
    store: &Store,
    request: &Request,
    origin: &Origin,
    observer: &dyn Observer,
) -> Result<Taken> {
    take_uninterrupted(url, store, request, Some(origin), observer)
        .await
        .map_err(|e| no_backup(store, request.reason, e))
}

/// Everything that comes before the reading: the database is reached, all of it may be read, a fitting `pg_dump` is there.
///
/// # Errors
/// As those of `take`.
pub async fn plan(url: &DatabaseUrl, kinds: Kinds) -> Result<()> {
    let planning = async {
        let mut snapshot = Snapshot::open(url).await?;
        if kinds != Kinds::DataOnly {
            find(Program::PgDump, snapshot.database.server_version)?;
        }
        Reading::plan(&mut snapshot).await?;
        snapshot.close().await
    };
    naming(url, planning).await.map_err(explain_rights)
}

/// What a user asks first when a backup fails, and room for the next try.
pub(super) fn no_backup(store: &Store, reason: Reason, error: Error) -> Error {
    // after a migration that would be a lie
    let sentence = match reason {
        Reason::AfterMigration => "No backup of the new state was made",
        _ => "No backup was made and the database is untouched",
    };
    if error.kind == ErrorKind::Interrupted {
        return Error::new(error.kind, format!("Interrupted while backing up: n{}", &sentence[1..]));
    }
    let mut error = explain_rights(error);
    if error.kind == ErrorKind::Store {
        let _ = store.sweep();
    }
    if reason == Reason::AfterMigration {
        error = error.promising_nothing();
    }
    if !error.message.contains("othing was changed") {
        error.message = format!("{}. {sentence}", error.message.trim_end_matches('.'));
    }
    error
}

async fn take_uninterrupted(
    url: &DatabaseUrl,
    store: &Store,
    request: &Request,
    origin: Option<&Origin>,
    observer: &dyn Observer,
) -> Result<Taken> {
    let started = Instant::now();
    store.prepare()?;
    let candidates = Candidates::before_the_snapshot(store)?;
    let mut snapshot = Snapshot::open(url).await?;
    fault::at("checkpoint.snapshot");
    let history = history(&mut snapshot, origin).await?;
    let wanted = (request.read, request.reason);
    let base = history.as_ref().and_then(|(now, lie)| candidates.choose(store, &snapshot, (now, lie), wanted));
    let reading = Reading::plan(&mut snapshot).await?;
    observer.on(Event::Stage { label: "Backing up".into(), total_bytes: snapshot.estimated_bytes() });
    let batch = Arc::new(store.batch());
    let structure = async {
        match request.kinds {
            Kinds::DataOnly => Ok(None),
            Kinds::Full | Kinds::Both => structure(url, &snapshot, &batch).await.map(Some),
        }
    };
    let (stored, structure) = tokio::try_join!(reading.store(&snapshot, &batch, base.as_ref(), observer), structure)?;
    let mut manifest = manifest(&snapshot, request, &stored);
    manifest.snapshot = history.map(|history| info(history, &stored, base.as_ref(), &manifest.created_at));
    if let Some(Origin { database, imported }) = origin {
        // it has never been on a server under this name
        manifest.database.name.clone_from(database);
        manifest.database.system_identifier = None;
        manifest.imported = Some(imported.clone());
    }
    // a snapshot that broke meanwhile says so here
    snapshot.close().await?;
    fault::at("checkpoint.read");
    let batch = Arc::into_inner(batch).ok_or_else(|| Error::new(ErrorKind::Other, "A reader is still at work"))?;
    let commit = tokio::task::spawn_blocking(move || batch.commit());
    commit.await.map_err(|e| Error::new(ErrorKind::Other, "Writing the backup stopped").because(e))??;
    fault::at("checkpoint.objects");
    let stem = ids::stem();
    let full = structure.map(|structure| Manifest {
        id: Kind::Full.id(&stem),
        kind: Kind::Full,
        structure: Some(structure),
        ..manifest.clone()
    });
    let data_only = (request.kinds != Kinds::Full).then(|| Manifest {
        id: Kind::DataOnly.id(&stem),
        kind: Kind::DataOnly,
        ..manifest
    });
    let mut taken = Taken { full, data_only, snapshot_seconds: 0.0 };
    store.write_manifests(&taken.manifests().collect::<Vec<_>>())?;
    fault::at("checkpoint.manifests");
    taken.snapshot_seconds = started.elapsed().as_secs_f64();
    Ok(taken)
}

async fn structure(url: &DatabaseUrl, snapshot: &Snapshot, batch: &Batch) -> Result<Structure> {
    let mut writer = batch.writer()?;
    let pg_dump =
        dump_structure(url, snapshot.database.server_version, snapshot.id(), |piece| writer.append(piece)).await?;
    let (object, bytes) = writer.finish()?;
    fault::at("checkpoint.structure");
    Ok(Structure { object, bytes, pg_dump })
}

/// Where the snapshot stands in the life of the database, and how its tables lie. Of a scratch database it is of no use.
async fn history(snapshot: &mut Snapshot, origin: Option<&Origin>) -> Result<Option<(Moment, HashMap<u32, String>)>> {
    if origin.is_some() {
        return Ok(None);
    }
    let Some(moment) = snapshot.moment().await? else { return Ok(None) };
    Ok(Some((moment, snapshot.layouts().await?)))
}

fn info(
    (moment, mut layouts): (Moment, HashMap<u32, String>),
    stored: &[ReadTable],
    base: Option<&Base>,
    now: &str,
) -> SnapshotInfo {
    let base = base.filter(|_| stored.iter().any(|read| read.kept > 0));
    let trace = |read: &ReadTable| {
        let oid = read.data.table.oid;
        (oid, Trace { layout: layouts.remove(&oid), segments: read.pages.clone(), kept: read.kept })
    };
    SnapshotInfo {
        moment,
        read_all_at: base.and_then(Base::read_all_at).unwrap_or(now).to_owned(),
        since: base.map(|base| base.manifest.id.clone()),
        tables: stored.iter().map(trace).collect(),
    }
}

fn manifest(snapshot: &Snapshot, request: &Request, stored: &[ReadTable]) -> Manifest {
    Manifest {
        id: String::new(),
        kind: Kind::Full,
        reason: request.reason,
        created_at: ids::now(),
        run: request.run.clone(),
        database: snapshot.database.clone(),
        project: request.project.clone(),
        structure: None,
        tables: stored.iter().map(|read| read.data.clone()).collect(),
        sequences: snapshot.catalog.sequences.clone(),
        materialized_views: snapshot.catalog.materialized_views.clone(),
        schemas: snapshot.catalog.schemas.clone(),
        foreign_keys: [snapshot.catalog.foreign_keys.as_slice(), &snapshot.catalog.extension_keys].concat(),
        imported: None,
        snapshot: None,
    }
}
