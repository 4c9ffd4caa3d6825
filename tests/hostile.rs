//! Settings that change how text reads back, and names that nobody should give: everything works all the same.

mod scene;
mod support;

#[path = "hostile/migrations.rs"]
mod migrations;
#[path = "hostile/names.rs"]
mod names;
#[path = "hostile/settings.rs"]
mod settings;
