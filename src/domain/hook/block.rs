//! A part of somebody's file that is ours, between two marks.

const BEGIN: &str = "# >>> safemigrate >>> (`safemigrate hook uninstall` takes this out)";
/// The file has nothing else and did not exist before.
const ALONE: &str = "# >>> safemigrate >>> (this file is its own; `safemigrate hook uninstall` removes it)";
const END: &str = "# <<< safemigrate <<<";

pub(super) struct Block {
    indent: String,
    lines: Vec<String>,
}

impl Block {
    pub fn new(indent: &str, lines: Vec<String>) -> Self {
        Self { indent: indent.to_owned(), lines }
    }

    /// As a file of its own.
    pub fn alone(&self) -> String {
        self.text(ALONE) + "\n"
    }

    /// Into a text at the beginning of a line, or at its end. `at`: a byte; one behind the end stands for a last line
    /// without an end.
    pub fn inserted(&self, text: &str, at: usize) -> String {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let block = self.text(BEGIN).replace('\n', newline);
        match text.get(..at).zip(text.get(at..)) {
            Some((before, after)) if before.is_empty() || before.ends_with('\n') => {
                format!("{before}{block}{newline}{after}")
            }
            _ => format!("{text}{newline}{block}"),
        }
    }

    fn text(&self, begin: &str) -> String {
        let lines = std::iter::once(begin).chain(self.lines.iter().map(String::as_str)).chain([END]);
        lines.map(|line| format!("{}{line}", self.indent)).collect::<Vec<_>>().join("\n")
    }

    /// The text without any block.
    pub fn removed(text: &str) -> String {
        let mut rest = String::with_capacity(text.len());
        let mut inside = false;
        for line in text.split_inclusive('\n') {
            match line.trim() {
                BEGIN | ALONE => inside = true,
                END if inside => {
                    inside = false;
                    // a block without an end of its line took that of the line above
                    if !line.ends_with('\n') {
                        let cut = rest.strip_suffix("\r\n").or_else(|| rest.strip_suffix('\n')).map(str::len);
                        rest.truncate(cut.unwrap_or(rest.len()));
                    }
                }
                _ if inside => {}
                _ => rest.push_str(line),
            }
        }
        // somebody has taken the end away: what is theirs cannot be told from ours
        if inside { text.to_owned() } else { rest }
    }

    pub fn is_alone(text: &str) -> bool {
        text.lines().any(|line| line.trim() == ALONE) && Self::removed(text).is_empty()
    }
}
