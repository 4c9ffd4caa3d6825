//! The server's side stopped: one session, or all of it.

use crate::scene::wait_until;
use crate::victim::Victim;

const SLOW: &str = "touch $mark; sleep 1; exec $real \"$@\"";
const UNTOUCHED: &str = "No backup was made and the database is untouched";

fn terminate(victim: &Victim, which: &str) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'safemigrate' AND datname = 'shop'";
    let ended = victim.scene.cluster.psql("postgres", &format!("{sql} AND {which}"));
    assert_ne!(ended, "0", "{which}");
}

#[test]
fn the_session_that_holds_the_snapshot() {
    let mut victim = Victim::new();
    victim.wrap_pg_dump("$real \"$@\"; sleep 1; touch $mark; sleep 1");
    let child = victim.start_wrapped();
    victim.wait_for_mark();
    wait_until("all rows are read", || victim.sessions("true") == "1");
    terminate(&victim, "state = 'idle in transaction'");
    victim.ends(child, 1, &["The connection to the server was lost while closing the snapshot", UNTOUCHED]);
    victim.untouched_and_usable("the leader is gone after everything was read");

    victim.wrap_pg_dump(SLOW);
    let child = victim.start_wrapped();
    victim.wait_for_mark();
    terminate(&victim, "state = 'idle in transaction'");
    victim.ends(child, 1, &["\"kind\":\"server\"", UNTOUCHED]);
    victim.untouched_and_usable("the leader is gone before pg_dump has joined");
}

#[test]
fn a_session_that_reads() {
    let mut victim = Victim::big();
    let child = victim.start();
    wait_until("it reads rows", || victim.sessions("query LIKE 'COPY%big%'") != "0");
    terminate(&victim, "query LIKE 'COPY%big%'");
    victim.ends(child, 1, &["The connection to the server was lost while reading the table public.big", UNTOUCHED]);
    victim.untouched_and_usable("a reader is gone");
}

#[test]
fn pg_dump_loses_its_session() {
    let mut victim = Victim::new();
    let mut session = victim.scene.cluster.session("shop");
    // pg_dump takes its own locks; whoever wants the table queues behind ours, and pg_dump behind them
    victim.wrap_pg_dump(SLOW);
    let child = victim.start_wrapped();
    victim.wait_for_mark();
    let blocker =
        std::thread::spawn(move || session.run("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE; COMMIT"));
    let pg_dump = "query LIKE 'LOCK TABLE%' AND wait_event_type = 'Lock'";
    wait_until("pg_dump waits", || victim.sessions(pg_dump) == "1");
    terminate(&victim, pg_dump);
    victim.ends(child, 1, &["pg_dump failed while reading the structure", UNTOUCHED]);
    drop(blocker.join());
    victim.untouched_and_usable("pg_dump's session is gone");
}

#[test]
fn the_whole_server() {
    let mut victim = Victim::big();
    for reading in [false, true] {
        // what a server without fsync has not written yet is its loss, not ours
        victim.scene.cluster.psql("shop", "CHECKPOINT");
        victim.wrap_pg_dump(if reading { "exec $real \"$@\"" } else { SLOW });
        let child = victim.start_wrapped();
        if reading {
            wait_until("it reads rows", || victim.sessions("query LIKE 'COPY%big%'") != "0");
        } else {
            victim.wait_for_mark();
        }
        victim.scene.cluster.kill9();
        let (code, stdout, stderr) = crate::scene::ended(child);
        assert_eq!(code, 1, "{stdout}{stderr}");
        let untouched = stdout.contains(UNTOUCHED) || stdout.contains("Nothing was changed");
        assert!(untouched && (stdout.contains("\"server\"") || stdout.contains("\"unreachable\"")), "{stdout}{stderr}");
        victim.scene.cluster.restart();
        victim.untouched_and_usable("the server was killed and started again");
    }
}
