//! How far a piece of work is, added up from its events; a command writes it down for others to see.

use super::event::Event;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub stage: String,
    /// Bytes of data that went through in this stage.
    pub bytes: u64,
    /// An estimate; 0 where nobody knows.
    pub total: u64,
    /// Tables that are finished in this stage.
    pub tables: u64,
}

impl Progress {
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Stage { label, total_bytes } => {
                *self = Self { stage: label.clone(), total: *total_bytes, ..Self::default() };
            }
            Event::Bytes(more) => self.bytes += more,
            Event::TableDone(_) => self.tables += 1,
            Event::StageDone | Event::Note(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_begins_at_zero() {
        let mut progress = Progress::default();
        let stage = |label: &str| Event::Stage { label: label.into(), total_bytes: 10 };
        for event in
            [stage("a"), Event::Bytes(3), Event::Bytes(4), Event::TableDone("t".into()), Event::Note("n".into())]
        {
            progress.note(&event);
        }
        assert_eq!(progress, Progress { stage: "a".into(), bytes: 7, total: 10, tables: 1 });
        progress.note(&stage("b"));
        assert_eq!(progress, Progress { stage: "b".into(), total: 10, ..Progress::default() });
    }
}
