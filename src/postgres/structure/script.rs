//! Cutting the SQL script that `pg_restore` writes into its entries: one object, right or comment each.
//!
//! Every entry begins with a comment that names it. Function bodies may hold the same text, so quotes are followed.

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

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    /// In `'…'`; in `E'…'` a backslash takes the next byte along.
    Quoted {
        escapes: bool,
    },
    Identifier,
    /// In `$tag$ … $tag$`; holds `$tag$`.
    Dollar(Vec<u8>),
    /// `/* … */`, this deep.
    Comment(u32),
}

/// Follows quotes and comments of SQL text through lines.
#[derive(Default)]
struct Lexer {
    state: State,
}

impl Lexer {
    fn feed(&mut self, line: &[u8]) {
        let mut at = 0;
        while at < line.len() {
            at += match &mut self.state {
                State::Plain => match plain(line, at) {
                    Some((state, width)) => {
                        self.state = state;
                        width
                    }
                    None if line[at..].starts_with(b"--") => line.len() - at,
                    None => 1,
                },
                State::Quoted { escapes: true } if line[at] == b'\\' => 2,
                State::Quoted { .. } => self.leave_at(line[at] == b'\''),
                State::Identifier => self.leave_at(line[at] == b'"'),
                State::Dollar(tag) => {
                    let width = tag.len();
                    if line[at..].starts_with(tag) { self.leave_at(true) + width - 1 } else { 1 }
                }
                State::Comment(depth) => match &line[at..] {
                    [b'/', b'*', ..] => {
                        *depth += 1;
                        2
                    }
                    [b'*', b'/', ..] if *depth > 1 => {
                        *depth -= 1;
                        2
                    }
                    [b'*', b'/', ..] => self.leave_at(true) + 1,
                    _ => 1,
                },
            };
        }
    }

    /// A doubled quote leaves and enters again at once, which comes to the same.
    fn leave_at(&mut self, end: bool) -> usize {
        if end {
            self.state = State::Plain;
        }
        1
    }
}

/// What begins at this byte of plain SQL, and how long its opening is.
fn plain(line: &[u8], at: usize) -> Option<(State, usize)> {
    let before = |n: usize| at.checked_sub(n).and_then(|i| line.get(i).copied());
    let in_word =
        |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80);
    match line[at] {
        b'\'' => {
            let escapes = matches!(before(1), Some(b'e' | b'E')) && !in_word(before(2));
            Some((State::Quoted { escapes }, 1))
        }
        b'"' => Some((State::Identifier, 1)),
        b'/' if line.get(at + 1) == Some(&b'*') => Some((State::Comment(1), 2)),
        b'$' if !in_word(before(1)) => {
            let tag = dollar_tag(&line[at..])?;
            Some((State::Dollar(tag.to_vec()), tag.len()))
        }
        _ => None,
    }
}

/// `$tag$` at the beginning; `$1` is a parameter, no tag.
fn dollar_tag(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().skip(1).position(|&b| b == b'$')?;
    let name = &text[1..=length];
    let fits = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80;
    (name.iter().all(fits) && !name.first().is_some_and(u8::is_ascii_digit)).then(|| &text[..length + 2])
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
