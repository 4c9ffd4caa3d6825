//! The fault points, as the source has them and as a run has reached them.

use std::collections::BTreeMap;
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

/// Names in `fault::…("…")`, and what each is.
pub fn in_the_source() -> BTreeMap<String, &'static str> {
    let source = walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut names = BTreeMap::new();
    for file in source.into_iter().flatten().filter(|e| e.path().extension().is_some_and(|e| e == "rs")) {
        let text = std::fs::read_to_string(file.path()).unwrap();
        for what in ["at", "reading", "writing"] {
            let calls = text.split(&format!("fault::{what}(\"")).skip(1).map(str::to_owned).collect::<Vec<_>>();
            names.extend(calls.iter().filter_map(|rest| Some((rest.split_once('"')?.0.to_owned(), what))));
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

#[derive(Clone, Copy)]
pub enum Extent {
    /// Each point each time that it is reached, in each way.
    All,
    /// Of the moments that begin so a third, once; of the points on the disk a tenth, which the number shifts, or none.
    Sample(&'static [&'static str], Option<usize>),
}

pub fn strokes(log: &str, extent: Extent) -> Vec<Stroke> {
    let mut strokes = Vec::new();
    for (n, (name, (what, count))) in hits(log).into_iter().enumerate() {
        for nth in 1..=count {
            for (k, &kind) in kinds(&what).iter().enumerate() {
                let chosen = match (extent, kind) {
                    (Extent::All, _) => true,
                    (Extent::Sample(own, _), _) if what == "at" => {
                        nth == 1 && n % 3 == 0 && own.iter().any(|o| name.starts_with(o))
                    }
                    (Extent::Sample(_, None), _) => false,
                    (Extent::Sample(_, Some(shift)), kind) => {
                        nth == if kind == Kind::Eio { 1 } else { count } && (n + k + shift) % 10 == 0
                    }
                };
                if chosen {
                    strokes.push(Stroke { name: name.clone(), nth, kind });
                }
            }
        }
    }
    strokes
}
