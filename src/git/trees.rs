//! Trees and the differences between them.

use super::Git;
use crate::domain::lint::published::Difference;
use crate::error::Result;
use std::collections::BTreeMap;

/// A file that a new commit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    pub path: String,
    /// Its new content; `None` where it was deleted, or is no file (a link, a submodule).
    pub blob: Option<String>,
}

/// A file in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: String,
    pub blob: String,
}

impl Git {
    /// The files of a commit below the given paths, all of them where none is given.
    ///
    /// # Errors
    /// `Other` where git fails.
    pub fn files(&self, commit: &str, paths: &[String]) -> Result<Vec<Entry>> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", commit, "--"];
        arguments.extend(paths.iter().map(String::as_str));
        let listed = self.asked(&arguments, b"")?;
        Ok(parts(&listed).filter_map(|entry| entry_of(&entry)).collect())
    }

    /// What is different in `new`.
    ///
    /// # Errors
    /// `Other` where git fails.
    pub fn differences(&self, old: &str, new: &str) -> Result<Vec<Difference>> {
        // a small script is soon like another one: a renamed one is nearly the same
        let listed = self.asked(&["diff-tree", "-r", "-z", "-M80%", "--raw", old, new], b"")?;
        Ok(differences(&listed))
    }
}

/// Names may be no UTF-8: what they are compared with is.
fn parts(listed: &[u8]) -> impl Iterator<Item = String> {
    listed
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
        .map(|part| String::from_utf8_lossy(part).into_owned())
}

/// `100644 blob OID\tPATH`
fn entry_of(entry: &str) -> Option<Entry> {
    let (about, path) = entry.split_once('\t')?;
    let mut words = about.split(' ');
    let (mode, _, blob) = (words.next()?, words.next()?, words.next()?);
    is_file(mode).then(|| Entry { path: path.to_owned(), blob: blob.to_owned() })
}

fn is_file(mode: &str) -> bool {
    mode.starts_with("100")
}

/// `:100644 100644 OLD NEW M`, then the path; a merge has a colon, a mode and an old content for each parent.
pub(super) fn touched(listed: &[u8]) -> Vec<Touched> {
    let mut latest = BTreeMap::new();
    let mut all = parts(listed);
    while let Some(about) = all.next() {
        let colons = about.bytes().take_while(|byte| *byte == b':').count();
        let words: Vec<&str> = about[colons..].split(' ').collect();
        let Some(path) = all.next() else { break };
        let (Some(mode), Some(blob)) = (words.get(colons), words.get(2 * colons + 1)) else { continue };
        let blob = is_file(mode).then(|| (*blob).to_owned());
        latest.insert((path, blob), ());
    }
    latest.into_keys().map(|(path, blob)| Touched { path, blob }).collect()
}

fn differences(listed: &[u8]) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut all = parts(listed);
    while let Some(about) = all.next() {
        let words: Vec<&str> = about.split(' ').collect();
        let (Some(status), Some(path)) = (words.last(), all.next()) else { break };
        let same_text = words.get(2) == words.get(3);
        match status.chars().next() {
            Some('A') => found.push(Difference::Added(path)),
            Some('D') => found.push(Difference::Deleted(path)),
            Some('R' | 'C') => {
                let Some(to) = all.next() else { break };
                found.push(Difference::Moved { from: path, to, same_text });
            }
            // the mode alone
            _ if same_text => {}
            _ => found.push(Difference::Edited(path)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_git_lists() {
        let listed = b":100644 100644 aa bb M\0a b\0:000000 100644 00 cc A\0n\nl\0:100644 000000 aa 00 D\0gone\0\
            ::100644 100644 100644 aa bb dd MM\0merged\0:000000 120000 00 ee A\0link\0";
        let found: Vec<(String, Option<String>)> = touched(listed).into_iter().map(|t| (t.path, t.blob)).collect();
        let expected =
            [("a b", Some("bb")), ("gone", None), ("link", None), ("merged", Some("dd")), ("n\nl", Some("cc"))];
        assert_eq!(found, expected.map(|(path, blob)| (path.to_owned(), blob.map(str::to_owned))));
        let listed =
            b":100644 100644 aa aa R100\0old\0new\0:100644 100755 aa aa M\0mode\0:100644 100644 aa bb M\0text\0";
        let moved = Difference::Moved { from: "old".into(), to: "new".into(), same_text: true };
        assert_eq!(differences(listed), [moved, Difference::Edited("text".into())]);
        assert_eq!(entry_of("100755 blob ab\ta\tb"), Some(Entry { path: "a\tb".into(), blob: "ab".into() }));
        assert_eq!(entry_of("160000 commit ab\tsub"), None);
    }
}
