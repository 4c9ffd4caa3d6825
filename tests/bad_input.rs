//! Bad input: each has its own sentence and its exit code, and changes nothing.

mod scene;
mod support;

#[path = "bad_input/case.rs"]
mod case;
#[path = "bad_input/damage.rs"]
mod damage;
#[path = "bad_input/place.rs"]
mod place;
#[path = "bad_input/server.rs"]
mod server;
