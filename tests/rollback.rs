//! Rollback on real PostgreSQL: whatever happened in between, the database is as the backup holds it, or as it was.

#[path = "rollback/exact.rs"]
mod exact;
#[path = "rollback/rights.rs"]
mod rights;
#[path = "support/mod.rs"]
mod support;
#[path = "rollback/versions.rs"]
mod versions;

use safemigrate::domain::event::{Event, Observer, Quiet};
use safemigrate::domain::manifest::{Manifest, Reason};
use safemigrate::error::{Error, ErrorKind};
use safemigrate::operations::checkpoint::{Kinds, ReadRows, Request, take};
use safemigrate::operations::interrupt::Interrupt;
use safemigrate::operations::rollback::{self, CleanUp, Plan, Restored, Strategy};
use safemigrate::postgres::url::DatabaseUrl;
use safemigrate::store::Store;
use std::process::Command;
use support::Cluster;

/// A server with roles, a database named `shop`, and a store.
struct Scene {
    cluster: Cluster,
    role: &'static str,
    store: Store,
    folder: tempfile::TempDir,
}

impl Scene {
    /// `role`: who owns `shop` and runs safemigrate.
    fn new(role: &'static str) -> Self {
        Self::on(Cluster::start(), role)
    }

    fn on(cluster: Cluster, role: &'static str) -> Self {
        let database = "CREATE DATABASE shop";
        cluster.psql(
            "postgres",
            "CREATE ROLE reader NOLOGIN; CREATE ROLE writer NOLOGIN;
             CREATE ROLE maker LOGIN CREATEDB PASSWORD 'sesame'; CREATE ROLE plain LOGIN PASSWORD 'sesame'",
        );
        cluster.psql("postgres", &format!("{database} OWNER {role}"));
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        Self { cluster, role, store, folder }
    }

    fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.cluster.url_as(self.role, support::PASSWORD, "shop")).unwrap()
    }

    /// Runs SQL as the role, not as the superuser.
    fn sql(&self, sql: &str) -> String {
        self.cluster.psql("shop", &format!("SET SESSION AUTHORIZATION {};\n{sql}", self.role))
    }

    fn backup(&self) -> Manifest {
        let (_interrupter, interrupt) = Interrupt::new();
        let request =
            Request { kinds: Kinds::Both, reason: Reason::Manual, run: None, project: None, read: ReadRows::default() };
        run(take(&self.url(), &self.store, &request, &Quiet, &interrupt)).unwrap().full.unwrap()
    }

    fn plan(&self, backup: &Manifest) -> Result<Plan, Error> {
        run(rollback::plan(&self.url(), &self.store, backup, None))
    }

    fn roll_back(&self, backup: &Manifest) -> Result<Restored, Error> {
        self.roll_back_watched(backup, None, &Quiet)
    }

    fn roll_back_watched(
        &self,
        backup: &Manifest,
        strategy: Option<Strategy>,
        observer: &dyn Observer,
    ) -> Result<Restored, Error> {
        let (_interrupter, interrupt) = Interrupt::new();
        run(async {
            let plan = rollback::plan(&self.url(), &self.store, backup, strategy).await?;
            rollback::apply(&self.url(), &self.store, &plan, backup, observer, &interrupt, &mut |_| Ok(())).await
        })
    }

    fn clean_up(&self) -> CleanUp {
        run(rollback::clean_up(&self.url())).unwrap()
    }

    /// Ends the server as a power cut does.
    fn cut_power(&self) {
        let file = std::fs::read_to_string(self.cluster.data_folder().join("postmaster.pid")).unwrap();
        let status = Command::new("kill").args(["-QUIT", file.lines().next().unwrap()]).status().unwrap();
        assert!(status.success());
        while self.cluster.try_psql("postgres", "SELECT 1").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn dump(&self) -> String {
        self.cluster.dump_with_database("shop")
    }

    fn databases(&self) -> String {
        self.cluster.psql(
            "postgres",
            "SELECT string_agg(datname || ' ' || datallowconn, ', ' ORDER BY datname) FROM pg_database",
        )
    }
}

/// Does something when a stage begins.
struct At<F: Fn() + Send + Sync>(&'static str, F);

impl<F: Fn() + Send + Sync> Observer for At<F> {
    fn on(&self, event: Event) {
        if matches!(&event, Event::Stage { label, .. } if label == self.0) {
            (self.1)();
        }
    }
}

const ALL_DATABASES: &str = "postgres true, shop true, template0 false, template1 true";

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

/// The first lines in which two dumps differ.
fn assert_same(before: &str, after: &str) {
    if before == after {
        return;
    }
    let folder = std::env::temp_dir().join(format!("rollback-dumps-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("before.sql"), before).unwrap();
    std::fs::write(folder.join("after.sql"), after).unwrap();
    let diff =
        std::process::Command::new("diff").arg("-u0").args(["before.sql", "after.sql"]).current_dir(&folder).output();
    let diff = String::from_utf8_lossy(&diff.unwrap().stdout).into_owned();
    let lines: Vec<String> = diff.lines().map(|line| line.chars().take(300).collect()).collect();
    panic!("the dumps differ:\n{}", lines.join("\n"));
}

const SMALL: &str = "CREATE TABLE item (id serial PRIMARY KEY, name text); INSERT INTO item (name) SELECT 'n' || g FROM generate_series(1, 2000) g; SELECT setval('item_id_seq', 2000)";
const SMALL_RUIN: &str =
    "ALTER TABLE item DROP COLUMN name; DELETE FROM item WHERE id > 1000; CREATE TABLE extra (id integer)";

/// A small database with a backup, ruined afterwards; also its dump before and after the ruin.
fn ruined(role: &'static str) -> (Scene, Manifest, String, String) {
    let scene = Scene::new(role);
    scene.sql(SMALL);
    let before = scene.dump();
    let backup = scene.backup();
    scene.sql(SMALL_RUIN);
    let ruins = scene.dump();
    (scene, backup, before, ruins)
}

#[test]
fn a_dropped_database_is_made_anew() {
    let (scene, backup, before, _) = ruined("maker");
    scene.cluster.psql("postgres", "DROP DATABASE shop");
    let plan = scene.plan(&backup).unwrap();
    assert!(plan.creates_database);
    scene.roll_back(&backup).unwrap();
    assert_same(&before, &scene.dump());
    assert_eq!(scene.databases(), ALL_DATABASES);
}

#[test]
fn a_recreated_or_dropped_public_schema_is_as_before() {
    for role in ["maker", "plain"] {
        let scene = Scene::new(role);
        scene.sql(SMALL);
        let before = scene.dump();
        let backup = scene.backup();
        // what `prisma migrate reset` does
        scene.cluster.psql("shop", &format!("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION {role}"));
        scene.roll_back(&backup).unwrap();
        assert_same(&before, &scene.dump());
        scene.cluster.psql("shop", "DROP SCHEMA public CASCADE");
        scene.sql("CREATE SCHEMA app; CREATE TABLE app.t (id integer)");
        let (without, second) = (scene.dump(), scene.backup());
        scene.roll_back(&backup).unwrap();
        assert_same(&before, &scene.dump());
        scene.roll_back(&second).unwrap();
        assert_same(&without, &scene.dump());
    }
}

#[test]
fn inherited_columns_may_change_their_place_but_not_their_values() {
    for role in ["maker", "plain"] {
        let scene = Scene::new(role);
        scene.sql(
            "CREATE TABLE parent (a integer, b text); CREATE TABLE child (c integer) INHERITS (parent); ALTER TABLE parent ADD d integer;
             INSERT INTO child VALUES (1, 'b', 2, 3); CREATE TABLE adopted (b text, a integer, d integer); ALTER TABLE adopted INHERIT parent;
             INSERT INTO adopted VALUES ('x', 7, 8)",
        );
        let backup = scene.backup();
        scene.sql("DROP TABLE parent CASCADE");
        scene.roll_back(&backup).unwrap();
        assert_eq!(scene.sql("SELECT a, b, c, d FROM child"), "1|b|2|3");
        assert_eq!(scene.sql("SELECT a, b, d FROM ONLY adopted"), "7|x|8");
    }
}

#[test]
fn what_is_reported_as_done_is_on_the_disk() {
    let (scene, ..) = ruined("maker");
    let setting = || {
        let shown = async {
            let mut session = safemigrate::postgres::session::connect(&scene.url()).await.unwrap();
            sqlx::query_scalar::<_, String>("SHOW synchronous_commit").fetch_one(&mut session).await.unwrap()
        };
        run(shown)
    };
    // the test servers say so for speed
    assert_eq!(scene.sql("SHOW synchronous_commit"), "off");
    assert_eq!(setting(), "local");
    scene.cluster.psql("postgres", "ALTER ROLE maker SET synchronous_commit = on");
    assert_eq!(setting(), "on");
}

#[test]
fn other_encodings_and_locales_stay() {
    let scene = Scene::new("maker");
    let mut kinds = vec!["ENCODING 'LATIN1' LOCALE 'C'", "ENCODING 'SQL_ASCII' LOCALE 'C'"];
    // the only one beside C that every Linux has
    if scene.cluster.psql("postgres", "SELECT count(*) FROM pg_collation WHERE collcollate = 'C.utf8'") != "0" {
        kinds.push("ENCODING 'UTF8' LC_COLLATE 'C.utf8' LC_CTYPE 'C'");
    }
    if scene.cluster.psql("postgres", "SELECT count(*) > 9 FROM pg_collation WHERE collprovider = 'i'") == "t" {
        kinds.push("ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'");
    }
    if scene.cluster.programs.major >= 17 {
        kinds.push("ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'");
    }
    for options in kinds {
        scene.cluster.psql(
            "postgres",
            &format!("DROP DATABASE shop; CREATE DATABASE shop TEMPLATE template0 OWNER maker {options}"),
        );
        scene.cluster.psql("shop", "SET client_encoding = 'UTF8'; SET ROLE maker; CREATE TABLE \"größe\" (a text DEFAULT 'ä'); INSERT INTO \"größe\" VALUES ('ü'), (DEFAULT)");
        let dump = || scene.cluster.dump_with("shop", &["--create", "--encoding=UTF8"]);
        let before = dump();
        let backup = scene.backup();
        scene.sql("SET client_encoding = 'UTF8'; DROP TABLE \"größe\"");
        scene.roll_back(&backup).unwrap();
        assert_same(&before, &dump());
        // and where the database itself is gone
        scene.cluster.psql("postgres", "DROP DATABASE shop");
        scene.roll_back(&backup).unwrap();
        assert_same(&before, &dump());
    }
}

#[test]
fn a_database_that_was_made_anew_sorts_as_it_did() {
    for (role, strategy) in [("maker", Strategy::Swap), ("plain", Strategy::InPlace)] {
        let scene = Scene::new(role);
        scene.cluster.psql("postgres", "DROP DATABASE shop");
        scene
            .cluster
            .psql("postgres", &format!("CREATE DATABASE shop TEMPLATE template0 OWNER {role} ENCODING 'LATIN1'"));
        scene.sql(SMALL);
        let (before, backup) = (scene.dump(), scene.backup());
        scene.cluster.psql("postgres", "DROP DATABASE shop");
        scene.cluster.psql("postgres", &format!("CREATE DATABASE shop OWNER {role}"));
        let plan = scene.plan(&backup).unwrap();
        let said = plan.notes.join(" ");
        // in place that cannot be changed: it is said before
        assert_eq!(said.contains("made with LATIN1"), strategy == Strategy::InPlace, "{plan:?}");
        assert_eq!(scene.roll_back(&backup).unwrap().strategy, strategy);
        if strategy == Strategy::Swap {
            assert_same(&before, &scene.dump());
        }
    }
}

#[test]
fn hostile_settings_and_names_do_no_harm() {
    let name = "we\"ird; DROP x --öööööööööööööööööööööö";
    let scene = Scene::new("maker");
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    scene.cluster.psql("postgres", &format!("CREATE DATABASE {quoted} OWNER maker"));
    scene.cluster.psql(
        "postgres",
        "ALTER ROLE maker SET default_transaction_read_only = on; ALTER ROLE maker SET DateStyle = 'German';
         ALTER ROLE maker SET search_path = pg_temp; ALTER ROLE maker SET statement_timeout = '100ms';
         ALTER ROLE maker SET IntervalStyle = sql_standard; ALTER ROLE maker SET transform_null_equals = on;
         ALTER ROLE maker SET default_table_access_method = heap; ALTER ROLE maker SET client_encoding = 'LATIN1';
         ALTER ROLE maker SET idle_session_timeout = '300ms';
         ALTER ROLE maker SET check_function_bodies = on; ALTER ROLE maker SET xmloption = document",
    );
    scene.cluster.psql(
        name,
        "SET ROLE maker; CREATE TABLE public.t (d date DEFAULT '2020-02-03', i interval DEFAULT '-1 day 2:03', n text CHECK (n IS NULL OR n <> ''));
         INSERT INTO public.t DEFAULT VALUES; CREATE VIEW public.v AS SELECT n IS NULL AS empty FROM public.t",
    );
    let url = DatabaseUrl::parse(&scene.cluster.url_as("maker", support::PASSWORD, name)).unwrap();
    let (_interrupter, interrupt) = Interrupt::new();
    let request =
        Request { kinds: Kinds::Full, reason: Reason::Manual, run: None, project: None, read: ReadRows::default() };
    let before = scene.cluster.dump_with_database(name);
    let backup = run(take(&url, &scene.store, &request, &Quiet, &interrupt)).unwrap().full.unwrap();
    for strategy in [Strategy::Swap, Strategy::InPlace] {
        scene.cluster.psql(name, "DROP TABLE public.t CASCADE");
        run(async {
            let plan = rollback::plan(&url, &scene.store, &backup, Some(strategy)).await.unwrap();
            rollback::apply(&url, &scene.store, &plan, &backup, &Quiet, &interrupt, &mut |_| Ok(())).await.unwrap()
        });
        assert_same(&before, &scene.cluster.dump_with_database(name));
    }
    assert_eq!(scene.cluster.psql("postgres", "SELECT count(*) FROM pg_database"), "5");
}

#[test]
fn refuses_before_anything_changes() {
    let (scene, backup, _, ruins) = ruined("maker");
    let refused = |word: &str, kind: ErrorKind| {
        let error = scene.roll_back(&backup).unwrap_err();
        assert!(error.kind == kind && error.to_string().contains(word), "{word}: {error:?}");
        assert!(error.message.contains("Nothing was changed"), "{error:?}");
    };
    scene
        .cluster
        .psql("shop", "CREATE SUBSCRIPTION news CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)");
    refused("subscription news", ErrorKind::Other);
    scene.cluster.psql("shop", "ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news");
    // somebody else's table, and no right to make databases
    scene.cluster.psql("shop", "ALTER TABLE extra OWNER TO reader; ALTER ROLE maker NOCREATEDB");
    refused("either way", ErrorKind::Other);
    scene.cluster.psql("shop", "ALTER TABLE extra OWNER TO maker; ALTER ROLE maker CREATEDB");
    let other = Manifest {
        database: safemigrate::domain::manifest::DatabaseInfo { name: "else".into(), ..backup.database.clone() },
        ..backup.clone()
    };
    assert_eq!(scene.roll_back(&other).unwrap_err().kind, ErrorKind::Usage);
    let data_only = scene.store.manifest(&backup.id.replacen("f-", "d-", 1)).unwrap();
    assert_eq!(scene.roll_back(&data_only).unwrap_err().kind, ErrorKind::Usage);
    // a byte of an object is another
    let id = &backup.tables.iter().find(|t| t.table.name.name == "item").unwrap().segments[0].object;
    let file = scene.store.root().join("objects").join(&id[..2]).join(id);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    refused("damaged", ErrorKind::Damaged);
    std::fs::remove_file(&file).unwrap();
    refused("damaged", ErrorKind::Damaged);
    assert_same(&ruins, &scene.dump());
    assert_eq!(scene.databases(), ALL_DATABASES);
}

#[test]
fn what_hangs_on_the_database_stops_it() {
    let (mut scene, backup, before, ruins) = ruined("maker");
    scene.cluster.psql("postgres", "ALTER SYSTEM SET wal_level = logical");
    scene.cluster.psql("postgres", "ALTER SYSTEM SET max_prepared_transactions = 2");
    scene.cluster.restart();
    scene.cluster.psql("shop", "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')");
    scene.sql("BEGIN; INSERT INTO extra VALUES (1); PREPARE TRANSACTION 'half'");
    let error = scene.roll_back(&backup).unwrap_err();
    assert!(error.message.contains("slot feed") && error.message.contains("Nothing was changed"), "{error:?}");
    assert!(error.hints[0].contains("prepared transaction half"), "{error:?}");
    scene.cluster.psql("shop", "SELECT pg_drop_replication_slot('feed')");
    scene.sql("ROLLBACK PREPARED 'half'");
    assert_same(&ruins, &scene.dump());
    scene.roll_back(&backup).unwrap();
    assert_same(&before, &scene.dump());
}

#[test]
fn what_cannot_be_carried_over_keeps_the_database_where_it_is() {
    for sql in [
        "ALTER DATABASE shop SET my.custom TO 'x'",
        "ALTER ROLE reader IN DATABASE shop SET work_mem TO '8MB'",
        "GRANT CONNECT ON DATABASE shop TO writer WITH GRANT OPTION; SET ROLE writer; GRANT CONNECT ON DATABASE shop TO reader",
    ] {
        let (scene, backup, _, _) = ruined("maker");
        scene.cluster.psql("postgres", sql);
        let plan = scene.plan(&backup).unwrap();
        assert_eq!(plan.strategy, Strategy::InPlace, "{sql}: {plan:?}");
        let settings =
            |dump: String| dump.lines().filter(|l| l.contains("DATABASE")).map(str::to_owned).collect::<Vec<_>>();
        let before = settings(scene.dump());
        scene.roll_back(&backup).unwrap();
        assert_eq!(settings(scene.dump()), before);
        assert_eq!(scene.sql("SELECT count(*), count(name) FROM item"), "2000|2000");
    }
}

#[test]
fn sessions_end_and_what_they_wrote_meanwhile_is_not_lost() {
    let (scene, backup, before, ruins) = ruined("maker");
    let mut idle = scene.cluster.session("shop");
    idle.run("SELECT 1");
    let write = At("Building indexes and constraints", || {
        scene.cluster.psql("shop", "INSERT INTO extra VALUES (1)");
    });
    // the maker may not end a superuser's session: in place would do, but swap was asked for
    let error = scene.roll_back_watched(&backup, Some(Strategy::Swap), &write).unwrap_err();
    assert!(error.message.contains("may not end its session"), "{error:?}");
    scene.cluster.psql("postgres", "GRANT pg_signal_backend TO maker; ALTER ROLE maker SUPERUSER");
    let error = scene.roll_back_watched(&backup, None, &write).unwrap_err();
    assert!(error.message.contains("Somebody wrote") && error.message.contains("Nothing was changed"), "{error:?}");
    assert_eq!(scene.databases(), ALL_DATABASES);
    scene.sql("DELETE FROM extra");
    assert_same(&ruins, &scene.dump());
    let mut idle = scene.cluster.session("shop");
    idle.run("SELECT 1");
    scene.roll_back(&backup).unwrap();
    assert_same(&before, &scene.dump());
}

#[test]
fn what_is_written_after_the_plan_is_not_lost() {
    for role in ["postgres", "plain"] {
        let (scene, backup, _, _) = ruined(role);
        let (_interrupter, interrupt) = Interrupt::new();
        let plan = scene.plan(&backup).unwrap();
        scene.sql("INSERT INTO extra VALUES (77)");
        let error =
            run(rollback::apply(&scene.url(), &scene.store, &plan, &backup, &Quiet, &interrupt, &mut |_| Ok(())))
                .unwrap_err();
        assert!(error.message.contains("Somebody wrote") && error.message.contains("Nothing was changed"), "{error:?}");
        assert_eq!(scene.sql("SELECT * FROM extra"), "77");
        scene.cluster.psql("postgres", "ALTER DATABASE shop RENAME TO other");
        let error =
            run(rollback::apply(&scene.url(), &scene.store, &plan, &backup, &Quiet, &interrupt, &mut |_| Ok(())))
                .unwrap_err();
        assert!(error.message.contains("Nothing was changed"), "{error:?}");
        assert_eq!(
            scene.databases(),
            ALL_DATABASES.replace("shop true, ", "").replace("postgres", "other true, postgres")
        );
    }
}

#[test]
fn interrupted_nothing_has_changed() {
    for (role, stages) in [
        (
            "maker",
            &["Restoring beside the live database", "Building indexes and constraints", "Proving the restored copy"][..],
        ),
        (
            "plain",
            &[
                "Restoring inside the live database",
                "Building indexes and constraints",
                "Proving the restored database",
            ][..],
        ),
    ] {
        let (scene, backup, _, ruins) = ruined(role);
        for stage in stages {
            let (interrupter, interrupt) = Interrupt::new();
            let observer = At(stage, move || interrupter.interrupt());
            let error = run(async {
                let plan = rollback::plan(&scene.url(), &scene.store, &backup, None).await.unwrap();
                rollback::apply(&scene.url(), &scene.store, &plan, &backup, &observer, &interrupt, &mut |_| Ok(()))
                    .await
                    .unwrap_err()
            });
            assert_eq!(error.kind, ErrorKind::Interrupted);
            assert!(error.message.contains("Nothing was changed"), "{error:?}");
            assert_same(&ruins, &scene.dump());
            assert_eq!(scene.databases(), ALL_DATABASES);
        }
    }
}

#[test]
fn a_power_cut_leaves_the_old_or_the_new_and_recover_clears_up() {
    let stages = [
        "Restoring beside the live database",
        "Building indexes and constraints",
        "Proving the restored copy",
        "Changing places",
    ];
    for stage in stages {
        let (mut scene, backup, before, ruins) = ruined("maker");
        let error = scene.roll_back_watched(&backup, None, &At(stage, || scene.cut_power())).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NeedsYou, "{error:?}");
        scene.cluster.restart();
        let done = scene.clean_up();
        assert_eq!(scene.databases(), ALL_DATABASES, "{stage}: {done:?}");
        assert_same(&ruins, &scene.dump());
        assert!(scene.clean_up().is_nothing());
        scene.roll_back(&backup).unwrap();
        assert_same(&before, &scene.dump());
    }
}

#[test]
fn every_state_of_the_exchange_can_be_recovered() {
    let (scene, backup, before, ruins) = ruined("maker");
    let mark = |standing: &str| {
        format!("'{{\"safemigrate\":\"{standing}\",\"live\":\"shop\",\"backup\":\"f-1\",\"comment\":\"the shop\"}}'")
    };
    let (new, old) = ("shop_safemigrate_new_0123456789ab", "shop_safemigrate_old_0123456789ab");
    // closed, not exchanged
    scene.cluster.psql("postgres", &format!(
        "CREATE DATABASE {new} OWNER maker; COMMENT ON DATABASE {new} IS {}; ALTER DATABASE shop ALLOW_CONNECTIONS false", mark("scratch")));
    let error = scene.plan(&backup).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NeedsYou, "{error:?}");
    let done = scene.clean_up();
    assert!(done.reopened && done.dropped == [new], "{done:?}");
    assert_same(&ruins, &scene.dump());
    // exchanged, the old one not dropped
    scene.cluster.psql("postgres", &format!(
        "ALTER DATABASE shop RENAME TO {old}; COMMENT ON DATABASE {old} IS {}; ALTER DATABASE {old} ALLOW_CONNECTIONS false; CREATE DATABASE shop OWNER maker",
        mark("replaced")));
    // the successor is gone again: the old one comes back
    scene.cluster.psql("postgres", "DROP DATABASE shop");
    let done = scene.clean_up();
    assert!(done.put_back && done.dropped.is_empty(), "{done:?}");
    assert_eq!(
        scene
            .cluster
            .psql("postgres", "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop'"),
        "the shop"
    );
    scene.cluster.psql("postgres", &format!(
        "COMMENT ON DATABASE shop IS NULL; CREATE DATABASE {old} OWNER maker; COMMENT ON DATABASE {old} IS {}; ALTER DATABASE {old} ALLOW_CONNECTIONS false",
        mark("replaced")));
    assert_eq!(scene.clean_up().dropped, [old]);
    assert_same(&ruins, &scene.dump());
    // a database that only looks like ours is left alone
    scene.cluster.psql("postgres", &format!("CREATE DATABASE {new} OWNER maker"));
    assert!(scene.clean_up().is_nothing());
    scene.cluster.psql("postgres", &format!("DROP DATABASE {new}"));
    scene.roll_back(&backup).unwrap();
    assert_same(&before, &scene.dump());
}

#[test]
fn in_place_a_power_cut_or_a_lock_changes_nothing() {
    let (mut scene, backup, before, ruins) = ruined("plain");
    for stage in ["Building indexes and constraints", "Proving the restored database"] {
        let error = scene.roll_back_watched(&backup, None, &At(stage, || scene.cut_power())).unwrap_err();
        assert!(error.message.contains("Nothing was changed"), "{error:?}");
        scene.cluster.restart();
        assert_same(&ruins, &scene.dump());
    }
    let mut reader = scene.cluster.session("shop");
    reader.run("BEGIN; SELECT count(*) FROM item");
    let error = scene.roll_back(&backup).unwrap_err();
    assert!(error.message.contains("Nothing was changed") && !error.hints.is_empty(), "{error:?}");
    drop(reader);
    assert_same(&ruins, &scene.dump());
    scene.roll_back(&backup).unwrap();
    assert_same(&before, &scene.dump());
}
