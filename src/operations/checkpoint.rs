//! Taking backups: one snapshot, one read of the data, both kinds.

use super::ids;
use super::interrupt::Interrupt;
use crate::domain::digest::TableStats;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Kind, Manifest, ProjectInfo, Reason, Segment, Structure, TableData};
use crate::domain::rows::Counter;
use crate::domain::schema::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::PgConnection;
use crate::postgres::census::misread;
use crate::postgres::copy::{copy_out, copy_out_statement};
use crate::postgres::dump::dump_structure;
use crate::postgres::session::explain_rights;
use crate::postgres::snapshot::Snapshot;
use crate::postgres::url::DatabaseUrl;
use crate::store::{Batch, Store};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Pages of a table that make one segment: 8 MB of heap, small enough to share, large enough to be few.
const SEGMENT_PAGES: u64 = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    Full,
    DataOnly,
    Both,
}

/// What is to be taken, and what the manifests shall say about it.
pub struct Request {
    pub kinds: Kinds,
    pub reason: Reason,
    pub run: Option<String>,
    pub project: Option<ProjectInfo>,
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
    let taken = interrupt.or(take_uninterrupted(url, store, request, observer)).await;
    observer.on(Event::StageDone);
    taken.map_err(|e| no_backup(store, e))
}

/// What a user asks first when a backup fails, and room for the next try.
fn no_backup(store: &Store, error: Error) -> Error {
    const SENTENCE: &str = "No backup was made and the database is untouched";
    if error.kind == ErrorKind::Interrupted {
        return Error::new(
            error.kind,
            "Interrupted while backing up: no backup was made and the database is untouched",
        );
    }
    let mut error = explain_rights(error);
    if error.kind == ErrorKind::Store {
        let _ = store.sweep();
    }
    if !error.message.contains("othing was changed") {
        error.message = format!("{}. {SENTENCE}", error.message.trim_end_matches('.'));
    }
    error
}

async fn take_uninterrupted(
    url: &DatabaseUrl,
    store: &Store,
    request: &Request,
    observer: &dyn Observer,
) -> Result<Taken> {
    let started = Instant::now();
    store.prepare()?;
    let snapshot = Snapshot::open(url).await?;
    observer.on(Event::Stage { label: "Backing up".into(), total_bytes: snapshot.estimated_bytes() });
    let batch = Arc::new(store.batch());
    let structure = async {
        match request.kinds {
            Kinds::DataOnly => Ok(None),
            Kinds::Full | Kinds::Both => structure(url, &snapshot, &batch).await.map(Some),
        }
    };
    let (tables, structure) = tokio::try_join!(read_tables(&snapshot, &batch, observer), structure)?;
    let manifest = manifest(&snapshot, request, tables);
    // a snapshot that broke meanwhile says so here
    snapshot.close().await?;
    let batch = Arc::into_inner(batch).ok_or_else(|| Error::new(ErrorKind::Other, "A reader is still at work"))?;
    let commit = tokio::task::spawn_blocking(move || batch.commit());
    commit.await.map_err(|e| Error::new(ErrorKind::Other, "Writing the backup stopped").because(e))??;
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
    write_manifests(store, &taken)?;
    taken.snapshot_seconds = started.elapsed().as_secs_f64();
    Ok(taken)
}

/// Both or none: half a checkpoint would look like a whole one.
fn write_manifests(store: &Store, taken: &Taken) -> Result<()> {
    let mut written: Vec<&str> = Vec::new();
    for manifest in taken.manifests() {
        if let Err(error) = store.write_manifest(manifest) {
            for id in written {
                // what cannot be taken back is whole all the same
                let _ = store.remove_manifest(id);
            }
            return Err(error);
        }
        written.push(&manifest.id);
    }
    Ok(())
}

async fn structure(url: &DatabaseUrl, snapshot: &Snapshot, batch: &Batch) -> Result<Structure> {
    let mut writer = batch.writer()?;
    let pg_dump =
        dump_structure(url, snapshot.database.server_version, snapshot.id(), |piece| writer.append(piece)).await?;
    let (object, bytes) = writer.finish()?;
    Ok(Structure { object, bytes, pg_dump })
}

fn manifest(snapshot: &Snapshot, request: &Request, tables: Vec<TableData>) -> Manifest {
    Manifest {
        id: String::new(),
        kind: Kind::Full,
        reason: request.reason,
        created_at: ids::now(),
        run: request.run.clone(),
        database: snapshot.database.clone(),
        project: request.project.clone(),
        structure: None,
        tables,
        sequences: snapshot.catalog.sequences.clone(),
        materialized_views: snapshot.catalog.materialized_views.clone(),
        schemas: snapshot.catalog.schemas.clone(),
    }
}

/// One segment to read.
struct Job {
    table: usize,
    segment: usize,
    columns: usize,
    statement: String,
    of: Arc<Table>,
}

struct Done {
    table: usize,
    segment: usize,
    content: Segment,
    stats: TableStats,
}

async fn read_tables(snapshot: &Snapshot, batch: &Arc<Batch>, observer: &dyn Observer) -> Result<Vec<TableData>> {
    let tables: Vec<Arc<Table>> = snapshot.catalog.tables.iter().cloned().map(Arc::new).collect();
    let jobs = plan_jobs(snapshot, &tables);
    let workers = worker_count().min(jobs.len());
    let queue = Arc::new(Mutex::new(jobs));
    let (progress, mut heard) = mpsc::unbounded_channel();
    let mut reading = JoinSet::new();
    for _ in 0..workers {
        let connection = snapshot.worker().await?;
        reading.spawn(read_segments(connection, Arc::clone(&queue), Arc::clone(batch), progress.clone()));
    }
    drop(progress);
    let mut done: Vec<Done> = Vec::new();
    loop {
        tokio::select! {
            Some(bytes) = heard.recv() => observer.on(Event::Bytes(bytes)),
            // the first that fails ends the others
            Some(finished) = reading.join_next() => {
                done.extend(finished.map_err(|e| Error::new(ErrorKind::Other, "A reader stopped").because(e))??);
            }
            else => break,
        }
    }
    done.sort_by_key(|d| (d.table, d.segment));
    let mut data: Vec<TableData> = tables
        .iter()
        .map(|table| TableData {
            table: Table::clone(table),
            stats: TableStats::empty(table.data_columns().count()),
            segments: Vec::new(),
        })
        .collect();
    for part in done {
        data[part.table].stats.merge(&part.stats);
        data[part.table].segments.push(part.content);
    }
    Ok(data)
}

/// The table with the most segments first, so that no worker is left alone with it at the end.
fn plan_jobs(snapshot: &Snapshot, tables: &[Arc<Table>]) -> VecDeque<Job> {
    let mut per_table: Vec<Vec<Job>> = Vec::new();
    for (n, table) in tables.iter().enumerate() {
        let columns = table.data_columns().count();
        let ranges = snapshot.ranges(table, SEGMENT_PAGES).into_iter().enumerate();
        per_table.push(
            ranges
                .map(|(segment, range)| Job {
                    table: n,
                    segment,
                    columns,
                    statement: copy_out_statement(table, &range),
                    of: Arc::clone(table),
                })
                .collect(),
        );
    }
    per_table.sort_by_key(|jobs| std::cmp::Reverse(jobs.len()));
    per_table.into_iter().flatten().collect()
}

/// Two connections a core: while one of our readers hashes, the server reads for the other.
fn worker_count() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    (cores * 2).clamp(2, 8)
}

fn of_table(mut error: Error, table: &Table) -> Error {
    if error.kind == ErrorKind::Server {
        error.message = error.message.replacen("a table", &format!("the table {}", table.name), 1);
    }
    error
}

async fn read_segments(
    mut connection: PgConnection,
    queue: Arc<Mutex<VecDeque<Job>>>,
    batch: Arc<Batch>,
    progress: mpsc::UnboundedSender<u64>,
) -> Result<Vec<Done>> {
    let mut done = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = next else { return Ok(done) };
        let mut writer = batch.writer()?;
        let mut counter = Counter::new(job.columns);
        copy_out(&mut connection, &job.statement, |piece| {
            counter.feed(piece);
            // nobody listens only when the whole backup was given up
            let _ = progress.send(piece.len() as u64);
            writer.append(piece)
        })
        .await
        .map_err(|e| of_table(e, &job.of))?;
        let stats = counter.finish().ok_or_else(|| misread(&job.of))?;
        if stats.rows == 0 {
            continue;
        }
        let (object, bytes) = writer.finish()?;
        done.push(Done {
            table: job.table,
            segment: job.segment,
            content: Segment { object, rows: stats.rows, bytes },
            stats,
        });
    }
}
