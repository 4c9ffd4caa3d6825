//! Reading every row of a snapshot once, over several connections: counted, and kept in the store where that is wanted.

use crate::domain::digest::TableStats;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::{Segment, TableData};
use crate::domain::rows::Counter;
use crate::domain::schema::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::census::misread;
use crate::postgres::copy::{copy_out, copy_out_statement};
use crate::postgres::snapshot::{Snapshot, TableSize};
use crate::store::{Batch, ObjectWriter};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Pages of the first segments of a table: 128 kB of heap. A changed row costs the next backup a segment where it was and
/// one where it is.
const FINEST: u64 = 16;
/// Pages of the last ones of a large table: 8 MB, so that they are few.
const COARSEST: u64 = 1024;
/// So many of each size, then twice the pages.
const OF_EACH_SIZE: usize = 128;

/// The segments of a snapshot's tables, in the order in which they will be read.
pub struct Reading {
    tables: Vec<Arc<Table>>,
    jobs: VecDeque<Job>,
}

/// One segment to read.
struct Job {
    table: usize,
    segment: usize,
    range: String,
    of: Arc<Table>,
}

struct Done {
    table: usize,
    segment: usize,
    content: Segment,
    range: String,
    stats: TableStats,
}

/// One table as it was read.
#[derive(Debug, Clone)]
pub struct ReadTable {
    pub data: TableData,
    /// Of each segment the condition that reads it again under the same snapshot.
    pub ranges: Vec<String>,
}

impl Reading {
    /// The table with the most segments first, so that no worker is left alone with it at the end.
    ///
    /// # Errors
    /// `Server`.
    pub async fn plan(snapshot: &mut Snapshot) -> Result<Self> {
        let tables: Vec<Arc<Table>> = snapshot.catalog.tables.iter().cloned().map(Arc::new).collect();
        let mut per_table: Vec<Vec<Job>> = Vec::new();
        for (n, table) in tables.iter().enumerate() {
            let ranges = snapshot.ranges(table, segment_starts).await?.into_iter().enumerate();
            let job = |(segment, range): (usize, String)| Job { table: n, segment, range, of: Arc::clone(table) };
            per_table.push(ranges.map(job).collect());
        }
        per_table.sort_by_key(|jobs| std::cmp::Reverse(jobs.len()));
        Ok(Self { tables, jobs: per_table.into_iter().flatten().collect() })
    }

    /// Reads it all; the rows become objects of the batch.
    ///
    /// # Errors
    /// `Server` naming the table; `Store`.
    pub async fn store(
        self,
        snapshot: &Snapshot,
        batch: &Arc<Batch>,
        observer: &dyn Observer,
    ) -> Result<Vec<TableData>> {
        let read = self.read(snapshot, Some(batch), observer).await?;
        Ok(read.into_iter().map(|table| table.data).collect())
    }

    /// Reads it all and keeps nothing: the segments have the names that their objects would have.
    ///
    /// # Errors
    /// `Server` naming the table.
    pub async fn hash(self, snapshot: &Snapshot, observer: &dyn Observer) -> Result<Vec<ReadTable>> {
        self.read(snapshot, None, observer).await
    }

    async fn read(
        self,
        snapshot: &Snapshot,
        batch: Option<&Arc<Batch>>,
        observer: &dyn Observer,
    ) -> Result<Vec<ReadTable>> {
        let workers = worker_count().min(self.jobs.len());
        let queue = Arc::new(Mutex::new(self.jobs));
        let (progress, mut heard) = mpsc::unbounded_channel();
        let mut reading = JoinSet::new();
        for _ in 0..workers {
            let connection = snapshot.worker().await?;
            reading.spawn(read_segments(connection, Arc::clone(&queue), batch.cloned(), progress.clone()));
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
        Ok(put_together(&self.tables, done))
    }
}

/// At which pages the segments of a table begin. A page is always in the same segment, however large the table grows:
/// what was stored of it once is never cut in another way. Where the long values of a page are beside it (TOAST), twice
/// as many halve the pages.
fn segment_starts(size: TableSize) -> Vec<u64> {
    let weight = size.toast_pages.checked_div(size.pages).unwrap_or(0) + 1;
    let finer = weight.ilog2().min(FINEST.ilog2());
    let (mut starts, mut at, mut width) = (Vec::new(), 0, FINEST >> finer);
    while at < size.pages {
        starts.push(at);
        at += width;
        if starts.len().is_multiple_of(OF_EACH_SIZE) {
            width = (width * 2).min(COARSEST >> finer);
        }
    }
    starts
}

fn put_together(tables: &[Arc<Table>], mut done: Vec<Done>) -> Vec<ReadTable> {
    done.sort_by_key(|d| (d.table, d.segment));
    let empty = |table: &Arc<Table>| TableData {
        table: Table::clone(table),
        stats: TableStats::empty(table.data_columns().count()),
        segments: Vec::new(),
    };
    let mut read: Vec<ReadTable> =
        tables.iter().map(|table| ReadTable { data: empty(table), ranges: Vec::new() }).collect();
    for part in done {
        let table = &mut read[part.table];
        table.data.stats.merge(&part.stats);
        table.data.segments.push(part.content);
        table.ranges.push(part.range);
    }
    read
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

/// Two connections a core: while one of our readers hashes, the server reads for the other.
fn worker_count() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    (cores * 2).clamp(2, 8)
}

async fn read_segments(
    mut connection: PgConnection,
    queue: Arc<Mutex<VecDeque<Job>>>,
    batch: Option<Arc<Batch>>,
    progress: mpsc::UnboundedSender<u64>,
) -> Result<Vec<Done>> {
    let mut done = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = next else { return Ok(done) };
        let mut sink = match &batch {
            Some(batch) => Sink::Object(Box::new(batch.writer()?)),
            None => Sink::Nowhere(Box::default()),
        };
        let mut counter = Counter::new(job.of.data_columns().count());
        copy_out(&mut connection, &copy_out_statement(&job.of, &job.range), |piece| {
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
            done.push(Done { table: job.table, segment: job.segment, content, range: job.range, stats });
        }
    }
}

fn of_table(mut error: Error, table: &Table) -> Error {
    if error.kind == ErrorKind::Server {
        error.message = error.message.replacen("a table", &format!("the table {}", table.name), 1);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::{TableSize, segment_starts};

    fn starts(pages: u64) -> Vec<u64> {
        segment_starts(TableSize { pages, toast_pages: 0 })
    }

    #[test]
    fn a_table_that_grows_is_cut_where_it_was() {
        assert!(starts(0).is_empty());
        assert_eq!(starts(16), [0]);
        assert_eq!(starts(17), [0, 16]);
        let large = starts(1_000_000);
        for pages in [1, 100, 2047, 2048, 2049, 70_000, 999_999] {
            let starts = starts(pages);
            assert!(large.starts_with(&starts) && starts.last().is_some_and(|last| *last < pages), "{pages}");
        }
        // 8 GB, and what a terabyte has of them
        assert_eq!((large.len(), starts(131_072_000).len()), (1619, 128_642));
        let widths: Vec<u64> = large.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(widths.is_sorted() && widths.last() == Some(&1024));
    }

    #[test]
    fn long_values_make_it_finer() {
        let second = |toast_pages| segment_starts(TableSize { pages: 100, toast_pages })[1];
        assert_eq!([0, 99, 100, 299, 300, 1499, 1500, 1_000_000].map(second), [16, 16, 8, 8, 4, 2, 1, 1]);
    }
}
