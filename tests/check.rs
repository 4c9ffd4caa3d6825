//! `check`: every damage is named, nothing whole is called damaged, and a restore proves it.

mod scene;
mod support;

#[path = "check/damages.rs"]
mod damages;
#[path = "check/flips.rs"]
mod flips;
#[path = "check/healing.rs"]
mod healing;
#[path = "check/small_store.rs"]
mod small_store;
#[path = "check/trial.rs"]
mod trial;
