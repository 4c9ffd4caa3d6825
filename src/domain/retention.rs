//! Which backups go, and which are held although they are old: retention never forgets the last good past.

mod shrinking;
#[cfg(test)]
mod tests;

pub use shrinking::Shrink;

use super::manifest::{Kind, Manifest, Reason};
use super::run::Run;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// Backups of each kind that are kept.
pub const DEFAULT_KEEP: usize = 10;
/// Runs whose checkpoints are held.
const RUNS: usize = 3;

/// Why a backup stays, however many newer ones there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The user said so.
    Pinned,
    /// This run is not over and names it.
    Unfinished(String),
    /// The checkpoint of this run, one of the last three.
    LastRun(String),
    /// The newest before tables shrank by more than half, or vanished.
    BeforeShrink(Vec<Shrink>),
    /// The first after that, beside the backup of this id: without it nothing would tell that tables shrank.
    AfterShrink(String),
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned => f.write_str("pinned"),
            Self::Unfinished(run) => write!(f, "the run {run} is not over"),
            Self::LastRun(run) => write!(f, "the checkpoint of {run}, one of the last {RUNS} runs"),
            Self::BeforeShrink(shrinks) => shrinking::describe(shrinks, f),
            Self::AfterShrink(id) => write!(f, "the first after {id}: shows what shrank"),
        }
    }
}

/// Ids, each with the reasons why it is held; the others are not in it.
pub type Holds = BTreeMap<String, Vec<Hold>>;

/// Which backups are held, and why. `newest_first` is what `Store::manifests` gives.
pub fn holds(newest_first: &[Manifest], pinned: &HashSet<String>, runs: &[Run]) -> Holds {
    let mut holds = Holds::new();
    let mut hold = |id: &str, why: Hold| {
        let reasons = holds.entry(id.to_owned()).or_default();
        if !reasons.contains(&why) {
            reasons.push(why);
        }
    };
    pinned.iter().for_each(|id| hold(id, Hold::Pinned));
    for run in runs.iter().filter(|run| run.is_unfinished()) {
        run.before.iter().chain(&run.after).for_each(|id| hold(id, Hold::Unfinished(run.id.clone())));
    }
    for line in timelines(newest_first) {
        for (backup, run) in last_checkpoints(&line) {
            hold(&backup.id, Hold::LastRun(run.to_owned()));
        }
        for shrinking in shrinking::moments(&line) {
            hold(&shrinking.before.id, Hold::BeforeShrink(shrinking.shrinks));
            hold(&shrinking.after.id, Hold::AfterShrink(shrinking.before.id.clone()));
        }
    }
    holds
}

/// Ids beyond the newest `keep` of each kind of each database, except the held ones.
pub fn superfluous(newest_first: &[Manifest], keep: usize, is_held: impl Fn(&str) -> bool) -> Vec<String> {
    let beyond = beyond(newest_first, keep).into_iter();
    beyond.filter(|old| !is_held(&old.backup.id)).map(|old| old.backup.id.clone()).collect()
}

/// A backup that is not among the newest of its kind and database.
pub struct Old<'m> {
    pub backup: &'m Manifest,
    /// How many of that kind and database are newer.
    pub newer: usize,
}

impl fmt::Display for Old<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backup, newer } = self;
        write!(f, "{newer} newer {} backups of {}", backup.kind.name(), backup.database.name)
    }
}

/// The backups beyond the newest `keep` of each kind of each database, held ones too.
pub fn beyond(newest_first: &[Manifest], keep: usize) -> Vec<Old<'_>> {
    let lines = timelines(newest_first).into_iter();
    let old = |line: Vec<_>| line.into_iter().enumerate().skip(keep).map(|(newer, backup)| Old { backup, newer });
    lines.flat_map(old).collect()
}

/// The backups of one kind of one database, newest first. Databases go by their name: one that was made anew,
/// on a new server too, follows the old one. What was imported is no moment in the life of the database.
fn timelines(newest_first: &[Manifest]) -> Vec<Vec<&Manifest>> {
    let mut lines: Vec<Vec<&Manifest>> = Vec::new();
    let mut places: HashMap<(&str, bool, Kind), usize> = HashMap::new();
    for manifest in newest_first {
        let line = (manifest.database.name.as_str(), manifest.imported.is_some(), manifest.kind);
        let place = *places.entry(line).or_insert(lines.len());
        if place == lines.len() {
            lines.push(Vec::new());
        }
        lines[place].push(manifest);
    }
    lines
}

/// The last checkpoint of each of the last runs that took one, with the run. Told by the backups themselves, so that a
/// damaged journal loses none of them.
fn last_checkpoints<'m>(line: &[&'m Manifest]) -> Vec<(&'m Manifest, &'m str)> {
    let mut last: Vec<(&Manifest, &str)> = Vec::new();
    for &backup in line {
        let before = matches!(backup.reason, Reason::BeforeMigration | Reason::BeforeRestore);
        let Some(run) = backup.run.as_deref().filter(|_| before) else { continue };
        if last.len() < RUNS && last.iter().all(|(_, known)| *known != run) {
            last.push((backup, run));
        }
    }
    last
}
