//! A re-insert that is stopped at EVERY statement once, in each way in which it can be: the database is as it was, or,
//! where the COMMIT had been sent, wholly as after; the error says so; no session is left; the next re-insert works.

mod support;
mod world;

#[path = "whole_or_nothing/case.rs"]
mod case;

use case::{Case, straight, through_staging};
use safemigrate::domain::event::Quiet;
use safemigrate::domain::manifest::Manifest;
use safemigrate::domain::reinsert::Plan;
use safemigrate::domain::run::Committing;
use safemigrate::error::{Error, Result};
use safemigrate::operations::interrupt::Interrupt;
use safemigrate::operations::reinsert::{Fate, Outcome, apply, fate};
use support::{Count, Fault, same};
use world::{World, counts};

/// Each statement meets one of them in turn; with `SAFEMIGRATE_TEST_FAULTS=all` every one meets all.
const FAULTS: [Fault; 8] = [
    Fault::CutBefore,
    Fault::Error("53100"),
    Fault::CutAfter,
    Fault::Error("57014"),
    Fault::ServerGone,
    Fault::Error("42501"),
    Fault::Terminate,
    Fault::Error("40001"),
];

struct Rounds<'a> {
    world: &'a World,
    case: &'a Case,
    backup: Manifest,
    plan: Plan,
    before: String,
    after: String,
    counts: Vec<String>,
}

impl<'a> Rounds<'a> {
    fn new(world: &'a World, case: &'a Case) -> Rounds<'a> {
        world.begin(case.then);
        let backup = world.back_up();
        world.psql(case.changes);
        world.remember();
        let before = world.state();
        let plan = world.plan_at(&world.url(), &backup, &case.options).unwrap();
        let Outcome::Done(report) = world.reinsert(&backup, &case.options) else { panic!("{} must fit", case.name) };
        world::balanced(&report, &backup);
        let after = world.state();
        assert_ne!(before, after);
        world.reset();
        same(&before, &world.state(), "a reset");
        Rounds { world, case, backup, plan, before, after, counts: counts(&report) }
    }

    /// How many statements an undisturbed one takes.
    fn statements(&self, count: Count) -> Vec<String> {
        self.world.proxy.inject(count, 0, Fault::CutBefore);
        self.done(self.apply().unwrap());
        self.world.reset();
        self.world.proxy.seen()
    }

    fn apply(&self) -> Result<Outcome> {
        let (_hand, interrupt) = Interrupt::new();
        self.world.apply_at(&self.world.proxy_url(), &self.backup, &self.plan, &interrupt)
    }

    #[track_caller]
    fn done(&self, outcome: Outcome) {
        let Outcome::Done(report) = outcome else { panic!("{} must fit: {outcome:#?}", self.case.name) };
        assert_eq!(counts(&report), self.counts);
        same(&self.after, &self.world.state(), "as an undisturbed one");
    }

    /// One failure, and everything that must hold after it. Tells whether the database was changed.
    fn strike(&self, count: Count, at: usize, fault: Fault, thorough: bool) -> bool {
        let rejects = self.world.saved_rejects();
        self.world.proxy.inject(count, at, fault);
        let outcome = self.apply();
        let seen = self.world.proxy.seen();
        let sql = seen.get(at - 1).map_or("(it never came)", |s| s.as_str());
        let what = format!("{}: {fault:?} at statement {at} of {count:?}:\n{sql}\n{outcome:#?}", self.case.name);
        self.world.proxy.let_all_through();
        assert_eq!(self.world.left_sessions(), "", "no session may be left: {what}");
        let state = self.world.state();
        match &outcome {
            Ok(Outcome::Done(report)) => {
                // it could go on, another way
                assert_eq!(counts(report), self.counts, "{what}");
                if sql.starts_with("REFRESH MATERIALIZED VIEW") {
                    // it is said, and keeps nobody's rows out
                    let view = format!("rows {} ", sql.rsplit(' ').next().unwrap().replace('"', ""));
                    let others = |state: &str| state.lines().filter(|l| !l.starts_with(&view)).collect::<String>();
                    same(&others(&self.after), &others(&state), &what);
                } else {
                    same(&self.after, &state, &what);
                }
            }
            Ok(Outcome::DoesNotFit(_)) => panic!("all rows fit: {what}"),
            Err(error) => {
                honest(error, state != self.before, &what);
                if state != self.before {
                    assert_eq!(sql, "COMMIT", "{what}");
                    same(&self.after, &state, &format!("wholly, if at all: {what}"));
                }
                let nobody_knows = error.message.contains("either all back or none");
                let kept = self.world.saved_rejects() - rejects;
                assert!(kept == usize::from(nobody_knows && self.case.saves), "{kept} folders of rejects: {what}");
            }
        }
        if thorough && state == self.before {
            let outcome = self.world.reinsert(&self.backup, &self.case.options);
            assert!(matches!(outcome, Outcome::Done(_)), "the next one works: {what}");
            same(&self.after, &self.world.state(), &format!("the next one brings everything: {what}"));
        }
        if thorough || state != self.before {
            self.world.reset();
        }
        state != self.before
    }
}

/// In words, with a code of the contract, and true.
#[track_caller]
fn honest(error: &Error, changed: bool, what: &str) {
    assert_eq!(error.kind.exit_code(), 1, "{what}");
    let says_nothing_changed = error.message.to_lowercase().contains("nothing was changed");
    let says_either = error.message.contains("either all back or none");
    assert!(says_nothing_changed != says_either, "says one thing about the data: {what}");
    assert!(!(changed && says_nothing_changed), "nothing was changed, it said, and something was: {what}");
}

/// A role's own statement timeout is lifted by the first statement of a session, and a request to cancel may be meant for the
/// session before it: what sets a session up is tried again. A provider may keep the server's identity to itself.
fn goes_on(fault: Fault, sql: &str) -> bool {
    let identity = sql.contains("FROM pg_catalog.pg_control_system()");
    let sets_up = sql.starts_with("SET statement_timeout") || identity;
    (fault == Fault::Error("57014") && sets_up) || (fault == Fault::Error("42501") && identity)
}

/// Nothing is changed while the plan is made; but the words have to be right there, too.
fn every_statement_of_the_plan(world: &World, case: &Case) {
    world.begin(case.then);
    let backup = world.back_up();
    world.psql(case.changes);
    let plan = |at, fault| {
        world.proxy.inject(Count::Statements, at, fault);
        world.plan_at(&world.proxy_url(), &backup, &case.options)
    };
    let undisturbed = plan(0, Fault::CutBefore).unwrap();
    let statements = world.proxy.seen();
    for (at, sql) in (1..).zip(&statements) {
        for fault in FAULTS {
            let what = format!("{fault:?} at statement {at} of the plan: {sql}");
            let goes_on = goes_on(fault, sql);
            match plan(at, fault) {
                Ok(plan) => assert!(goes_on && plan == undisturbed, "{what}: {plan:#?}"),
                Err(error) if goes_on => panic!("{what}: {error:?}"),
                Err(error) => honest(&error, false, &format!("{what}: {error:?}")),
            }
        }
    }
}

fn every_statement(case: &Case) {
    let world = World::new();
    every_statement_of_the_plan(&world, case);
    let rounds = Rounds::new(&world, case);
    let statements = rounds.statements(Count::Statements);
    assert!(statements.len() > 20, "{statements:#?}");
    let committed_at = statements.iter().position(|s| s == "COMMIT").unwrap() + 1;
    let all = std::env::var("SAFEMIGRATE_TEST_FAULTS").is_ok_and(|which| which == "all");
    for at in 1..=statements.len() {
        for (n, fault) in FAULTS.into_iter().enumerate() {
            let commit = at == committed_at;
            if all || commit || n == at % FAULTS.len() {
                let may_go_on = matches!(fault, Fault::Error(_)) || (commit && fault == Fault::CutAfter);
                let changed = rounds.strike(Count::Statements, at, fault, commit || at % 9 == 0);
                assert!(!changed || may_go_on, "{fault:?} at {at}");
            }
        }
    }
}

#[test]
fn rows_that_go_straight_in() {
    every_statement(&straight());
}

#[test]
fn rows_that_are_cast_matched_and_rejected() {
    every_statement(&through_staging());
}

/// In the middle of the rows.
#[test]
fn pieces_of_a_copy() {
    for case in [straight(), through_staging()] {
        let world = World::new();
        let rounds = Rounds::new(&world, &case);
        let pieces = rounds.statements(Count::WithCopyData);
        let copies = (1..=pieces.len()).filter(|n| pieces[n - 1].starts_with("-- "));
        for at in copies {
            for fault in [Fault::CutBefore, Fault::CutAfter, Fault::Error("57014")] {
                assert!(!rounds.strike(Count::WithCopyData, at, fault, false));
            }
        }
    }
}

/// The connection is there and nothing comes any more: Ctrl-C ends it, and the server is rid of our session.
#[test]
fn a_silent_connection() {
    let (world, case) = (World::new(), through_staging());
    let rounds = Rounds::new(&world, &case);
    let statements = rounds.statements(Count::Statements);
    let commit = statements.iter().position(|s| s == "COMMIT").unwrap() + 1;
    for at in (2..commit).step_by(20).chain([commit - 1, commit]) {
        world.proxy.inject(Count::Statements, at, Fault::Stall);
        let (hand, interrupt) = Interrupt::new();
        let ended = std::thread::scope(|threads| {
            threads.spawn(|| {
                world.proxy.wait_until_struck();
                hand.interrupt();
            });
            world.apply_at(&world.proxy_url(), &rounds.backup, &rounds.plan, &interrupt)
        });
        let error = ended.unwrap_err();
        assert_eq!(error.kind.exit_code(), 130, "{at}: {error:?}");
        assert!(error.message.contains("nothing was changed"), "{at}: {error:?}");
        assert_eq!(world.left_sessions(), "", "{at}: {}", statements[at - 1]);
        same(&rounds.before, &world.state(), &statements[at - 1]);
    }
}

/// The server is gone and stays gone for a moment: the next one that can ask, asks.
#[test]
fn a_server_that_comes_back_tells() {
    let (world, case) = (World::new(), straight());
    let rounds = Rounds::new(&world, &case);
    let commit = rounds.statements(Count::Statements).iter().position(|s| s == "COMMIT").unwrap() + 1;
    for (fault, came) in [(Fault::CutBefore, Fate::Undone), (Fault::CutAfter, Fate::Committed)] {
        world.proxy.inject(Count::Statements, commit, fault);
        let (_hand, interrupt) = Interrupt::new();
        let mut noted = None;
        let mut note = |committing: &Committing| {
            noted = Some(committing.clone());
            Ok(())
        };
        let url = world.proxy_url();
        let ended = world.runtime.block_on(apply(
            &url,
            &world.store,
            &rounds.backup,
            &rounds.plan,
            &Quiet,
            &interrupt,
            &mut note,
        ));
        assert_eq!(ended.is_ok(), came == Fate::Committed, "{ended:?}");
        let noted = noted.unwrap();
        assert_eq!(world.runtime.block_on(fate(&world.url(), &noted)), came);
        // another server, or this one after a restart, may count anew
        let other = Committing { server_since: "2001-01-01 00:00:00+00".into(), ..noted };
        assert_eq!(world.runtime.block_on(fate(&world.url(), &other)), Fate::Unknown);
    }
}
