//! A user's crontab, in which a few lines between two marks are ours. Everything else in it stays to the byte, whatever
//! its encoding.

use std::fmt;

const TOOK: &str = "(`safemigrate schedule uninstall` takes this out)";
/// The last line before it had no end, which cron does not let stand.
const TOOK_WITH_END: &str = "(`safemigrate schedule uninstall` takes this out, and the line end above)";
/// As much as cron reads of one command.
const LONGEST_LINE: usize = 990;

/// What cron runs for one project: every word of it is a path, a name or a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Variables that it finds, and no others.
    pub variables: Vec<(String, String)>,
    pub program: String,
    pub arguments: Vec<String>,
}

/// A path that no line of a crontab can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwritable {
    /// It has a character in it that ends a line.
    ControlCharacter(String),
    /// With so many bytes.
    TooLong(usize),
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlCharacter(word) => {
                write!(f, "{word:?} has a control character in it, which no crontab can hold")
            }
            Self::TooLong(bytes) => {
                write!(f, "The line would be {bytes} bytes long, and cron reads {LONGEST_LINE}: the paths are too long")
            }
        }
    }
}

impl Command {
    /// As a POSIX shell reads it.
    pub fn shell(&self) -> String {
        self.words(|word| format!("'{}'", word.replace('\'', r"'\''")))
    }

    /// As it stands in a crontab, where `%` is a new line unless a backslash stands before it. Whether a backslash before
    /// a backslash is one or two depends on the cron: none stands before another, or before a `%` of the path.
    fn line(&self) -> String {
        self.words(|word| {
            let quoted = word.chars().map(|c| match c {
                '\'' => r"'\''".to_owned(),
                '\\' => r"\''".to_owned(),
                '%' => r"\%".to_owned(),
                c => c.to_string(),
            });
            format!("'{}'", quoted.collect::<String>())
        })
    }

    /// The environment is made anew: what stands in the crontab or in `/etc/environment` (another DATABASE_URL) must not
    /// lead to another database.
    fn words(&self, quote: impl Fn(&str) -> String) -> String {
        let quote = |word: &str| {
            let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_.-:/,@+".contains(c));
            if plain { word.to_owned() } else { quote(word) }
        };
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={}", quote(value)));
        let rest = std::iter::once(&self.program).chain(&self.arguments).map(|word| quote(word));
        let words = ["/usr/bin/env".to_owned(), "-i".to_owned()].into_iter().chain(variables).chain(rest);
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Our lines for one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    mark: String,
    line: String,
}

impl Entry {
    /// `store`: whose it is, an absolute path. `times`: cron's five fields.
    ///
    /// # Errors
    /// Where a path cannot stand in a crontab.
    pub fn new(store: &str, times: &str, command: &Command) -> Result<Self, Unwritable> {
        let values = command.variables.iter().map(|(_, value)| value);
        let mut words = values.chain([&command.program]).chain(&command.arguments).map(String::as_str).chain([store]);
        if let Some(word) = words.find(|word| word.contains(char::is_control)) {
            return Err(Unwritable::ControlCharacter(word.to_owned()));
        }
        let line = format!("{times} {}", command.line());
        if line.len() > LONGEST_LINE {
            return Err(Unwritable::TooLong(line.len()));
        }
        Ok(Self { mark: store.to_owned(), line })
    }

    /// The crontab with this entry, in the place of the one of this store if there is one, else at the end.
    pub fn written_into(&self, crontab: &[u8]) -> Vec<u8> {
        if let Some(found) = find(crontab, &self.mark) {
            let took = if found.with_end { TOOK_WITH_END } else { TOOK };
            return [&crontab[..found.begin], self.text(took).as_bytes(), &crontab[found.end..]].concat();
        }
        match crontab.last() {
            None | Some(b'\n') => [crontab, self.text(TOOK).as_bytes()].concat(),
            Some(_) => [crontab, b"\n", self.text(TOOK_WITH_END).as_bytes()].concat(),
        }
    }

    /// The line that cron reads.
    pub fn line(&self) -> &str {
        &self.line
    }

    fn text(&self, took: &str) -> String {
        format!("{} {took}\n{}\n{}\n", begin(&self.mark), self.line, end(&self.mark))
    }
}

/// The crontab without the entry of this store; `None` where there is none.
pub fn without(crontab: &[u8], store: &str) -> Option<Vec<u8>> {
    let found = find(crontab, store)?;
    let before = &crontab[..found.begin];
    let before = if found.with_end { before.strip_suffix(b"\n").unwrap_or(before) } else { before };
    let after = &crontab[found.end..];
    // somebody has written below it since: the two lines must not become one
    let gap: &[u8] = if found.with_end && !after.is_empty() { b"\n" } else { b"" };
    Some([before, gap, after].concat())
}

/// The line of this store's entry, if it is there.
pub fn line_of(crontab: &[u8], store: &str) -> Option<String> {
    let found = find(crontab, store)?;
    let text = String::from_utf8_lossy(&crontab[found.begin..found.end]);
    text.lines().find(|line| !line.starts_with('#') && !line.trim().is_empty()).map(str::to_owned)
}

fn begin(store: &str) -> String {
    format!("# >>> safemigrate schedule: {store} >>>")
}

fn end(store: &str) -> String {
    format!("# <<< safemigrate schedule: {store} <<<")
}

struct Found {
    begin: usize,
    /// Behind the end of its last line.
    end: usize,
    with_end: bool,
}

/// Where somebody has taken the last mark away, what is theirs cannot be told from ours: of that only the first two lines
/// are ours, as we write them.
fn find(crontab: &[u8], store: &str) -> Option<Found> {
    let (first, last) = (begin(store), end(store));
    let mut at = 0;
    let mut lines = Vec::new();
    for line in crontab.split_inclusive(|byte| *byte == b'\n') {
        lines.push((at, line));
        at += line.len();
    }
    let trimmed = |line: &[u8]| String::from_utf8_lossy(line).trim().to_owned();
    let opens = |line: &[u8]| {
        let text = trimmed(line);
        let took = text.strip_prefix(&first)?.trim();
        (took.is_empty() || took == TOOK || took == TOOK_WITH_END).then_some(took == TOOK_WITH_END)
    };
    let (n, begin, with_end) = lines.iter().enumerate().find_map(|(n, (at, line))| Some((n, *at, opens(line)?)))?;
    let is_mark = |line: &[u8]| trimmed(line).starts_with("# >>> safemigrate schedule: ");
    let rest = lines[n + 1..].iter().take_while(|(_, line)| !is_mark(line));
    let closing = rest.clone().find(|(_, line)| trimmed(line) == last);
    let own = closing.or_else(|| rest.clone().next().filter(|(_, line)| trimmed(line).contains(" schedule run")));
    let end = own.map_or(begin + lines[n].1.len(), |(at, line)| at + line.len());
    Some(Found { begin, end, with_end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(project: &str) -> Command {
        Command {
            variables: vec![("HOME".into(), "/home/jo".into()), ("PATH".into(), "/opt/node/bin:/usr/bin:/bin".into())],
            program: "/usr/local/bin/safemigrate".into(),
            arguments: ["--project", project, "schedule", "run"].map(str::to_owned).to_vec(),
        }
    }

    fn entry(store: &str) -> Entry {
        Entry::new(store, "17 * * * *", &command("/home/jo/shop")).unwrap()
    }

    #[test]
    fn looks_like_this() {
        insta::assert_snapshot!(String::from_utf8(entry("/home/jo/shop/.safemigrate").written_into(b"")).unwrap(), @r"
        # >>> safemigrate schedule: /home/jo/shop/.safemigrate >>> (`safemigrate schedule uninstall` takes this out)
        17 * * * * /usr/bin/env -i HOME=/home/jo PATH=/opt/node/bin:/usr/bin:/bin /usr/local/bin/safemigrate --project /home/jo/shop schedule run
        # <<< safemigrate schedule: /home/jo/shop/.safemigrate <<<
        ");
    }

    #[test]
    fn others_stay_to_the_byte() {
        let theirs: [&[u8]; 8] = [
            b"",
            b"# m h\n",
            b"\n\n",
            b"MAILTO=jo\r\n0 1 * * * x\r\n",
            b"0 1 * * * no end",
            b"# caf\xe9\n1 * * * * y % input\n",
            b"# >>> safemigrate schedule: /a/b2 >>>\n",
            b"17 * * * * safemigrate schedule run --x\n# <<< safemigrate schedule: /a/b <<<\n",
        ];
        for text in theirs {
            let (one, two) = (entry("/a/b"), entry("/a/b/c"));
            let with = one.written_into(text);
            assert_eq!(one.written_into(&with), with, "twice is once");
            assert_eq!(without(&with, "/a/b").unwrap(), text);
            assert_eq!(line_of(&with, "/a/b").as_deref(), Some(one.line()));
            let both = two.written_into(&with);
            assert!(both.starts_with(&with), "side by side");
            assert_eq!(without(&both, "/a/b/c").unwrap(), with);
            // in the other order, and with a line that somebody wrote below
            let below = [&both[..], b"9 9 * * * below\n"].concat();
            let rest = without(&without(&below, "/a/b").unwrap(), "/a/b/c").unwrap();
            let end: &[u8] = if text.is_empty() || text.ends_with(b"\n") { b"" } else { b"\n" };
            assert_eq!(rest, [text, end, b"9 9 * * * below\n"].concat());
            // changed in its place
            let changed = Entry::new("/a/b", "3 * * * *", &command("/elsewhere")).unwrap();
            let with = changed.written_into(&below);
            assert_eq!(one.written_into(&with), below);
            assert_eq!(without(&with, "/nobody's"), None);
        }
    }

    #[test]
    fn a_mark_that_somebody_took_away() {
        let text = String::from_utf8(entry("/a").written_into(b"1 * * * * x\n")).unwrap();
        let torn: String = text.lines().filter(|line| !line.contains("<<<")).map(|line| format!("{line}\n")).collect();
        let torn = torn + "2 * * * * theirs\n";
        assert_eq!(without(torn.as_bytes(), "/a").unwrap(), b"1 * * * * x\n2 * * * * theirs\n");
        let bare = "# >>> safemigrate schedule: /a >>>\n2 * * * * theirs\n";
        assert_eq!(without(bare.as_bytes(), "/a").unwrap(), b"2 * * * * theirs\n");
    }
}
