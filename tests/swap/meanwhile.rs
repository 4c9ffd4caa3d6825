//! People who write, lock, or hang something on the database while it is rolled back: refused, and nothing of theirs is lost.

use crate::scene::{ended, wait_until};
use crate::stage::{Crowd, Sampler, Stage};
use crate::support::Output;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[track_caller]
fn refused(stage: &Stage, says: &[&str]) -> Output {
    let output = stage.run(&stage.arguments()).code(1);
    let output = output.says("Nothing was changed").says("hint: ");
    says.iter().fold(output, |output, words| output.says(words))
}

#[test]
fn what_is_committed_meanwhile_is_there_afterwards() {
    let stage = Stage::new();
    let options = stage.options("shop");
    // each of them reconnects when it is ended; what it was told is committed must be there
    let writers = Crowd::of(3, move |n, stop| {
        let options = options.clone();
        async move {
            let mut committed = Vec::new();
            let mut next = i32::try_from(n).unwrap() * 100_000;
            while !stop.load(Ordering::SeqCst) {
                let Ok(mut connection) = PgConnection::connect_with(&options).await else { continue };
                for _ in 0..5 {
                    next += 1;
                    let insert = format!("INSERT INTO extra VALUES ({next})");
                    if connection.execute(insert.as_str()).await.is_err() {
                        break;
                    }
                    committed.push(next);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            committed
        }
    });
    let sampler = Sampler::start(&stage);
    for strategy in ["swap", "in-place"] {
        let mut arguments = stage.arguments();
        arguments.extend(["--strategy", strategy]);
        let output = stage.run(&arguments).code(1).says("Somebody wrote to shop after the rollback had begun");
        output.says("Nothing was changed").says("hint: Stop what is connected to the database, then roll back again");
    }
    sampler.stop();
    let mut committed: Vec<i32> = writers.stop().into_iter().flatten().collect();
    committed.sort_unstable();
    let there = stage.scene.cluster.psql("shop", "SELECT string_agg(n::text, ' ' ORDER BY n) FROM extra");
    let there: Vec<i32> = there.split_whitespace().map(|n| n.parse().unwrap()).collect();
    assert!(committed.len() > 20, "{committed:?}");
    let lost: Vec<&i32> = committed.iter().filter(|n| !there.contains(n)).collect();
    assert!(lost.is_empty(), "committed and lost: {lost:?} of {}", committed.len());
    stage.scene.cluster.psql("shop", "TRUNCATE extra");
    stage.run(&stage.arguments()).ok();
    stage.is_good("once they have stopped");
}

/// It has been let in, and is seen by nobody yet, when the database is closed: it must not write into what is thrown away.
#[test]
fn somebody_who_is_just_coming_in() {
    let stage = Stage::new();
    let child = stage.start(&stage.arguments());
    let scratch = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'shop\\_safemigrate\\_new\\_%'";
    wait_until("the copy is being made", || stage.scene.cluster.psql("postgres", scratch) != "0");
    // the server waits between letting it in and showing it
    let late: Vec<_> = (0..20)
        .map(|n| {
            std::thread::sleep(Duration::from_millis(100));
            let mut psql = stage.scene.cluster.programs.command("psql");
            psql.args(["-X", "-q", "-U", "postgres", "-p", &stage.scene.cluster.port.to_string(), "-d", "shop"]);
            psql.arg("-h").arg(stage.scene.cluster.socket_folder()).env("PGOPTIONS", "-c post_auth_delay=2");
            psql.args(["-c", &format!("INSERT INTO extra VALUES ({n})")]);
            psql.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let (code, stdout, stderr) = ended(child);
    let wrote: Vec<String> =
        (0..).zip(late).filter_map(|(n, mut psql)| psql.wait().unwrap().success().then(|| format!("{n}"))).collect();
    if code == 0 {
        assert_eq!(wrote, Vec::<String>::new(), "written and lost: {stdout}{stderr}");
        stage.is_good("they came too late, all of them");
    } else {
        assert!(stderr.contains("Somebody wrote to shop"), "{stdout}{stderr}");
        let there = stage.scene.cluster.psql("shop", "SELECT string_agg(n::text, ' ' ORDER BY n) FROM extra");
        let there: Vec<&str> = there.split_whitespace().collect();
        assert!(wrote.iter().all(|n| there.contains(&n.as_str())), "written and lost: {wrote:?} {there:?}");
    }
}

/// The second of two writes within a second is not reported by the server until seconds later.
#[test]
fn what_the_server_reports_late_is_not_lost_in_place() {
    let stage = Stage::new();
    for pause in [250, 450] {
        let options = stage.options("shop");
        let writer = Crowd::of(1, move |_, stop| {
            let options = options.clone();
            async move {
                let mut connection = PgConnection::connect_with(&options).await.unwrap();
                let mut committed = 0;
                while !stop.load(Ordering::SeqCst) && connection.execute("INSERT INTO extra VALUES (7)").await.is_ok() {
                    committed += 1;
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                committed
            }
        });
        let output = stage.run(&[&stage.arguments()[..], &["--strategy", "in-place", "--json"]].concat());
        let committed = writer.stop()[0];
        let said: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        if output.code == 0 {
            // then all of it was written before the checkpoint of what was replaced
            let safety = said["safety_backups"][0].as_str().unwrap();
            stage.run(&["rollback", safety, "--yes", "--confirm", "shop"]).ok();
        } else {
            let message = said["error"]["message"].as_str().unwrap();
            assert!(message.contains("Somebody wrote to shop") && message.contains("Nothing was changed"), "{output}");
        }
        let there: i32 = stage.scene.cluster.psql("shop", "SELECT count(*) FROM extra").parse().unwrap();
        assert_eq!(there, committed, "every {pause} ms: written and lost{output}");
        stage.scene.cluster.psql("shop", "TRUNCATE extra");
    }
}

/// What a session wrote before the checkpoint of what is replaced, and reports at its end, is in that checkpoint.
#[test]
fn what_was_written_before_is_no_reason_to_refuse_however_late_it_is_reported() {
    let stage = Stage::new();
    let mut session = stage.scene.cluster.session("shop");
    for n in [1, 2, 3] {
        session.run(&format!("INSERT INTO extra VALUES ({n})"));
    }
    let output = stage.run(&stage.arguments()).ok();
    stage.is_good("all of it was written before");
    assert!(!output.stderr.contains("Somebody wrote"), "{output}");
}

#[test]
fn an_open_transaction_that_has_written() {
    let stage = Stage::new();
    let mut session = stage.scene.cluster.session("shop");
    session.run("BEGIN; INSERT INTO extra VALUES (1)");
    for strategy in ["swap", "in-place"] {
        let mut arguments = stage.arguments();
        arguments.extend(["--strategy", strategy]);
        let output = stage
            .run(&arguments)
            .code(1)
            .says("an open transaction has written, or locked a table: process ")
            .says("of user postgres");
        output.says("s: INSERT INTO extra VALUES (1)").says("Nothing was changed").says("hint: ");
    }
    assert_eq!(session.run("SELECT count(*) FROM extra"), "1", "nobody has ended it");
    session.run("COMMIT");
    // else what it wrote may be reported after the rollback has begun
    session.run("SELECT pg_stat_force_next_flush()");
    stage.scene.cluster.psql("shop", "TRUNCATE extra");
    stage.run(&stage.arguments()).ok();
    stage.is_good("once it has ended");
}

#[test]
fn what_hangs_on_the_database() {
    let mut stage = Stage::new();
    let cluster = &mut stage.scene.cluster;
    cluster.psql("postgres", "ALTER SYSTEM SET wal_level = logical");
    cluster.psql("postgres", "ALTER SYSTEM SET max_prepared_transactions = 2");
    cluster.restart();
    let stage = stage;
    let sampler = Sampler::start(&stage);
    let cluster = &stage.scene.cluster;
    cluster.psql("shop", "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')");
    refused(&stage, &["the logical replication slot feed reads from this database"]);
    cluster.psql(
        "shop",
        "SELECT pg_drop_replication_slot('feed'); BEGIN; INSERT INTO extra VALUES (1); PREPARE TRANSACTION 'half'",
    );
    refused(&stage, &["the prepared transaction half of postgres is open (COMMIT PREPARED or ROLLBACK PREPARED)"]);
    cluster.psql("shop", "ROLLBACK PREPARED 'half'");
    cluster.psql("shop", "CREATE SUBSCRIPTION news CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)");
    refused(&stage, &["the subscription news writes into this database"]);
    cluster.psql("shop", "ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news");
    let (_, seen) = sampler.stop();
    assert_eq!(seen, ["shop"], "refused before anything was made");

    // and what comes while the copy is made
    let scratch = "SELECT count(*) FROM pg_database WHERE datname LIKE 'shop\\_safemigrate\\_new\\_%'";
    for (hang, away, says) in [
        (
            "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')",
            "SELECT pg_drop_replication_slot('feed')",
            "the logical replication slot feed",
        ),
        (
            "BEGIN; INSERT INTO extra VALUES (1); PREPARE TRANSACTION 'half'",
            "ROLLBACK PREPARED 'half'",
            "the prepared transaction half",
        ),
    ] {
        let child = stage.start(&stage.arguments());
        wait_until("the copy is there", || cluster.psql("postgres", scratch) != "0");
        cluster.psql("shop", hang);
        let (code, stdout, stderr) = ended(child);
        assert_eq!(code, 1, "{stdout}{stderr}");
        assert!(stderr.contains(says) && stderr.contains("Nothing was changed"), "{stderr}");
        cluster.psql("shop", away);
        stage.is_as_before(says);
    }
    stage.run(&stage.arguments()).ok();
    stage.is_good("once nothing hangs on it any more");
}

/// Nothing is closed to anybody as long as the names cannot be changed.
#[test]
fn a_lock_on_the_database_itself() {
    let stage = Stage::new();
    let mut session = stage.scene.cluster.session("postgres");
    session.run("BEGIN; COMMENT ON DATABASE shop IS 'mine'");
    let output = stage.run(&stage.arguments()).code(1).says("The database shop stayed locked for 10 seconds");
    output
        .says("COMMENT ON DATABASE shop IS 'mine'")
        .says("of user postgres")
        .says("Nothing was changed")
        .says("hint: End that transaction");
    session.run("ROLLBACK");
    stage.is_as_before("locked");
    stage.run(&stage.arguments()).ok();
    stage.is_good("once it is free");
}
