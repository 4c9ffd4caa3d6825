//! Fault points: named places at which the crash tests let this process die, or the disk refuse. The feature
//! `fault-points` builds them in; without it they are nothing.
//!
//! - `SAFEMIGRATE_FAULT=NAME:N:KIND` strikes when NAME is reached for the N-th time, counted from 1: `KILL` (SIGKILL, as a
//!   power cut for this process), `EIO` (this one call fails), `ENOSPC` (the disk is full from then on, for all that writes).
//! - `SAFEMIGRATE_FAULT_LOG=FILE` gets a line for each point that is reached: what it is, a space, its name; and
//!   `struck` when the fault came about.

#[cfg(feature = "fault-points")]
mod points;

#[cfg(feature = "fault-points")]
pub use points::{at, reading, writing};

/// A moment between two steps.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub fn at(_name: &str) {}

/// Something is read from the disk.
///
/// # Errors
/// None, without the feature.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub fn reading(_name: &str) -> std::io::Result<()> {
    Ok(())
}

/// Something is written to the disk, made durable, renamed or removed.
///
/// # Errors
/// None, without the feature.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub fn writing(_name: &str) -> std::io::Result<()> {
    Ok(())
}
