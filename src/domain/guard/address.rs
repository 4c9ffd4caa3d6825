//! Where a database is: whether two addresses lead to the same one, and how far away it is.

use std::net::IpAddr;

/// Host, port and database in one form for all ways to write them. Two equal ones lead to the same database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
    pub database: String,
}

/// How far away a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A socket, localhost, a private network, a name that only a private network knows.
    Local,
    /// A known provider's.
    Managed(&'static str),
    Remote,
}

/// Ends of host names and whose they are.
const MANAGED: &[(&str, &str)] = &[
    ("neon.tech", "Neon"),
    ("supabase.co", "Supabase"),
    ("supabase.com", "Supabase"),
    ("rds.amazonaws.com", "Amazon RDS"),
    ("rds.amazonaws.com.cn", "Amazon RDS"),
    ("amazonaws.com", "Amazon Web Services"),
    ("render.com", "Render"),
    ("rlwy.net", "Railway"),
    ("railway.app", "Railway"),
    ("railway.internal", "Railway"),
    ("fly.dev", "Fly.io"),
    ("flycast", "Fly.io"),
    ("postgres.database.azure.com", "Azure"),
    ("cosmos.azure.com", "Azure"),
    ("sql.goog", "Google Cloud SQL"),
    ("aivencloud.com", "Aiven"),
    ("ondigitalocean.com", "DigitalOcean"),
    ("cockroachlabs.cloud", "CockroachDB"),
    ("timescale.com", "Timescale"),
    ("crunchybridge.com", "Crunchy Bridge"),
    ("elephantsql.com", "ElephantSQL"),
    ("psdb.cloud", "PlanetScale"),
    ("prisma.io", "Prisma Postgres"),
    ("prisma-data.net", "Prisma Postgres"),
    ("vercel-storage.com", "Vercel"),
    ("xata.sh", "Xata"),
    ("thenile.dev", "Nile"),
    ("koyeb.app", "Koyeb"),
    ("scw.cloud", "Scaleway"),
];

/// Ends of names that no public server has.
const PRIVATE_NAMES: [&str; 9] =
    ["localhost", "local", "localdomain", "internal", "test", "lan", "home", "home.arpa", "docker"];

impl Address {
    /// The user tells Supabase's pooler which project is meant, and nothing else.
    pub fn new(host: &str, port: u16, database: &str, user: &str) -> Self {
        let mut host = host.trim_matches(['[', ']']).trim_end_matches('.').to_lowercase();
        let mut port = port;
        if is_this_machine(&host) {
            host = "localhost".into();
        }
        if let Some((first, rest)) = host.split_once('.')
            && let Some(direct) = first.strip_suffix("-pooler")
        {
            host = format!("{direct}.{rest}");
        }
        if under(&host, "supabase.com") || under(&host, "supabase.co") {
            // db.REF.supabase.co and user postgres.REF at a pooler are one database; 6543 is the pooler's other door
            let of_host = host.strip_prefix("db.").and_then(|rest| rest.split('.').next());
            let project = user.split_once('.').map(|(_, project)| project).or(of_host);
            host = project.map_or(host.clone(), |project| format!("db.{project}.supabase.co"));
            port = 5432;
        }
        Self { host, port, database: database.to_owned() }
    }
}

impl Address {
    /// Whether it says that the server runs on this machine, reached over the network.
    pub fn is_local(&self) -> bool {
        self.host == "localhost"
    }
}

impl Reach {
    /// A host name or address; a path is a socket's.
    pub fn of(host: &str) -> Self {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_lowercase();
        if host.starts_with("/cloudsql/") {
            return Self::Managed("Google Cloud SQL");
        }
        if let Some((_, whose)) = MANAGED.iter().find(|(end, _)| under(&host, end)) {
            return Self::Managed(whose);
        }
        let private_name = !host.contains(['.', ':']) || PRIVATE_NAMES.iter().any(|end| under(&host, end));
        match host.parse::<IpAddr>() {
            Ok(address) if is_private(address) => Self::Local,
            Ok(_) => Self::Remote,
            Err(_) if is_this_machine(&host) || private_name => Self::Local,
            Err(_) => Self::Remote,
        }
    }
}

/// Whether it is the name itself or one below it.
fn under(host: &str, end: &str) -> bool {
    host.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<IpAddr>().map(|address| address.to_canonical());
    host.is_empty()
        || host == "localhost"
        || address.is_ok_and(|a| a.is_loopback() || a.is_unspecified())
        || host.starts_with('/')
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_unspecified() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far() {
        use Reach::*;
        for (host, reach) in [
            ("localhost", Local),
            ("127.0.0.2", Local),
            ("::1", Local),
            ("[::1]", Local),
            ("0.0.0.0", Local),
            ("/var/run/postgresql", Local),
            ("db", Local),
            ("host.docker.internal", Local),
            ("nas.local", Local),
            ("pg.test", Local),
            ("10.1.2.3", Local),
            ("192.168.1.5", Local),
            ("172.20.0.2", Local),
            ("172.32.0.2", Remote),
            ("100.64.0.1", Remote),
            ("fd12::1", Local),
            ("2a01:4f8::1", Remote),
            ("203.0.113.7", Remote),
            ("db.example.com", Remote),
            ("notneon.tech", Remote),
            ("ep-cool-123.eu-central-1.aws.neon.tech", Managed("Neon")),
            ("DB.abc.supabase.co.", Managed("Supabase")),
            ("x.eu-west-1.rds.amazonaws.com", Managed("Amazon RDS")),
            ("postgres.railway.internal", Managed("Railway")),
            ("/cloudsql/project:region:name", Managed("Google Cloud SQL")),
        ] {
            assert_eq!(Reach::of(host), reach, "{host}");
        }
    }

    #[test]
    fn same_database() {
        let a = |host: &str, port, user: &str| Address::new(host, port, "d", user);
        assert_eq!(a("localhost", 5432, "x"), a("127.0.0.1", 5432, "y"));
        assert_eq!(a("/tmp", 5432, ""), a("::1", 5432, ""));
        assert_ne!(a("localhost", 5432, ""), a("localhost", 5433, ""));
        assert_eq!(a("ep-x-pooler.eu.aws.neon.tech", 5432, ""), a("EP-X.eu.aws.neon.tech", 5432, ""));
        assert_eq!(a("aws-0-eu.pooler.supabase.com", 6543, "postgres.ref"), a("db.ref.supabase.co", 5432, "postgres"));
        assert_ne!(
            a("aws-0-eu.pooler.supabase.com", 5432, "postgres.one"),
            a("aws-0-eu.pooler.supabase.com", 5432, "postgres.two")
        );
    }
}
