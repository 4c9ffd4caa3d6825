//! What an operation tells while it works. Operations never print; they hand events outwards.

/// One thing worth showing while work goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A new stage has begun: "Backing up", "Restoring beside the live database" …; `total_bytes` is an estimate (0 = unknown).
    Stage { label: String, total_bytes: u64 },
    /// So many more bytes of data went through.
    Bytes(u64),
    /// A table is finished.
    TableDone(String),
    /// The stage is over.
    StageDone,
    /// A sentence for the user that is not an error.
    Note(String),
}

/// Somebody who wants to know. Implemented by `ui`; `Quiet` for tests and inner work.
pub trait Observer: Send + Sync {
    fn on(&self, event: Event);
}

/// Hears everything and says nothing.
pub struct Quiet;

impl Observer for Quiet {
    fn on(&self, _event: Event) {}
}
