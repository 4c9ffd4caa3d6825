//! The structure as SQL for people, in an order that only the structure decides, so that two of them can be compared line
//! by line.

use super::Entry;

/// What comes before what; all else comes between `TABLE`'s parts and the rights.
const ORDER: &[&str] = &[
    "SCHEMA",
    "EXTENSION",
    "TYPE",
    "SHELL TYPE",
    "DOMAIN",
    "FUNCTION",
    "PROCEDURE",
    "AGGREGATE",
    "OPERATOR",
    "SEQUENCE",
    "TABLE",
    "FOREIGN TABLE",
    "TABLE ATTACH",
    "SEQUENCE OWNED BY",
    "DEFAULT",
    "VIEW",
    "MATERIALIZED VIEW",
    "CONSTRAINT",
    "CHECK CONSTRAINT",
    "INDEX",
    "INDEX ATTACH",
    "FK CONSTRAINT",
    "RULE",
    "TRIGGER",
    "ROW SECURITY",
    "POLICY",
];

/// At the end: what is said of objects.
const LAST: [&str; 5] = ["EVENT TRIGGER", "SECURITY LABEL", "COMMENT", "ACL", "DEFAULT ACL"];

/// All of it but rows, values of sequences and large objects: every statement as PostgreSQL's own tool writes it,
/// without headers, settings and comments of the script.
pub fn listing(mut entries: Vec<Entry>) -> String {
    entries.retain(is_structure);
    entries.sort_by(|a, b| {
        let key = |e: &Entry| (rank(&e.kind), e.schema.clone(), e.name.clone());
        key(a).cmp(&key(b)).then_with(|| a.sql.cmp(&b.sql))
    });
    let texts: Vec<String> = entries.iter().map(text).collect();
    texts.join("\n\n") + if texts.is_empty() { "" } else { "\n" }
}

fn is_structure(entry: &Entry) -> bool {
    let is_data = entry.kind.ends_with(" DATA") || entry.kind.starts_with("BLOB") || entry.kind == "SEQUENCE SET";
    !is_data && !entry.name.starts_with("LARGE OBJECT")
}

fn rank(kind: &str) -> usize {
    let at = |kinds: &[&str]| kinds.iter().position(|k| *k == kind);
    at(ORDER).or_else(|| at(&LAST).map(|n| ORDER.len() + 1 + n)).unwrap_or(ORDER.len())
}

/// The entry's statements; what the script says around them goes, what stands inside of a body stays.
fn text(entry: &Entry) -> String {
    let is_frame = |line: &&str| {
        let line = line.trim();
        line.is_empty() || line.starts_with("--") || line.starts_with("SET default_")
    };
    let lines: Vec<&str> = entry.sql.lines().collect();
    let first = lines.iter().position(|line| !is_frame(line)).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !is_frame(line)).map_or(first, |last| last + 1);
    let text = lines[first..end].join("\n");
    // two empty lines before it are pg_dump's way
    match text.rsplit_once("\n\n\nALTER ").filter(|_| entry.given_to().is_some()) {
        Some((made, given)) => format!("{made}\nALTER {given}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, name: &str, sql: &str) -> Entry {
        Entry { kind: kind.into(), schema: Some("public".into()), name: name.into(), owner: None, sql: sql.into() }
    }

    #[test]
    fn the_order_is_that_of_kinds_and_names() {
        let all = vec![
            entry("COMMENT", "TABLE a", "COMMENT ON TABLE a IS 'x';\n"),
            entry("SEQUENCE SET", "s", "SELECT setval('s', 7);\n"),
            entry("TABLE DATA", "a", "COPY a FROM stdin;\n"),
            entry("STATISTICS", "st", "CREATE STATISTICS st;\n"),
            entry("TABLE", "b", "SET default_tablespace = '';\n\nCREATE TABLE b (\n\n    -- no comment\n);\n\n\n--\n"),
            entry("TABLE", "a", "CREATE TABLE a ();\n\n--\n-- PostgreSQL database dump complete\n--\n"),
            entry("TYPE", "z", "CREATE TYPE z;\n\n\nALTER TYPE z OWNER TO jo;\n"),
        ];
        let mut turned = all.clone();
        turned.reverse();
        assert_eq!(listing(turned), listing(all.clone()));
        let text = "CREATE TYPE z;\nALTER TYPE z OWNER TO jo;\n\nCREATE TABLE a ();\n\nCREATE TABLE b (\n\n    -- no comment\n);\n\nCREATE STATISTICS st;\n\nCOMMENT ON TABLE a IS 'x';\n";
        assert_eq!(listing(all), text);
        assert_eq!(listing(Vec::new()), "");
    }
}
