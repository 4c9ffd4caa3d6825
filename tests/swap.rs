//! A rollback by swap with life around it: whoever is connected, reconnects, writes, locks or dies, the database is as the
//! backup holds it or as it was, its name is never missing, and the message says which.

mod scene;
mod support;

#[path = "swap/killed.rs"]
mod killed;
#[path = "swap/meanwhile.rs"]
mod meanwhile;
#[path = "swap/pool.rs"]
mod pool;
#[path = "swap/stage.rs"]
mod stage;
