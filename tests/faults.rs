//! Every dangerous step is stopped at every fault point (`src/fault.rs`): the process dies there, or the disk fails, or it
//! is full. Then the database is as before or as after, `status` tells of the run, `recover` or the next command puts
//! everything in order, and nothing is left behind.
//!
//! The suite strikes a third of the moments between two steps and a part of what concerns the disk; this strikes
//! everything, each time that it is reached (or, with a point's name, that one): `FAULTS=all cargo test --features fault-points --test faults -- --nocapture`.

mod scene;
mod support;

#[path = "faults/journey.rs"]
mod journey;
#[path = "faults/points.rs"]
mod points;
#[path = "faults/strike.rs"]
mod strike;

use journey::Journey;
use points::{hits, in_the_source};
use strike::Rig;

#[test]
fn backup() {
    Rig::new(Journey::backup()).strike_everywhere();
}

#[test]
fn rollback_by_swap() {
    Rig::new(Journey::rollback_by_swap()).strike_everywhere();
}

#[test]
fn rollback_of_a_dropped_database() {
    Rig::new(Journey::rollback_of_a_dropped_database()).strike_everywhere();
}

#[test]
fn rollback_in_place() {
    Rig::new(Journey::rollback_in_place()).strike_everywhere();
}

#[test]
fn reinsert() {
    Rig::new(Journey::reinsert()).strike_everywhere();
}

#[test]
fn trial_restore() {
    Rig::new(Journey::trial_restore()).strike_everywhere();
}

#[test]
fn import() {
    Rig::new(Journey::import()).strike_everywhere();
}

#[test]
fn prune() {
    Rig::new(Journey::prune()).strike_everywhere();
}

#[test]
fn delete() {
    Rig::new(Journey::delete()).strike_everywhere();
}

#[test]
fn recover() {
    Rig::new(Journey::recover()).strike_everywhere();
}

#[test]
fn guarded_run() {
    Rig::new(Journey::guarded_run()).strike_everywhere();
}

#[test]
fn rehearsal() {
    Rig::new(Journey::rehearsal()).strike_everywhere();
}

/// A point that no journey reaches tests nothing; and a moment that is no journey's own is struck with `FAULTS=all` only.
#[test]
fn every_point_is_on_the_way_of_a_journey() {
    let points = in_the_source();
    assert!(points.len() >= 40, "{} points", points.len());
    let mut reached: Vec<String> = Vec::new();
    let mut own: Vec<&str> = Vec::new();
    for journey in Journey::all() {
        own.extend(journey.own);
        reached.extend(hits(&Rig::undisturbed(journey)).into_keys());
    }
    let missed: Vec<&String> = points.keys().filter(|name| !reached.contains(name)).collect();
    assert!(missed.is_empty(), "nobody comes by {missed:?}");
    let is_struck = |name: &String| own.iter().any(|own| name.starts_with(own));
    let spared: Vec<&String> =
        points.iter().filter(|(name, what)| **what == "at" && !is_struck(name)).map(|(n, _)| n).collect();
    assert!(spared.is_empty(), "nobody is struck at {spared:?}");
}
