//! Plain data and the decisions over it. No I/O, no async, no clock.

pub mod digest;
pub mod event;
pub mod manifest;
pub mod names;
pub mod schema;
pub mod compare;
pub mod rows;
pub mod run;
pub mod retention;
