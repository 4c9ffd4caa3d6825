//! The network lets us down at every statement once, and after any number of bytes: the database is as before or as
//! after, what is said is true, and nothing is left that `recover` does not put in order.
//!
//! By default a sample; `SAFEMIGRATE_TEST_FAULTS=all` meets every statement, and a hundred and more places in the bytes.

mod scene;
mod support;

use scene::{SHOP, Scene, ended, signal, wait_until};
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::{Count, FAILS, Fault, Output, Proxy};

const FAULTS: [Fault; 7] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::Terminate,
    Fault::Error("53100"),
    Fault::ServerGone,
    Fault::Error("57014"),
    Fault::Error("42501"),
];

/// Large objects and a materialized view have steps of their own.
const MORE: &str = "SELECT lo_from_bytea(0, 'large'); CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM customer;";

fn thorough() -> bool {
    std::env::var("SAFEMIGRATE_TEST_FAULTS").is_ok_and(|which| which == "all")
}

struct Journey {
    scene: Scene,
    proxy: Proxy,
    arguments: Vec<String>,
    /// The database before it, and after it.
    before: String,
    after: String,
    name: &'static str,
}

impl Journey {
    fn new(name: &'static str) -> Journey {
        let scene = Scene::new(&format!("{FAILS}{SHOP}{MORE}"));
        let (full, _) = scene.backup();
        let good = scene.dump();
        scene.cluster.psql("shop", "DELETE FROM \"Order\" WHERE id > 900; CREATE TABLE extra (n int)");
        // what changes only the catalog is remembered, too
        scene.cluster.psql("postgres", "CREATE DATABASE ruins TEMPLATE shop");
        scene.cluster.psql("postgres", FAILS);
        let before = scene.dump();
        let rollback = |strategy: &str| {
            ["rollback", &full, "--yes", "--confirm", "shop", "--strategy", strategy].map(str::to_owned).to_vec()
        };
        let (arguments, after) = match name {
            "backup" => (vec!["backup".to_owned()], before.clone()),
            "trial" => (vec!["check".to_owned(), full.clone(), "--restore".to_owned()], before.clone()),
            "swap" => (rollback("swap"), good),
            _ => (rollback("in-place"), good),
        };
        Journey { proxy: Proxy::before(&scene.cluster), arguments, before, after, scene, name }
    }

    fn start(&self) -> std::process::Child {
        let port = |port: u16| format!(":{port}/");
        let url = self.scene.url().replace(&port(self.scene.cluster.port), &port(self.proxy.port));
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).chain(["--json"]).collect();
        self.scene.spawn(&arguments, &BTreeMap::from([("SAFEMIGRATE_URL", PathBuf::from(url))]))
    }

    /// An undisturbed one: its statements, and how many bytes they and their answers are.
    fn undisturbed(&self) -> (Vec<String>, usize) {
        self.proxy.let_all_through();
        let (code, stdout, stderr) = ended(self.start());
        assert_eq!(code, 0, "{stdout}{stderr}");
        let (seen, carried) = (self.proxy.seen(), self.proxy.carried());
        self.check(code, &stdout, "undisturbed");
        (seen, carried)
    }

    /// By the socket: no password, which costs a debug build a second a command.
    fn run(&self, arguments: &[&str]) -> Output {
        Output::of(self.scene.command(arguments).env("SAFEMIGRATE_URL", self.scene.cluster.socket_url("shop")))
    }

    fn sessions(&self) -> String {
        let ask = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'safemigrate%' OR application_name LIKE 'pg_dump%'";
        self.scene.cluster.psql("postgres", ask)
    }

    fn databases(&self) -> String {
        let ask = "SELECT string_agg(datname || ' ' || datallowconn, ', ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'shop%'";
        self.scene.cluster.psql("postgres", ask)
    }

    /// Everything that must hold however it ended. Tells whether the database was changed.
    #[track_caller]
    fn check(&self, code: i32, stdout: &str, what: &str) -> bool {
        let said: serde_json::Value = serde_json::from_str(stdout).unwrap_or_else(|e| panic!("{e}: {what}"));
        let what = format!("{}: {what}\n{said:#}", self.name);
        let message = said["error"]["message"].as_str().unwrap_or_default();
        let hints = said["error"]["hints"].to_string();
        self.proxy.let_all_through();
        wait_until(&format!("no session is left: {what}"), || self.sessions() == "0");
        let left = self.databases() != "shop true";
        assert!(
            !left
                || code == 5
                || hints.contains("recover")
                || said["notes"].to_string().contains("could not be dropped"),
            "something is left ({}), and it is not said: {what}",
            self.databases()
        );
        if code != 0 {
            let recovered = self.run(&["recover"]).ok();
            assert!(left || !recovered.stdout.contains("dropped"), "{what} {recovered}");
        } else if left {
            self.run(&["recover"]).ok();
        }
        assert_eq!(self.databases(), "shop true", "{what}");
        let now = self.scene.dump();
        let is_after = now == self.after && self.after != self.before;
        assert!(is_after || now == self.before, "as before or as after: {what}");
        match code {
            0 => assert!(now == self.after, "it was said that it is done: {what}"),
            // nobody heard the end, and the server could not be asked: that is what it says
            5 => assert!(hints.contains("safemigrate recover") || message.contains("cannot be entered"), "{what}"),
            1 | 130 => {
                let unchanged =
                    ["othing was changed", "is untouched", "was not touched"].iter().any(|w| message.contains(w));
                assert!(unchanged && !is_after, "says that nothing was changed, and it is so: {what}");
            }
            _ => panic!("an exit code that means something else: {what}"),
        }
        let checked = self.run(&["check", "--all"]).ok();
        assert!(!checked.stdout.contains("damaged"), "{checked}");
        if is_after {
            self.scene.cluster.psql("postgres", "DROP DATABASE shop WITH (FORCE)");
            self.scene.cluster.psql("postgres", "CREATE DATABASE shop TEMPLATE ruins");
        }
        is_after
    }

    /// One after the other, in each way in turn.
    fn at_statements(&self, sample: usize) {
        let (statements, _) = self.undisturbed();
        assert!(statements.len() > 30, "{statements:#?}");
        let step = if thorough() { 1 } else { (statements.len() / sample).max(1) };
        let mut changed = 0;
        for (n, at) in (1..=statements.len()).step_by(step).enumerate() {
            let fault = FAULTS[n % FAULTS.len()];
            self.proxy.inject(Count::Statements, at, fault);
            let (code, stdout, stderr) = ended(self.start());
            let sql = self.proxy.seen().get(at - 1).cloned().unwrap_or_default();
            let what = format!("{fault:?} at statement {at} of {}: {sql}\n{stderr}", statements.len());
            changed += usize::from(self.check(code, &stdout, &what));
            if n % 8 == 7 {
                self.undisturbed();
            }
        }
        eprintln!(
            "{}: {} statements, every {step}., {changed} times it was changed all the same",
            self.name,
            statements.len()
        );
    }

    /// In the middle of messages: the connection ends, or nothing comes any more and somebody presses Ctrl-C.
    fn in_the_bytes(&self, sample: usize) {
        let (_, bytes) = self.undisturbed();
        let times = if thorough() { 60 } else { sample };
        for n in 0..times {
            let at = bytes * (2 * n + 1) / (2 * times) + n % 7;
            let fault = if n % 2 == 0 { Fault::Stall } else { Fault::CutBefore };
            self.proxy.inject_after(at, fault);
            let child = self.start();
            if fault == Fault::Stall {
                self.proxy.wait_until_struck();
                std::thread::sleep(std::time::Duration::from_millis(100));
                signal("INT", child.id());
            }
            let (code, stdout, stderr) = ended(child);
            self.check(code, &stdout, &format!("{fault:?} after {at} of {bytes} bytes: {stderr}"));
        }
    }
}

fn thoroughly(name: &'static str, statements: usize, bytes: usize) {
    let journey = Journey::new(name);
    journey.at_statements(statements);
    journey.in_the_bytes(bytes);
}

#[test]
fn a_checkpoint() {
    thoroughly("backup", 4, 2);
}

#[test]
fn a_swap() {
    thoroughly("swap", 4, 2);
}

#[test]
fn a_rollback_in_place() {
    thoroughly("in-place", 4, 2);
}

#[test]
fn a_trial_restore() {
    thoroughly("trial", 3, 1);
}

/// Between a COMMIT and its answer: what became of it is asked of the server, and not guessed.
#[test]
fn between_a_commit_and_its_answer() {
    for name in ["swap", "in-place"] {
        let journey = Journey::new(name);
        for (fault, code, happened) in [
            (Fault::CutAfter, 0, true),
            (Fault::Stall, 130, false),
            (Fault::StallAfter, 0, true),
            (Fault::ServerGone, 5, false),
            (Fault::CutBefore, 1, false),
            (Fault::Terminate, 1, false),
        ] {
            if !thorough() && matches!(fault, Fault::CutBefore | Fault::Terminate) {
                continue;
            }
            let mut replaces = false;
            journey.proxy.inject_where(fault, move |sql| {
                replaces |= sql.contains("RENAME TO") || sql.contains("DROP TABLE IF EXISTS");
                replaces && sql == "COMMIT"
            });
            let child = journey.start();
            if matches!(fault, Fault::Stall | Fault::StallAfter) {
                journey.proxy.wait_until_struck();
                std::thread::sleep(std::time::Duration::from_millis(300));
                signal("INT", child.id());
            }
            let (ended_with, stdout, stderr) = ended(child);
            let changed = journey.check(ended_with, &stdout, &format!("{fault:?} at the COMMIT: {stderr}"));
            assert_eq!((ended_with, changed), (code, happened), "{name}: {fault:?}: {stdout}{stderr}");
        }
    }
}
