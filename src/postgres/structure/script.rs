//! Cutting the SQL script that `pg_restore` writes into its entries: one object, right or comment each.
//!
//! Every entry begins with a comment that names it. Function bodies may hold the same text, so quotes are followed.

use super::lexer::{Lexer, State};

/// One object of the archive, with the SQL that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As `pg_restore` names it: `TABLE`, `FK CONSTRAINT`, `ACL`, `BLOBS` …
    pub kind: String,
    pub schema: Option<String>,
    pub name: String,
    pub owner: Option<String>,
    pub sql: String,
}

impl Entry {
    /// For messages: `TABLE public.User`.
    pub fn label(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{} {schema}.{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }

    /// What it does, without comments and settings, in any order.
    pub fn statements(&self) -> String {
        let says = |l: &&str| !l.is_empty() && !l.starts_with("--") && !l.starts_with("SET default_");
        let mut lines: Vec<&str> = self.sql.lines().filter(says).collect();
        lines.sort_unstable();
        lines.join("\n")
    }

    /// The role to which the entry's statement gives what it made: `ALTER … OWNER TO "jo";`. The header's owner is for
    /// people: line breaks and spaces at the end of a name are lost there.
    pub fn given_to(&self) -> Option<String> {
        // the last that is nothing but that: bodies and names may hold the same words
        self.sql.rmatch_indices(" OWNER TO ").find_map(|(at, words)| {
            let (role, rest) = read_ident(&self.sql[at + words.len()..])?;
            let mut lines = rest.strip_prefix(';')?.lines();
            lines.all(|l| l.trim().is_empty() || l.starts_with("--")).then_some(role)
        })
    }

    /// Whose default privileges a `DEFAULT ACL` is about.
    pub fn default_privileges_of(&self) -> Option<String> {
        let (_, role) = self.sql.split_once("ALTER DEFAULT PRIVILEGES FOR ROLE ")?;
        read_ident(role).map(|(role, _)| role)
    }

    /// The schema that a `SCHEMA` makes, or speaks of where it is there from birth.
    pub fn schema_made(&self) -> String {
        let made = self.sql.split_once("CREATE SCHEMA ").and_then(|(_, name)| read_ident(name));
        made.map_or_else(|| self.name.clone(), |(name, _)| name)
    }

    /// Whether the entry's name, which stands on one line, is this one.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == one_line(name)
    }

    /// Reads `-- Name: User; Type: TABLE; Schema: public; Owner: jo`, from its end, where names are least wild.
    fn from_header(line: &str) -> Option<Self> {
        let text = line.strip_prefix("-- Name: ").or_else(|| line.strip_prefix("-- Data for Name: "))?;
        // a comment on an extension has no owner, and ends in a blank
        let (rest, owner) = text.trim_end_matches(['\r', '\n']).rsplit_once("; Owner: ")?;
        let owner = owner.split_once("; Tablespace: ").map_or(owner, |(owner, _)| owner);
        let (rest, schema) = rest.rsplit_once("; Schema: ")?;
        let (name, kind) = rest.rsplit_once("; Type: ")?;
        let known = |text: &str| (text != "-" && !text.is_empty()).then(|| text.to_owned());
        Some(Self {
            kind: kind.to_owned(),
            schema: known(schema),
            name: name.to_owned(),
            owner: known(owner),
            sql: String::new(),
        })
    }
}

/// A name as it stands in a header.
pub fn one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

/// The identifier at the beginning of SQL text that PostgreSQL wrote, and what follows it.
fn read_ident(sql: &str) -> Option<(String, &str)> {
    let Some(inside) = sql.strip_prefix('"') else {
        let end = sql.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')).unwrap_or(sql.len());
        return (end > 0).then(|| (sql[..end].to_owned(), &sql[end..]));
    };
    let mut from = 0;
    loop {
        let end = from + inside[from..].find('"')?;
        if !inside[end + 1..].starts_with('"') {
            return Some((inside[..end].replace("\"\"", "\""), &inside[end + 1..]));
        }
        from = end + 2;
    }
}

/// Takes the script line by line and gives its entries.
pub struct Splitter {
    lexer: Lexer,
    current: Option<Entry>,
    /// `SET default_tablespace …` and its like, which hold for all entries that follow.
    settings: Vec<(String, String)>,
    /// An entry that grows beyond so many bytes is handed out in parts, between statements.
    part: usize,
}

impl Splitter {
    /// For structure: every entry in one piece (a function body may hold semicolons outside of quotes).
    pub fn whole() -> Self {
        Self::in_parts(usize::MAX)
    }

    /// For large objects: plain statements, of any number.
    pub fn in_parts(part: usize) -> Self {
        Self { lexer: Lexer::default(), current: None, settings: Vec::new(), part }
    }

    /// Takes a line with its newline; gives the entry, or the part of one, that ended before or with it.
    pub fn line(&mut self, line: &str) -> Option<Entry> {
        let top = self.lexer.state == State::Plain;
        if top && let Some(entry) = Entry::from_header(line) {
            let done = self.take();
            self.begin(entry);
            return done;
        }
        if top && self.is_of_the_frame(line) {
            return None;
        }
        self.lexer.feed(line.as_bytes());
        // what comes before the first entry sets up psql's session, not ours
        let entry = self.current.as_mut()?;
        entry.sql.push_str(line);
        let full = entry.sql.len() >= self.part && self.lexer.state == State::Plain && line.ends_with(";\n");
        if !full {
            return None;
        }
        let done = self.current.take()?;
        self.begin(Entry { sql: String::new(), ..done.clone() });
        Some(done)
    }

    /// The last entry.
    pub fn finish(mut self) -> Option<Entry> {
        self.take()
    }

    /// Lines that belong to psql or to its transaction; settings for what follows are remembered.
    fn is_of_the_frame(&mut self, line: &str) -> bool {
        let line = line.trim_end();
        if let Some(setting) = line.strip_prefix("SET default_").filter(|s| s.ends_with(';')) {
            let name = setting.split(' ').next().unwrap_or_default().to_owned();
            self.settings.retain(|(known, _)| *known != name);
            self.settings.push((name, line.to_owned()));
            return true;
        }
        line.starts_with('\\') || line == "BEGIN;" || line == "COMMIT;"
    }

    fn begin(&mut self, mut entry: Entry) {
        entry.sql = self.settings.iter().map(|(_, line)| format!("{line}\n")).collect();
        self.current = Some(entry);
    }

    /// What has no statement of its own (`public`, which every new database has) is no entry.
    fn take(&mut self) -> Option<Entry> {
        let entry = self.current.take()?;
        let does_something = |l: &str| !l.trim().is_empty() && !l.starts_with("--") && !l.starts_with("SET default_");
        entry.sql.lines().any(does_something).then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(script: &str) -> Vec<Entry> {
        let mut splitter = Splitter::whole();
        let mut entries: Vec<Entry> = script.split_inclusive('\n').filter_map(|l| splitter.line(l)).collect();
        entries.extend(splitter.finish());
        entries
    }

    #[test]
    fn cuts_at_headers_outside_of_quotes() {
        let script = "SET statement_timeout = 0;\n\\restrict abc\n--\n-- Name: f(); Type: FUNCTION; Schema: a b; Owner: jo\n--\n\n\
            CREATE FUNCTION f() RETURNS void AS $_$\n-- Name: x; Type: TABLE; Schema: s; Owner: o\nBEGIN;\n\\restrict kept\n$_$;\n\n\
            SET default_tablespace = fast;\n\n--\n-- Name: t; Type: TABLE; Schema: public; Owner: -; Tablespace: fast\n--\n\nCREATE TABLE t ();\n\n\\unrestrict abc\n";
        let entries = split(script);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].label(), "FUNCTION a b.f()");
        assert!(entries[0].sql.contains("\nBEGIN;\n\\restrict kept\n"));
        assert!(!entries[0].sql.contains("default_tablespace"));
        assert!(
            entries[1].sql.starts_with("SET default_tablespace = fast;\n") && !entries[1].sql.contains("unrestrict")
        );
        assert_eq!((entries[0].owner.as_deref(), entries[1].owner.as_deref()), (Some("jo"), None));
    }

    #[test]
    fn a_comment_without_an_owner_is_an_entry_of_its_own() {
        let entries = split(
            "-- Name: citext; Type: EXTENSION; Schema: -; Owner: -\n--\n\nCREATE EXTENSION citext;\n\n\n--\n\
             -- Name: EXTENSION citext; Type: COMMENT; Schema: -; Owner: \n--\n\nCOMMENT ON EXTENSION citext IS 'x';\n",
        );
        assert_eq!(
            entries.iter().map(Entry::label).collect::<Vec<_>>(),
            ["EXTENSION citext", "COMMENT EXTENSION citext"]
        );
        assert_eq!(entries[1].owner, None);
    }

    #[test]
    fn reads_whom_things_are_given_to_from_the_statement() {
        let of = |sql: &str| Entry { kind: "X".into(), schema: None, name: "x y".into(), owner: None, sql: sql.into() };
        for (sql, role) in [
            ("CREATE TABLE t ();\n\n\nALTER TABLE t OWNER TO jo;\n\n--\n", Some("jo")),
            ("ALTER SCHEMA \"x\" OWNER TO \"a\nb \"\" OWNER TO c; \";\n", Some("a\nb \" OWNER TO c; ")),
            ("CREATE FUNCTION f() AS $$ ALTER TABLE t OWNER TO jo; $$;\n", None),
            ("COMMENT ON TABLE t IS 'ALTER TABLE t OWNER TO jo;';\n", None),
        ] {
            assert_eq!(of(sql).given_to().as_deref(), role, "{sql}");
        }
        let default = of("ALTER DEFAULT PRIVILEGES FOR ROLE \"j o\" IN SCHEMA s GRANT SELECT ON TABLES TO x;\n");
        assert_eq!(default.default_privileges_of().as_deref(), Some("j o"));
        assert_eq!(of("CREATE SCHEMA \"x\ny\";\n").schema_made(), "x\ny");
        assert!(of("").schema_made() == "x y" && of("").is_named("x\ny"));
    }

    #[test]
    fn follows_every_way_of_quoting() {
        for text in [
            "'it''s'",
            "E'a\\'b'",
            "'a\\'",
            "\"we\"\"ird\"",
            "$$ ' $$",
            "$a$ $$ ' $a$",
            "/* ' /* \" */ ' */",
            "x$1 y$z",
            "-- it's",
            "some'string'",
        ] {
            let mut lexer = Lexer::default();
            lexer.feed(format!("{text}\n").as_bytes());
            assert_eq!(lexer.state, State::Plain, "{text}");
        }
        let mut lexer = Lexer::default();
        lexer.feed(b"E'a\\\\\\'\n");
        assert_eq!(lexer.state, State::Quoted { escapes: true });
    }

    #[test]
    fn large_objects_come_in_parts() {
        let mut splitter = Splitter::in_parts(20);
        let lines = [
            "-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -\n",
            "BEGIN;\n",
            "SELECT 1;\n",
            "SELECT 2;\n",
            "COMMIT;\n",
        ];
        let parts: Vec<Entry> = lines.iter().filter_map(|l| splitter.line(l)).collect();
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].sql, "SELECT 1;\nSELECT 2;\n");
        assert!(splitter.finish().is_none());
    }
}
