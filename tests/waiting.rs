//! Waiting has an end: whatever somebody holds, every journey says after its ten seconds who it is (process, user,
//! statement, age), leaves everything as it was, and works once the lock is gone.

mod scene;
mod support;

use scene::{SHOP, Scene, ended, script, wait_until};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::{Cluster, Project, PsqlSession, Shape};

/// A session that holds something, and its process on the server.
struct Holder {
    _session: PsqlSession,
    process: String,
    statement: &'static str,
}

impl Holder {
    fn of(cluster: &Cluster, database: &str, statement: &'static str) -> Holder {
        let mut session = cluster.session(database);
        let process = session.run("SELECT pg_backend_pid()");
        session.run(statement);
        Holder { _session: session, process, statement }
    }

    /// The words that name it. What is shown is the last statement that it ran.
    fn is_named(&self, said: &str) {
        let last = self.statement.rsplit("; ").next().unwrap();
        let said = said.replace("\\\"", "\"");
        for words in [format!("process {} of user postgres for ", self.process), format!(" s: {last}")] {
            assert!(said.contains(&words), "says {words:?}: {said}");
        }
    }
}

const UNTIL_NAMED: &str = "End that transaction (or wait for it)";

/// A database with a full backup in a store of its own, and something to put back.
struct Shop<'a> {
    scene: &'a Scene,
    name: &'a str,
    full: String,
    data: String,
}

impl<'a> Shop<'a> {
    fn of(scene: &'a Scene, name: &'a str) -> Shop<'a> {
        if name != "shop" {
            scene.cluster.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE shop"));
        }
        let mut shop = Shop { scene, name, full: String::new(), data: String::new() };
        let (code, stdout, stderr) = ended(shop.start(&["backup"]));
        assert_eq!(code, 0, "{stdout}{stderr}");
        let said: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        let id = |n: usize| said["backups"][n]["id"].as_str().unwrap().to_owned();
        (shop.full, shop.data) = (id(0), id(1));
        shop
    }

    fn lose_rows(self) -> Shop<'a> {
        self.scene.cluster.psql(self.name, "DELETE FROM \"Order\" WHERE id > 900");
        self
    }

    fn environment(&self) -> BTreeMap<&'static str, PathBuf> {
        let url = self.scene.cluster.socket_url(self.name);
        let store = self.scene.folder.path().join(format!("store of {}", self.name));
        BTreeMap::from([("SAFEMIGRATE_STORE", store), ("SAFEMIGRATE_URL", PathBuf::from(url))])
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.scene.spawn(&[arguments, &["--json"]].concat(), &self.environment())
    }

    fn hold(&self, statement: &'static str) -> Holder {
        Holder::of(&self.scene.cluster, self.name, statement)
    }

    fn roll_back<'b>(&'b self, strategy: &'b str) -> Vec<&'b str> {
        vec!["rollback", &self.full, "--yes", "--confirm", self.name, "--strategy", strategy]
    }

    fn reinsert(&self) -> Vec<&str> {
        vec!["reinsert", &self.data, "--yes", "--confirm", self.name]
    }

    fn rows(&self) -> String {
        self.scene.cluster.psql(self.name, "SELECT count(*) FROM \"Order\"")
    }
}

#[track_caller]
fn is_told(child: Child, holder: &Holder, what: &str, words: &str) {
    let (code, stdout, stderr) = ended(child);
    let said = format!("{what}: {stdout}{stderr}");
    assert_eq!(code, 1, "{said}");
    assert!(stdout.contains("othing was changed") || stdout.contains("is untouched"), "{said}");
    assert!(stdout.contains(words), "says {words:?}: {said}");
    holder.is_named(&said);
}

/// All at once, each to its end; nobody takes much longer than the ten seconds.
#[track_caller]
fn all_are_told(shop: &Shop<'_>, holder: &Holder, journeys: &[Vec<&str>], words: &str) {
    let started = Instant::now();
    let children: Vec<Child> = journeys.iter().map(|arguments| shop.start(arguments)).collect();
    for (child, arguments) in children.into_iter().zip(journeys) {
        is_told(child, holder, &arguments.join(" "), words);
    }
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
}

fn a_table_that_somebody_changes() {
    let mut scene = Scene::new(SHOP);
    scene.cluster.psql("postgres", "ALTER SYSTEM SET max_prepared_transactions = 2");
    scene.cluster.restart();
    let shop = Shop::of(&scene, "shop");
    let other = Shop::of(&scene, "other");
    let shop = shop.lose_rows();
    let statement = "BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE";
    let holder = shop.hold(statement);
    scene.cluster.psql("other", &format!("{statement}; PREPARE TRANSACTION 'half'"));
    let prepared = other.start(&["backup"]);
    let journeys = [
        vec!["backup"],
        vec!["backup", "--kind", "data-only", "--store", "another"],
        vec!["verify", &shop.full],
        shop.reinsert(),
    ];
    all_are_told(&shop, &holder, &journeys, "stayed locked for 10 seconds");
    // who replaces the database would throw away what an open transaction is about to commit
    let journeys = [shop.roll_back("swap"), shop.roll_back("in-place")];
    all_are_told(&shop, &holder, &journeys, "an open transaction has written, or locked a table: process ");
    let (code, stdout, _) = ended(prepared);
    assert_eq!(code, 1);
    let says = "customer is locked by the prepared transaction 'half' of user postgres for ";
    assert!(stdout.contains(says) && stdout.contains("ROLLBACK PREPARED ends it"), "{stdout}");
    // what does not touch it does not wait
    let (code, stdout, stderr) = ended(shop.start(&["check", "--restore"]));
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_eq!(shop.rows().as_str(), "900");
    drop(holder);
    let (code, ..) = ended(shop.start(&shop.roll_back("in-place")));
    assert_eq!((code, shop.rows().as_str()), (0, "1000"));
}

fn a_table_that_somebody_uses() {
    let scene = Scene::new(&format!("{SHOP} CREATE SEQUENCE numbers"));
    let (read, sequence, written) = (Shop::of(&scene, "shop"), Shop::of(&scene, "two"), Shop::of(&scene, "three"));
    let (read, sequence, written) = (read.lose_rows(), sequence.lose_rows(), written.lose_rows());
    let cases = [
        (&read, "BEGIN; SELECT count(*) FROM customer", read.roll_back("in-place"), "customer"),
        (&sequence, "BEGIN; SELECT last_value FROM numbers", sequence.roll_back("in-place"), "numbers"),
        (&written, "BEGIN; UPDATE \"Order\" SET note = note WHERE id = 1", written.reinsert(), "Order"),
    ];
    let started: Vec<(Holder, Child)> =
        cases.iter().map(|(shop, statement, arguments, _)| (shop.hold(statement), shop.start(arguments))).collect();
    for ((holder, child), (shop, statement, arguments, words)) in started.into_iter().zip(&cases) {
        is_told(child, &holder, statement, words);
        assert_eq!(shop.rows(), "900");
        drop(holder);
        let (code, stdout, stderr) = ended(shop.start(arguments));
        assert_eq!((code, shop.rows().as_str()), (0, "1000"), "{stdout}{stderr}");
    }
}

/// Nobody can do anything in the database then, not even get in; who it is can be asked from another one.
fn a_system_catalog() {
    let scene = Scene::new(SHOP);
    let shop = Shop::of(&scene, "shop").lose_rows();
    for statement in
        ["BEGIN; LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE", "BEGIN; LOCK TABLE pg_proc IN ACCESS EXCLUSIVE MODE"]
    {
        let holder = shop.hold(statement);
        let journeys = [
            vec!["backup"],
            vec!["verify", &shop.full],
            shop.reinsert(),
            shop.roll_back("swap"),
            vec!["guard", "status"],
            vec!["guard", "mark"],
        ];
        all_are_told(&shop, &holder, &journeys, "A system catalog of shop stayed locked for 10 seconds");
    }
    assert_eq!(shop.rows(), "900");
    let (code, ..) = ended(shop.start(&shop.reinsert()));
    assert_eq!((code, shop.rows().as_str()), (0, "1000"));
}

fn the_mark() {
    let scene = Scene::new(SHOP);
    let (shop, other) = (Shop::of(&scene, "shop"), Shop::of(&scene, "other"));
    let comment = Holder::of(&scene.cluster, "postgres", "BEGIN; COMMENT ON DATABASE shop IS 'mine'");
    let advisory = other.hold("SELECT pg_advisory_lock(hashtext('safemigrate mark'))");
    let identity = scene.cluster.psql("other", "SELECT 'other@' || system_identifier FROM pg_control_system()");
    let (one, two) = (shop.start(&["guard", "mark"]), other.start(&["guard", "unmark", "--confirm", &identity]));
    is_told(one, &comment, "mark", "The database shop stayed locked for 10 seconds");
    is_told(two, &advisory, "unmark", "An advisory lock stayed locked for 10 seconds");
    drop((comment, advisory));
    assert_eq!(ended(shop.start(&["guard", "mark"])).0, 0);
}

/// Somebody wants the table while we read it: he waits for us, and our other sessions and `pg_dump` behind him.
fn somebody_who_queued_behind_us() {
    let scene = Scene::new(SHOP);
    let shop = Shop::of(&scene, "shop");
    let (tools, mark) = (scene.folder.path().join("slow"), scene.folder.path().join("mark"));
    let real = scene.cluster.programs.path("pg_dump");
    let sleep = format!("[ \"$1\" = --version ] || {{ touch '{}'; sleep 2; }}; ", mark.display());
    script(&tools, "pg_dump", &format!("{sleep}exec {} \"$@\"", real.display()));
    let mut environment = shop.environment();
    environment.insert("SAFEMIGRATE_PG_BIN", tools);
    let child = scene.spawn(&["backup", "--json"], &environment);
    wait_until("it has its locks", || mark.exists());
    let mut session = scene.cluster.session("shop");
    let process = session.run("SELECT pg_backend_pid()");
    let waiting =
        std::thread::spawn(move || session.run("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE; COMMIT"));
    let (code, stdout, stderr) = ended(child);
    assert_eq!(code, 1, "{stdout}{stderr}");
    for words in
        [&format!("process {process} of user postgres for "), "LOCK TABLE customer", "No backup was made", UNTIL_NAMED]
    {
        assert!(stdout.contains(words) || stdout.contains("Nothing was changed"), "says {words:?}: {stdout}");
    }
    waiting.join().unwrap();
    assert_eq!(ended(shop.start(&["backup"])).0, 0);
}

/// Prisma takes its time.
#[track_caller]
fn patiently(what: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !so() {
        assert!(Instant::now() < until, "two minutes and not yet: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The project's next `dev` adds a column, and takes its time where `slow`.
fn project(cluster: &Cluster, name: &str, slow: bool) -> Project {
    let project = Project::prisma6(Shape::Product, cluster, name);
    cluster.prepare(&project, name);
    cluster
        .psql(name, r#"INSERT INTO "Product" (name, price) SELECT 'Product ' || n, n FROM generate_series(1, 50) n"#);
    let sleep = format!("DO $$ BEGIN IF current_database() = '{name}' THEN PERFORM pg_sleep(4); END IF; END $$;");
    let sleep = if slow { sleep } else { String::new() };
    let add = r#"ALTER TABLE "Product" ADD COLUMN "description" TEXT;"#;
    project.write("prisma/migrations/20260301000000_add/migration.sql", &format!("{add} {sleep}"));
    project.edit_schema("price Decimal", "price Decimal\n  description String?");
    project
}

fn dev_before_and_after() {
    let cluster = Cluster::start();
    let (before, after) = (project(&cluster, "before", false), project(&cluster, "after", true));
    let dev = |project: &Project| {
        let mut command = project.safemigrate_command(&["dev"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    cluster.psql("after", "CREATE SCHEMA other; CREATE TABLE other.note (n serial)");
    let holder = Holder::of(&cluster, "before", "BEGIN; LOCK TABLE \"Product\" IN ACCESS EXCLUSIVE MODE");
    let (first, second) = (dev(&before), dev(&after));
    // not one that Prisma itself looks at
    patiently("Prisma migrates", || {
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'after' AND wait_event = 'PgSleep'";
        cluster.psql("postgres", sleeping) == "1"
    });
    let late = Holder::of(&cluster, "after", "BEGIN; LOCK TABLE other.note IN ACCESS EXCLUSIVE MODE");
    let (code, stdout, stderr) = ended(first);
    assert_eq!(code, 1, "{stdout}{stderr}");
    assert!(stderr.contains("\"Product\" is locked by process") && stderr.contains("othing was changed"), "{stderr}");
    assert!(!format!("{stdout}{stderr}").contains("Prisma schema loaded"), "{stdout}{stderr}");
    holder.is_named(&stderr);
    let (code, stdout, stderr) = ended(second);
    assert_eq!(code, 1, "{stdout}{stderr}");
    for words in [
        "Prisma ended (exit code 0), but what became of the data could not be proven",
        "other.note is locked by process",
        "The state before is safe in the checkpoint f-",
        UNTIL_NAMED,
    ] {
        assert!(stderr.contains(words), "says {words:?}: {stderr}");
    }
    late.is_named(&stderr);
}

/// Ctrl-C ends Prisma, and not its statement, which waits for somebody who does not let go.
fn a_statement_that_prisma_has_left_behind() {
    let cluster = Cluster::start();
    let project = project(&cluster, "shop", false);
    let holder = Holder::of(&cluster, "shop", "BEGIN; SELECT count(*) FROM \"Product\"");
    let mut terminal = project.terminal(&["dev"]);
    patiently("Prisma waits", || {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND wait_event_type = 'Lock'";
        cluster.psql("postgres", waits) == "1"
    });
    terminal.send_ctrl_c();
    const WAITING: &str = "the server is still at a statement of it: waiting for its end (process ";
    if terminal.expect_any(&[WAITING, "Submit error report"]).0 == 1 {
        terminal.send_ctrl_c();
        terminal.expect(WAITING);
    }
    terminal.expect("what became of the data could not be proven");
    terminal.wait();
    let said = terminal.transcript();
    assert!(said.contains("A statement that was sent is still on the server and waits for a lock"), "{said}");
    assert!(said.contains("held by process") && said.contains("pg_terminate_backend"), "{said}");
    holder.is_named(&said);
    // it goes on when it is let, and nothing is lost by it
    drop(holder);
    assert_eq!(cluster.psql("shop", r#"SELECT count(*) FROM "Product""#), "50");
}

/// They wait, and take nothing while they do: all of them at once.
#[test]
fn whatever_is_locked() {
    const EACH: [fn(); 7] = [
        a_table_that_somebody_changes,
        a_table_that_somebody_uses,
        a_system_catalog,
        the_mark,
        somebody_who_queued_behind_us,
        dev_before_and_after,
        a_statement_that_prisma_has_left_behind,
    ];
    std::thread::scope(|threads| {
        let all: Vec<_> = EACH.iter().map(|one| threads.spawn(one)).collect();
        let failed = all.into_iter().filter_map(|one| one.join().err()).count();
        assert_eq!(failed, 0, "of {}", EACH.len());
    });
}
