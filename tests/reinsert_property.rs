//! Whatever the tables, the changes, the losses, the options and the statement that fails: every row of the backup is
//! accounted for, what survived is equal, the same again adds nothing, and it is done wholly or not at all.

mod support;
mod world;

#[path = "reinsert_property/generate.rs"]
mod generate;

use generate::{Loss, Names, Story, create, story};
use proptest::test_runner::{Config, TestRunner};
use safemigrate::domain::manifest::Manifest;
use safemigrate::domain::reinsert::{OnConflict, Options, Rejects, Report};
use safemigrate::error::Error;
use safemigrate::operations::reinsert::Outcome;
use std::collections::HashMap;
use support::{Count, Fault, same};
use world::{DB, World, balanced, counts};

const FAULTS: [Fault; 8] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::ServerGone,
    Fault::Terminate,
    Fault::Error("53100"),
    Fault::Error("57014"),
    Fault::Error("42501"),
    // as if a row were to blame: it is looked for, and none is found
    Fault::Error("23514"),
];

struct Tale<'a> {
    world: &'a World,
    story: &'a Story,
    backup: Manifest,
    names: Names,
    /// All that was done, for whoever reads of a failure.
    done: Vec<String>,
    /// The rows of each table as they would be if none had been lost: as text, with how many there are of each.
    whole: Vec<HashMap<String, usize>>,
    whole_state: String,
}

impl<'a> Tale<'a> {
    /// Everything up to the re-insert.
    fn of(world: &'a World, story: &'a Story) -> Tale<'a> {
        world.begin(&create(&story.tables));
        let backup = world.back_up();
        let mut done = Vec::new();
        // not everything can be done to every database
        let mut try_to = |sql: String| {
            let possible = world.cluster.try_psql(DB, &sql).is_ok();
            done.extend(possible.then_some(sql));
            possible
        };
        let mut names = Names::of(&story.tables);
        for change in &story.changes {
            if let Some((sql, after)) = names.change(change, &story.tables)
                && try_to(sql)
            {
                names = after;
            }
        }
        let whole_state = world.state();
        let whole = rows(world, &names);
        story.losses.iter().filter_map(|loss| names.loss(loss)).for_each(|sql| _ = try_to(sql));
        story.demands.iter().filter_map(|demand| names.demand(demand)).for_each(|sql| _ = try_to(sql));
        Tale { world, story, backup, names, done, whole, whole_state }
    }

    fn reinsert(&self, options: &Options) -> Result<Report, Error> {
        let before = self.world.state();
        match self.world.try_at(&self.world.url(), &self.backup, options) {
            Ok(Outcome::Done(report)) => {
                balanced(&report, &self.backup);
                assert!(options.rejects == Rejects::Save || report.rejected() == 0, "{report:?}");
                Ok(report)
            }
            Ok(Outcome::DoesNotFit(report)) => {
                balanced(&report, &self.backup);
                assert!(options.rejects == Rejects::Fail && report.rejected() > 0, "{report:?}");
                same(&before, &self.world.state(), "nothing may change");
                self.reinsert(&Options { rejects: Rejects::Save, ..options.clone() })
            }
            Err(error) => {
                same(&before, &self.world.state(), "nothing may change");
                Err(error)
            }
        }
    }

    /// With a statement that fails: nothing, or all of it.
    fn disturbed(&self, options: &Options, before: &str, undisturbed: &(String, Vec<String>)) {
        let (at, fault) = (self.story.fault.0, FAULTS[self.story.fault.1]);
        self.world.proxy.inject(Count::Statements, at, fault);
        let outcome = self.world.try_at(&self.world.proxy_url(), &self.backup, options);
        let seen = self.world.proxy.seen();
        self.world.proxy.let_all_through();
        let what = format!("{fault:?} at {at}: {:?}\n{outcome:?}\n{:#?}", seen.get(at - 1), self.done);
        assert_eq!(self.world.left_sessions(), "", "{what}");
        let state = self.world.state();
        match outcome {
            Ok(Outcome::Done(report)) => {
                same(&undisturbed.0, &state, &what);
                assert_eq!(undisturbed.1, counts(&report), "{what}");
            }
            Ok(Outcome::DoesNotFit(_)) => same(before, &state, &what),
            Err(error) => {
                assert!([1, 6].contains(&error.kind.exit_code()), "{what}");
                let words = error.message.to_lowercase();
                if words.contains("nothing was changed") || state == before {
                    same(before, &state, &what);
                } else {
                    same(&undisturbed.0, &state, &what);
                }
                assert!(words.contains("nothing was changed") != words.contains("either all back or none"), "{what}");
            }
        }
    }

    fn keyless(&self, t: usize) -> bool {
        !self.story.tables[t].keyed
    }

    /// Rows that were changed and not lost: are they what they were again?
    fn is_whole_again(&self, report: &Report) -> bool {
        let nulled = self.story.losses.iter().filter_map(|loss| match loss {
            Loss::Null(t, _) if *t < self.story.tables.len() => Some(*t),
            _ => None,
        });
        let nulled: Vec<usize> = nulled.collect();
        let left = match self.story.on_conflict {
            OnConflict::Replace => false,
            // rows without a key that were changed stay beside the ones that come back
            OnConflict::Fill | OnConflict::Update => nulled.iter().any(|t| self.keyless(*t)),
            OnConflict::Skip => !nulled.is_empty(),
        };
        !left && report.rejected() == 0
    }

    fn check(&self) {
        let options = self.names.options(self.story);
        self.world.remember();
        let before = self.world.state();
        let report = match self.reinsert(&options) {
            Ok(report) => report,
            // rows that stay refer to rows that would be gone
            Err(error) => {
                assert!(error.kind.exit_code() == 6 && options.on_conflict == OnConflict::Replace, "{error} {self:#?}");
                return;
            }
        };
        let after = self.world.state();
        let rows_of = |state: &str| state.lines().filter(|l| l.starts_with("rows ")).collect::<Vec<_>>().join("\n");
        if self.is_whole_again(&report) {
            same(&rows_of(&self.whole_state), &rows_of(&after), &format!("{self:#?} {report:#?}"));
        }
        // whatever was kept out or left: what is there is what was there, but for values that were set to NULL
        let found = rows(self.world, &self.names);
        for (t, found) in found.iter().enumerate() {
            let nulled = self.story.losses.iter().any(|l| matches!(l, Loss::Null(n, _) if n == &t));
            for (row, times) in found.iter().filter(|_| !nulled) {
                let should = self.whole[t].get(row).copied().unwrap_or(0);
                assert!(*times <= should, "{times} times, should be {should}: {row}\n{self:#?} {report:#?}");
            }
        }
        let again = self.reinsert(&options).unwrap();
        if options.on_conflict != OnConflict::Replace {
            assert!(again.inserted() + again.updated() == 0, "{again:?} {self:#?}");
        }
        same(&after, &self.world.state(), &format!("the same again adds nothing: {self:#?}"));

        self.world.reset();
        self.disturbed(&Options { rejects: Rejects::Save, ..options }, &before, &(after, counts(&report)));
    }
}

impl std::fmt::Debug for Tale<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tale").field("done", &self.done).field("options", &self.names.options(self.story)).finish()
    }
}

fn rows(world: &World, names: &Names) -> Vec<HashMap<String, usize>> {
    let of = |table: String| {
        let mut rows = HashMap::new();
        let text = world.psql(&format!("SELECT replace(t::text, E'\\n', ' ') FROM {table} t"));
        text.lines().for_each(|row| *rows.entry(row.to_owned()).or_insert(0) += 1);
        rows
    };
    (0..).map_while(|t| names.table(t)).map(of).collect()
}

#[test]
fn every_row_is_accounted_for() {
    let world = World::new();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(16);
    let mut runner =
        TestRunner::new(Config { cases, max_shrink_iters: 60, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&story(), |story| {
        Tale::of(&world, &story).check();
        Ok(())
    });
    outcome.unwrap();
}
