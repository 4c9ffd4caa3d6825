//! COPY text: rows end at a newline, values at a tab, NULL is `\N`; inside values all three are escaped.

use super::digest::TableStats;
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;

/// How COPY text writes NULL.
pub const NULL: &[u8] = b"\\N";

/// Cuts a stream of COPY text that arrives in arbitrary pieces into whole rows (without their newline).
#[derive(Default)]
pub struct RowSplitter {
    partial: Vec<u8>,
}

impl RowSplitter {
    /// Hands each row that is whole by now to `row`; keeps the rest for the next piece.
    pub fn feed(&mut self, mut piece: &[u8], mut row: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', piece) else {
                self.partial.extend_from_slice(piece);
                return;
            };
            self.partial.extend_from_slice(&piece[..end]);
            row(&self.partial);
            self.partial.clear();
            piece = &piece[end + 1..];
        }
        while let Some(end) = memchr(b'\n', piece) {
            row(&piece[..end]);
            piece = &piece[end + 1..];
        }
        self.partial.extend_from_slice(piece);
    }

    /// Whether the stream ended in the middle of a row.
    pub fn is_cut(&self) -> bool {
        !self.partial.is_empty()
    }
}

/// Counts and digests in one pass over COPY text.
pub struct Counter {
    splitter: RowSplitter,
    stats: TableStats,
    misshapen: bool,
}

impl Counter {
    /// `columns`: how many values each row has.
    pub fn new(columns: usize) -> Self {
        Self { splitter: RowSplitter::default(), stats: TableStats::empty(columns), misshapen: false }
    }

    pub fn feed(&mut self, piece: &[u8]) {
        self.stats.bytes += piece.len() as u64;
        let (stats, misshapen) = (&mut self.stats, &mut self.misshapen);
        self.splitter.feed(piece, |row| *misshapen |= !count(stats, row));
    }

    /// The figures, or `None` when the text was cut or a row had another number of values.
    pub fn finish(self) -> Option<TableStats> {
        (!self.misshapen && !self.splitter.is_cut()).then_some(self.stats)
    }
}

fn count(stats: &mut TableStats, row: &[u8]) -> bool {
    stats.rows += 1;
    stats.digest.add(row);
    if stats.columns.is_empty() {
        return row.is_empty();
    }
    let mut columns = stats.columns.iter_mut();
    let fits = values(row).all(|value| match columns.next() {
        Some(column) => {
            if value != NULL {
                column.non_null += 1;
                column.digest.add(value);
            }
            true
        }
        None => false,
    });
    fits && columns.next().is_none()
}

/// The values of a row as COPY text writes them (still escaped).
pub fn values(row: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut tabs = memchr_iter(b'\t', row);
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        match tabs.next() {
            Some(tab) => {
                start = Some(tab + 1);
                Some(&row[from..tab])
            }
            None => {
                start = None;
                Some(&row[from..])
            }
        }
    })
}

/// A value (not NULL) as it is, without the escapes that COPY writes.
pub fn unescape(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr(b'\\', value) else { return Cow::Borrowed(value) };
    let mut text = value[..first].to_vec();
    let mut rest = &value[first..];
    while let Some(at) = memchr(b'\\', rest) {
        text.extend_from_slice(&rest[..at]);
        let escaped = rest.get(at + 1).copied().unwrap_or(b'\\');
        text.push(match escaped {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            itself => itself,
        });
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pieces: &[&[u8]], columns: usize) -> Option<TableStats> {
        let mut counter = Counter::new(columns);
        pieces.iter().for_each(|p| counter.feed(p));
        counter.finish()
    }

    #[test]
    fn order_and_cutting_do_not_matter() {
        let whole = counted(&[b"1\ta\n2\t\\N\n3\t\n"], 2).unwrap();
        assert_eq!(counted(&[b"3\t\n2\t\\N", b"\n", b"1", b"\ta\n"], 2).unwrap(), whole);
        assert_eq!((whole.rows, whole.columns[0].non_null, whole.columns[1].non_null), (3, 3, 2));
        assert_ne!(counted(&[b"1\ta\n2\tb\n3\t\n"], 2).unwrap().columns[1], whole.columns[1]);
    }

    #[test]
    fn a_cut_stream_is_no_result() {
        assert_eq!(counted(&[b"1\ta\n2"], 2), None);
        assert_eq!(counted(&[b"1\n"], 2), None);
        assert_eq!(counted(&[b"1\t2\t3\n"], 2), None);
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        let raw = br"a\tb\\n\n\r\b\f\v\x\\";
        assert_eq!(unescape(raw).as_ref(), b"a\tb\\n\n\r\x08\x0c\x0bx\\");
        assert!(matches!(unescape("ä".as_bytes()), Cow::Borrowed(_)));
    }

    #[test]
    fn a_table_without_columns_has_rows() {
        assert_eq!(counted(&[b"\n\n"], 0).unwrap().rows, 2);
    }
}
