//! The journeys: each is plan → (shown, confirmed) → apply. They never print; they return reports and hand out events.

pub mod checkpoint;
pub mod ids;
pub mod guarded_run;
pub mod retention;
pub mod interrupt;
pub mod verification;
