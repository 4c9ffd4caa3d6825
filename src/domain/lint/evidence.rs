//! Whether a migration ran on this machine, and what became of the data.

use super::kind::{Finding, Kind, Severity};
use crate::domain::run::{Run, State};

/// What the journal tells of one migration's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    Never,
    /// Under this name, with another text.
    OtherText,
    /// And data was gone.
    Lost(String),
    /// And the run was rolled back after it.
    TakenBack(String),
    /// There was nothing that could be lost.
    OnNothing(String),
    /// And what was lost was expected to be, which the run has said.
    AsExpected,
    /// And nothing was lost of so many rows.
    Proven {
        run: String,
        rows: u64,
    },
}

/// Of a migration's text. Line ends do not count: git may change them on the way.
pub fn fingerprint(text: &str) -> String {
    blake3::hash(text.replace("\r\n", "\n").as_bytes()).to_hex().to_string()
}

/// What `runs`, newest first, tell of a migration.
pub fn ran(runs: &[Run], name: &str, text: &str) -> Ran {
    let print = fingerprint(text);
    let mut taken_back = false;
    for run in runs {
        taken_back |= run.command == "rollback" && run.state == State::Finished;
        // a reset empties the database before it applies anything: what is lost then is not the migration's
        let Some(applied) = run.migrations.iter().find(|m| m.name == name).filter(|_| run.command != "reset") else {
            continue;
        };
        let Some(verification) = &run.verification else { continue };
        let rows = verification.tables.iter().map(|t| t.before).sum();
        return match verification.ok {
            _ if applied.blake3 != print => Ran::OtherText,
            false => Ran::Lost(run.id.clone()),
            true if taken_back => Ran::TakenBack(run.id.clone()),
            true if verification.has_losses() => Ran::AsExpected,
            true if rows == 0 => Ran::OnNothing(run.id.clone()),
            true => Ran::Proven { run: run.id.clone(), rows },
        };
    }
    Ran::Never
}

/// What is refused goes through where it is proven to have lost nothing; where it never ran that is said.
pub fn weigh(file: &str, mut findings: Vec<Finding>, ran: &Ran) -> Vec<Finding> {
    if let Ran::Proven { run, rows } = ran {
        for finding in findings.iter_mut().filter(|f| f.is_error() && f.kind.is_of_statement()) {
            finding.severity = Severity::Warning;
            finding.message = format!("{}. It ran here and none of {rows} rows lost anything ({run})", finding.message);
        }
        return findings;
    }
    let again = "Let it run on your development database: safemigrate dev".to_owned();
    let (told, remedy) = match ran {
        Ran::Proven { .. } | Ran::AsExpected => return findings,
        // of a migration that destroys nothing, that is enough
        Ran::OnNothing(_) if !findings.iter().any(Finding::is_error) => return findings,
        Ran::Never => ("never ran under safemigrate on this machine".to_owned(), again),
        Ran::TakenBack(run) => (format!("was rolled back after it ran here ({run})"), again),
        Ran::OtherText => (
            "was edited after it ran under safemigrate".to_owned(),
            "Take back what ran, then let it run as it is now: safemigrate rollback, safemigrate dev".to_owned(),
        ),
        Ran::Lost(run) => (
            format!("lost data when it ran here ({run})"),
            "Take it back, mend it, and let it run again: safemigrate history, safemigrate rollback, safemigrate dev".to_owned(),
        ),
        Ran::OnNothing(run) => (
            format!("ran here on a database without rows, which proves nothing ({run})"),
            "Take it back, put rows into your development database, and let it run on them: safemigrate rollback, npx prisma db seed, safemigrate dev".to_owned(),
        ),
    };
    let kind = Kind::Unproven;
    findings.push(Finding {
        file: file.to_owned(),
        line: 1,
        kind,
        severity: kind.severity(),
        message: format!("This migration {told}"),
        remedy,
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::compare::{ByOthers, TableReport, TableVerdict, Verification};
    use crate::domain::run::AppliedMigration;

    fn run(id: &str, command: &str, migrations: &[(&str, &str)], ok: Option<bool>) -> Run {
        let mut run = Run::begin(id.into(), command, "shop", "2026-01-01T00:00:00Z".into());
        run.state = State::Finished;
        let applied =
            |(name, text): &(&str, &str)| AppliedMigration { name: (*name).into(), blake3: fingerprint(text) };
        run.migrations = migrations.iter().map(applied).collect();
        run.verification = ok.map(|ok| Verification { ok, tables: vec![rows(7)] });
        run
    }

    fn rows(before: u64) -> TableReport {
        TableReport {
            table: "public.User".into(),
            before,
            after: before,
            verdict: TableVerdict::Identical,
            to: None,
            rows_lost: None,
            by_others: ByOthers::default(),
            expected: None,
            columns: Vec::new(),
        }
    }

    #[test]
    fn the_newest_run_of_the_same_text_counts() {
        let dev = |ok| run("r-1", "dev", &[("m", "SELECT 1;\n")], Some(ok));
        let proven = Ran::Proven { run: "r-1".into(), rows: 7 };
        assert_eq!(ran(&[dev(true)], "m", "SELECT 1;\n"), proven);
        assert_eq!(ran(&[dev(true)], "m", "SELECT 1;\r\n"), proven);
        assert_eq!(ran(&[dev(true)], "m", "SELECT 2;\n"), Ran::OtherText);
        assert_eq!(ran(&[dev(true)], "other", "SELECT 1;\n"), Ran::Never);
        assert_eq!(ran(&[dev(false)], "m", "SELECT 1;\n"), Ran::Lost("r-1".into()));
        let rollback = run("r-2", "rollback", &[], None);
        assert_eq!(ran(&[rollback.clone(), dev(true)], "m", "SELECT 1;\n"), Ran::TakenBack("r-1".into()));
        let again = run("r-3", "dev", &[("m", "SELECT 1;\n")], Some(true));
        assert_eq!(ran(&[again, rollback, dev(false)], "m", "SELECT 1;\n"), Ran::Proven { run: "r-3".into(), rows: 7 });
        let reset = run("r-4", "reset", &[("m", "SELECT 1;\n")], Some(false));
        assert_eq!(ran(&[reset, dev(true)], "m", "SELECT 1;\n"), proven);
        let mut empty = dev(true);
        empty.verification = Some(Verification { ok: true, tables: vec![rows(0)] });
        assert_eq!(ran(&[empty], "m", "SELECT 1;\n"), Ran::OnNothing("r-1".into()));
        let mut expected = dev(true);
        let lost = TableReport { verdict: TableVerdict::LostRows, expected: Some("why".into()), ..rows(7) };
        expected.verification = Some(Verification { ok: true, tables: vec![lost] });
        assert_eq!(ran(&[expected], "m", "SELECT 1;\n"), Ran::AsExpected);
        // of an older version: what ran is not known
        assert_eq!(ran(&[run("r-5", "dev", &[], Some(true))], "m", "SELECT 1;\n"), Ran::Never);
    }

    #[test]
    fn only_what_is_proven_goes_through() {
        let refused = || super::super::read("f", "DROP TABLE a;", &mut super::super::Known::default());
        let proven = weigh("f", refused(), &Ran::Proven { run: "r-1".into(), rows: 7 });
        assert!(
            proven.len() == 1
                && !proven[0].is_error()
                && proven[0].message.contains("none of 7 rows lost anything (r-1)")
        );
        // refused as if it had never run, but nothing is added
        let expected = weigh("f", refused(), &Ran::AsExpected);
        assert!(expected.len() == 1 && expected[0].is_error());
        for ran in
            [Ran::Never, Ran::OtherText, Ran::Lost("r".into()), Ran::OnNothing("r".into()), Ran::TakenBack("r".into())]
        {
            let weighed = weigh("f", refused(), &ran);
            assert!(weighed[0].is_error() && weighed[1].kind == Kind::Unproven, "{ran:?}");
        }
    }
}
