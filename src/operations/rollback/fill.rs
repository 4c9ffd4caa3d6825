//! Putting rows, sequences, large objects and materialized views into structure that is there.

use super::{Blueprint, Job};
use crate::domain::event::Event;
use crate::domain::manifest::{Segment, TableData};
use crate::domain::schema::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::copy::{copy_columns, copy_in};
use crate::postgres::structure::{self, Frame};
use futures_util::future::try_join_all;
use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

/// Segments that one COPY loads: each statement and each commit costs, and an open object some memory.
const AT_ONCE: usize = 8;

/// Loads all tables over all connections. Each hash is checked again on the way.
///
/// # Errors
/// `Server`; `Damaged`.
pub(super) async fn rows(job: &Job<'_>, connections: &mut [PgConnection]) -> Result<()> {
    if let Some(first) = connections.first_mut() {
        extension_rows(job, first).await?;
    }
    let others = job.backup.tables.iter().filter(|data| data.table.extension_condition.is_none());
    let mut pieces: Vec<(&TableData, &[Segment])> =
        others.flat_map(|data| data.segments.chunks(AT_ONCE).map(move |part| (data, part))).collect();
    // the largest table first, so that nobody is left alone with it at the end
    pieces.sort_by_key(|(data, _)| std::cmp::Reverse(data.stats.bytes));
    let queue = Mutex::new(VecDeque::from(pieces));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let workers = connections.iter_mut().map(|connection| async {
        structure::search_like_the_application(connection, &job.paths).await?;
        while let Some((data, segments)) = next() {
            load(job, connection, data, segments).await?;
        }
        structure::search_nothing(connection).await
    });
    try_join_all(workers).await?;
    Ok(())
}

/// Configuration tables of extensions: their foreign keys are there already, so that one comes after the other.
async fn extension_rows(job: &Job<'_>, connection: &mut PgConnection) -> Result<()> {
    let of_extensions: Vec<&TableData> =
        job.backup.tables.iter().filter(|data| data.table.extension_condition.is_some()).collect();
    if of_extensions.is_empty() {
        return Ok(());
    }
    let tables: Vec<&Table> = of_extensions.iter().map(|data| &data.table).collect();
    let order = structure::referenced_first(connection, &tables).await?;
    for place in order.iter().rev() {
        structure::clear_extension_rows(connection, tables[*place]).await?;
    }
    structure::search_like_the_application(connection, &job.paths).await?;
    for data in order.iter().map(|place| of_extensions[*place]) {
        for segments in data.segments.chunks(AT_ONCE) {
            load(job, connection, data, segments).await?;
        }
    }
    structure::search_nothing(connection).await
}

async fn load(job: &Job<'_>, connection: &mut PgConnection, data: &TableData, segments: &[Segment]) -> Result<()> {
    let table = &data.table;
    let statement = format!("COPY {} {} FROM STDIN", table.name.sql(), copy_columns(table));
    let mut content: Box<dyn Read + Send> = Box::new(std::io::empty());
    for segment in segments {
        content = Box::new(content.chain(job.store.object(&segment.object)?));
    }
    let rows = segments.iter().map(|segment| segment.rows).sum::<u64>();
    fault::at("restore.segment");
    let loaded = copy_in(connection, &statement, content).await.map_err(|mut error| {
        error.message = format!("{} ({})", error.message, table.name);
        error
    })?;
    if loaded != rows {
        let text = format!("{}: {loaded} rows arrived where the backup says {rows}", table.name);
        return Err(Error::new(ErrorKind::Damaged, text));
    }
    job.observer.on(Event::Bytes(segments.iter().map(|segment| segment.bytes).sum()));
    Ok(())
}

/// Large objects, inside the transaction of the caller.
///
/// # Errors
/// `Server`; `Damaged`.
pub(super) async fn large_objects(job: &Job<'_>, blueprint: &Blueprint, connection: &mut PgConnection) -> Result<()> {
    let mut parts = blueprint.archive.large_objects()?;
    while let Some(part) = parts.next().await? {
        structure::run_part(connection, &part).await?;
    }
    fault::at("restore.large-objects");
    structure::search_nothing(connection).await?;
    job.observer.on(Event::TableDone("large objects".into()));
    Ok(())
}

/// Sequences to where they stood, "not yet called" included.
///
/// # Errors
/// `Server`.
pub(super) async fn sequences(job: &Job<'_>, connection: &mut PgConnection) -> Result<()> {
    structure::set_sequences(connection, &job.backup.sequences).await
}

/// Materialized views that held data, in an order in which each finds what it reads. Of what one reads through a
/// function nobody knows: one that comes too early waits for the others.
///
/// # Errors
/// `Server`.
pub(super) async fn materialized_views(job: &Job<'_>, connection: &mut PgConnection, frame: Frame) -> Result<()> {
    let mut waiting = VecDeque::from_iter(&job.backup.materialized_views);
    let mut in_vain = 0;
    while let Some(view) = waiting.pop_front() {
        let statement = format!("REFRESH MATERIALIZED VIEW {}", view.sql());
        let what = format!("refreshing the materialized view {view}");
        match structure::run_sql(connection, &statement, &what, frame, &job.paths).await {
            Ok(()) => in_vain = 0,
            Err(error) if in_vain < waiting.len() && structure::came_too_early(&error) => {
                in_vain += 1;
                waiting.push_back(view);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
