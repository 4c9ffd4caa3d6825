//! Rows that are proven to be those of an earlier backup are not read again. Whatever was done to the database in between:
//! the backup holds exactly what one that reads everything holds. At random, and for as long as one likes:
//!
//!     SAFEMIGRATE_TEST_UNCHANGED=200 cargo nextest run --features fault-points --test unchanged random --no-capture

mod scene;
mod support;

#[path = "unchanged/acts.rs"]
mod acts;
#[path = "unchanged/lives.rs"]
mod lives;
#[path = "unchanged/pair.rs"]
mod pair;
#[path = "unchanged/random.rs"]
mod random;
#[path = "unchanged/store.rs"]
mod store;
