//! What a dump of one database may do, and what no dump of one database does.

use crate::postgres::statements::Statement;

/// How a statement is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Run,
    /// About owners, rights and settings of elsewhere: where the server refuses it for that, it is left out.
    RunOrLeaveOut,
    LeaveOut,
    /// It would reach beyond the scratch database; why, as the end of a sentence.
    Refuse(&'static str),
    /// `COPY … FROM stdin`: rows follow.
    Rows,
}

/// What stands in the scripts of `pg_dump`, and in those that people make of them.
const KNOWN: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "COPY",
    "CREATE",
    "DELETE",
    "DO",
    "DROP",
    "END",
    "GRANT",
    "IMPORT",
    "INSERT",
    "LOCK",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SECURITY",
    "SELECT",
    "SET",
    "START",
    "TRUNCATE",
    "UPDATE",
    "VACUUM",
    "VALUES",
    "WITH",
];

/// What belongs to the server, and not to one database.
const OF_THE_SERVER: &[&str] = &["DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SYSTEM", "PARAMETER"];

const BEYOND: &str =
    "it would change the server, beyond the scratch database; a dump of one database, made without --create, has none";

pub fn policy(statement: &Statement) -> Policy {
    let word = |n: usize| statement.words.get(n).map_or("", String::as_str);
    let of_server = |n: usize| OF_THE_SERVER.contains(&word(n)) && word(n + 1) != "MAPPING";
    match (word(0), word(1)) {
        ("COPY", _) if statement.says(&["FROM", "STDIN"]) => Policy::Rows,
        ("COPY", _) => Policy::Refuse("it reads or writes files of the server or runs programs there"),
        ("SET" | "RESET", "SESSION" | "LOCAL") if statement.says(&["SESSION", "AUTHORIZATION"]) => Policy::LeaveOut,
        ("SET" | "RESET", "ROLE") => Policy::LeaveOut,
        ("SET", "CLIENT_ENCODING") if !is_utf8(&statement.text) => {
            Policy::Refuse("only UTF-8 is read; make the dump with --encoding=UTF8")
        }
        ("SET", "STANDARD_CONFORMING_STRINGS") if value(&statement.text) != "on" => {
            Policy::Refuse("backslashes in its strings would mean something else")
        }
        ("SET", _) => Policy::RunOrLeaveOut,
        ("CREATE" | "ALTER" | "DROP", "SUBSCRIPTION") => Policy::LeaveOut,
        ("COMMENT", "ON") if word(2) == "SUBSCRIPTION" => Policy::LeaveOut,
        ("CREATE" | "ALTER" | "DROP", _) if of_server(1) => Policy::Refuse(BEYOND),
        ("COMMENT", "ON") if of_server(2) => Policy::Refuse(BEYOND),
        ("GRANT" | "REVOKE", _) => {
            let on = statement.words.iter().position(|w| w == "ON");
            if on.is_none_or(|on| of_server(on + 1)) { Policy::Refuse(BEYOND) } else { Policy::RunOrLeaveOut }
        }
        ("SECURITY", "LABEL") if OF_THE_SERVER.iter().any(|kind| statement.says(&["ON", kind])) => {
            Policy::Refuse(BEYOND)
        }
        ("SECURITY", "LABEL") | ("COMMENT", _) => Policy::RunOrLeaveOut,
        ("ALTER", "DEFAULT") => Policy::RunOrLeaveOut,
        ("ALTER", _) if statement.says(&["OWNER", "TO"]) => Policy::RunOrLeaveOut,
        // the scratch database was born with one
        ("CREATE", "SCHEMA") => Policy::RunOrLeaveOut,
        (first, _) if KNOWN.contains(&first) => Policy::Run,
        _ => Policy::Refuse("no dump of one database does that"),
    }
}

fn is_utf8(setting: &str) -> bool {
    ["utf8", "utf-8", "unicode"].contains(&value(setting).as_str())
}

/// What a setting is set to.
fn value(setting: &str) -> String {
    setting.rsplit(['=', ' ']).next().unwrap_or_default().trim_matches(['\'', '"']).to_lowercase()
}

/// Whether the server's reason is one for which such a statement may be left out: a role or setting that it does not
/// know, a right that this role does not have, `public` that is there.
pub fn is_excused(statement: &Statement, code: &str) -> bool {
    match statement.words.first().map(String::as_str) {
        Some("CREATE") => code == "42P06" && statement.words.get(2).is_some_and(|name| name == "PUBLIC"),
        // 22023: a tablespace that is elsewhere
        Some("SET") => ["42704", "42501", "22023"].contains(&code),
        _ => ["42704", "42501", "0LP01"].contains(&code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::statements::Statements;

    fn of(sql: &str) -> Policy {
        let mut all = Statements::default().line(format!("{sql};\n").as_bytes()).unwrap();
        assert_eq!(all.len(), 1, "{sql}");
        policy(&all.remove(0))
    }

    #[test]
    fn what_reaches_beyond_the_database_is_refused() {
        for sql in [
            "CREATE DATABASE x",
            "drop /* ; */ database \"shop\"",
            "ALTER ROLE jo SUPERUSER",
            "CREATE USER jo",
            "ALTER SYSTEM SET fsync = off",
            "COMMENT ON DATABASE shop IS 'x'",
            "GRANT ALL ON DATABASE shop TO jo",
            "GRANT boss TO jo",
            "REVOKE CONNECT, TEMPORARY ON DATABASE shop FROM PUBLIC",
            "SECURITY LABEL FOR x ON ROLE jo IS 'y'",
            "COPY t TO PROGRAM 'rm'",
            "COPY t FROM '/etc/passwd'",
            "COPY (SELECT 1) TO STDOUT",
            "LOAD 'x'",
            "PREPARE TRANSACTION 'x'",
            "EXECUTE x",
            "SET client_encoding = 'LATIN1'",
            "SET standard_conforming_strings = off",
        ] {
            assert!(matches!(of(sql), Policy::Refuse(_)), "{sql}");
        }
    }

    #[test]
    fn what_dumps_hold_is_run() {
        for (sql, expected) in [
            ("COPY public.\"User\" (id) FROM stdin", Policy::Rows),
            ("CREATE TABLE role (id int)", Policy::Run),
            ("CREATE USER MAPPING FOR jo SERVER s", Policy::Run),
            ("SELECT pg_catalog.setval('x', 1)", Policy::Run),
            ("ALTER TABLE ONLY database ADD CONSTRAINT x CHECK (true)", Policy::Run),
            ("ALTER TABLE x OWNER TO jo", Policy::RunOrLeaveOut),
            ("GRANT SELECT(a), INSERT ON TABLE x TO jo", Policy::RunOrLeaveOut),
            ("ALTER DEFAULT PRIVILEGES FOR ROLE jo GRANT SELECT ON TABLES TO x", Policy::RunOrLeaveOut),
            ("SET SESSION AUTHORIZATION 'jo'", Policy::LeaveOut),
            ("CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", Policy::LeaveOut),
            ("SET client_encoding = 'UTF8'", Policy::RunOrLeaveOut),
            ("SET client_encoding TO unicode", Policy::RunOrLeaveOut),
            ("SET standard_conforming_strings = on", Policy::RunOrLeaveOut),
        ] {
            assert_eq!(of(sql), expected, "{sql}");
        }
    }
}
