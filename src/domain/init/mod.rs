//! What `init` writes into the user's files, and how it is taken out again. Text in, text out.

pub mod ignore;
mod json;
pub mod package;
pub mod record;
pub mod script;

pub use record::{Ignored, Record, Rewritten};
