//! What a database is by its server's own word, whatever the URL calls it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A database as its server knows it. A tunnel, a pooler, another role or host name change nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The cluster's system identifier; `None` where a provider keeps it to itself. A physical copy has the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub database: String,
    /// The database's number in its cluster, which a rename does not change and a swap does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oid: Option<u32>,
}

impl Identity {
    /// Whether both are the same database: of the same server, by name or by number. Which server it is, where that is not
    /// known on either side, is no difference: in doubt it is the same name that counts. Numbers of two servers say nothing.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let known = self.system.is_some() && other.system.is_some();
        let same_number = known && self.oid.zip(other.oid).is_some_and(|(one, two)| one == two);
        self.is_beside(other) && (self.database == other.database || same_number)
    }

    /// Whether both are on one server, as far as that is known.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.system.as_ref().zip(other.system.as_ref()).is_none_or(|(one, two)| one == two)
    }
}

/// `NAME@SYSTEM`, as a confirmation on the command line repeats it.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.database, self.system.as_deref().unwrap_or("unknown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_server_and_then_by_name_or_number() {
        let identity = |system: &str, database: &str, oid| Identity {
            system: (!system.is_empty()).then(|| system.to_owned()),
            database: database.into(),
            oid,
        };
        let shop = identity("1", "shop", Some(5));
        for (other, same) in [
            (identity("1", "shop", Some(5)), true),
            (identity("1", "shop", Some(6)), true),
            (identity("1", "shop", None), true),
            (identity("1", "renamed", Some(5)), true),
            (identity("1", "other", Some(6)), false),
            (identity("2", "shop", Some(5)), false),
            (identity("", "shop", None), true),
            (identity("", "other", Some(5)), false),
        ] {
            assert_eq!(shop.is_same_as(&other), same, "{other}");
            assert_eq!(other.is_same_as(&shop), same, "{other}");
        }
        assert_eq!(shop.to_string(), "shop@1");
    }
}
