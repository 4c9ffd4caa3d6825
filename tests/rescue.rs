//! Rename rescue through the real program, at a terminal and without one, on real Prisma 7 and 6 projects with rows.
//!
//! The rest of it: `cargo nextest run --test rescue --run-ignored all`.

mod support;

#[path = "rescue/declined.rs"]
mod declined;
#[path = "rescue/places.rs"]
mod places;
#[path = "rescue/quiet.rs"]
mod quiet;
#[path = "rescue/renamed.rs"]
mod renamed;
#[path = "rescue/scenes.rs"]
mod scenes;
#[path = "rescue/types.rs"]
mod types;
