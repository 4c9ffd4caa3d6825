//! The fault points, as the source has them and as a run has reached them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How a point is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SIGKILL.
    Kill,
    /// This one call fails.
    Eio,
    /// The disk is full from then on.
    Enospc,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Kill => "KILL",
            Kind::Eio => "EIO",
            Kind::Enospc => "ENOSPC",
        }
    }
}

/// What can go wrong at a point, by what the log calls it.
fn kinds(what: &str) -> &'static [Kind] {
    match what {
        "writing" => &[Kind::Kill, Kind::Eio, Kind::Enospc],
        "reading" => &[Kind::Kill, Kind::Eio],
        _ => &[Kind::Kill],
    }
}

/// One stroke: the point, which time of its being reached, how.
#[derive(Clone, Debug)]
pub struct Stroke {
    pub name: String,
    pub nth: usize,
    pub kind: Kind,
}

/// Names in `fault::…("…")`.
pub fn in_the_source() -> BTreeSet<String> {
    let source = walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut names = BTreeSet::new();
    for file in source.into_iter().flatten().filter(|e| e.path().extension().is_some_and(|e| e == "rs")) {
        let text = std::fs::read_to_string(file.path()).unwrap();
        for call in ["fault::at(\"", "fault::reading(\"", "fault::writing(\""] {
            names.extend(text.split(call).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    names
}

/// From a log: how often each point was reached, and what it is.
pub fn hits(log: &str) -> BTreeMap<String, (String, usize)> {
    let mut hits: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (what, name) in log.lines().filter_map(|line| line.split_once(' ')) {
        hits.entry(name.to_owned()).or_insert_with(|| (what.to_owned(), 0)).1 += 1;
    }
    hits
}

/// Every stroke, or the first and the last time of each point: killed both times, EIO the first and a full disk the last.
pub fn strokes(log: &str, all: bool) -> Vec<Stroke> {
    let mut strokes = Vec::new();
    for (name, (what, count)) in hits(log) {
        for nth in 1..=count {
            for &kind in kinds(&what) {
                let chosen = match kind {
                    Kind::Kill => nth == 1 || nth == count,
                    Kind::Eio => nth == 1,
                    Kind::Enospc => nth == count,
                };
                if all || chosen {
                    strokes.push(Stroke { name: name.clone(), nth, kind });
                }
            }
        }
    }
    strokes
}
