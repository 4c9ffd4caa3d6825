//! A script becomes its statements, as `psql` would cut it.

use crate::postgres::structure::{Lexer, State};

/// Words at the beginning that are remembered.
const WORDS: usize = 24;
/// Longer ones are no keywords.
const LONGEST_WORD: usize = 63;

/// One statement without its semicolon.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Statement {
    pub text: String,
    /// The first words outside of quotes and brackets, in capitals.
    pub words: Vec<String>,
    /// Where it begins in the file.
    pub line: u64,
}

impl Statement {
    pub fn begins(&self, words: &[&str]) -> bool {
        self.words.len() >= words.len() && self.words.iter().zip(words).all(|(have, want)| have == want)
    }

    /// Whether the words stand there one after the other.
    pub fn says(&self, words: &[&str]) -> bool {
        self.words.windows(words.len()).any(|found| found.iter().zip(words).all(|(have, want)| have == want))
    }
}

/// Why a script cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strange {
    /// A command of `psql`, such as `\!`.
    Command(u64),
    /// No text in UTF-8.
    NotUtf8(u64),
}

/// Takes a script line by line.
#[derive(Default)]
pub struct Statements {
    lexer: Lexer,
    current: Statement,
    bytes: Vec<u8>,
    word: String,
    brackets: u32,
    /// `BEGIN ATOMIC`, and each `CASE` inside: their semicolons end nothing.
    blocks: u32,
    lines: u64,
}

impl Statements {
    /// Takes the next line, with its end; gives the statements that end in it.
    ///
    /// # Errors
    /// What `psql` would understand and nobody else does.
    pub fn line(&mut self, line: &[u8]) -> Result<Vec<Statement>, Strange> {
        self.lines += 1;
        let at_top = self.lexer.state == State::Plain && self.is_between();
        if at_top && (line.starts_with(b"\\restrict ") || line.starts_with(b"\\unrestrict ")) {
            // they keep psql's other commands from being run, and there are none here
            return Ok(Vec::new());
        }
        if self.is_between() {
            self.current.line = self.lines;
        }
        let (mut outside, mut lexer) = (Vec::new(), std::mem::take(&mut self.lexer));
        lexer.feed_with(line, |at, byte| outside.push((at, byte)));
        self.lexer = lexer;
        let mut done = Vec::new();
        let mut from = 0;
        for (at, byte) in outside {
            match byte {
                b'\\' => return Err(Strange::Command(self.lines)),
                b';' => {
                    self.end_word();
                    if self.brackets == 0 && self.blocks == 0 {
                        self.bytes.extend_from_slice(&line[from..at]);
                        from = at + 1;
                        done.extend(self.take()?);
                    }
                }
                _ => self.outside(byte),
            }
        }
        self.end_word();
        self.bytes.extend_from_slice(&line[from..]);
        Ok(done)
    }

    /// The last statement of a script that ends without a semicolon. One that is cut off in the middle is the server's to
    /// complain about.
    ///
    /// # Errors
    /// As `line`.
    pub fn rest(mut self) -> Result<Option<Statement>, Strange> {
        self.take()
    }

    /// Whether the script may end here.
    pub fn is_between(&self) -> bool {
        self.lexer.state == State::Plain && self.current.words.is_empty() && self.brackets == 0
    }

    fn outside(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80 {
            if self.word.len() < LONGEST_WORD {
                self.word.push(char::from(byte.to_ascii_uppercase()));
            }
            return;
        }
        self.end_word();
        match byte {
            b'(' => self.brackets += 1,
            b')' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        if self.brackets == 0 {
            let is_routine = || {
                let kind = self.current.words.iter().find(|w| !matches!(w.as_str(), "CREATE" | "OR" | "REPLACE"));
                self.current.begins(&["CREATE"]) && kind.is_some_and(|k| k == "FUNCTION" || k == "PROCEDURE")
            };
            match word.as_str() {
                "BEGIN" if is_routine() => self.blocks += 1,
                "CASE" if self.blocks > 0 => self.blocks += 1,
                "END" => self.blocks = self.blocks.saturating_sub(1),
                _ => {}
            }
            if self.current.words.len() < WORDS {
                self.current.words.push(word);
            }
        }
    }

    fn take(&mut self) -> Result<Option<Statement>, Strange> {
        let mut statement = std::mem::take(&mut self.current);
        let bytes = std::mem::take(&mut self.bytes);
        self.current.line = self.lines;
        statement.text = String::from_utf8(bytes).map_err(|_| Strange::NotUtf8(statement.line))?;
        // nothing but comments, or a semicolon too many
        Ok((!statement.words.is_empty()).then_some(statement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(script: &str) -> Result<Vec<Statement>, Strange> {
        let mut statements = Statements::default();
        let mut all = Vec::new();
        for line in script.split_inclusive('\n') {
            all.extend(statements.line(line.as_bytes())?);
        }
        assert!(statements.is_between(), "{script}");
        Ok(all)
    }

    fn shown(script: &str) -> String {
        let all = cut(script).unwrap();
        all.iter().map(|s| format!("{}: {}", s.line, s.text.trim())).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn semicolons_end_statements_where_psql_says_so() {
        assert_eq!(
            shown("SELECT 1;;\n-- it's;\nSELECT ';', \";\", $$;$$, $a$;$$;$a$; /* ; */ SELECT 2;\n"),
            "1: SELECT 1 | 3: -- it's;\nSELECT ';', \";\", $$;$$, $a$;$$;$a$ | 3: /* ; */ SELECT 2"
        );
        assert_eq!(
            shown("CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);\nSELECT 3;\n").matches(" | ").count(),
            1
        );
        let atomic = "CREATE OR REPLACE FUNCTION f(\"begin\" int) RETURNS int\nBEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n SELECT 2;\nEND;\nSELECT 3;\n";
        assert_eq!(cut(atomic).unwrap().len(), 2);
        assert_eq!(cut("BEGIN;\nSELECT 1;\nEND;\n").unwrap().len(), 3);
        assert_eq!(cut("CREATE TABLE begin (a int);\nSELECT E'a\\';', 'b\\';\n").unwrap().len(), 2);
    }

    #[test]
    fn words_tell_what_a_statement_does() {
        let all = cut("COPY\"t\"(a, b)FROM stdin;\nalter table only public.x owner to \"jo\";\n").unwrap();
        assert!(all[0].begins(&["COPY"]) && all[0].says(&["FROM", "STDIN"]), "{:?}", all[0].words);
        assert!(all[1].begins(&["ALTER", "TABLE"]) && all[1].says(&["OWNER", "TO"]));
    }

    #[test]
    fn commands_of_psql_are_found_wherever_they_stand() {
        assert_eq!(cut("\\restrict x\nSELECT 1;\n\\unrestrict x\n").unwrap().len(), 1);
        for (script, line) in [
            ("\\! rm -rf /\n", 1),
            ("SELECT 1;\n  \\connect x\n", 2),
            ("SELECT 'x' \\gexec\n", 1),
            ("SELECT 1\n\\restrict x\n", 2),
            ("SELECT $$ $$ \\; SELECT 2;\n", 1),
            ("\\restrictx\n", 1),
        ] {
            assert_eq!(cut(script).unwrap_err(), Strange::Command(line), "{script}");
        }
        assert_eq!(cut("SELECT '\\!', $$\n\\! x\n$$, \"\\!\"; -- \\!\n").unwrap().len(), 1);
        let mut statements = Statements::default();
        assert_eq!(statements.line(b"SELECT '\xff';\n").unwrap_err(), Strange::NotUtf8(1));
    }

    #[test]
    fn the_last_one_needs_no_semicolon() {
        let mut statements = Statements::default();
        assert_eq!(statements.line(b"SELECT 1; SELECT 2 -- the end").unwrap().len(), 1);
        assert_eq!(statements.rest().unwrap().unwrap().text.trim(), "SELECT 2 -- the end");
        let mut statements = Statements::default();
        assert_eq!(statements.line(b"SELECT 1;\n-- that was all\n").unwrap().len(), 1);
        assert_eq!(statements.rest().unwrap(), None);
    }

    #[test]
    fn what_is_cut_off_is_no_end() {
        for script in ["SELECT 1", "SELECT 'a;\n", "SELECT $$;\n", "/* x;\n", "CREATE RULE r AS (\n"] {
            let mut statements = Statements::default();
            assert_eq!(statements.line(script.as_bytes()).unwrap(), []);
            assert!(!statements.is_between(), "{script}");
        }
    }
}
