//! `safemigrate rehearse`: what it says beforehand is what the real run finds, and nothing but a scratch copy is written.

mod support;

#[path = "rehearse/asked.rs"]
mod asked;
#[path = "rehearse/kinds.rs"]
mod kinds;
#[path = "rehearse/replay.rs"]
mod replay;
#[path = "rehearse/safety.rs"]
mod safety;
#[path = "rehearse/scenes.rs"]
mod scenes;
#[path = "rehearse/statements.rs"]
mod statements;
