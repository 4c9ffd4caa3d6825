//! The database URL as Prisma writes it: parsed by ourselves, because libpq refuses Prisma's parameters.

use crate::error::{Context, Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use url::Url;

/// A text that never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the server and for a child's environment; never for messages or argv.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Tcp(String),
    /// Directory of the Unix socket.
    Socket(PathBuf),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => f.write_str(host),
            Self::Socket(dir) => write!(f, "{}", dir.display()),
        }
    }
}

/// How much the connection is encrypted and checked; Prisma's `sslmode` and `sslaccept` together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Tls {
    /// The word libpq has for it (`PGSSLMODE`).
    pub fn libpq(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// Which server answered first behind a URL, shared by all its copies: what was judged must be what is changed.
#[derive(Debug, Clone, Default)]
pub struct Answering(Arc<OnceLock<Option<String>>>);

impl Answering {
    /// Whether a server with this identifier can be the one that answered first. One that does not tell is held against
    /// nothing.
    pub fn is(&self, system: Option<&str>) -> bool {
        let first = self.0.get_or_init(|| system.map(str::to_owned));
        first.as_deref().zip(system).is_none_or(|(first, now)| first == now)
    }
}

/// It is no part of the address.
impl PartialEq for Answering {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Answering {}

/// Where a database is and how to get in. `Display` and `Debug` never show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    pub host: Host,
    pub port: u16,
    pub user: String,
    pub password: Option<Secret>,
    pub database: String,
    /// The name as it stands in the URL, where it is percent-encoded: a Prisma before 7.4 takes that for the name.
    pub database_as_written: Option<String>,
    /// Prisma's `?schema=`, where `_prisma_migrations` lives.
    pub schema: Option<String>,
    pub tls: Tls,
    pub root_certificate: Option<PathBuf>,
    /// `options=` (for example Neon's `endpoint=…`).
    pub options: Option<String>,
    pub answering: Answering,
}

impl DatabaseUrl {
    /// Reads a `postgres://` or `postgresql://` URL; unknown parameters (Prisma's pool settings) are passed over.
    ///
    /// # Errors
    /// `Url` for `prisma://`, `prisma+postgres://`, other databases, and transaction poolers, which cannot be dumped.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim().trim_matches('"');
        reject_other_schemes(text)?;
        let url = Url::parse(text).map_err(|e| {
            Error::new(ErrorKind::Url, "The database URL cannot be read. Nothing was changed")
                .hint("Special characters in user and password must be percent-encoded: @ is %40, / is %2F, : is %3A.")
                .because(e)
        })?;
        // of several the last counts, as everywhere
        let param = |name: &str| url.query_pairs().filter(|(k, _)| k == name).last().map(|(_, v)| v.into_owned());
        let host = match (param("host"), url.host_str()) {
            (Some(dir), _) if dir.starts_with('/') => Host::Socket(dir.into()),
            (Some(host), _) => Host::Tcp(host),
            (None, Some(host)) if !host.is_empty() => match decode(host)? {
                dir if dir.starts_with('/') => Host::Socket(dir.into()),
                host => Host::Tcp(host.trim_matches(['[', ']']).to_owned()),
            },
            _ => Host::Tcp("localhost".into()),
        };
        let user = decode(url.username())?;
        let user = if user.is_empty() { param("user").unwrap_or_else(|| "postgres".into()) } else { user };
        let written = database_of(&url)?;
        let database = decode(written)?;
        if url.port().is_none() && param("port").is_some() {
            return Err(unclear("its port stands behind the ?, where Prisma does not look")
                .hint("Write it behind the host: postgresql://USER@HOST:PORT/DATABASE."));
        }
        let parsed = Self {
            host,
            port: url.port().unwrap_or(5432),
            password: url.password().map(decode).transpose()?.or_else(|| param("password")).map(Secret),
            database_as_written: (written != database).then(|| written.to_owned()),
            database,
            user,
            schema: param("schema").filter(|s| !s.is_empty()),
            tls: tls(param("sslmode").as_deref(), param("sslaccept").as_deref()),
            root_certificate: param("sslrootcert").or_else(|| param("sslcert")).map(PathBuf::from),
            options: param("options"),
            answering: Answering::default(),
        };
        parsed.reject_pooler(param("pgbouncer").as_deref() == Some("true"))?;
        Ok(parsed)
    }

    /// The same server and user, another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), database_as_written: None, ..self.clone() }
    }

    /// The schema that holds `_prisma_migrations`.
    pub fn prisma_schema(&self) -> &str {
        self.schema.as_deref().unwrap_or("public")
    }

    fn reject_pooler(&self, pgbouncer: bool) -> Result<()> {
        let host = self.host.to_string();
        let sign = if pgbouncer {
            "pgbouncer=true stands in the URL"
        } else if self.port == 6543 {
            "port 6543 is a transaction pooler's"
        } else if host.contains("-pooler.") {
            "the host is a -pooler address"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Url, format!("A transaction pooler cannot be backed up: {sign}. Nothing was changed"))
            .hint("Use the direct address: Supabase port 5432, Neon's host without -pooler, the server behind pgbouncer.")
            .hint("In Prisma 6 set directUrl; in Prisma 7 put the direct URL into datasource.url of prisma.config.ts; or give --url."))
    }
}

const EXAMPLE: &str = "Give the address of a PostgreSQL database: --url postgresql://USER@HOST/DATABASE.";

fn reject_other_schemes(text: &str) -> Result<()> {
    let scheme = text.split("://").next().unwrap_or_default();
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Url, "The database URL is empty. Nothing was changed")
            .hint("Set DATABASE_URL (usually in .env), or give --url postgresql://USER@HOST/DATABASE."));
    }
    match scheme {
        "postgres" | "postgresql" if text.contains("://") => Ok(()),
        "prisma" | "prisma+postgres" => Err(Error::new(
            ErrorKind::Url,
            format!("{scheme}:// is the address of a Prisma service, not of a database: it cannot be backed up. Nothing was changed"),
        )
        .hint("Give the database's own address: --url postgresql://USER@HOST/DATABASE (for `prisma dev`: the TCP URL that it prints).")),
        // a text that only holds :// somewhere may begin with a password
        scheme if text.contains("://") && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) => {
            Err(Error::new(ErrorKind::Url, format!("safemigrate is for PostgreSQL; the database URL begins with {scheme}://. Nothing was changed")).hint(EXAMPLE))
        }
        _ => Err(Error::new(ErrorKind::Url, "The database URL does not begin with postgresql://. Nothing was changed").hint(EXAMPLE)),
    }
}

/// The database's name, still encoded. Where libpq and Prisma would each go to another one, nobody does.
fn database_of(url: &Url) -> Result<&str> {
    let path = url.path().strip_prefix('/').unwrap_or_default();
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    match (name, rest) {
        ("", "") => Err(unclear("it names no database").hint(EXAMPLE)),
        (name, "") => Ok(name),
        _ => Err(unclear("more than one name stands behind the host").hint("A slash in a name is written %2F.")),
    }
}

fn unclear(what: &str) -> Error {
    Error::new(ErrorKind::Url, format!("The database URL is not clear: {what}. Nothing was changed"))
}

fn decode(text: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text
        .context(ErrorKind::Url, || "The database URL is not valid UTF-8 after percent-decoding".into())?
        .into_owned())
}

/// Prisma encrypts with `require` but checks the certificate only with `sslaccept=strict`.
fn tls(mode: Option<&str>, accept: Option<&str>) -> Tls {
    match (mode, accept) {
        (Some("disable"), _) => Tls::Disable,
        (Some("verify-ca"), _) => Tls::VerifyCa,
        (Some("verify-full"), _) | (Some("require"), Some("strict")) => Tls::VerifyFull,
        (Some("require"), _) => Tls::Require,
        _ => Tls::Prefer,
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}:{}", self.database, self.host, self.port)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_prisma_parameters() {
        let url = DatabaseUrl::parse(
            "postgresql://jo%40x:p%2Fw@db.local:5433/shop?schema=app&connection_limit=3&sslmode=require",
        )
        .unwrap();
        assert_eq!((url.user.as_str(), url.port, url.database.as_str()), ("jo@x", 5433, "shop"));
        assert_eq!(url.password.as_ref().unwrap().reveal(), "p/w");
        assert_eq!((url.prisma_schema(), url.tls), ("app", Tls::Require));
        assert!(!format!("{url:?} {url}").contains("p/w"));
    }

    #[test]
    fn reads_names_as_prisma_does() {
        let of = |text: &str| DatabaseUrl::parse(text).unwrap();
        assert_eq!(
            (of("postgresql://a@h/d/").database, of("postgresql://a@h/d%2Fe").database),
            ("d".into(), "d/e".into())
        );
        let odd = of("postgresql://a@h:1/my%20db?host=x&host=y&schema=s&schema=t");
        assert_eq!((odd.host, odd.schema.as_deref()), (Host::Tcp("y".into()), Some("t")));
        assert_eq!(odd.database_as_written.as_deref(), Some("my%20db"));
        assert_eq!(of("postgresql://a@h/d").database_as_written, None);
    }

    #[test]
    fn reads_sockets() {
        let url = DatabaseUrl::parse("postgresql://jo@localhost/shop?host=/tmp/pg").unwrap();
        assert_eq!(url.host, Host::Socket("/tmp/pg".into()));
        assert_eq!(DatabaseUrl::parse("postgresql://%2Ftmp%2Fpg/shop").unwrap().host, Host::Socket("/tmp/pg".into()));
    }

    #[test]
    fn says_what_is_no_database_address() {
        for (text, word) in [
            ("prisma+postgres://accelerate.example/?api_key=x", "not of a database"),
            ("mysql://a/b", "mysql://"),
            ("", "empty"),
            ("postgresql://a@h:6543/d", "6543"),
            ("postgresql://a@ep-x-pooler.neon.example/d", "-pooler"),
            ("postgresql://a@h/d?pgbouncer=true", "pgbouncer"),
            ("boss:s3cret@h/shop?next=://", "does not begin with postgresql://"),
            ("postgresql://a@h", "names no database"),
            ("postgresql://a@h/?schema=x", "names no database"),
            ("postgresql://a@h/%2E%2e", "names no database"),
            ("postgresql://a@h/d/e", "more than one name"),
            ("postgresql://a@h//d", "more than one name"),
            ("postgresql://a@h/d?port=5433", "where Prisma does not look"),
        ] {
            let error = DatabaseUrl::parse(text).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Url);
            assert!(error.message.contains(word) && !error.message.contains("s3cret"), "{}", error.message);
        }
    }
}
