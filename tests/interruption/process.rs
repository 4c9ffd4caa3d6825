//! Our own process killed or interrupted, and pg_dump failing under it.

use crate::scene::{signal, wait_until};
use crate::victim::Victim;

const INTERRUPTED: &[&str] = &["\"kind\":\"interrupted\"", "no backup was made and the database is untouched"];

/// What a signal ends with.
fn ending(name: &str) -> (i32, &'static [&'static str]) {
    if name == "KILL" { (137, &[]) } else { (130, INTERRUPTED) }
}

#[test]
fn while_it_waits_for_a_table() {
    let mut victim = Victim::new();
    for name in ["KILL", "INT", "TERM", "HUP"] {
        let mut session = victim.scene.cluster.session("shop");
        session.run("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE");
        let child = victim.start();
        wait_until("it waits", || victim.sessions("wait_event_type = 'Lock'") == "1");
        signal(name, child.id());
        let (code, says) = ending(name);
        victim.ends(child, code, says);
        session.run("COMMIT");
        victim.untouched_and_usable(&format!("SIG{name} while it waits for a table"));
    }
}

#[test]
fn while_pg_dump_runs() {
    let mut victim = Victim::new();
    for name in ["KILL", "INT", "TERM"] {
        // before it writes anything, and when it has written everything and the rows are read
        for text in ["touch $mark; sleep 2; exec $real \"$@\"", "$real \"$@\"; sleep 1; touch $mark; sleep 1"] {
            victim.wrap_pg_dump(text);
            let child = victim.start_wrapped();
            victim.wait_for_mark();
            if text.starts_with("$real") {
                wait_until("all rows are read", || victim.sessions("true") == "1");
            }
            signal(name, child.id());
            let (code, says) = ending(name);
            victim.ends(child, code, says);
            victim.untouched_and_usable(&format!("SIG{name} while pg_dump is: {text}"));
        }
    }
}

#[test]
fn while_rows_are_read() {
    let mut victim = Victim::big();
    for name in ["KILL", "INT", "TERM"] {
        let child = victim.start();
        wait_until("it reads rows", || victim.sessions("query LIKE 'COPY%big%'") != "0");
        signal(name, child.id());
        let (code, says) = ending(name);
        victim.ends(child, code, says);
        victim.untouched_and_usable(&format!("SIG{name} while rows are read"));
    }
}

/// At any time at all; also between the objects, the manifests and the sweep.
#[test]
fn at_a_range_of_times() {
    let mut victim = Victim::new();
    let started = std::time::Instant::now();
    victim.ends(victim.start(), 0, &[]);
    let whole = started.elapsed();
    std::fs::remove_dir_all(victim.scene.store()).unwrap();
    // thin at first, dense towards the end
    for part in [5, 20, 40, 60, 75, 85, 92, 96, 99, 103] {
        for name in ["KILL", "TERM"] {
            let child = victim.start();
            std::thread::sleep(whole * part / 100);
            signal(name, child.id());
            let (code, ..) = crate::scene::ended(child);
            // TERM before its handler stands ends as KILL does
            assert!([0, 130, 137, 143].contains(&code), "{code}");
            let there = victim.finished_after_all();
            assert!(there || code != 0, "SIG{name} at {part} %: 0 was said and there is no backup");
            assert!(!there || code != 130, "SIG{name} at {part} %: no backup was made, it said, and there is one");
            if there {
                victim.scene.backup();
                std::fs::remove_dir_all(victim.scene.store()).unwrap();
            } else {
                victim.untouched_and_usable(&format!("SIG{name} at {part} %"));
            }
        }
    }
}

#[test]
fn pg_dump_that_fails() {
    let mut victim = Victim::new();
    for (text, says) in [
        ("exit 3", &["pg_dump failed while reading the structure", "exit status: 3"][..]),
        ("echo 'pg_dump: error: out of luck' >&2; exit 1", &["out of luck"]),
        ("$real \"$@\" | head -c 3000; echo 'half of it' >&2; exit 1", &["half of it"]),
        ("$real \"$@\" | head -c 3000; kill -9 $$", &["pg_dump failed", "signal: 9"]),
        ("exit 0", &["wrote no archive"]),
        ("echo 'CREATE TABLE x ()'", &["wrote no archive"]),
    ] {
        victim.wrap_pg_dump(text);
        let says = [says, &["No backup was made and the database is untouched"]].concat();
        let code = if says[0].contains("no archive") { 12 } else { 1 };
        victim.ends(victim.start_wrapped(), code, &says);
        victim.untouched_and_usable(text);
    }
}
