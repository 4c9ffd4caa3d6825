//! A re-insert that is stopped: the database is as it was, or wholly as after, and the next command says what is so.

use crate::scene::{SHOP, Scene, ended, signal, wait_until};
use crate::support::{Count, Fault, Proxy, same};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Child;

const NOTHING_CHANGED: &str = "nterrupted while re-inserting: nothing was changed";

/// Rows that are gone, and a table into which they go back slowly.
struct Lost {
    scene: Scene,
    backup: String,
    before: String,
}

impl Lost {
    fn new() -> Lost {
        let scene = Scene::new(&format!(
            "{SHOP} CREATE TABLE slow (id int PRIMARY KEY, filler text); CREATE TABLE retyped (LIKE slow INCLUDING ALL);
             INSERT INTO slow SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 3000) n; INSERT INTO retyped SELECT * FROM slow"
        ));
        let (_, backup) = scene.backup();
        scene.cluster.psql(
            "shop",
            r#"TRUNCATE customer, "Order", slow, retyped; ALTER TABLE "Order" ADD COLUMN total int NOT NULL DEFAULT 0;
               CREATE FUNCTION slowly(id bigint, place text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                   IF id = 2000 AND current_setting('slow.place', true) = place THEN
                       PERFORM pg_sleep(CASE place WHEN 'slow' THEN 4 ELSE 60 END); END IF;
                   RETURN true; END $$;
               ALTER TABLE slow ADD CHECK (slowly(id, 'slow'));
               ALTER TABLE retyped ALTER id TYPE bigint; ALTER TABLE retyped ADD CHECK (slowly(id, 'retyped'))"#,
        );
        let before = scene.cluster.state("shop");
        Lost { scene, backup, before }
    }

    /// Begins, and comes to a moment of `MOMENTS`.
    fn start_until(&self, (moment, place, which): (&str, &str, &str)) -> Child {
        self.scene.cluster.psql("postgres", &format!("ALTER ROLE boss SET slow.place = '{place}'"));
        let child = self.scene.spawn(&["reinsert", &self.backup, "--yes"], &BTreeMap::new());
        wait_until(moment, || self.sessions(which) != "0");
        child
    }

    /// Through the proxy.
    fn start_behind(&self, proxy: &Proxy) -> Child {
        let port = |port: u16| format!(":{port}/");
        let url = self.scene.url().replace(&port(self.scene.cluster.port), &port(proxy.port));
        let url = BTreeMap::from([("SAFEMIGRATE_URL", PathBuf::from(url))]);
        self.scene.spawn(&["reinsert", &self.backup, "--yes"], &url)
    }

    fn sessions(&self, which: &str) -> String {
        let ask = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'safemigrate' AND";
        self.scene.cluster.psql("postgres", &format!("{ask} {which}"))
    }

    #[track_caller]
    fn as_before(&self, moment: &str) {
        wait_until(&format!("{moment}: no session is left"), || self.sessions("true") == "0");
        same(&self.before, &self.scene.cluster.state("shop"), moment);
    }

    /// What `status` says of the one run that did not end; nothing after an end in words.
    fn status(&self) -> String {
        let said = self.scene.json(&["status"]);
        let runs = said["unfinished"].as_array().unwrap();
        assert!(runs.len() < 2, "{said}");
        runs.first().map(|run| run["next"].as_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The next re-insert tells of the one before, brings everything, and is told of no more.
    #[track_caller]
    fn next_one(&self, tells: &str) {
        self.scene.cluster.psql("postgres", "ALTER ROLE boss RESET slow.place");
        let said = self
            .scene
            .run(&["reinsert", &self.backup, "--yes"])
            .ok()
            .says("Everything in the backup is in the database");
        assert!(tells.is_empty() || said.stderr.contains(tells), "{said}");
        assert_eq!(
            self.scene.cluster.psql(
                "shop",
                r#"SELECT count(*) FROM customer JOIN "Order" USING (id) JOIN slow USING (id) JOIN retyped USING (id)"#
            ),
            "200"
        );
        assert_eq!(self.status(), "");
    }
}

/// How it is brought to each, and how the server shows that it is there. A COPY notices that its client is gone when it has
/// taken what was sent, so that one goes on soon.
const MOMENTS: [(&str, &str, &str); 3] = [
    ("it waits for a table", "", "wait_event_type = 'Lock'"),
    ("rows go in", "slow", "query LIKE 'COPY%' AND wait_event = 'PgSleep'"),
    ("a statement runs on", "retyped", "query LIKE 'INSERT%' AND wait_event = 'PgSleep'"),
];

#[test]
fn by_a_signal() {
    let lost = Lost::new();
    for name in ["INT", "TERM", "HUP", "KILL"] {
        for at in MOMENTS {
            let moment = at.0;
            let mut session = lost.scene.cluster.session("shop");
            if moment.contains("waits") {
                session.run("BEGIN; LOCK TABLE customer IN SHARE MODE");
            }
            let child = lost.start_until(at);
            signal(name, child.id());
            let (code, stdout, stderr) = ended(child);
            let said = format!("SIG{name} while {moment}: {stdout}{stderr}");
            assert_eq!(code, if name == "KILL" { 137 } else { 130 }, "{said}");
            drop(session);
            lost.as_before(&said);
            if name == "KILL" {
                assert_eq!(
                    lost.status(),
                    "The re-insert was one transaction that did not commit: the database is as it was. Start it again."
                );
                lost.scene.run(&["list"]).ok();
            } else {
                assert!(stderr.contains(NOTHING_CHANGED), "{said}");
                assert_eq!(lost.status(), "");
            }
        }
    }
    lost.next_one("was one transaction that did not commit: the database is as it was");
}

#[test]
fn by_the_server() {
    let mut lost = Lost::new();
    for at in MOMENTS.into_iter().skip(1) {
        lost.scene.cluster.psql("shop", "CHECKPOINT");
        for kill in [false, true] {
            let child = lost.start_until(at);
            if kill {
                lost.scene.cluster.kill9();
            } else {
                lost.scene.cluster.stop();
            }
            let (code, stdout, stderr) = ended(child);
            assert_eq!(code, 1, "{}: {stdout}{stderr}", at.0);
            assert!(
                stderr.contains("The connection to the server was lost") && stderr.contains("othing was changed"),
                "{stderr}"
            );
            lost.scene.cluster.restart();
            lost.as_before(at.0);
            assert_eq!(lost.status(), "");
        }
    }
    lost.next_one("");
}

/// Killed before anybody could write down how the commit went: nobody claims to know, and `recover` asks the server.
#[test]
fn at_the_commit() {
    let lost = Lost::new();
    let proxy = Proxy::before(&lost.scene.cluster);
    let (code, ..) = ended(lost.start_behind(&proxy));
    assert_eq!(code, 0);
    let commit = proxy.seen().iter().position(|sql| sql == "COMMIT").unwrap() + 1;
    let after = lost.scene.cluster.state("shop");
    for (fault, tells) in [
        (Fault::Stall, "was not committed: the database is as it was"),
        (Fault::StallAfter, "was committed: all of its rows are back"),
    ] {
        lost.scene.cluster.psql("shop", r#"TRUNCATE customer, "Order", slow, retyped"#);
        let before = lost.scene.cluster.state("shop");
        proxy.inject(Count::Statements, commit, fault);
        let child = lost.start_behind(&proxy);
        proxy.wait_until_struck();
        std::thread::sleep(std::time::Duration::from_millis(500));
        signal("KILL", child.id());
        assert_eq!(ended(child).0, 137);
        let status = lost.status();
        assert!(status.contains("either all back or none is"), "{status}");
        let said = lost.scene.run(&["recover"]).ok();
        assert!(said.stdout.contains(tells), "{said}");
        let state = lost.scene.cluster.state("shop");
        same(if fault == Fault::Stall { &before } else { &after }, &state, &format!("{fault:?}"));
        assert_eq!(lost.status(), "");
        proxy.let_all_through();
    }
}
