//! Prisma is started beside the checkpoint and held before its engine: whatever happens to the backup or to us, nothing is
//! applied before the backup is durable, and nothing ever where there is none.

mod support;

#[path = "gate/held.rs"]
mod held;

use held::{Dev, after, ended, signal, wait_until};
use std::time::{Duration, Instant};
use support::Prisma;

/// Takes its time, then does its work.
const SLOW: &str = "sleep 4; exec $real \"$@\"";

/// As long as safemigrate lives.
const LONG: &str =
    "touch $mark; n=0; while kill -0 $PPID && [ $n -lt 100 ]; do sleep 0.2; n=$((n + 1)); done 2>/dev/null";

#[test]
fn a_slow_backup_is_waited_for() {
    for prisma in Prisma::BOTH {
        let dev = Dev::new(prisma);
        dev.wrap_pg_dump(SLOW);
        let started = dev.start(&["dev", "--name", "add"]);
        wait_until("Prisma stands at the gate", || dev.at_the_gate());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(2) {
            assert_eq!(dev.database(), dev.dump, "nothing is applied while the backup is taken");
            std::thread::sleep(Duration::from_millis(100));
        }
        let (code, said) = ended(started);
        assert_eq!(code, 0, "{said}");
        // Prisma got ready meanwhile, the checkpoint was done before it did anything
        after(
            &said,
            &[
                "Prisma schema loaded",
                "Checkpoint f-",
                "migration(s) have been created and applied",
                "Your data is all there",
            ],
        );
        assert_eq!(dev.columns(), "id name price description");
        dev.nobody_is_left();
    }
}

#[test]
fn a_backup_that_fails_ends_prisma() {
    for prisma in Prisma::BOTH {
        let dev = Dev::new(prisma);
        // at once, and when Prisma stands at the gate
        for text in
            ["exit 1", "sleep 4; echo 'no more' >&2; exit 1", "$real \"$@\" | head -c 3000; sleep 3; kill -9 $$"]
        {
            dev.wrap_pg_dump(text);
            let (code, said) = ended(dev.start(&["dev", "--name", "add"]));
            assert_eq!(code, 1, "{said}");
            after(&said, &["error: ", "No backup was made and the database is untouched"]);
            assert!(!said.contains("Error:"), "no last word of Prisma's: {said}");
            dev.is_untouched(&said);
        }
        dev.goes_through(&["dev", "--name", "add"]);
    }
}

#[test]
fn a_server_that_goes_away_ends_prisma() {
    let dev = Dev::new(Prisma::V7);
    dev.wrap_pg_dump("touch $mark; sleep 8");
    let started = dev.start(&["dev", "--name", "add"]);
    wait_until("Prisma stands at the gate", || dev.at_the_gate());
    let end =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'safemigrate%'";
    dev.cluster.psql("postgres", end);
    let (code, said) = ended(started);
    assert_eq!(code, 12, "{said}");
    assert!(said.contains("database is untouched"), "{said}");
    dev.is_untouched(&said);
}

/// At any moment from its start to the opening of the gate and beyond: either all of it happened with a backup, or nothing.
#[test]
fn safemigrate_killed_at_any_time() {
    for prisma in Prisma::BOTH {
        let dev = Dev::new(prisma);
        dev.wrap_pg_dump("touch $mark; sleep 1; exec $real \"$@\"");
        let strokes = if dev.thoroughly() { 60 } else { 5 };
        for n in 0..strokes {
            let started = dev.start(&["dev", "--name", "add"]);
            wait_until("the backup has begun", || dev.path("mark").exists());
            std::thread::sleep(Duration::from_millis(2200 * n / strokes));
            signal("KILL", started.child.id());
            let (_, said) = ended(started);
            wait_until("Prisma has ended", || dev.processes().is_empty());
            let there = dev.columns() != "id name price";
            if there {
                assert!(dev.has_backup(), "applied without a backup: {said}");
                dev.again();
            } else {
                dev.cleared(&said);
            }
        }
        dev.goes_through(&["dev", "--name", "add"]);
    }
}

/// Killed at the gate, the whole time is there for whoever would go on.
#[test]
fn safemigrate_killed_while_prisma_waits() {
    for prisma in Prisma::BOTH {
        let dev = Dev::new(prisma);
        dev.wrap_pg_dump(LONG);
        for name in ["KILL", "TERM", "INT"] {
            let started = dev.start(&["dev", "--name", "add"]);
            wait_until("Prisma stands at the gate", || dev.at_the_gate());
            signal(name, started.child.id());
            let (code, said) = ended(started);
            assert_eq!(code, if name == "KILL" { 137 } else { 130 }, "{said}");
            wait_until("Prisma has ended", || dev.processes().is_empty());
            dev.is_untouched(&said);
        }
        dev.unwrapped();
        dev.goes_through(&["dev", "--name", "add"]);
    }
}

#[test]
fn a_person_presses_ctrl_c_while_prisma_waits() {
    let dev = Dev::new(Prisma::V7);
    dev.wrap_pg_dump(LONG);
    let mut terminal = dev.terminal(&["dev", "--name", "add"]);
    terminal.expect("Backing up");
    terminal.send_ctrl_c();
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    assert!(
        terminal.transcript().contains("no backup was made and the database is untouched"),
        "{}",
        terminal.transcript()
    );
    wait_until("Prisma has ended", || dev.processes().is_empty());
    dev.is_untouched(&terminal.transcript());
}

#[test]
fn prisma_asks_when_the_gate_is_open() {
    for prisma in Prisma::BOTH {
        let dev = Dev::new(prisma);
        dev.edit_schema("  description String?\n  price Decimal\n", "");
        dev.wrap_pg_dump(SLOW);
        let mut terminal = dev.terminal(&["dev", "--name", "drop", "--on-loss", "keep"]);
        let before = terminal.expect("Are you sure you want to create and apply this migration?");
        after(&before, &["Prisma schema loaded", "Checkpoint f-", "about to drop the column `price`"]);
        terminal.send("y");
        terminal.send_line("");
        assert_eq!(terminal.wait(), 3, "{}", terminal.transcript());
        assert_eq!(dev.columns(), "id name");
        dev.nobody_is_left();
    }
}

#[test]
fn prisma_that_fails_before_its_engine() {
    let dev = Dev::new(Prisma::V7);
    dev.edit_schema("description String?", "description Strin?");
    let (code, said) = ended(dev.start(&["dev", "--name", "add"]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("P1012") && dev.has_backup(), "{said}");
    assert_eq!(dev.database(), dev.dump);
}

/// What takes Prisma past the gate is either seen beforehand, or stands before Prisma's own journal.
#[test]
fn a_prisma_that_goes_past_the_gate() {
    let dev = Dev::new(Prisma::V7);
    let real = dev.stand_in_engine();
    // a configuration that names its own engine is seen
    let own = format!("process.env.PRISMA_SCHEMA_ENGINE_BINARY = {real:?};\n");
    let config = dev.read("prisma.config.ts");
    dev.write("prisma.config.ts", &(own.clone() + &config));
    dev.wrap_pg_dump(SLOW);
    let started = dev.start_without_engine(&["dev", "--name", "add"]);
    dev.nothing_before_the_backup(started);
    dev.again();
    dev.write("prisma.config.ts", &config);
    // one that does so only in Prisma itself is not
    dev.write("past.cjs", &format!("if (process.env.SAFEMIGRATE_GATE && process.argv[2] === 'migrate') {own}"));
    let started = dev.start_with(&["dev", "--name", "add"], "NODE_OPTIONS", "--require ./past.cjs");
    dev.nothing_before_the_backup(started);
}
