//! From plain facts to evidence.

use super::address::{Address, Reach};
use super::{Claim, Evidence, Identity, Signal, Verdict, names, pattern, registry, sort, verdict};
use std::net::IpAddr;

/// Variables that say which environment a program runs in.
pub const ENVIRONMENT_VARIABLES: [&str; 3] = ["NODE_ENV", "APP_ENV", "VERCEL_ENV"];

/// Variables that programs set which type commands by themselves.
const AGENT_VARIABLES: [&str; 9] = [
    "CLAUDECODE",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "OPENCODE",
    "QWEN_CODE",
    "REPLIT_AGENT",
    "AI_AGENT",
];

/// Variables by which a pipeline is known.
const PIPELINE_VARIABLES: [&str; 3] = ["CI", "TF_BUILD", "JENKINS_URL"];

/// What types commands where no person does, by the variable that tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typist {
    Agent(&'static str),
    Pipeline(&'static str),
}

impl Typist {
    /// `env`: the environment that we were started in.
    pub fn of(env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is = |name: &&str, not: &[&str]| env(name).is_some_and(|value| !not.contains(&value.as_str()));
        let agent = AGENT_VARIABLES.into_iter().find(|name| is(name, &[""]));
        // people set CI=false to get what they would get at a terminal
        let pipeline = || PIPELINE_VARIABLES.into_iter().find(|name| is(name, &["", "0", "false"]));
        agent.map(Self::Agent).or_else(|| pipeline().map(Self::Pipeline))
    }
}

/// Everything the guard looks at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// As it stands in the URL; a path for a socket.
    pub host: String,
    pub database: String,
    pub address: Address,
    pub production_patterns: Vec<String>,
    pub development_patterns: Vec<String>,
    /// `NODE_ENV` and the like that are set.
    pub variables: Vec<Variable>,
    /// What `.env.production*` files name: file, variable, address.
    pub production_files: Vec<(String, String, Address)>,
    pub mark: Option<MarkFact>,
    /// What the server says the database is; `None`: there is no such server or database yet.
    pub identity: Option<Identity>,
    /// `[[guard.registered]]` of `safemigrate.toml`.
    pub registered: Vec<Identity>,
    pub surroundings: Surroundings,
    /// What was said at this machine about databases.
    pub claims: Vec<Claim>,
}

/// What a server shows besides the database's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The server's own end of the connection; `None` on a socket.
    pub address: Option<IpAddr>,
    /// Servers that replicate from it.
    pub standbys: u64,
    /// Whose roles it has.
    pub provider: Option<&'static str>,
    /// Addresses of others that are connected to the database, from other machines than ours.
    pub clients: Vec<String>,
}

/// A variable that is set, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: String,
    /// "the environment" or a file.
    pub from: String,
}

/// The mark in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkFact {
    /// Whether it was set on this database, and did not come here in a copy.
    pub here: bool,
    /// The database it was set on.
    pub database: String,
}

/// All evidence, strongest first.
pub fn gather(facts: &Facts) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    evidence.extend(facts.mark.as_ref().map(of_mark));
    evidence.extend(facts.of_registry());
    let patterns = [
        (&facts.production_patterns, Signal::ConfigProduction, Verdict::Production, "production"),
        (&facts.development_patterns, Signal::ConfigDevelopment, Verdict::Development, "development"),
    ];
    for (patterns, signal, says, word) in patterns {
        let hit = patterns
            .iter()
            .find_map(|p| Some((p, facts.subjects().into_iter().find(|text| pattern::matches(p, text))?)));
        evidence.extend(hit.map(|(pattern, text)| {
            Evidence::new(signal, says, format!("[guard] {word} of safemigrate.toml: \"{pattern}\" matches {text}"))
        }));
    }
    let listed = facts.production_files.iter().find(|(_, _, address)| *address == facts.address);
    evidence.extend(listed.map(|(file, variable, _)| {
        Evidence::new(
            Signal::ProductionEnvFile,
            Verdict::Production,
            format!("{variable} in {file} names this database"),
        )
    }));
    evidence.extend(facts.variables.iter().filter_map(of_variable));
    evidence.extend(facts.of_names());
    evidence.push(facts.of_host());
    evidence.extend(facts.of_surroundings());
    let claim = facts.claims.iter().find(|claim| claim.is_of(facts.identity.as_ref(), &facts.address.host));
    let claim = claim.filter(|_| verdict(&evidence) == Verdict::Unknown);
    evidence.extend(claim.map(|claim| claim.evidence(&evidence)));
    sort(&mut evidence);
    evidence
}

impl Facts {
    /// What patterns are matched against.
    fn subjects(&self) -> [String; 3] {
        [self.host.clone(), format!("{}/{}", self.host, self.database), self.database.clone()]
    }

    /// The registered database itself, by whatever way it was reached; else its neighbours.
    fn of_registry(&self) -> Option<Evidence> {
        let here = self.identity.as_ref()?;
        if let Some(known) = registry::find(&self.registered, here) {
            let detail = format!("the server says it is {known}, which safemigrate.toml registers as production");
            return Some(Evidence::new(Signal::Registered, Verdict::Production, detail));
        }
        let neighbour = self
            .registered
            .iter()
            .find(|known| here.system.is_some() && known.system.is_some() && known.is_beside(here))?;
        let detail = format!("on the server of the production database {}", neighbour.database);
        Some(Evidence::new(Signal::ProductionServer, Verdict::Unknown, detail))
    }

    fn of_surroundings(&self) -> Vec<Evidence> {
        let Surroundings { address, standbys, provider, clients } = &self.surroundings;
        let mut found = Vec::new();
        let mut add = |signal, detail: String| found.push(Evidence::new(signal, Verdict::Unknown, detail));
        if let Some(address) =
            address.filter(|address| self.address.is_local() && !address.to_canonical().is_loopback())
        {
            let detail = format!("{} leads to a server at {address}: a tunnel, or a container", self.host);
            add(Signal::ServerAddress, detail);
        }
        if let Some(whose) = provider {
            add(Signal::ProviderRoles, format!("the server has the roles of {whose}"));
        }
        if *standbys > 0 {
            add(Signal::Standbys, format!("other servers replicate from it ({standbys})"));
        }
        if !clients.is_empty() {
            add(Signal::OtherClients, format!("others are connected to it from {}", clients.join(", ")));
        }
        found
    }

    fn of_names(&self) -> Vec<Evidence> {
        // the end of a public name is a registry's word (example.live), a socket's path is a folder's
        let host = if self.host.starts_with('/') {
            ""
        } else {
            self.host.rsplit_once('.').map_or(self.host.as_str(), |(h, _)| h)
        };
        let judged = [
            (Signal::HostName, "host", host, &self.host),
            (Signal::DatabaseName, "database", &self.database, &self.database),
        ];
        let found = judged.into_iter().filter_map(|(signal, what, text, shown)| {
            let (says, word) = names::judge(text)?;
            Some(Evidence::new(signal, says, format!("\"{word}\" in the name of the {what} {shown}")))
        });
        found.collect()
    }

    fn of_host(&self) -> Evidence {
        let host = &self.host;
        match Reach::of(host) {
            Reach::Local => {
                Evidence::new(Signal::LocalHost, Verdict::Development, format!("{host} is on this machine or network"))
            }
            Reach::Managed(whose) => {
                Evidence::new(Signal::ManagedHost, Verdict::Unknown, format!("{host} is a server of {whose}"))
            }
            Reach::Remote => Evidence::new(Signal::RemoteHost, Verdict::Unknown, format!("{host} is a remote server")),
        }
    }
}

fn of_mark(mark: &MarkFact) -> Evidence {
    match mark.here {
        true => Evidence::new(Signal::Mark, Verdict::Production, "the database is marked as production"),
        false => Evidence::new(
            Signal::Mark,
            Verdict::Unknown,
            format!("a copy of a production database: the mark was set on {} elsewhere", mark.database),
        ),
    }
}

fn of_variable(variable: &Variable) -> Option<Evidence> {
    let says = match variable.value.trim().to_lowercase().as_str() {
        "production" | "prod" | "prd" | "live" => Verdict::Production,
        "development" | "dev" | "develop" | "test" | "testing" | "local" => Verdict::Development,
        _ => return None,
    };
    let Variable { name, value, from } = variable;
    Some(Evidence::new(Signal::Environment, says, format!("{name}={} in {from}", value.trim())))
}

#[cfg(test)]
mod tests;
