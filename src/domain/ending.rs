//! How a guarded command ended: what happened to the data, in sentences, and what to type next.

use super::compare::Verification;
use super::suggest::{Suggestion, command_line, in_words};

/// One entry of Prisma's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    pub name: String,
    pub finished: bool,
    pub rolled_back: bool,
}

impl Migration {
    pub fn is_applied(&self) -> bool {
        self.finished && !self.rolled_back
    }

    /// Neither finished nor rolled back: Prisma applies nothing more until it is settled.
    pub fn is_failed(&self) -> bool {
        !self.finished && !self.rolled_back
    }
}

/// What is known when Prisma has ended. Judged by the database, not by the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `dev`, `reset` …
    pub command: String,
    pub exit_code: i32,
    /// Applied now and not before.
    pub applied: Vec<String>,
    /// Failed now and not before.
    pub failed: Vec<String>,
    /// Failed before already.
    pub failed_before: Vec<String>,
    /// Folders on disk that came during the run and are not applied.
    pub drafted: Vec<String>,
    /// The database was there before, and is there now.
    pub existed: bool,
    pub exists: bool,
    /// Ids of the checkpoint.
    pub full: Option<String>,
    pub data_only: Option<String>,
    /// What `reinsert` should be told.
    pub suggestions: Vec<Suggestion>,
}

/// How it went, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Applied, everything still there.
    Safe,
    /// Data is gone and nobody meant it.
    Lost,
    /// `reset`: data is gone as asked for.
    Reset,
    /// Nothing was to be applied.
    InSync,
    /// A migration was drafted only.
    Drafted,
    /// Prisma stopped or failed; the data is as it was.
    Stopped,
}

/// The ending and its sentences: first what happened, then (`next`) what to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    pub ending: Ending,
    pub happened: String,
    pub next: Vec<String>,
}

/// Decides what is said.
pub fn conclude(facts: &Facts, verification: &Verification) -> Conclusion {
    let proof = proof(facts, verification);
    if facts.command == "reset" && facts.exit_code == 0 {
        return reset(facts, verification);
    }
    if !verification.ok {
        return lost(facts);
    }
    if let Some(name) = facts.failed.first().or(facts.failed_before.first()) {
        return failed_migration(facts, name, &proof);
    }
    if facts.exit_code != 0 {
        return stopped(facts, &proof);
    }
    if let Some(done) = done_otherwise(facts) {
        return Conclusion { ending: Ending::Safe, happened: format!("{done}. {proof}"), next: Vec::new() };
    }
    let drafted = facts.drafted.join(", ");
    let applied = facts.applied.join(", ");
    match (facts.applied.is_empty(), facts.drafted.is_empty()) {
        (true, true) => {
            Conclusion { ending: Ending::InSync, happened: format!("Nothing to apply. {proof}"), next: Vec::new() }
        }
        (false, true) => {
            Conclusion { ending: Ending::Safe, happened: format!("Applied {applied}. {proof}"), next: Vec::new() }
        }
        (true, false) => Conclusion {
            ending: Ending::Drafted,
            happened: format!("Drafted {drafted}; it is not applied yet. {proof}"),
            next: vec!["Look at its migration.sql, then apply it: safemigrate dev".into()],
        },
        (false, false) => Conclusion {
            ending: Ending::Drafted,
            happened: format!(
                "Applied {applied}, which was pending, and drafted {drafted}, which is not applied yet. {proof}"
            ),
            next: vec!["Look at its migration.sql, then apply it: safemigrate dev".into()],
        },
    }
}

/// Who did it, at the beginning of a sentence.
pub fn actor(command: &str) -> &'static str {
    if command == "run" { "The command" } else { "Prisma" }
}

/// What was done by a command that is not there to apply migrations.
fn done_otherwise(facts: &Facts) -> Option<String> {
    let applied = match facts.applied.as_slice() {
        [] => String::new(),
        applied => format!(" and applied {}", applied.join(", ")),
    };
    match facts.command.as_str() {
        "push" => Some("The schema is pushed".to_owned()),
        "run" => Some(format!("The command has ended{applied}")),
        _ => None,
    }
}

/// The ending of a command that ran without a backup, as the user wanted it.
pub fn unproven(command: &str, exit_code: i32, applied: &[String]) -> Conclusion {
    let who = actor(command);
    let happened = match (exit_code, applied) {
        (0, []) => "Nothing to apply.".to_owned(),
        (0, applied) => format!("Applied {}.", applied.join(", ")),
        (code, []) => format!("{who} failed (exit code {code}) before it applied anything."),
        (code, applied) => format!("{who} applied {} and then stopped (exit code {code}).", applied.join(", ")),
    };
    let ending = if exit_code == 0 { Ending::Safe } else { Ending::Stopped };
    let happened = format!("{happened} There is no backup (--no-backup): what became of the data is not proven");
    Conclusion { ending, happened, next: Vec::new() }
}

fn proof(facts: &Facts, verification: &Verification) -> String {
    if !facts.exists {
        return "There is no database: nothing could be lost".into();
    }
    let tables = verification.tables.iter().filter(|t| t.before > 0).count();
    let rows: u64 = verification.tables.iter().map(|t| t.before).sum();
    match (facts.existed, tables) {
        (false, _) => "The database is new: there was nothing to lose".into(),
        (true, 0) => "There were no rows: nothing could be lost".into(),
        (true, _) if verification.ok && verification.has_losses() => {
            let expected = expected(verification);
            format!("Lost as expected: {expected}. Everything else is all there: {} proven", counted(rows, tables))
        }
        (true, _) if verification.ok => format!("Your data is all there: {} proven", counted(rows, tables)),
        (true, _) => String::new(),
    }
}

/// Where something is gone that was expected to be.
fn expected(verification: &Verification) -> String {
    let losses = verification.tables.iter().filter(|t| t.is_loss());
    let each = losses.map(|t| match t.expected {
        Some(_) => t.table.clone(),
        None => {
            let columns = t.columns.iter().filter(|c| c.is_loss());
            columns.map(|c| format!("{}.{}", t.table, c.column)).collect::<Vec<_>>().join(", ")
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

fn counted(rows: u64, tables: usize) -> String {
    let noun = |n: u64, noun: &str| if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", thousands(n)) };
    format!("{} in {}, value by value,", noun(rows, "row"), noun(tables as u64, "table"))
}

/// 12,345
fn thousands(n: u64) -> String {
    if n < 1000 { n.to_string() } else { format!("{},{:03}", thousands(n / 1000), n % 1000) }
}

fn lost(facts: &Facts) -> Conclusion {
    let what = match facts.applied.as_slice() {
        _ if facts.existed && !facts.exists => "The database is gone".into(),
        [] => "Data was lost".into(),
        applied => format!("Data was lost by {}", applied.join(", ")),
    };
    let before = match &facts.full {
        Some(full) => format!("The state before is safe in the checkpoint {full}"),
        None => "There is no checkpoint".into(),
    };
    let happened = match facts.failed.as_slice() {
        [] => format!("{what}. {before}"),
        failed => format!("{what}; then {} failed. {before}", failed.join(", ")),
    };
    Conclusion { ending: Ending::Lost, happened, next: ways_back(facts) }
}

/// The commands that bring lost data back.
pub fn ways_back(facts: &Facts) -> Vec<String> {
    let mut next = Vec::new();
    if let Some(full) = &facts.full {
        let gap = if facts.exists { "         " } else { "" };
        next.push(format!("Structure and data as before:{gap} safemigrate rollback {full}"));
    }
    if let Some(data) = facts.data_only.as_ref().filter(|_| facts.exists) {
        next.push(format!(
            "The old rows into the schema as it is: safemigrate reinsert {data}{}",
            command_line(&facts.suggestions)
        ));
        next.extend(in_words(&facts.suggestions).into_iter().map(|line| format!("  {line}")));
    }
    next
}

fn reset(facts: &Facts, verification: &Verification) -> Conclusion {
    let rows: u64 = verification.tables.iter().map(|t| t.before).sum();
    let tables = verification.tables.iter().filter(|t| t.before > 0).count();
    match (&facts.full, rows) {
        (Some(full), 1..) => Conclusion {
            ending: Ending::Reset,
            happened: format!(
                "The database was reset. Its former {} are safe in the checkpoint {full}",
                counted(rows, tables).trim_end_matches(", value by value,")
            ),
            next: ways_back(facts),
        },
        _ => Conclusion {
            ending: Ending::Reset,
            happened: "The database was reset. It held no rows before: nothing was lost".into(),
            next: Vec::new(),
        },
    }
}

fn failed_migration(facts: &Facts, name: &str, proof: &str) -> Conclusion {
    let since = if facts.failed.is_empty() { "has failed before and is not settled" } else { "failed" };
    let mut next = vec![format!("Mend or remove the migration {name} in the migrations folder.")];
    if facts.failed.is_empty() {
        next.push(format!(
            "Then take its entry away: npx prisma migrate resolve --rolled-back {name} (or safemigrate rollback to a backup from before it: safemigrate history)."
        ));
    } else if let Some(full) = &facts.full {
        next.push(format!(
            "Take what it left behind away, its entry in _prisma_migrations too: safemigrate rollback {full}"
        ));
    }
    let again = if facts.command == "deploy" { "deploy" } else { "dev" };
    next.push(format!("Then apply it again: safemigrate {again}"));
    Conclusion {
        ending: Ending::Stopped,
        happened: format!("Migration {name} {since}; Prisma will apply nothing more until that is settled. {proof}"),
        next,
    }
}

fn stopped(facts: &Facts, proof: &str) -> Conclusion {
    let force = if facts.command == "reset" { " (without a terminal: --force)" } else { "" };
    let again = match facts.command.as_str() {
        "run" => "Try again: safemigrate run -- COMMAND".to_owned(),
        command => format!("Try again: safemigrate {command}{force}"),
    };
    let applied = facts.applied.join(", ");
    let who = actor(&facts.command);
    let happened = match (facts.applied.is_empty(), facts.exit_code) {
        (_, code) if facts.command == "run" => format!("The command ended with exit code {code}. {proof}"),
        (true, code) if facts.command == "push" => {
            format!("Prisma stopped (exit code {code}): see above. {proof}")
        }
        (false, code) => format!("{who} applied {applied} and then stopped (exit code {code}). {proof}"),
        (true, 130) if facts.command == "reset" => {
            format!("Prisma stopped before it reset anything: a cancelled question or Ctrl-C. {proof}")
        }
        (true, 130) => format!(
            "Prisma stopped before it applied anything: a cancelled question, Ctrl-C, or drift (see above). {proof}"
        ),
        (true, code) => format!("Prisma failed (exit code {code}) before it applied anything. {proof}"),
    };
    let mut next = Vec::new();
    if facts.exit_code == 130 && facts.applied.is_empty() && facts.command == "dev" {
        next.push(
            "If Prisma spoke of drift: safemigrate reset (takes a checkpoint first), then safemigrate reinsert".into(),
        );
    }
    if !facts.drafted.is_empty() {
        next.push(format!("Drafted and not applied: {}", facts.drafted.join(", ")));
    }
    next.push(again);
    Conclusion { ending: Ending::Stopped, happened, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::compare::{ByOthers, TableReport, TableVerdict};

    fn facts(exit_code: i32) -> Facts {
        Facts {
            command: "dev".into(),
            exit_code,
            applied: Vec::new(),
            failed: Vec::new(),
            failed_before: Vec::new(),
            drafted: Vec::new(),
            existed: true,
            exists: true,
            full: Some("f-1".into()),
            data_only: Some("d-1".into()),
            suggestions: Vec::new(),
        }
    }

    fn ok() -> Verification {
        Verification { ok: true, tables: Vec::new() }
    }

    #[test]
    fn judged_by_the_database_not_by_the_code() {
        assert_eq!(conclude(&facts(0), &ok()).ending, Ending::InSync);
        assert_eq!(conclude(&Facts { applied: vec!["a".into()], ..facts(0) }, &ok()).ending, Ending::Safe);
        let lost = conclude(&facts(0), &Verification::default());
        assert_eq!(lost.ending, Ending::Lost);
        assert!(
            lost.next.iter().any(|n| n.contains("rollback f-1"))
                && lost.next.iter().any(|n| n.contains("reinsert d-1"))
        );
        assert_eq!(conclude(&facts(1), &Verification::default()).ending, Ending::Lost);
    }

    #[test]
    fn what_prisma_left_undone_is_named() {
        let failed = conclude(&Facts { failed: vec!["m1".into()], ..facts(1) }, &ok());
        assert_eq!(failed.ending, Ending::Stopped);
        assert!(failed.happened.contains("m1") && failed.next.iter().any(|n| n.contains("rollback f-1")));
        let drafted = conclude(&Facts { drafted: vec!["m2".into()], applied: vec!["m1".into()], ..facts(0) }, &ok());
        assert!(drafted.happened.contains("Applied m1") && drafted.happened.contains("drafted m2"));
        assert!(conclude(&facts(130), &ok()).happened.contains("before it applied anything"));
    }

    #[test]
    fn what_was_expected_to_go_is_not_called_all_there() {
        let expected = Verification {
            ok: true,
            tables: vec![TableReport {
                table: "public.Log".into(),
                before: 9,
                after: 0,
                verdict: TableVerdict::LostRows,
                to: None,
                rows_lost: Some(9),
                by_others: ByOthers::default(),
                expected: Some("old".into()),
                columns: Vec::new(),
            }],
        };
        let said = conclude(&Facts { applied: vec!["m".into()], ..facts(0) }, &expected);
        assert_eq!(said.ending, Ending::Safe);
        assert!(said.happened.contains("Lost as expected: public.Log. Everything else"), "{}", said.happened);
        assert!(!said.happened.contains("Your data is all there"), "{}", said.happened);
    }

    #[test]
    fn a_reset_is_meant() {
        let reset = conclude(&Facts { command: "reset".into(), ..facts(0) }, &Verification::default());
        assert_eq!(reset.ending, Ending::Reset);
    }
}
