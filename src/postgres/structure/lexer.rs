//! Following quotes and comments of SQL text.

#[derive(Debug, Default, PartialEq, Eq)]
pub enum State {
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
pub struct Lexer {
    pub state: State,
}

impl Lexer {
    /// Takes the next line, or the next bytes that end between two tokens.
    pub fn feed(&mut self, line: &[u8]) {
        self.feed_with(line, |_, _| {});
    }

    /// The same, telling of each byte outside of quotes and comments where it stands; of what opens one, a blank.
    pub fn feed_with(&mut self, line: &[u8], mut outside: impl FnMut(usize, u8)) {
        let mut at = 0;
        while at < line.len() {
            at += match &mut self.state {
                State::Plain => match plain(line, at) {
                    Some((state, width)) => {
                        outside(at, b' ');
                        self.state = state;
                        width
                    }
                    None if line[at..].starts_with(b"--") => {
                        outside(at, b' ');
                        line.len() - at
                    }
                    None => {
                        outside(at, line[at]);
                        1
                    }
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
