//! What a reader wants to know before anything else.

use super::block::{Block, Code, Line, Tone};
use super::escape::without_folders;
use super::kept::{Proven, losses_in};
use crate::domain::compare::Verification;
use crate::domain::ending::actor;
use crate::domain::figures::{count, plural};
use crate::domain::rehearsal::{Rehearsal, Verdict as Tried};
use crate::domain::run::{Run, State};

pub struct Verdict {
    pub tone: Tone,
    /// The end of the title.
    pub title: &'static str,
    pub sentence: Line,
    pub more: Vec<Block>,
}

impl Verdict {
    fn new(tone: Tone, title: &'static str, strong: impl Into<String>) -> Self {
        Self { tone, title, sentence: Line::new().strong(strong), more: Vec::new() }
    }

    fn words(mut self, words: impl Into<String>) -> Self {
        self.sentence = self.sentence.words(words);
        self
    }

    fn foreign(mut self, text: &str) -> Self {
        self.sentence = self.sentence.foreign(text);
        self
    }

    /// What the program said at the end, word for word.
    fn in_its_words(mut self, run: &Run) -> Self {
        let code = |text: &String| Block::Code(Code { language: "text", text: without_folders(text) });
        self.more.extend(run.outcome.iter().map(code));
        self
    }
}

/// Judged by what was seen of the data. Where nothing was seen, nothing is promised.
pub fn verdict(run: &Run) -> Verdict {
    if let Some(verification) = &run.verification {
        return migrated(run, verification);
    }
    if run.is_unfinished() {
        return Verdict::new(Tone::Warning, "it did not end", "It did not end.").words(format!(" {}", run.next_step()));
    }
    match (&run.rehearsal, run.prisma_exit_code) {
        (_, Some(code)) => unproven(run, code),
        (Some(rehearsal), None) => rehearsed(rehearsal).but(run),
        (None, None) => {
            let who = actor(&run.command);
            // it may have been at the gate
            let what = if run.only_migrates() { "did nothing to the database" } else { "was not started" };
            Verdict::new(Tone::Warning, "it did not succeed", format!("{who} {what}.")).in_its_words(run)
        }
    }
}

impl Verdict {
    /// A rehearsal may end well and what comes after it not.
    fn but(self, run: &Run) -> Self {
        if run.state != State::Failed || run.command == "rehearse" {
            return self;
        }
        let sentence = format!(" It ended there: {} was not started.", actor(&run.command));
        self.words(sentence).in_its_words(run)
    }
}

fn unproven(run: &Run, code: i32) -> Verdict {
    let who = actor(&run.command);
    if run.without_backup {
        let words = format!(" It ran with --no-backup ({who} ended with exit code {code}).");
        return Verdict::new(Tone::Warning, "not proven", "There is no backup and no proof.").words(words);
    }
    Verdict::new(Tone::Bad, "not proven", "What became of the data could not be proven.")
        .words(format!(" {who} ended with exit code {code}."))
        .in_its_words(run)
}

fn migrated(run: &Run, verification: &Verification) -> Verdict {
    let code = run.prisma_exit_code.unwrap_or(0);
    if run.command == "reset" && code == 0 {
        let rows: u64 = verification.tables.iter().map(|t| t.before).sum();
        let words = format!(" It held {} before.", plural(rows, "row"));
        return Verdict::new(Tone::Warning, "it was reset", "The database was reset, as asked for.").words(words);
    }
    if !verification.ok {
        let lost = losses_in(verification).len() as u64;
        let said = Verdict::new(Tone::Bad, "data was lost", "Data was lost")
            .words(format!(" in {}; each is named below.", plural(lost, "place")));
        return match run.full() {
            Some(full) => said.words(" The state before is safe in the backup ").foreign(full).words("."),
            None => said,
        };
    }
    let proof = Proven::of(verification).sentence();
    let expected = losses_in(verification).len() as u64;
    if expected > 0 {
        let what = format!(" in {}, as was said beforehand; each is named below. {proof}", plural(expected, "place"));
        return Verdict::new(Tone::Warning, "data is gone, as expected", "Data is gone").words(what);
    }
    if code != 0 {
        let who = actor(&run.command);
        return Verdict::new(
            Tone::Warning,
            "it stopped, nothing was lost",
            format!("{who} stopped (exit code {code})."),
        )
        .words(format!(" {proof}"));
    }
    Verdict::new(Tone::Good, "nothing was lost", "Nothing was lost.").words(format!(" {proof}"))
}

fn rehearsed(rehearsal: &Rehearsal) -> Verdict {
    let untouched = " The database itself was only read.";
    let statements: u64 = rehearsal.scripts.iter().map(|script| script.statements.len() as u64).sum();
    match rehearsal.verdict() {
        Tried::Fails => {
            let fail = rehearsal.failures().count() as u64;
            let what = format!("It would fail: {} of {}.", plural(fail, "statement"), count(statements));
            Verdict::new(Tone::Bad, "it would fail", what).words(untouched)
        }
        Tried::Loses => {
            let lost = losses_in(&rehearsal.verification).len() as u64;
            let what = format!("It would lose data in {}.", plural(lost, "place"));
            Verdict::new(Tone::Bad, "it would lose data", what).words(untouched)
        }
        Tried::Safe => {
            let proof = Proven::of(&rehearsal.verification).sentence();
            let expected = losses_in(&rehearsal.verification).len() as u64;
            if expected > 0 {
                let what = format!(
                    "It would go through, and data would be gone in {}, as was said beforehand.",
                    plural(expected, "place")
                );
                return Verdict::new(Tone::Warning, "data would be gone, as expected", what)
                    .words(format!(" {proof}{untouched}"));
            }
            Verdict::new(Tone::Good, "nothing would be lost", "It would go through, and nothing would be lost.")
                .words(format!(" On the scratch copy: {proof}{untouched}"))
        }
        Tried::Nothing => Verdict::new(Tone::Good, "nothing to apply", "There is nothing to apply.").words(untouched),
    }
}
