//! Is this database production? Signs become evidence, evidence becomes a verdict, and the verdict decides what is asked.

mod address;
mod claim;
mod identity;
mod names;
mod pattern;
mod policy;
pub mod registry;
mod signs;

use serde::{Deserialize, Serialize};

pub use address::{Address, Reach};
pub use claim::Claim;
pub use identity::Identity;
pub use policy::{Action, Demand, demand, wants_a_person};
pub use signs::{ENVIRONMENT_VARIABLES, Facts, MarkFact, Surroundings, Typist, Variable, gather};

/// What a sign says, and what all of them together say. The order is that of caution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Development,
    /// Not provably anything: a remote server, a copy of production.
    Unknown,
    Production,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Unknown => "unknown",
            Self::Production => "production",
        }
    }
}

/// Where a sign was seen. The order is that of weight: what stands before `ConfigDevelopment` decides alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// The mark in the database itself.
    Mark,
    /// `[[guard.registered]]` of `safemigrate.toml`, by what the server says of itself.
    Registered,
    /// `[guard] production` of `safemigrate.toml`.
    ConfigProduction,
    /// The URL stands in a `.env.production*` file.
    ProductionEnvFile,
    /// Said by a person at this machine; overrides what is unknown, as far as it was known when it was said.
    Claimed,
    /// `[guard] development` of `safemigrate.toml`; overrides everything below.
    ConfigDevelopment,
    /// Beside a registered database.
    ProductionServer,
    /// `NODE_ENV`, `APP_ENV`, `VERCEL_ENV`.
    Environment,
    HostName,
    DatabaseName,
    /// The server's own address is not where the URL points.
    ServerAddress,
    /// Roles that only a provider's servers have.
    ProviderRoles,
    Standbys,
    /// Others are connected, from other machines.
    OtherClients,
    /// A provider's host.
    ManagedHost,
    /// Any other server that is not here.
    RemoteHost,
    /// This machine or this network.
    LocalHost,
}

/// One sign, what it says, and the words that explain it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    pub signal: Signal,
    pub says: Verdict,
    pub detail: String,
}

impl Evidence {
    pub fn new(signal: Signal, says: Verdict, detail: impl Into<String>) -> Self {
        Self { signal, says, detail: detail.into() }
    }

    /// Whether `[guard] development` does not overrule it.
    fn decides(&self) -> bool {
        self.signal < Signal::ConfigDevelopment
    }
}

/// The most cautious of what counts. What a person has claimed is not unknown. Where `safemigrate.toml` says development, only the mark, its own production
/// patterns and a `.env.production` file count beside it.
pub fn verdict(evidence: &[Evidence]) -> Verdict {
    let overruled = evidence.iter().any(|e| e.signal == Signal::ConfigDevelopment);
    let claimed = evidence.iter().any(|e| e.signal == Signal::Claimed);
    let counts = evidence.iter().filter(|e| !overruled || e.decides());
    let counts = counts.filter(|e| !claimed || e.says != Verdict::Unknown);
    counts.map(|e| e.says).max().unwrap_or(if overruled { Verdict::Development } else { Verdict::Unknown })
}

/// Strongest first: what speaks most for caution, then by weight; what `safemigrate.toml` overrules comes last and says so.
pub fn sort(evidence: &mut [Evidence]) {
    let overruled = evidence.iter().any(|e| e.signal == Signal::ConfigDevelopment);
    let counts = |e: &Evidence| !overruled || e.decides() || e.says == Verdict::Development;
    evidence.sort_by(|a, b| counts(b).cmp(&counts(a)).then(b.says.cmp(&a.says)).then(a.signal.cmp(&b.signal)));
    for sign in evidence.iter_mut().filter(|e| !counts(e)) {
        sign.detail.push_str(" (overruled by safemigrate.toml)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Signal::*;
    use Verdict::*;

    #[test]
    fn the_most_cautious_sign_wins_unless_it_is_overruled() {
        for (signs, expected) in [
            (vec![(LocalHost, Development)], Development),
            (vec![(LocalHost, Development), (Environment, Production)], Production),
            (vec![(ManagedHost, Unknown), (DatabaseName, Development)], Unknown),
            (vec![(ManagedHost, Unknown), (HostName, Production)], Production),
            (vec![(ConfigDevelopment, Development), (HostName, Production), (Environment, Production)], Development),
            (vec![(ConfigDevelopment, Development), (ManagedHost, Unknown)], Development),
            (vec![(ConfigDevelopment, Development), (Mark, Production)], Production),
            (vec![(ConfigDevelopment, Development), (Mark, Unknown)], Unknown),
            (vec![(ConfigDevelopment, Development), (ConfigProduction, Production)], Production),
            (vec![(ConfigDevelopment, Development), (ProductionEnvFile, Production)], Production),
            (vec![(LocalHost, Development), (Mark, Production)], Production),
            (vec![(LocalHost, Development), (Mark, Unknown)], Unknown),
            (vec![], Unknown),
        ] {
            let evidence: Vec<_> = signs.iter().map(|(signal, says)| Evidence::new(*signal, *says, "")).collect();
            assert_eq!(verdict(&evidence), expected, "{signs:?}");
        }
    }

    #[test]
    fn the_strongest_is_shown_first() {
        let signs = [(LocalHost, Development), (Environment, Production), (ManagedHost, Unknown), (Mark, Production)];
        let mut evidence: Vec<_> = signs.iter().map(|(signal, says)| Evidence::new(*signal, *says, "")).collect();
        sort(&mut evidence);
        assert_eq!(evidence.iter().map(|e| e.signal).collect::<Vec<_>>(), [Mark, Environment, ManagedHost, LocalHost]);
        evidence.push(Evidence::new(ConfigDevelopment, Development, ""));
        sort(&mut evidence);
        let signals: Vec<_> = evidence.iter().map(|e| e.signal).collect();
        assert_eq!(signals, [Mark, ConfigDevelopment, LocalHost, Environment, ManagedHost]);
        assert!(evidence[3].detail.contains("overruled"));
    }
}
