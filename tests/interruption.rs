//! The checkpoint and the re-insert stopped at every point: the database is untouched, no half backup is listed, Prisma is
//! not started, nothing is left behind, and the next run works.

mod scene;
mod support;

#[path = "interruption/disk.rs"]
mod disk;
#[path = "interruption/prisma.rs"]
mod prisma;
#[path = "interruption/process.rs"]
mod process;
#[path = "interruption/reinsert.rs"]
mod reinsert;
#[path = "interruption/server.rs"]
mod server;
#[path = "interruption/victim.rs"]
mod victim;
