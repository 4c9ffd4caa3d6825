//! What need not be read: first the server is asked, then the objects are.

use super::{Base, Reading, at_once};
use crate::domain::digest::TableStats;
use crate::domain::event::Observer;
use crate::domain::manifest::Segment;
use crate::domain::rows::Counter;
use crate::domain::schema::Table;
use crate::domain::unchanged::{PageRange, Part, chunks, is_unchanged, pays};
use crate::error::Result;
use crate::fault;
use crate::postgres::PgConnection;
use crate::postgres::unchanged::probe;
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Bytes of an object that are counted at once.
const PIECE: usize = 128 << 10;

/// What a table has from an earlier backup.
pub(super) struct Spare {
    /// By the range: the segment there, or none where there are no rows. All other ranges have to be read.
    pub kept: BTreeMap<usize, Option<Segment>>,
    /// Figures of what is kept.
    pub stats: TableStats,
}

/// Page ranges of one table about which the server is asked.
struct Question {
    table: usize,
    of: Arc<Table>,
    parts: Vec<(Part, String)>,
}

/// What it says: of each part whether its rows are those of then. `None`: it does not say.
struct Answer {
    table: usize,
    parts: Option<Vec<(Part, bool)>>,
}

/// An object of the earlier backup that is needed.
struct Needed {
    table: usize,
    columns: usize,
    segment: Segment,
    unchanged: bool,
}

/// What became of it. `counted`: the figures of what is gone.
struct Examined {
    table: usize,
    whole: bool,
    counted: Option<TableStats>,
}

/// Of each table that need not be read whole, what is kept.
pub(super) async fn find(
    reading: &Reading,
    base: &Base,
    store: &Store,
    connections: &mut Vec<PgConnection>,
    observer: &dyn Observer,
) -> Result<BTreeMap<usize, Spare>> {
    let queue = Arc::new(Mutex::new(questions(reading, base)));
    let xmin = base.xmin;
    let ask = |connection, _| ask_all(connection, Arc::clone(&queue), xmin);
    let (back, answers) = at_once(std::mem::take(connections), observer, ask).await?;
    *connections = back;
    let told = told(answers);
    let queue = Arc::new(Mutex::new(needed(reading, &told)));
    let examine = |(), progress| examine_all(store.clone(), Arc::clone(&queue), progress);
    let (_, examined) = at_once(vec![(); connections.len()], observer, examine).await?;
    Ok(spares(reading, base, told, examined))
}

fn questions(reading: &Reading, base: &Base) -> VecDeque<Question> {
    let mut questions = VecDeque::new();
    for (n, (table, cuts)) in reading.tables.iter().zip(&reading.cuts).enumerate() {
        let ranges: Vec<PageRange> = cuts.iter().map(|cut| cut.pages).collect();
        let Some(parts) = base.parts(table, &ranges) else { continue };
        for chunk in chunks(&parts, &ranges) {
            let condition = |part: &Part| cuts[part.range].condition.clone();
            let parts = chunk.into_iter().map(|part| (part.clone(), condition(&part))).collect();
            questions.push_back(Question { table: n, of: Arc::clone(table), parts });
        }
    }
    questions
}

async fn ask_all(
    mut connection: PgConnection,
    queue: Arc<Mutex<VecDeque<Question>>>,
    xmin: u32,
) -> Result<(PgConnection, Vec<Answer>)> {
    let mut answers = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(Question { table, of, parts }) = next else { return Ok((connection, answers)) };
        let conditions: Vec<&str> = parts.iter().map(|(_, condition)| condition.as_str()).collect();
        let found = probe(&mut connection, &of, &conditions, xmin).await?;
        fault::at("checkpoint.proven");
        let judged = |((part, _), now): ((Part, String), _)| {
            let unchanged = is_unchanged(part.then.as_ref(), now);
            (part, unchanged)
        };
        answers.push(Answer { table, parts: found.map(|found| parts.into_iter().zip(found).map(judged).collect()) });
    }
}

/// Per table; without those of which the server did not tell everything, or of which so much changed that all is read.
fn told(answers: Vec<Answer>) -> BTreeMap<usize, Vec<(Part, bool)>> {
    let mut silent = BTreeSet::new();
    let mut told: BTreeMap<usize, Vec<(Part, bool)>> = BTreeMap::new();
    for Answer { table, parts } in answers {
        match parts {
            Some(parts) => told.entry(table).or_default().extend(parts),
            None => {
                silent.insert(table);
            }
        }
    }
    told.retain(|table, parts| !silent.contains(table) && pays(parts));
    told
}

fn needed(reading: &Reading, told: &BTreeMap<usize, Vec<(Part, bool)>>) -> VecDeque<Needed> {
    let mut needed = VecDeque::new();
    for (&table, parts) in told {
        let columns = reading.tables[table].data_columns().count();
        for (part, unchanged) in parts {
            let segment = part.then.iter().cloned();
            needed.extend(segment.map(|segment| Needed { table, columns, segment, unchanged: *unchanged }));
        }
    }
    needed
}

async fn examine_all(
    store: Store,
    queue: Arc<Mutex<VecDeque<Needed>>>,
    progress: mpsc::UnboundedSender<u64>,
) -> Result<((), Vec<Examined>)> {
    let mut examined = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(Needed { table, columns, segment, unchanged }) = next else { return Ok(((), examined)) };
        if unchanged {
            let whole = store.is_whole(&segment.object);
            examined.push(Examined { table, whole, counted: None });
            // nobody listens only when the whole reading was given up
            let _ = progress.send(segment.bytes);
        } else {
            let counted = count(&store, &segment, columns);
            examined.push(Examined { table, whole: counted.is_some(), counted });
        }
        fault::at("checkpoint.spared");
        // so that it can be interrupted
        tokio::task::yield_now().await;
    }
}

/// The figures of a segment as the store has it; `None` where it is damaged.
fn count(store: &Store, segment: &Segment, columns: usize) -> Option<TableStats> {
    let mut reader = store.object(&segment.object).ok()?;
    let mut counter = Counter::new(columns);
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece).ok()? {
            0 => break,
            n => counter.feed(&piece[..n]),
        }
    }
    counter.finish().filter(|stats| (stats.rows, stats.bytes) == (segment.rows, segment.bytes))
}

/// A table of which any object is damaged is read whole: it comes into the store anew.
fn spares(
    reading: &Reading,
    base: &Base,
    told: BTreeMap<usize, Vec<(Part, bool)>>,
    examined: Vec<Examined>,
) -> BTreeMap<usize, Spare> {
    let mut damaged = BTreeSet::new();
    let mut gone: BTreeMap<usize, TableStats> = BTreeMap::new();
    for Examined { table, whole, counted } in examined {
        if !whole {
            damaged.insert(table);
        }
        if let Some(stats) = counted {
            gone.entry(table).and_modify(|sum| sum.merge(&stats)).or_insert(stats);
        }
    }
    let mut spares = BTreeMap::new();
    for (table, parts) in told.into_iter().filter(|(table, _)| !damaged.contains(table)) {
        let Some(then) = base.table(reading.tables[table].oid) else { continue };
        let stats = match gone.get(&table) {
            Some(gone) => then.stats.without(gone),
            None => Some(then.stats.clone()),
        };
        let kept = parts.into_iter().filter(|(_, unchanged)| *unchanged).map(|(part, _)| (part.range, part.then));
        spares.extend(stats.map(|stats| (table, Spare { kept: kept.collect(), stats })));
    }
    spares
}
