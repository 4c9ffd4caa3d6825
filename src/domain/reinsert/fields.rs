//! COPY text without the fields that have no place any more.

use std::io::{self, Read};

/// Passes on only some fields of each row of COPY text, in their order. Tabs and newlines inside of values are escaped
/// there, so that those that stand bare are the separators.
pub struct OnlyFields<R> {
    inside: R,
    keep: Vec<bool>,
    /// Which field the reader is in.
    field: usize,
    /// Whether a kept field of this row was already passed on.
    begun: bool,
    raw: Vec<u8>,
    ready: Vec<u8>,
    taken: usize,
}

const PIECE: usize = 64 << 10;

impl<R: Read> OnlyFields<R> {
    /// `keep` says for each field of a row whether it goes on.
    pub fn new(inside: R, keep: Vec<bool>) -> Self {
        Self { inside, keep, field: 0, begun: false, raw: vec![0; PIECE], ready: Vec::with_capacity(PIECE), taken: 0 }
    }

    fn refill(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.taken = 0;
        while self.ready.is_empty() {
            let n = self.inside.read(&mut self.raw)?;
            if n == 0 {
                return Ok(false);
            }
            self.sift(n);
        }
        Ok(true)
    }

    fn sift(&mut self, n: usize) {
        let mut piece = &self.raw[..n];
        loop {
            let end = memchr::memchr2(b'\t', b'\n', piece).unwrap_or(piece.len());
            if self.keep.get(self.field).copied().unwrap_or(true) {
                self.ready.extend_from_slice(&piece[..end]);
            }
            let Some(separator) = piece.get(end) else { return };
            if *separator == b'\n' {
                self.ready.push(b'\n');
                self.field = 0;
                self.begun = false;
            } else {
                self.begun |= self.keep.get(self.field).copied().unwrap_or(true);
                self.field += 1;
                if self.begun && self.keep.get(self.field).copied().unwrap_or(true) {
                    self.ready.push(b'\t');
                }
            }
            piece = &piece[end + 1..];
        }
    }
}

impl<R: Read> Read for OnlyFields<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() && !self.refill()? {
            return Ok(0);
        }
        let n = buffer.len().min(self.ready.len() - self.taken);
        buffer[..n].copy_from_slice(&self.ready[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte at a time, so that every border is met.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(1);
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn only(text: &str, keep: &[bool]) -> String {
        let mut slow = String::new();
        OnlyFields::new(Slow(text.as_bytes()), keep.to_vec()).read_to_string(&mut slow).unwrap();
        let mut fast = String::new();
        OnlyFields::new(text.as_bytes(), keep.to_vec()).read_to_string(&mut fast).unwrap();
        assert_eq!(slow, fast);
        fast
    }

    #[test]
    fn keeps_only_what_has_a_place() {
        let text = "a\tb\tc\n\t\\N\t\nx\\ty\t\\\\\tz\n";
        assert_eq!(only(text, &[true, true, true]), text);
        assert_eq!(only(text, &[true, false, true]), "a\tc\n\t\nx\\ty\tz\n");
        assert_eq!(only(text, &[false, true, false]), "b\n\\N\n\\\\\n");
        assert_eq!(only(text, &[false, false, true]), "c\n\nz\n");
        assert_eq!(only("\n\n", &[]), "\n\n");
        assert_eq!(only("a\nb\n", &[false]), "\n\n");
    }
}
