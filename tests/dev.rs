//! `safemigrate dev` on real Prisma 7 and 6 projects, at a terminal and without one.

mod support;

#[path = "dev/by_hand.rs"]
mod by_hand;
#[path = "dev/field_added.rs"]
mod field_added;
#[path = "dev/interrupted.rs"]
mod interrupted;
#[path = "dev/loss.rs"]
mod loss;
#[path = "dev/nothing_lost.rs"]
mod nothing_lost;
#[path = "dev/retried.rs"]
mod retried;
#[path = "dev/scenes.rs"]
mod scenes;
#[path = "dev/shapes.rs"]
mod shapes;
#[path = "dev/shop.rs"]
mod shop;
