//! Connections to the server: opened in one place, with settings under which text reads the same everywhere.

use super::surroundings::ask_system;
use super::url::{DatabaseUrl, Host, Tls};
use super::waiting::{LOCK_TIMEOUT, catalog_holder, is_lock_timeout};
use crate::domain::names::quote_literal;
use crate::error::{Error, ErrorKind, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection, Executor};
use std::time::Duration;

/// Roles and databases may set any of these; canonical text and long work need ours. The timeouts first: theirs hold until then.
const SETTINGS: &[(&str, &str)] = &[
    ("statement_timeout", "0"),
    ("lock_timeout", LOCK_TIMEOUT),
    ("idle_in_transaction_session_timeout", "0"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("array_nulls", "on"),
    ("xmloption", "content"),
    ("standard_conforming_strings", "on"),
    ("row_security", "off"),
    ("search_path", "pg_catalog"),
    ("synchronize_seqscans", "off"),
    ("default_transaction_read_only", "off"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    ("check_function_bodies", "off"),
    ("quote_all_identifiers", "off"),
    ("transform_null_equals", "off"),
    ("lc_monetary", "C"),
    ("default_tablespace", ""),
    // a refused row must not end the session
    ("exit_on_error", "off"),
    ("client_min_messages", "warning"),
    // compiling takes longer than what we ask
    ("jit", "off"),
];

/// Timeouts that older servers do not know. And, so that the locks of a client that is gone go with it: the server looks for
/// us every other second while a statement runs (some systems cannot), and knocks when a minute was silent.
const NEWER_TIMEOUTS: &str = "SELECT set_config(s.name, w.value, false) FROM pg_catalog.pg_settings s
    JOIN (VALUES ('idle_session_timeout', '0', ''), ('transaction_timeout', '0', ''), ('client_connection_check_interval', '2s', 'linux'),
                 ('tcp_keepalives_idle', '60', 'linux'), ('tcp_keepalives_interval', '10', 'linux'), ('tcp_keepalives_count', '6', 'linux'))
         AS w(name, value, system) ON w.name = s.name AND strpos(version(), w.system) > 0";

/// What is reported as done is on the disk, whatever role, database or server make of a commit. Nobody is waited for but
/// our own server: a standby may be away.
const DURABLE: &str =
    "SELECT set_config('synchronous_commit', 'local', false) WHERE current_setting('synchronous_commit') = 'off'";

/// How long a server may take to answer the door.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a session is set up where the role's own statement timeout comes in between: lifting it is a statement, too.
const SETUP_TRIES: u32 = 20;

/// All that the text of a value depends on in a session: two that say the same write the same bytes the same way.
pub fn text_settings() -> String {
    SETTINGS.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// Opens a session on the database of the URL.
///
/// # Errors
/// `Unreachable`, `Authentication`, `NoDatabase`, or `Server` with what PostgreSQL said.
pub async fn connect(url: &DatabaseUrl) -> Result<PgConnection> {
    match open(url).await {
        Ok(connection) => Ok(connection),
        Err(Refused::For(error) | Refused::Idle(error)) => Err(error),
        Err(Refused::NoAnswer(error)) => Err(who_locked_the_catalog(url).await.unwrap_or(error)),
    }
}

/// Why there is no session.
enum Refused {
    For(Error),
    /// It took too long; somebody may have locked what every session needs.
    NoAnswer(Error),
    /// The role's timeout for idle sessions was over before we could lift it.
    Idle(Error),
}

async fn open(url: &DatabaseUrl) -> Result<PgConnection, Refused> {
    for _ in 1..SETUP_TRIES {
        match open_once(url).await {
            Err(Refused::Idle(_)) => {}
            opened => return opened,
        }
    }
    open_once(url).await
}

async fn open_once(url: &DatabaseUrl) -> Result<PgConnection, Refused> {
    let options = options(url);
    let opening = PgConnection::connect_with(&options);
    let mut connection = match tokio::time::timeout(CONNECT_TIMEOUT, opening).await {
        Ok(opened) => opened.map_err(|e| Refused::For(connect_error(url, e)))?,
        Err(_) => {
            let why = format!("no answer within {} seconds", CONNECT_TIMEOUT.as_secs());
            return Err(Refused::NoAnswer(unreachable(url).because(why)));
        }
    };
    let settings: Vec<String> =
        SETTINGS.iter().map(|(name, value)| format!("SET {name} = {}", set_value(name, value))).collect();
    let settings = format!("{};{NEWER_TIMEOUTS};{DURABLE}", settings.join(";"));
    for _ in 1..SETUP_TRIES {
        match connection.execute(settings.as_str()).await {
            Ok(_) => return same_server(url, connection).await,
            Err(error) if was_cancelled(&error) => {}
            Err(error) => return Err(not_set_up(error)),
        }
    }
    connection.execute(settings.as_str()).await.map_err(not_set_up)?;
    same_server(url, connection).await
}

/// A name or a tunnel may lead elsewhere from one moment to the next: then nothing that was judged holds.
async fn same_server(url: &DatabaseUrl, mut connection: PgConnection) -> Result<PgConnection, Refused> {
    let mut system = ask_system(&mut connection).await;
    for _ in 1..SETUP_TRIES {
        match &system {
            Err(error) if was_cancelled(error) => system = ask_system(&mut connection).await,
            _ => break,
        }
    }
    let system = system.map_err(|error| Refused::For(server_error("asking for the server's identity", error)))?;
    if url.answering.is(system.as_deref()) {
        return Ok(connection);
    }
    let message = format!("Another server answers at {url} than a moment ago. Nothing is done to this one");
    Err(Refused::For(
        Error::new(ErrorKind::Server, message).hint("Look where the host name or the tunnel leads, then try again."),
    ))
}

fn not_set_up(error: sqlx::Error) -> Refused {
    let waited = is_lock_timeout(&error);
    let was_idle = error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "57P05");
    let error = server_error("setting up the session", error);
    match (waited, was_idle) {
        (true, _) => Refused::NoAnswer(error),
        (_, true) => Refused::Idle(error),
        _ => Refused::For(error),
    }
}

/// From another database of the server, whose catalogs are others.
async fn who_locked_the_catalog(url: &DatabaseUrl) -> Option<Error> {
    for other in ["postgres", "template1"].into_iter().filter(|other| *other != url.database) {
        if let Ok(mut connection) = open(&url.with_database(other)).await {
            return catalog_holder(&mut connection, &url.database).await;
        }
    }
    None
}

fn was_cancelled(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "57014")
}

fn set_value(name: &str, value: &str) -> String {
    // a quoted list would be one schema, one date style
    if matches!(name, "search_path" | "DateStyle") { value.to_owned() } else { quote_literal(value) }
}

/// The driver takes `PGOPTIONS` of whoever started us, which Prisma does not: its sessions would see another database
/// than ours. What we set ourselves does not matter.
///
/// # Errors
/// `Config` where something else stands in it.
pub fn refuse_callers_options() -> Result<()> {
    let options = std::env::var_os("PGOPTIONS").unwrap_or_default();
    if options.to_str().is_some_and(only_ours) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        "PGOPTIONS is set in the environment: sessions of safemigrate would get settings that Prisma's do not have. Nothing was changed",
    )
    .hint("Take it away first: unset PGOPTIONS"))
}

/// `-c name=value`, `-cname=value` and `--name=value`, of settings that we set anyway.
fn only_ours(options: &str) -> bool {
    let mut words = options.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) {
            Some("") => words.next().unwrap_or_default(),
            Some(setting) => setting,
            None => return false,
        };
        let name = setting.split('=').next().unwrap_or_default().replace('-', "_");
        // the application's search path is read from the session
        let ours = |known: &str| known.eq_ignore_ascii_case(&name) && known != "search_path";
        if options.contains('\\') || !SETTINGS.iter().any(|(known, _)| ours(known)) {
            return false;
        }
    }
    true
}

fn options(url: &DatabaseUrl) -> PgConnectOptions {
    // each of these would else come from the variables of whoever started us
    let mut options = PgConnectOptions::new_without_pgpass()
        .password("")
        .ssl_root_cert_from_pem(Vec::new())
        .port(url.port)
        .username(&url.user)
        .database(&url.database)
        .application_name("safemigrate")
        .ssl_mode(match url.tls {
            Tls::Disable => PgSslMode::Disable,
            Tls::Prefer => PgSslMode::Prefer,
            Tls::Require => PgSslMode::Require,
            Tls::VerifyCa => PgSslMode::VerifyCa,
            Tls::VerifyFull => PgSslMode::VerifyFull,
        })
        .statement_cache_capacity(64)
        .disable_statement_logging();
    options = match &url.host {
        Host::Tcp(host) => options.host(host),
        Host::Socket(dir) => options.socket(dir),
    };
    if let Some(password) = &url.password {
        options = options.password(password.reveal());
    }
    if let Some(root) = &url.root_certificate {
        options = options.ssl_root_cert(root);
    }
    if let Some(extra) = &url.options {
        // `options=-c a=b` and Neon's `options=endpoint%3D…` both arrive as name=value pairs
        let pairs = extra.split_whitespace().filter(|word| *word != "-c");
        options = options.options(pairs.filter_map(|pair| pair.trim_start_matches("--").split_once('=')));
    }
    options
}

fn unreachable(url: &DatabaseUrl) -> Error {
    Error::new(ErrorKind::Unreachable, format!("The server of {url} does not answer. Nothing was changed"))
        .hint("Is PostgreSQL running there? Check host and port of the database URL.")
}

fn connect_error(url: &DatabaseUrl, error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    match code.as_str() {
        "28P01" | "28000" => Error::new(
            ErrorKind::Authentication,
            format!("The server of {url} does not let user {} in. Nothing was changed", url.user),
        )
        .hint("Check user and password of the database URL.")
        .because(error),
        "3D000" => Error::new(
            ErrorKind::NoDatabase,
            format!("The database {} does not exist on {}:{}. Nothing was changed", url.database, url.host, url.port),
        )
        .hint("Check the name at the end of the database URL. `safemigrate dev` makes a new database."),
        "55000" => Error::new(
            ErrorKind::Server,
            format!("The database {} lets nobody in at the moment. Nothing was changed", url.database),
        )
        .hint(
            "A rollback may be at work, or was stopped half way: `safemigrate recover` then opens the database again.",
        )
        .because(error),
        "57P03" | "53300" => unreachable(url).because(error),
        "" => match error {
            sqlx::Error::Tls(_) => {
                Error::new(ErrorKind::Unreachable, format!("No encrypted connection to {url}. Nothing was changed"))
                    .hint("sslmode and sslaccept of the database URL say how the certificate is checked.")
                    .because(error)
            }
            _ => unreachable(url).because(error),
        },
        _ => Error::new(ErrorKind::Server, format!("The server of {url} refuses the connection. Nothing was changed"))
            .because(error),
    }
}

/// A server's refusal as our error; `doing` completes the sentence "… failed while ‹doing›".
pub fn server_error(doing: &str, error: sqlx::Error) -> Error {
    let gone = matches!(error, sqlx::Error::Io(_))
        || error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == "57P01" || c == "57P02");
    let what = if gone { "The connection to the server was lost" } else { "PostgreSQL refused" };
    let mut ours = Error::new(ErrorKind::Server, format!("{what} while {doing}"));
    if let Some(detail) =
        error.as_database_error().and_then(|e| e.try_downcast_ref::<sqlx::postgres::PgDatabaseError>())
    {
        ours.hints.extend(detail.detail().map(|d| format!("Detail: {d}")));
        ours.hints.extend(detail.hint().map(|h| format!("PostgreSQL's hint: {h}")));
    }
    // a session that is not ours alone: what we prepared is another's, or the other way round
    if error.as_database_error().and_then(|e| e.code()).is_some_and(|c| c == "42P05" || c == "26000") {
        ours = ours.hint("A transaction pooler (PgBouncer …) seems to be in between: use the server's direct address.");
    }
    ours.because(error)
}

/// Says what a missing right means for somebody who wants everything to be read.
#[must_use]
pub fn explain_rights(mut error: Error) -> Error {
    let refused = {
        let source = std::error::Error::source(&error).and_then(|s| s.downcast_ref::<sqlx::Error>());
        let server = source.and_then(sqlx::Error::as_database_error);
        server.filter(|e| e.code().is_some_and(|c| c == "42501")).map(|e| e.message().to_owned())
    };
    let Some(said) = refused else { return error };
    if said.contains("row-level security") {
        error.message =
            "Row-level security hides rows from the role of the database URL, and a part is not enough. Nothing was changed".into();
        error.hint(
            "Give a role that sees all rows (the tables' owner, or one with BYPASSRLS): --url postgresql://ROLE@…",
        )
    } else {
        error.message =
            "The role of the database URL may not read everything, and a part is not enough. Nothing was changed"
                .into();
        error.hint("Give a role that may (the tables' owner), or let the owner type, for each schema: GRANT SELECT ON ALL TABLES IN SCHEMA … TO …; and the same ON ALL SEQUENCES")
    }
}

/// Short form for `.map_err(…)`: says what was being done.
pub fn doing(what: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| server_error(what, error)
}
