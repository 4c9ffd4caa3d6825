//! Which page ranges of a table are those of an earlier backup, and what of them is unchanged.

use super::Trace;
use crate::domain::manifest::{Segment, TableData};
use crate::domain::schema::Table;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Segments that are looked at by one query.
const OF_A_CHUNK: usize = 32;
/// And their pages: 32 MB, so that a large table is looked at over several connections.
const PAGES_OF_A_CHUNK: u64 = 4096;

/// Pages of a table. Those of its last segment may reach beyond its end: what was in it lay in these pages all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub struct PageRange {
    pub first: u64,
    pub pages: u64,
}

impl From<(u64, u64)> for PageRange {
    fn from((first, pages): (u64, u64)) -> Self {
        Self { first, pages }
    }
}

impl From<PageRange> for (u64, u64) {
    fn from(range: PageRange) -> Self {
        (range.first, range.pages)
    }
}

/// A table in an earlier backup.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub data: &'a TableData,
    pub trace: &'a Trace,
}

/// A page range of today, and the rows that it had then; `None`: it had none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which of today's ranges it is.
    pub range: usize,
    pub then: Option<Segment>,
}

/// Today's ranges with what they held then. `None`: the table has to be read, because its rows may lie elsewhere or read
/// otherwise now.
pub fn match_up(table: &Table, layout: Option<&str>, ranges: &[PageRange], then: Known<'_>) -> Option<Vec<Part>> {
    let Known { data, trace } = then;
    let same_layout = layout.is_some() && layout == trace.layout.as_deref();
    let whole = table.extension_condition.is_none() && data.table.extension_condition.is_none();
    let columns = table.data_columns().count() == data.stats.columns.len();
    if !(same_layout && whole && columns && trace.segments.len() == data.segments.len()) {
        return None;
    }
    let mut old: BTreeMap<PageRange, Segment> = BTreeMap::new();
    for (range, segment) in trace.segments.iter().zip(&data.segments) {
        // two of the same pages are none that we wrote
        if old.insert(*range, segment.clone()).is_some() {
            return None;
        }
    }
    let parts = ranges.iter().enumerate().map(|(n, range)| Part { range: n, then: old.remove(range) }).collect();
    old.is_empty().then_some(parts)
}

/// What the server finds in a page range now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Rows that are seen.
    pub rows: u64,
    /// Those of them that were not provably there then.
    pub suspects: u64,
}

/// Whether the rows of a page range are those of then. Without a suspect they are some of them; then their number decides.
pub fn is_unchanged(then: Option<&Segment>, now: Found) -> bool {
    now.suspects == 0 && now.rows == then.map_or(0, |segment| segment.rows)
}

/// Whether it is worth it to read the changed parts alone: what they held then has to be read and counted, too.
pub fn pays(parts: &[(Part, bool)]) -> bool {
    let bytes = |unchanged: bool| -> u64 {
        let these = parts.iter().filter(|(_, so)| *so == unchanged);
        these.filter_map(|(part, _)| part.then.as_ref()).fold(0, |sum, segment| sum.saturating_add(segment.bytes))
    };
    parts.iter().all(|(_, unchanged)| *unchanged) || bytes(true) > bytes(false)
}

/// Consecutive parts that are looked at by one query.
pub fn chunks(parts: &[Part], ranges: &[PageRange]) -> Vec<Vec<Part>> {
    let mut chunks: Vec<Vec<Part>> = Vec::new();
    let mut pages = 0;
    for part in parts {
        let more = ranges.get(part.range).map_or(0, |range| range.pages);
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < OF_A_CHUNK && pages + more <= PAGES_OF_A_CHUNK => {
                pages += more;
                chunk.push(part.clone());
            }
            _ => {
                pages = more;
                chunks.push(vec![part.clone()]);
            }
        }
    }
    chunks
}
