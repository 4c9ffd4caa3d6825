//! Stopped in the middle, by a person, a signal, a crash or a missing piece: what state things are in is always said.

use super::scenes::{ALL, dev_asking, named, product, products, rename_field, rolled_back, write_migration};
use super::support::{Cluster, Prisma, Project, Terminal, on_both};
use std::process::Command;
use std::time::{Duration, Instant};

on_both! { ctrl_c_at_prismas_question ; thorough_with_6: killed_while_prisma_asks the_database_dropped_under_our_feet }

fn asking(project: &Project) -> Terminal {
    dev_asking(project, &["--name", "rename"])
}

#[track_caller]
fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !look() {
        assert!(Instant::now() < until, "30 seconds and not {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn last_run(project: &Project) -> serde_json::Value {
    let (code, history) = project.json(&["history"]);
    assert_eq!(code, 0, "{history}");
    history["runs"][0].clone()
}

fn unfinished(project: &Project) -> serde_json::Value {
    project.json(&["status"]).1["unfinished"].clone()
}

fn ctrl_c_at_prismas_question(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    let before = cluster.dump("shop");
    rename_field(&project);
    let mut terminal = asking(&project);
    terminal.send_ctrl_c();
    terminal.expect("Prisma stopped before it applied anything");
    terminal.expect("Your data is all there: 50 rows in 1 table, value by value, proven");
    terminal.expect("Try again: safemigrate dev");
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    assert_eq!((cluster.dump("shop"), project.migrations().len()), (before.clone(), 1));
    let run = last_run(&project);
    assert_eq!((&run["state"], &run["prisma_exit_code"]), (&"finished".into(), &130.into()), "{run}");
    assert_eq!(unfinished(&project), serde_json::json!([]));

    // no, instead of Ctrl-C
    let mut terminal = asking(&project);
    terminal.send("n");
    terminal.expect("Prisma stopped before it applied anything: a cancelled question");
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    assert_eq!(cluster.dump("shop"), before);
}

#[test]
fn ctrl_c_during_the_checkpoint() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let mut other = cluster.session("shop");
    other.run(r#"BEGIN; LOCK TABLE "Product" IN ACCESS EXCLUSIVE MODE"#);
    let mut terminal = project.terminal(&["dev"]);
    eventually("waiting for the lock", || {
        let waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'shop' AND wait_event_type = 'Lock'";
        cluster.psql("postgres", waiting) == "t"
    });
    terminal.send_ctrl_c();
    terminal.expect("Interrupted while backing up: no backup was made and the database is untouched");
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    assert!(!terminal.transcript().contains("Prisma schema loaded"), "{}", terminal.transcript());
    eventually("gone from the server", || {
        let ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'";
        cluster.psql("postgres", ours) == "0"
    });
    drop(other);
    assert_eq!(project.json(&["list"]).1["backups"], serde_json::json!([]));
    assert_eq!(last_run(&project)["state"], "failed");
    project.safemigrate(&["dev"]).ok().says("Nothing to apply. Your data is all there: 50 rows");
}

/// Ctrl-C ends Prisma, not the statement that the server is in: it commits later, and that must not be missed.
#[test]
fn ctrl_c_while_a_migration_runs() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    // not in the shadow database
    let slow = "DO $$ BEGIN IF current_database() = 'shop' THEN PERFORM pg_sleep(6); END IF; END $$;";
    write_migration(&project, "20260301000000_slow", &format!(r#"{slow} DELETE FROM "Product" WHERE id > 40;"#));
    let mut terminal = project.terminal(&["dev"]);
    eventually("in the middle of it", || {
        let sleeping = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'shop' AND wait_event = 'PgSleep'";
        cluster.psql("postgres", sleeping) == "t"
    });
    terminal.send_ctrl_c();
    const WAITING: &str = "the server is still at a statement of it: waiting for its end";
    // Prisma can hear of its engine's end before it hears the key itself, and then asks whether to report it, and where
    while terminal.expect_any(&[WAITING, "Submit error report ›", "create a GitHub issue? ›"]).0 > 0 {
        terminal.send_ctrl_c();
    }
    terminal.expect("10 rows are gone");
    terminal.expect("1-3 [1]: ");
    terminal.send_line("2");
    assert_eq!(terminal.wait(), 3, "{}", terminal.transcript());
    assert_eq!(products(&cluster), ALL);
}

#[test]
fn told_to_end_while_prisma_asks() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let before = cluster.dump("shop");
    rename_field(&project);
    let mut terminal = asking(&project);
    assert!(Command::new("kill").args(["-TERM", &terminal.pid().to_string()]).status().unwrap().success());
    terminal.expect("Your data is all there: 50 rows in 1 table, value by value, proven");
    let code = terminal.wait();
    assert!(code != 0 && code != 3, "{code}: {}", terminal.transcript());
    assert_eq!(cluster.dump("shop"), before);
    assert_eq!(last_run(&project)["state"], "finished");
    assert_eq!(unfinished(&project), serde_json::json!([]));
}

fn killed_while_prisma_asks(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    let before = cluster.dump("shop");
    rename_field(&project);
    let mut terminal = asking(&project);
    terminal.kill9();
    assert_eq!(terminal.wait(), 137);
    drop(terminal);
    let left = unfinished(&project);
    assert_eq!((&left[0]["command"], &left[0]["state"]), (&"dev".into(), &"migrating".into()), "{left}");
    let next = left[0]["next"].as_str().unwrap();
    let full = next.split('`').find_map(|word| word.strip_prefix("safemigrate verify ")).expect("what to type");
    assert!(next.contains(&format!("`safemigrate rollback {full}`")), "{next}");
    project.safemigrate(&["status"]).ok().says("Prisma may have applied migrations");

    project.safemigrate(&["verify", full]).ok().says("every row, every value");
    // the lock is free, and whatever comes next says it too
    let said = project.safemigrate(&["backup"]).ok();
    let told = said.stderr.contains("did not end. Prisma may have applied migrations");
    assert!(told && said.stderr.contains(full), "{said}");
    project.safemigrate(&["rollback", full, "--yes"]).ok();
    assert_eq!(cluster.dump("shop"), before);
}

fn the_database_dropped_under_our_feet(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    let before = cluster.dump("shop");
    rename_field(&project);
    let mut terminal = asking(&project);
    cluster.psql("postgres", "DROP DATABASE shop WITH (FORCE)");
    terminal.send("y");
    terminal.expect("The database shop is not there any more");
    terminal.expect("The database is gone. The state before is safe in the checkpoint f-");
    terminal.expect("1-2 [1]: ");
    terminal.send_line("");
    terminal.expect("error: The database is gone. The state before is safe in the checkpoint f-");
    assert_eq!(terminal.wait(), 3, "{}", terminal.transcript());
    let said = terminal.transcript();
    assert!(!said.contains("einsert"), "there is nothing to insert into:\n{said}");
    rolled_back(&project, &named(&said, "safemigrate rollback f-"));
    assert_eq!(cluster.dump("shop"), before);
}

#[test]
fn prisma_is_not_installed() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let before = cluster.dump("shop");
    std::fs::remove_file(project.path("node_modules")).unwrap();
    for command in ["dev", "reset"] {
        let said = project.safemigrate(&[command]).code(12).says("Prisma is not installed in").says("npm install");
        assert!(said.stderr.contains("Nothing was changed"), "{said}");
    }
    let (code, report) = project.json(&["dev"]);
    assert_eq!((code, &report["error"]["kind"]), (12, &"tool".into()), "{report}");
    assert_eq!(cluster.dump("shop"), before);
    assert_eq!(project.json(&["history"]).1["runs"], serde_json::json!([]));
}
