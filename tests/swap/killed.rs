//! Killed or interrupted at each moment of the exchange: `recover` clears up, and says what is so.

use crate::scene::{ended, signal, wait_until};
use crate::stage::{Sampler, Stage, pool};
use crate::support::{Fault, Proxy};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is on its way when it happens: a part of the statement, how often it came before, and whether the server has done it.
type Moment = (&'static str, usize, Fault);

const MOMENTS: [Moment; 15] = [
    ("CREATE DATABASE", 0, Fault::Stall),
    ("CREATE DATABASE", 0, Fault::StallAfter),
    ("COMMENT ON DATABASE", 0, Fault::Stall),
    ("COMMENT ON DATABASE", 0, Fault::StallAfter),
    ("COPY \"public\".\"Order\" (", 1, Fault::Stall),
    ("ALLOW_CONNECTIONS false", 1, Fault::StallAfter),
    ("ALLOW_CONNECTIONS false", 2, Fault::Stall),
    ("ALLOW_CONNECTIONS false", 2, Fault::StallAfter),
    ("ALLOW_CONNECTIONS false", 3, Fault::StallAfter),
    ("RENAME TO", 0, Fault::Stall),
    ("RENAME TO", 0, Fault::StallAfter),
    ("RENAME TO … COMMIT", 0, Fault::Stall),
    ("RENAME TO … COMMIT", 0, Fault::StallAfter),
    ("DROP DATABASE", 0, Fault::Stall),
    ("DROP DATABASE", 0, Fault::StallAfter),
];

/// A third of them, or all.
fn moments() -> Vec<Moment> {
    let all = std::env::var("SAFEMIGRATE_TEST_FAULTS").is_ok_and(|which| which == "all");
    MOMENTS.into_iter().step_by(if all { 1 } else { 3 }).collect()
}

fn is_it((what, before, _): Moment) -> impl FnMut(&str) -> bool + Send + 'static {
    let (mut come, mut renamed) = (0, false);
    move |sql| {
        renamed |= sql.contains("RENAME TO");
        let is = match what.strip_prefix("RENAME TO … ") {
            Some(then) => renamed && sql == then,
            None => sql.contains(what),
        };
        come += usize::from(is);
        is && come == before + 1
    }
}

/// Whether the exchange has been committed by then.
fn has_happened((what, _, fault): Moment) -> bool {
    what == "DROP DATABASE" || (what.ends_with("COMMIT") && fault == Fault::StallAfter)
}

/// Some by default; with `SAFEMIGRATE_TEST_FAULTS=all` each moment meets each signal.
fn at_each_moment(name: &'static str, some: &[usize]) {
    let all = std::env::var("SAFEMIGRATE_TEST_FAULTS").is_ok_and(|which| which == "all");
    let stage = Stage::new();
    stage.scene.cluster.psql("postgres", "CREATE DATABASE ruins TEMPLATE shop");
    let proxy = Proxy::before(&stage.scene.cluster);
    let port = |port: u16| format!(":{port}/");
    let url = stage.scene.url().replace(&port(stage.scene.cluster.port), &port(proxy.port));
    let behind = BTreeMap::from([("SAFEMIGRATE_URL", PathBuf::from(url))]);
    for (n, moment) in moments().into_iter().enumerate() {
        if !all && !some.contains(&n) {
            continue;
        }
        let what = format!("SIG{name} at {moment:?}");
        let (sampler, members) = (Sampler::start(&stage), pool(stage.options("shop"), 2));
        proxy.inject_where(moment.2, is_it(moment));
        let child = stage.scene.spawn(&stage.arguments(), &behind);
        proxy.wait_until_struck();
        // what the server was told it does in the meantime
        std::thread::sleep(std::time::Duration::from_millis(if moment.2 == Fault::StallAfter { 400 } else { 50 }));
        signal(name, child.id());
        let (code, stdout, stderr) = ended(child);
        let said = format!("{what}: {stdout}{stderr}");
        proxy.let_all_through();
        if name == "KILL" {
            assert_eq!(code, 137, "{said}");
            told(&stage, moment, &said);
        } else if has_happened(moment) {
            assert!(code == 0 && stdout.contains("structure and data as they were, proven"), "{said}");
        } else {
            assert!(code == 130 && stderr.contains("Nothing was changed"), "{said}");
        }
        // by now there is nothing to do any more
        wait_until(&said, || stage.run(&["recover"]).code == 0);
        stage.run(&["recover"]).ok().says("Nothing to recover");
        members.stop();
        sampler.stop();
        if has_happened(moment) {
            stage.is_good(&said);
            stage.scene.cluster.psql("postgres", "DROP DATABASE shop WITH (FORCE)");
            stage.scene.cluster.psql("postgres", "CREATE DATABASE shop TEMPLATE ruins");
        }
        stage.is_as_before(&said);
    }
    stage.run(&stage.arguments()).ok();
    stage.is_good("after all that");
}

/// `status` and `recover` say what is so.
#[track_caller]
fn told(stage: &Stage, moment: Moment, said: &str) {
    let status = stage.scene.json(&["status"]);
    let next = status["unfinished"][0]["next"].as_str().unwrap_or_else(|| panic!("{said}: {status}"));
    let committing = moment.0.contains("RENAME TO … ") || moment.0 == "DROP DATABASE";
    assert_eq!(next.contains("whole, or not at all"), committing, "{said}: {next}");
    assert!(next.contains("safemigrate recover"), "{said}: {next}");
    let mut recovered = stage.run(&["recover"]);
    // the server may take a moment to notice that its client is gone
    wait_until(said, || {
        if recovered.code != 0 {
            recovered = stage.run(&["recover"]);
        }
        recovered.code == 0
    });
    let words = match (has_happened(moment), committing) {
        (true, _) => "The restore was committed",
        (false, true) => "The restore was not committed: the database is as it was",
        (false, false) => "nothing of it is in the database",
    };
    assert!(recovered.stdout.contains(words), "{said}: {recovered}");
}

#[test]
fn killed_at_each_moment() {
    at_each_moment("KILL", &[1, 3, 8, 12]);
}

#[test]
fn interrupted_at_each_moment() {
    at_each_moment("INT", &[1, 7, 9, 12]);
}
