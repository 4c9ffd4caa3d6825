//! Rust text as words with line numbers, and the paths in it. No full parser: what is not a word or a path is skipped.

/// A word (`crate`, `println`) or a single sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// A path as it is written out in full: each name of a `use` tree gives one.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    pub names: Vec<String>,
    pub line: usize,
}

impl Path {
    pub fn text(&self) -> String {
        self.names.join("::")
    }
}

pub fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in without_text(source).lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let length = if rest.starts_with("::") { 2 } else { word.max(first.len_utf8()) };
            let (text, after) = rest.split_at(length);
            if !text.trim().is_empty() {
                tokens.push(Token { text: text.to_owned(), line: number + 1 });
            }
            rest = after;
        }
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path with more than one name. `module` is where the file stands (`["ui", "table"]`): paths that begin with
/// `super` or `self` are written out as `crate::…`.
pub fn paths(tokens: &[Token], module: &[String]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut inner: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inner.retain(|(_, opened)| *opened <= depth);
            }
            "mod" if is(tokens, at + 2, "{") => inner.push((tokens[at + 1].text.clone(), depth + 1)),
            word if is(tokens, at + 1, "::") && word.starts_with(is_word) => {
                let here: Vec<String> = module.iter().cloned().chain(inner.iter().map(|i| i.0.clone())).collect();
                let first = found.len();
                at = tree(tokens, at, &[], &mut found);
                found[first..].iter_mut().for_each(|path| path.names = absolute(&path.names, &here));
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|t| t.text == text)
}

/// Reads `a::b::{c, d::e}` from `at`; returns where it ends.
fn tree(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<Path>) -> usize {
    let mut names = before.to_vec();
    let line = tokens.get(at).map_or(0, |t| t.line);
    while let Some(token) = tokens.get(at).filter(|t| t.text.starts_with(is_word) || t.text == "*") {
        names.push(token.text.clone());
        at += 1;
        if !is(tokens, at, "::") {
            break;
        }
        at += 1;
        if is(tokens, at, "{") {
            return group(tokens, at + 1, &names, found);
        }
    }
    found.push(Path { names, line });
    at
}

/// The inside of `{…}`; returns the place behind it.
fn group(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<Path>) -> usize {
    while at < tokens.len() && !is(tokens, at, "}") {
        let text = tokens[at].text.as_str();
        let is_name = text == "*" || text.starts_with(is_word) && text != "as" && !is(tokens, at.wrapping_sub(1), "as");
        at = if is_name { tree(tokens, at, before, found) } else { at + 1 };
    }
    at + 1
}

/// `super::x` in `ui::table` is `crate::ui::x`.
fn absolute(names: &[String], here: &[String]) -> Vec<String> {
    let supers = names.iter().take_while(|n| *n == "super" || *n == "self").count();
    if supers == 0 {
        return names.to_vec();
    }
    let up = names.iter().take(supers).filter(|n| *n == "super").count();
    let base = here.len().saturating_sub(up);
    std::iter::once("crate".to_owned()).chain(here[..base].iter().cloned()).chain(names[supers..].to_vec()).collect()
}

/// Comments and the insides of strings and characters become blanks; lines stay where they are.
fn without_text(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while !rest.is_empty() {
        let blank = length_of_text(rest, out.chars().next_back());
        let length = if blank > 0 { blank } else { rest.chars().next().map_or(1, char::len_utf8) };
        let (piece, after) = rest.split_at(length);
        if blank > 0 {
            out.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            out.push_str(piece);
        }
        rest = after;
    }
    out
}

/// Length of the comment, string or character that begins here; 0 when none does.
fn length_of_text(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return comment(rest);
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    if rest.starts_with('r') && !before.is_some_and(is_word) {
        let marks = rest[1..].chars().take_while(|c| *c == '#').count();
        let end = format!("\"{}", "#".repeat(marks));
        if rest[1 + marks..].starts_with('"') {
            let inside = &rest[2 + marks..];
            return 2 + marks + inside.find(&end).map_or(inside.len(), |i| i + end.len());
        }
    }
    // 'a' and '\n' are characters, 'a without an end is a lifetime
    let mut letters = rest.strip_prefix('\'').unwrap_or_default().chars();
    match (letters.next(), letters.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(rest, '\''),
        _ => 0,
    }
}

fn quoted(rest: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == end => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// Block comments nest.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}
