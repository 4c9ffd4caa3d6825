//! Settings that change how text reads back, and names that nobody should give: everything works all the same.

mod scene;
mod support;

#[path = "hostile/settings.rs"]
mod settings;
