//! What is about to be pushed.

use super::{Checked, Journals, Migration, is_of_other_database, read_folder, schema};
use crate::domain::lint::published::{Base, SCRIPT, Script, accepted, findings, new_scripts};
use crate::domain::lint::secrets::{Blob, data_in, is_env_file, password_in};
use crate::domain::lint::{Finding, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::git::{Content, Entry, Git, Pushed};
use crate::prisma::dotenv;
use std::collections::{BTreeMap, BTreeSet};

/// A line that git writes to the hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRef {
    pub local: String,
    pub commit: String,
    pub remote: String,
    /// What the remote has under this name; `None`: nothing.
    pub known: Option<String>,
}

/// The lines of the hook's input: local ref, its object, remote ref, its object. What is deleted brings nothing.
///
/// # Errors
/// `Usage` where a line is none of git's.
pub fn parse_refs(input: &str) -> Result<Vec<PushedRef>> {
    let mut refs = Vec::new();
    for line in input.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [local, commit, remote, known] = words.as_slice() else {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("This is no line that git writes to a pre-push hook: {line}"),
            )
            .hint("git calls this: `safemigrate hook install` sets it up; `safemigrate lint` checks files."));
        };
        let is_none = |object: &str| object.bytes().all(|byte| byte == b'0');
        if !is_none(commit) {
            let known = (!is_none(known)).then(|| (*known).to_owned());
            refs.push(PushedRef { local: (*local).into(), commit: (*commit).into(), remote: (*remote).into(), known });
        }
    }
    Ok(refs)
}

/// Checks what `refs` bring to `remote`. `within`: only this folder's migrations, from the root of the repository.
///
/// # Errors
/// `Tool` without git; `Other` where git fails.
pub fn check_push(git: &Git, remote: &str, refs: &[PushedRef], within: &str, journals: &Journals) -> Result<Checked> {
    let mut checked = Checked::default();
    for pushed in refs {
        // a tag may be of something else
        let Some(commit) = git.commit(&pushed.commit)? else { continue };
        // a tag that moves takes nothing away
        let known = pushed.known.as_deref().filter(|_| !pushed.remote.starts_with("refs/tags/"));
        let brought = git.pushed(&commit, remote, known)?;
        if brought.is_blind {
            let name = pushed.remote.trim_start_matches("refs/heads/");
            checked.notes.push(format!("What {remote} has in {name} is not known here; `git fetch {remote}` tells"));
        }
        checked.and(check_brought(git, &brought, within, journals)?);
    }
    Ok(checked.tidied())
}

/// Checks the new commits of one ref.
pub(super) fn check_brought(git: &Git, brought: &Pushed, within: &str, journals: &Journals) -> Result<Checked> {
    let inside = |path: &str| within.is_empty() || path.strip_prefix(within).is_some_and(|rest| rest.starts_with('/'));
    let paths: BTreeSet<String> = brought.touched.iter().map(|t| t.path.clone()).filter(|path| inside(path)).collect();
    let new: Vec<&String> = new_scripts(&brought.bases, &paths);
    let folders: BTreeSet<String> =
        new.iter().filter_map(|path| Script::of(path)).map(|script| script.folder.to_owned()).collect();
    let tip = if folders.is_empty() { Vec::new() } else { tip_files(git, &brought.commit, &folders)? };
    let texts = scripts(git, brought, &tip)?;
    let mut checked = Checked::default();
    let of_others = published(&brought.bases, &paths, &texts, &tip);
    checked.findings.extend(of_others.into_iter().filter(|finding| inside(&finding.file)));
    for folder in &folders {
        checked.and(check_folder(folder, &new, &tip, &texts, journals));
    }
    checked.findings.extend(secrets(git, brought)?);
    checked.findings.extend(schema::findings(git, brought, &paths, &folders)?);
    Ok(checked)
}

/// The scripts and lock files of these folders.
fn tip_files(git: &Git, commit: &str, folders: &BTreeSet<String>) -> Result<Vec<Entry>> {
    let everywhere = folders.contains("");
    let paths: Vec<String> = folders.iter().filter(|_| !everywhere).map(|folder| format!("{folder}/")).collect();
    let mut files = git.files(commit, &paths)?;
    files.retain(|entry| Script::of(&entry.path).is_some() || entry.path.ends_with(LOCK));
    Ok(files)
}

const LOCK: &str = "migration_lock.toml";

/// The text of each of these files; of one that is too long, a statement that cannot be read.
fn scripts(git: &Git, brought: &Pushed, tip: &[Entry]) -> Result<BTreeMap<String, String>> {
    let changed = brought.touched.iter().filter(|t| Script::of(&t.path).is_some()).filter_map(|t| t.blob.clone());
    let blobs = tip.iter().map(|entry| entry.blob.clone()).chain(changed);
    git.contents(blobs, |_, content| Some(if content.is_whole() { content.text() } else { "TOO LONG".to_owned() }))
}

/// What happened to migrations that the remote has; a comment at the top of the file may accept it.
fn published(
    bases: &[Base],
    paths: &BTreeSet<String>,
    texts: &BTreeMap<String, String>,
    tip: &[Entry],
) -> Vec<Finding> {
    let text = |path: &str| texts.get(&tip.iter().find(|entry| entry.path == path)?.blob);
    let is_accepted =
        |finding: &Finding| text(&finding.file).is_some_and(|text| accepted(text).contains(&finding.kind));
    findings(bases, paths).into_iter().filter(|finding| !is_accepted(finding)).collect()
}

fn check_folder(
    folder: &str,
    new: &[&String],
    tip: &[Entry],
    texts: &BTreeMap<String, String>,
    journals: &Journals,
) -> Checked {
    let lock = if folder.is_empty() { LOCK.to_owned() } else { format!("{folder}/{LOCK}") };
    let lock = tip.iter().find(|entry| entry.path == lock).and_then(|entry| texts.get(&entry.blob));
    if lock.is_some_and(|lock| is_of_other_database(lock)) {
        return Checked::default();
    }
    let of_folder = tip.iter().filter_map(|entry| {
        let script = Script::of(&entry.path).filter(|script| script.folder == folder)?;
        let text = texts.get(&entry.blob)?.clone();
        Some(Migration { path: entry.path.clone(), name: script.name.to_owned(), text })
    });
    let new = new.iter().map(|path| (*path).clone()).collect();
    read_folder(of_folder.collect(), &new, journals, folder)
}

/// In any of the commits, not in the last one only: what is taken out later is in the repository all the same.
fn secrets(git: &Git, brought: &Pushed) -> Result<Vec<Finding>> {
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for touched in &brought.touched {
        if let Some(blob) = touched.blob.as_deref().filter(|_| !touched.path.ends_with(SCRIPT)) {
            paths.entry(blob).or_default().push(&touched.path);
        }
    }
    let look = |blob: &str, content: Content| {
        let paths = paths.get(blob)?;
        let found: Vec<Finding> = paths.iter().filter_map(|path| secret_in(path, &content)).collect();
        (!found.is_empty()).then_some(found)
    };
    let mut found: Vec<Finding> =
        git.contents(paths.keys().map(|blob| (*blob).to_owned()), look)?.into_values().flatten().collect();
    one_of_each_store(&mut found);
    Ok(found)
}

fn secret_in(path: &str, content: &Content) -> Option<Finding> {
    let blob = Blob { path, head: &content.head, size: content.size };
    data_in(&blob).or_else(|| {
        let text = is_env_file(path).then(|| content.text())?;
        password_in(path, &text, &dotenv::parse(&text))
    })
}

/// A store has thousands of files; one of them says it.
fn one_of_each_store(found: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    found.retain(|finding| {
        let store = finding.file.split("/objects/").next().unwrap_or_default();
        let store = store.find(".safemigrate").map_or(store, |at| &store[..at]);
        finding.kind != Kind::Backup || seen.insert(store.to_owned())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_git() {
        let (a, zero) = ("a".repeat(40), "0".repeat(40));
        let input = format!(
            "refs/heads/x {a} refs/heads/y {zero}\n(delete) {zero} refs/heads/z {a}\n\nHEAD {a} refs/tags/t {a}\n"
        );
        let refs = parse_refs(&input).unwrap();
        assert_eq!(refs.len(), 2);
        assert_eq!((refs[0].local.as_str(), refs[0].known.as_ref()), ("refs/heads/x", None));
        assert_eq!((refs[1].remote.as_str(), refs[1].known.as_ref()), ("refs/tags/t", Some(&a)));
        assert!(parse_refs("").unwrap().is_empty());
        assert_eq!(parse_refs("one two").unwrap_err().kind, ErrorKind::Usage);
    }
}
