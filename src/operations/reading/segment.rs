//! Reading segments, one after the other on one connection.

use crate::domain::digest::TableStats;
use crate::domain::manifest::Segment;
use crate::domain::rows::Counter;
use crate::domain::schema::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::census::misread;
use crate::postgres::copy::{copy_out, copy_out_statement};
use crate::postgres::snapshot::Cut;
use crate::store::{Batch, ObjectWriter};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// One segment to read.
pub(super) struct Job {
    pub table: usize,
    pub segment: usize,
    pub cut: Cut,
    pub of: Arc<Table>,
}

/// One that has rows.
pub(super) struct Done {
    pub table: usize,
    pub segment: usize,
    pub content: Segment,
    pub stats: TableStats,
}

/// Where what is read goes.
enum Sink {
    Object(Box<ObjectWriter>),
    Nowhere(Box<blake3::Hasher>),
}

impl Sink {
    fn append(&mut self, piece: &[u8]) -> Result<()> {
        match self {
            Self::Object(writer) => writer.append(piece),
            Self::Nowhere(hasher) => {
                hasher.update(piece);
                Ok(())
            }
        }
    }

    fn finish(self, stats: &TableStats) -> Result<Segment> {
        let (object, bytes) = match self {
            Self::Object(writer) => writer.finish()?,
            Self::Nowhere(hasher) => (hasher.finalize().to_hex().to_string(), stats.bytes),
        };
        Ok(Segment { object, rows: stats.rows, bytes })
    }
}

pub(super) async fn read_segments(
    mut connection: PgConnection,
    queue: Arc<Mutex<VecDeque<Job>>>,
    batch: Option<Arc<Batch>>,
    progress: mpsc::UnboundedSender<u64>,
) -> Result<(PgConnection, Vec<Done>)> {
    let mut done = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = next else { return Ok((connection, done)) };
        let mut sink = match &batch {
            Some(batch) => Sink::Object(Box::new(batch.writer()?)),
            None => Sink::Nowhere(Box::default()),
        };
        let mut counter = Counter::new(job.of.data_columns().count());
        copy_out(&mut connection, &copy_out_statement(&job.of, &job.cut.condition), |piece| {
            counter.feed(piece);
            // nobody listens only when the whole reading was given up
            let _ = progress.send(piece.len() as u64);
            sink.append(piece)
        })
        .await
        .map_err(|e| of_table(e, &job.of))?;
        let stats = counter.finish().ok_or_else(|| misread(&job.of))?;
        fault::at("checkpoint.segment");
        if stats.rows > 0 {
            let content = sink.finish(&stats)?;
            done.push(Done { table: job.table, segment: job.segment, content, stats });
        }
    }
}

fn of_table(mut error: Error, table: &Table) -> Error {
    if error.kind == ErrorKind::Server {
        error.message = error.message.replacen("a table", &format!("the table {}", table.name), 1);
    }
    error
}
