//! Reading the rows of a snapshot once, over several connections: counted, and kept in the store where that is wanted.
//! What is proven to be as an earlier backup has it is not read.

mod base;
mod cut;
mod segment;
mod spare;

pub use base::{Base, Candidates};

use crate::domain::digest::TableStats;
use crate::domain::event::{Event, Observer};
use crate::domain::manifest::TableData;
use crate::domain::schema::Table;
use crate::domain::unchanged::PageRange;
use crate::error::{Error, ErrorKind, Result};
use crate::postgres::PgConnection;
use crate::postgres::snapshot::{Cut, Snapshot};
use crate::store::Batch;
use cut::cut;
use segment::{Done, Job, read_segments};
use spare::Spare;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A snapshot's tables, and how they are cut into segments.
pub struct Reading {
    tables: Vec<Arc<Table>>,
    cuts: Vec<Vec<Cut>>,
}

/// One table as it was read.
#[derive(Debug, Clone)]
pub struct ReadTable {
    pub data: TableData,
    /// Of each segment the condition that reads it again under the same snapshot.
    pub ranges: Vec<String>,
    /// Of each segment the pages that it is made of.
    pub pages: Vec<PageRange>,
    /// How many segments are those of an earlier backup and were not read.
    pub kept: u64,
}

impl Reading {
    /// # Errors
    /// `Server`.
    pub async fn plan(snapshot: &mut Snapshot) -> Result<Self> {
        let tables: Vec<Arc<Table>> = snapshot.catalog.tables.iter().cloned().map(Arc::new).collect();
        let mut cuts = Vec::with_capacity(tables.len());
        for table in &tables {
            cuts.push(snapshot.ranges(table, cut).await?);
        }
        Ok(Self { tables, cuts })
    }

    /// Rows become objects of the batch, but for those that `base` is proven to have.
    ///
    /// # Errors
    /// `Server` naming the table; `Store`.
    pub async fn store(
        self,
        snapshot: &Snapshot,
        batch: &Arc<Batch>,
        base: Option<&Base>,
        observer: &dyn Observer,
    ) -> Result<Vec<ReadTable>> {
        let mut connections = self.connect(snapshot).await?;
        let spares = match base {
            Some(base) => spare::find(&self, base, batch.store(), &mut connections, observer).await?,
            None => BTreeMap::new(),
        };
        let done = read(self.jobs(&spares), connections, Some(batch), observer).await?;
        self.put_together(done, spares)
    }

    /// Reads it all and keeps nothing: the segments have the names that their objects would have.
    ///
    /// # Errors
    /// `Server` naming the table.
    pub async fn hash(self, snapshot: &Snapshot, observer: &dyn Observer) -> Result<Vec<ReadTable>> {
        let connections = self.connect(snapshot).await?;
        let done = read(self.jobs(&BTreeMap::new()), connections, None, observer).await?;
        self.put_together(done, BTreeMap::new())
    }

    async fn connect(&self, snapshot: &Snapshot) -> Result<Vec<PgConnection>> {
        let segments: usize = self.cuts.iter().map(Vec::len).sum();
        let mut connections = Vec::new();
        for _ in 0..worker_count().min(segments) {
            connections.push(snapshot.worker().await?);
        }
        Ok(connections)
    }

    /// The table with the most segments first, so that no worker is left alone with it at the end.
    fn jobs(&self, spares: &BTreeMap<usize, Spare>) -> VecDeque<Job> {
        let of_table = |(n, cuts): (usize, &Vec<Cut>)| -> Vec<Job> {
            let kept = |segment: &usize| spares.get(&n).is_some_and(|spare| spare.kept.contains_key(segment));
            let left = cuts.iter().enumerate().filter(|(segment, _)| !kept(segment));
            left.map(|(segment, cut)| Job { table: n, segment, cut: cut.clone(), of: Arc::clone(&self.tables[n]) })
                .collect()
        };
        let mut per_table: Vec<Vec<Job>> = self.cuts.iter().enumerate().map(of_table).collect();
        per_table.sort_by_key(|jobs| std::cmp::Reverse(jobs.len()));
        per_table.into_iter().flatten().collect()
    }

    fn put_together(&self, mut done: Vec<Done>, mut spares: BTreeMap<usize, Spare>) -> Result<Vec<ReadTable>> {
        done.sort_by_key(|d| (d.table, d.segment));
        let mut done = done.into_iter().peekable();
        let mut read = Vec::with_capacity(self.tables.len());
        for (n, table) in self.tables.iter().enumerate() {
            let Spare { mut kept, stats } = spares.remove(&n).unwrap_or_else(|| Spare::nothing(table));
            let mut data = TableData { table: Table::clone(table), stats, segments: Vec::new() };
            let (mut ranges, mut pages) = (Vec::new(), Vec::new());
            let spared = kept.values().flatten().count() as u64;
            for (segment, cut) in self.cuts[n].iter().enumerate() {
                let fresh = done.next_if(|d| (d.table, d.segment) == (n, segment));
                let content = match (kept.remove(&segment), fresh) {
                    (Some(kept), None) => kept,
                    (None, Some(Done { content, stats, .. })) => {
                        data.stats.merge(&stats);
                        Some(content)
                    }
                    (None, None) => None,
                    (Some(_), Some(_)) => return Err(Error::new(ErrorKind::Other, "A segment was read twice")),
                };
                if let Some(content) = content {
                    data.segments.push(content);
                    ranges.push(cut.condition.clone());
                    pages.push(cut.pages);
                }
            }
            read.push(ReadTable { data, ranges, pages, kept: spared });
        }
        Ok(read)
    }
}

async fn read(
    jobs: VecDeque<Job>,
    connections: Vec<PgConnection>,
    batch: Option<&Arc<Batch>>,
    observer: &dyn Observer,
) -> Result<Vec<Done>> {
    let queue = Arc::new(Mutex::new(jobs));
    let read = |connection, progress| read_segments(connection, Arc::clone(&queue), batch.cloned(), progress);
    Ok(at_once(connections, observer, read).await?.1)
}

/// Gives each of `tools` to a worker; gives them back with all that the workers bring. The first that fails ends the
/// others. Bytes that they report are progress.
async fn at_once<T, D, F>(
    tools: Vec<T>,
    observer: &dyn Observer,
    work: impl Fn(T, mpsc::UnboundedSender<u64>) -> F,
) -> Result<(Vec<T>, Vec<D>)>
where
    T: Send + 'static,
    D: Send + 'static,
    F: Future<Output = Result<(T, Vec<D>)>> + Send + 'static,
{
    let (progress, mut heard) = mpsc::unbounded_channel();
    let mut working = JoinSet::new();
    for tool in tools {
        working.spawn(work(tool, progress.clone()));
    }
    drop(progress);
    let (mut tools, mut brought) = (Vec::new(), Vec::new());
    loop {
        tokio::select! {
            Some(bytes) = heard.recv() => observer.on(Event::Bytes(bytes)),
            Some(ended) = working.join_next() => {
                let (tool, done) = ended.map_err(|e| Error::new(ErrorKind::Other, "A reader stopped").because(e))??;
                tools.push(tool);
                brought.extend(done);
            }
            else => break,
        }
    }
    Ok((tools, brought))
}

/// Two connections a core: while one of our readers hashes, the server reads for the other.
fn worker_count() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    (cores * 2).clamp(2, 8)
}

impl Spare {
    fn nothing(table: &Table) -> Self {
        Self { kept: BTreeMap::new(), stats: TableStats::empty(table.data_columns().count()) }
    }
}
