//! The contents of many files by one process.

use super::{Git, command, missing};
use crate::error::{Context, ErrorKind, Result};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::Stdio;

/// How much of a file is looked at.
const LONGEST: u64 = 8 << 20;

/// A file's beginning, for most files all of it.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub head: Vec<u8>,
    /// Bytes in all.
    pub size: u64,
}

impl Content {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    pub fn is_whole(&self) -> bool {
        self.head.len() as u64 == self.size
    }
}

impl Git {
    /// What `see` makes of each of these files; of one that is missing (a partial clone), nothing.
    ///
    /// # Errors
    /// `Other` where git fails.
    pub fn contents<T>(
        &self,
        blobs: impl IntoIterator<Item = String>,
        mut see: impl FnMut(&str, Content) -> Option<T>,
    ) -> Result<BTreeMap<String, T>> {
        let mut blobs: Vec<String> = blobs.into_iter().collect();
        blobs.sort();
        blobs.dedup();
        let mut seen = BTreeMap::new();
        if blobs.is_empty() {
            return Ok(seen);
        }
        let mut git = command(self.folder.as_deref());
        git.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = git.spawn().map_err(missing)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let asked = blobs.join("\n") + "\n";
        let read = std::thread::scope(|scope| {
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(asked.as_bytes())));
            let mut answers = BufReader::new(stdout.ok_or_else(|| io::Error::other("no output"))?);
            for blob in &blobs {
                if let Some(found) = next(&mut answers)?.and_then(|content| see(blob, content)) {
                    seen.insert(blob.clone(), found);
                }
            }
            io::Result::Ok(())
        });
        let ended = child.wait();
        read.and(ended).context(ErrorKind::Other, || "git did not give the contents of files".into())?;
        Ok(seen)
    }
}

/// `OID blob SIZE`, the content, a line's end; or `OID missing`.
fn next(answers: &mut impl BufRead) -> io::Result<Option<Content>> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    let mut words = line.split_whitespace().skip(1);
    let (Some("blob"), Some(size)) = (words.next(), words.next().and_then(|size| size.parse::<u64>().ok())) else {
        return Ok(None);
    };
    let mut head = Vec::new();
    answers.by_ref().take(size.min(LONGEST)).read_to_end(&mut head)?;
    let rest = size - head.len() as u64 + 1;
    io::copy(&mut answers.by_ref().take(rest), &mut io::sink())?;
    Ok(Some(Content { head, size }))
}
