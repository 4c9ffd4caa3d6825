//! What the last `check` of a backup found, so that a list can say which ones are known to be whole.

use serde::{Deserialize, Serialize};

/// How much is known of a backup that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Every hash is right.
    Hashes,
    /// Its rows were counted and their digests summed up again, value by value; no server has taken them.
    Rows,
    /// It was restored into a scratch database, and the copy is equal in every row, value and object.
    Restored,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkmark {
    /// RFC 3339, UTC.
    pub at: String,
    pub proof: Proof,
    /// Empty when it was whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}
