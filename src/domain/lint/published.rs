//! Migrations that others have already: what a push does to them.

use super::accept::Accept;
use super::kind::{Finding, Kind};
use crate::domain::names::shell_word;
use std::collections::{BTreeMap, BTreeSet};

/// The file that makes a folder a migration.
pub const SCRIPT: &str = "migration.sql";

/// One difference between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    Added(String),
    Edited(String),
    Deleted(String),
    Moved { from: String, to: String, same_text: bool },
}

/// What the remote has, and how what is pushed differs from it.
#[derive(Debug, Clone)]
pub struct Base {
    pub commit: String,
    pub differences: Vec<Difference>,
    /// A force push: the remote has commits that are not in what is pushed.
    pub is_left_behind: bool,
}

/// A migration's script, as its path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Script<'a> {
    /// The folder of all migrations.
    pub folder: &'a str,
    pub name: &'a str,
}

impl<'a> Script<'a> {
    /// `prisma/migrations/20260101_init/migration.sql`
    pub fn of(path: &'a str) -> Option<Self> {
        let directory = path.strip_suffix(SCRIPT)?.strip_suffix('/')?;
        let (folder, name) = directory.rsplit_once('/').unwrap_or(("", directory));
        (!name.is_empty()).then_some(Self { folder, name })
    }
}

/// What happened to migrations that the remote has. `touched`: the paths that the commits to be pushed change themselves,
/// so that what came with a merge of others' commits is not laid at this push's door.
pub fn findings(bases: &[Base], touched: &BTreeSet<String>) -> Vec<Finding> {
    let mut found = BTreeMap::new();
    for base in bases {
        for difference in &base.differences {
            let changed = |path: &String| touched.contains(path) || base.is_left_behind;
            let finding = match difference {
                Difference::Edited(path) if changed(path) && differs_everywhere(bases, path) => {
                    edited(path, &base.commit)
                }
                Difference::Deleted(path) if changed(path) => deleted(path, &base.commit),
                Difference::Moved { from, to, same_text } if changed(from) || changed(to) => {
                    // the same migration in a folder that is called otherwise now
                    if *same_text && Script::of(from).map(|s| s.name) == Script::of(to).map(|s| s.name) {
                        continue;
                    }
                    renamed(from, to, &base.commit)
                }
                _ => continue,
            };
            found.entry((finding.file.clone(), finding.kind)).or_insert(finding);
        }
    }
    found.into_values().filter(|f| Script::of(&f.file).is_some()).collect()
}

/// The paths of the scripts that no base has, or has with another text.
pub fn new_scripts<'a>(bases: &[Base], touched: &'a BTreeSet<String>) -> Vec<&'a String> {
    let is_new = |base: &Base, path: &String| {
        base.differences.iter().any(|difference| match difference {
            Difference::Added(new) | Difference::Edited(new) | Difference::Moved { to: new, .. } => new == path,
            Difference::Deleted(_) => false,
        })
    };
    let scripts = touched.iter().filter(|path| Script::of(path).is_some());
    scripts.filter(|path| bases.iter().all(|base| is_new(base, path))).collect()
}

/// A base that has it as it is pushed has been pushed by somebody before.
fn differs_everywhere(bases: &[Base], path: &String) -> bool {
    bases.iter().all(|base| {
        base.differences.iter().any(|d| matches!(d, Difference::Edited(p) | Difference::Added(p) if p == path))
    })
}

/// What the comments above the first statement accept for the whole file.
pub fn accepted(text: &str) -> BTreeSet<Kind> {
    let above = text.lines().map(str::trim).take_while(|line| line.is_empty() || line.starts_with("--"));
    let kinds = above.filter_map(|line| Accept::read(line, 1)?.what.ok());
    kinds.filter(|kind| kind.is_of_file()).collect()
}

fn edited(path: &str, base: &str) -> Finding {
    let message = "This migration is on the remote already, and was edited: where it ran it does not run again, and Prisma asks for a reset".to_owned();
    let remedy = format!(
        "Put it back and make the change a new migration: git checkout {} -- {}",
        short(base),
        shell_word(path)
    );
    finding(path, Kind::Edited, message, meant(&remedy, Kind::Edited))
}

fn renamed(from: &str, to: &str, base: &str) -> Finding {
    let message = format!(
        "This migration is on the remote already, as {from}: where it ran it runs once more under the new name"
    );
    let remedy =
        format!("Give it its name back: git mv {} {}  (as in {})", folder_word(to), folder_word(from), short(base));
    finding(to, Kind::Renamed, message, meant(&remedy, Kind::Renamed))
}

fn deleted(path: &str, base: &str) -> Finding {
    let message =
        "This migration is on the remote already, and is gone: where it ran Prisma asks for a reset".to_owned();
    let remedy = format!(
        "Put it back: git checkout {} -- {}. If it never ran anywhere but here: git push --no-verify",
        short(base),
        shell_word(path)
    );
    finding(path, Kind::Deleted, message, remedy)
}

fn meant(remedy: &str, kind: Kind) -> String {
    format!("{remedy}. If it never ran anywhere but here, write into its first line: {}", Accept::comment(kind))
}

fn folder_word(path: &str) -> String {
    shell_word(path.strip_suffix(SCRIPT).map_or(path, |folder| folder.trim_end_matches('/')))
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn finding(path: &str, kind: Kind, message: String, remedy: String) -> Finding {
    Finding { file: path.to_owned(), line: 1, kind, severity: kind.severity(), message, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "prisma/migrations/1_a/migration.sql";
    const B: &str = "prisma/migrations/2_b/migration.sql";

    fn base(differences: Vec<Difference>) -> Base {
        Base { commit: "0123456789abcdef".into(), differences, is_left_behind: false }
    }

    fn kinds(bases: &[Base], touched: &[&str]) -> Vec<&'static str> {
        let touched = touched.iter().map(|path| (*path).to_owned()).collect();
        findings(bases, &touched).iter().map(|f| f.kind.word()).collect()
    }

    #[test]
    fn a_path_tells_folder_and_name() {
        assert_eq!(Script::of(A), Some(Script { folder: "prisma/migrations", name: "1_a" }));
        assert_eq!(Script::of("1_a/migration.sql"), Some(Script { folder: "", name: "1_a" }));
        assert_eq!(Script::of("migration.sql"), None);
        assert_eq!(Script::of("a/xmigration.sql"), None);
    }

    #[test]
    fn what_others_have_stays() {
        assert_eq!(kinds(&[base(vec![Difference::Edited(A.into())])], &[A]), ["edited"]);
        assert_eq!(kinds(&[base(vec![Difference::Deleted(A.into())])], &[A]), ["deleted"]);
        let moved = |to: &str, same_text| Difference::Moved { from: A.into(), to: to.into(), same_text };
        assert_eq!(kinds(&[base(vec![moved(B, true)])], &[A, B]), ["renamed"]);
        // the project moved, its migrations did not change
        assert_eq!(kinds(&[base(vec![moved("apps/web/migrations/1_a/migration.sql", true)])], &[A]), [] as [&str; 0]);
        assert_eq!(kinds(&[base(vec![Difference::Added(B.into())])], &[B]), [] as [&str; 0]);
        assert_eq!(kinds(&[base(vec![Difference::Edited("README.md".into())])], &["README.md"]), [] as [&str; 0]);
    }

    #[test]
    fn what_came_with_a_merge_is_not_this_pushs() {
        assert_eq!(kinds(&[base(vec![Difference::Deleted(A.into())])], &[]), [] as [&str; 0]);
        // edited by somebody, on the remote since: one base has it as it is
        assert_eq!(kinds(&[base(vec![Difference::Edited(A.into())]), base(vec![])], &[A]), [] as [&str; 0]);
        // but commits that a force push leaves behind are
        let behind = Base { is_left_behind: true, ..base(vec![Difference::Deleted(A.into())]) };
        assert_eq!(kinds(&[behind], &[]), ["deleted"]);
    }

    #[test]
    fn new_is_what_no_base_has() {
        let touched = BTreeSet::from([A.to_owned(), B.to_owned(), "x.sql".to_owned()]);
        assert_eq!(new_scripts(&[], &touched), [A, B]);
        assert_eq!(new_scripts(&[base(vec![Difference::Added(B.into())])], &touched), [B]);
        assert_eq!(new_scripts(&[base(vec![Difference::Added(B.into())]), base(vec![])], &touched), [] as [&str; 0]);
    }

    #[test]
    fn a_file_is_accepted_at_its_top() {
        let all = BTreeSet::from([Kind::Edited]);
        assert_eq!(accepted("-- x\r\n\r\n-- safemigrate: accept edited never ran\r\nSELECT 1;"), all);
        assert!(accepted("SELECT 1;\n-- safemigrate: accept edited never ran").is_empty());
        assert!(accepted("-- safemigrate: accept edited\n-- safemigrate: accept dropped-table x").is_empty());
    }

    #[test]
    fn the_word_that_is_named_accepts_it() {
        let touched = BTreeSet::from([A.to_owned(), B.to_owned()]);
        let moved = Difference::Moved { from: A.into(), to: B.into(), same_text: true };
        for difference in [Difference::Edited(A.into()), moved] {
            let finding = findings(&[base(vec![difference])], &touched).remove(0);
            let comment = finding.remedy.split("first line: ").nth(1).unwrap().replace("REASON", "because");
            assert_eq!(accepted(&comment), BTreeSet::from([finding.kind]));
        }
    }
}
