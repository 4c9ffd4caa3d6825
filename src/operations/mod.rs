//! The journeys: each is plan → (shown, confirmed) → apply. They never print; they return reports and hand out events.

pub mod interrupt;
