//! Who is at work, for others to read: in the store's lock, and in the name of a session on the database.

use serde::{Deserialize, Serialize};

/// A command that keeps others away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub command: String,
    /// RFC 3339, UTC.
    pub since: String,
}

impl Holder {
    /// The sentence for whoever has to wait.
    pub fn at_work(&self, place: &str) -> String {
        format!("`safemigrate {}` (process {}, since {}) is at work {place}", self.command, self.pid, self.since)
    }

    /// The name of its session: `safemigrate rollback 4711 2026-11-23T00:11:34.123Z`. PostgreSQL cuts off what is longer
    /// than 63 bytes.
    pub fn session_name(&self) -> String {
        format!("safemigrate {} {} {}", self.command, self.pid, self.since)
    }

    /// Who gave a session this name.
    pub fn of_session(name: &str) -> Option<Self> {
        let words: Vec<&str> = name.split(' ').collect();
        let ["safemigrate", command, pid, since] = words.as_slice() else { return None };
        Some(Self { pid: pid.parse().ok()?, command: (*command).to_owned(), since: (*since).to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_tells_whose_it_is() {
        let holder = Holder { pid: 4_194_304, command: "rollback".into(), since: "2026-11-23T00:11:34.123Z".into() };
        let name = holder.session_name();
        assert!(name.len() <= 63, "{name}");
        assert_eq!(Holder::of_session(&name), Some(holder));
        for name in ["safemigrate", "safemigrate lookout", "safemigrate dev x y", "shop-app", ""] {
            assert_eq!(Holder::of_session(name), None, "{name}");
        }
    }
}
