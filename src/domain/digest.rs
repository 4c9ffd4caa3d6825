//! Order-independent digests: the sum of a 128-bit hash of each value, so that two sets of rows can be
//! compared without sorting them and parts can be read in any order and added up.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use xxhash_rust::xxh3::xxh3_128;

/// The digest of a multiset of values. Zero for the empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Digest(pub u128);

impl Digest {
    pub fn add(&mut self, value: &[u8]) {
        self.0 = self.0.wrapping_add(xxh3_128(value));
    }

    pub fn merge(&mut self, other: Digest) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// Takes values out that were added before.
    pub fn take_out(&mut self, other: Digest) {
        self.0 = self.0.wrapping_sub(other.0);
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Digest).map_err(D::Error::custom)
    }
}

/// What one pass over the values of a column tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ColumnStats {
    pub non_null: u64,
    pub digest: Digest,
}

impl ColumnStats {
    pub fn merge(&mut self, other: &ColumnStats) {
        self.non_null += other.non_null;
        self.digest.merge(other.digest);
    }
}

/// What one pass over the rows of a table tells; `columns` in the order of `Table::data_columns`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableStats {
    pub rows: u64,
    /// Bytes of COPY text, the size "as read".
    pub bytes: u64,
    /// Digest over whole rows.
    pub digest: Digest,
    pub columns: Vec<ColumnStats>,
}

impl TableStats {
    pub fn empty(columns: usize) -> Self {
        Self { columns: vec![ColumnStats::default(); columns], ..Self::default() }
    }

    pub fn merge(&mut self, other: &TableStats) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.digest.merge(other.digest);
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.merge(theirs);
        }
    }

    /// The figures without those of rows that are among them; `None` where they cannot be.
    pub fn without(&self, part: &TableStats) -> Option<TableStats> {
        if self.columns.len() != part.columns.len() {
            return None;
        }
        let mut rest = self.clone();
        rest.rows = rest.rows.checked_sub(part.rows)?;
        rest.bytes = rest.bytes.checked_sub(part.bytes)?;
        rest.digest.take_out(part.digest);
        for (column, gone) in rest.columns.iter_mut().zip(&part.columns) {
            column.non_null = column.non_null.checked_sub(gone.non_null)?;
            column.digest.take_out(gone.digest);
        }
        Some(rest)
    }
}
