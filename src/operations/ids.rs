//! Names and times of backups and runs.

use jiff::{Timestamp, Unit};
use std::hash::{BuildHasher, RandomState};

/// Letters and digits that are not mistaken for one another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Now, RFC 3339 in UTC, to the millisecond (so that names sort by time).
pub fn now() -> String {
    let now = Timestamp::now();
    format!("{:.3}", now.round(Unit::Millisecond).unwrap_or(now))
}

/// Seconds since a time that `now` gave; infinitely many where it cannot be read.
pub fn seconds_since(time: &str) -> f64 {
    let at = time.parse::<Timestamp>();
    at.map_or(f64::INFINITY, |at| Timestamp::now().duration_since(at).as_secs_f64())
}

/// Eight random characters: what the two backups of a checkpoint share. Manifests never overwrite one another,
/// so that a collision would be an error, not a loss.
pub fn stem() -> String {
    // std seeds each of these from the system's randomness
    let mut bits = RandomState::new().hash_one(now());
    (0..8)
        .map(|_| {
            let letter = ALPHABET[(bits % 32) as usize];
            bits /= 32;
            char::from(letter)
        })
        .collect()
}

/// A new run's id.
pub fn run_id() -> String {
    format!("r-{}", stem())
}
