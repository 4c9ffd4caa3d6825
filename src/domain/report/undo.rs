//! How to undo it.

use super::block::{Block, Code, Line};
use super::seen;
use crate::domain::run::Run;

/// Nothing where the database was only read.
pub fn ways(run: &Run) -> Vec<Block> {
    // a rehearsal, or a command that was never started
    if run.prisma_exit_code.is_none() {
        return Vec::new();
    }
    let heading = Block::Heading("How to undo it".into());
    let Some(full) = run.full() else {
        let none = if run.without_backup {
            "It ran with --no-backup: there is no way back."
        } else {
            "There was no database before it: there is nothing to go back to."
        };
        return vec![heading, Block::Paragraph(none.into())];
    };
    let mut lines = vec![format!("safemigrate rollback {full}    # structure and data as before")];
    let lost = seen(run).is_some_and(|verification| verification.tables.iter().any(|t| t.is_loss()));
    if let Some(data) = run.data_only().filter(|_| lost) {
        lines.push(format!("safemigrate reinsert {data}    # the old rows into the schema as it is now"));
    }
    let mut kept = Line::from("On the machine where it ran, as long as the backup is there (");
    kept = kept.foreign(&format!("safemigrate pin {full}")).words(" holds it).");
    if !run.migrations_applied.is_empty() {
        kept = kept.words(" The next run would apply the migration again: with ");
        kept = kept.foreign("--set-aside").words(" its folder is moved away.");
    }
    vec![heading, Block::Code(Code { language: "sh", text: lines.join("\n") }), Block::Paragraph(kept)]
}
