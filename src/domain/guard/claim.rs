//! A person's word that a database is for development.

use super::{Evidence, Identity, Signal, Verdict};
use serde::{Deserialize, Serialize};

/// Said once, by typing the database's name; holds for the signs that were there, and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub database: Identity,
    /// The host by which it was reached: a copy of a server's storage has the same identity.
    pub host: String,
    /// What spoke against it when it was said.
    pub despite: Vec<Signal>,
    /// RFC 3339, UTC.
    pub said_at: String,
}

impl Claim {
    /// A claim in the face of this evidence.
    pub fn despite(database: Identity, host: String, evidence: &[Evidence], now: String) -> Self {
        Self { database, host, despite: doubts(evidence).map(|e| e.signal).collect(), said_at: now }
    }

    /// Whether it is about this database. A server that does not tell which it is may be another the next time.
    pub fn is_of(&self, database: Option<&Identity>, host: &str) -> bool {
        let known = self.database.system.is_some() && database.is_some_and(|here| here.system.is_some());
        known && self.host == host && database.is_some_and(|here| self.database.is_same_as(here))
    }

    /// What it says about this evidence: where a sign has come since, nothing.
    pub(super) fn evidence(&self, evidence: &[Evidence]) -> Evidence {
        let day = self.said_at.split('T').next().unwrap_or_default();
        match doubts(evidence).find(|e| !self.despite.contains(&e.signal)) {
            None => Evidence::new(
                Signal::Claimed,
                Verdict::Development,
                format!("said to be for development at this machine on {day}"),
            ),
            Some(new) => Evidence::new(
                new.signal,
                Verdict::Unknown,
                format!("said to be for development at this machine on {day}, but not known then: {}", new.detail),
            ),
        }
    }
}

fn doubts(evidence: &[Evidence]) -> impl Iterator<Item = &Evidence> {
    evidence.iter().filter(|e| e.says == Verdict::Unknown)
}
