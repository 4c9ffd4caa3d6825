//! Rollback on real PostgreSQL: whatever happened in between, the database is as the backup holds it, or as it was.

#[path = "support/mod.rs"]
mod support;

use safemigrate::domain::event::Quiet;
use safemigrate::domain::manifest::{Manifest, Reason};
use safemigrate::error::{Error, ErrorKind};
use safemigrate::operations::checkpoint::{Kinds, Request, take};
use safemigrate::operations::interrupt::Interrupt;
use safemigrate::operations::rollback::{self, Plan, Restored, Strategy};
use safemigrate::postgres::url::DatabaseUrl;
use safemigrate::store::Store;
use support::Cluster;

const EVERYTHING: &str = include_str!("rollback/everything.sql");
const SUPERUSER: &str = include_str!("rollback/superuser.sql");
const RUIN: &str = include_str!("rollback/ruin.sql");

/// A server with roles, a database named `shop`, and a store.
struct Scene {
    cluster: Cluster,
    role: &'static str,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// `role`: who owns `shop` and runs safemigrate.
    fn new(role: &'static str) -> Self {
        let cluster = Cluster::start();
        let database = "CREATE DATABASE shop";
        cluster.psql(
            "postgres",
            "CREATE ROLE reader NOLOGIN; CREATE ROLE writer NOLOGIN;
             CREATE ROLE maker LOGIN CREATEDB PASSWORD 'sesame'; CREATE ROLE plain LOGIN PASSWORD 'sesame'",
        );
        cluster.psql("postgres", &format!("{database} OWNER {role}"));
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        Self { cluster, role, store, _folder: folder }
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
        let request = Request { kinds: Kinds::Both, reason: Reason::Manual, run: None, project: None };
        run(take(&self.url(), &self.store, &request, &Quiet, &interrupt)).unwrap().full.unwrap()
    }

    fn plan(&self, backup: &Manifest) -> Result<Plan, Error> {
        run(rollback::plan(&self.url(), &self.store, backup))
    }

    fn roll_back(&self, backup: &Manifest) -> Result<Restored, Error> {
        let plan = self.plan(backup)?;
        let (_interrupter, interrupt) = Interrupt::new();
        run(rollback::apply(&self.url(), &self.store, &plan, backup, &Quiet, &interrupt))
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
    panic!("the dumps differ:\n{}", String::from_utf8_lossy(&diff.unwrap().stdout));
}

#[test]
fn a_superuser_swaps_everything_back() {
    let scene = Scene::new("postgres");
    scene.sql(EVERYTHING);
    scene.sql(SUPERUSER);
    scene.cluster.psql(
        "postgres",
        "ALTER DATABASE shop SET search_path TO \"$user\", public, \"we\"\"ird; Type: TABLE; Schema: x\";
         ALTER DATABASE shop SET my.custom TO 'it''s'; ALTER DATABASE shop SET statement_timeout TO '1min';
         ALTER ROLE reader IN DATABASE shop SET DateStyle TO 'German';
         REVOKE CONNECT ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO writer WITH GRANT OPTION;
         SET ROLE writer; GRANT CONNECT ON DATABASE shop TO reader; RESET ROLE;
         COMMENT ON DATABASE shop IS 'the shop'; ALTER DATABASE shop CONNECTION LIMIT 50",
    );
    let before = scene.dump();
    let backup = scene.backup();
    scene.sql(RUIN);
    let restored = scene.roll_back(&backup).unwrap();
    assert_eq!((restored.strategy, restored.notes), (Strategy::Swap, vec![]));
    assert_same(&before, &scene.dump());
    assert_eq!(scene.databases(), ALL_DATABASES);
    assert_eq!(
        scene
            .cluster
            .psql("postgres", "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop'"),
        "the shop"
    );
}

#[test]
fn an_owner_who_may_create_databases_swaps() {
    let scene = Scene::new("maker");
    scene.sql(EVERYTHING);
    let before = scene.dump();
    let backup = scene.backup();
    scene.sql(RUIN);
    let plan = scene.plan(&backup).unwrap();
    assert_eq!(plan.strategy, Strategy::Swap, "{plan:?}");
    assert_eq!(plan.tables_removed, ["added.more", "public.added_by_migration"]);
    assert!(plan.tables_brought_back.contains(&"app.egg".to_owned()));
    let restored = scene.roll_back(&backup).unwrap();
    assert_eq!((restored.strategy, restored.notes), (Strategy::Swap, vec![]));
    assert_same(&before, &scene.dump());
    assert_eq!(scene.databases(), ALL_DATABASES);
}

#[test]
fn an_owner_without_createdb_restores_in_place() {
    let scene = Scene::new("plain");
    scene.sql(EVERYTHING);
    let before = scene.dump();
    let backup = scene.backup();
    scene.sql(RUIN);
    let restored = scene.roll_back(&backup).unwrap();
    assert_eq!((restored.strategy, restored.notes), (Strategy::InPlace, vec![]));
    assert_same(&before, &scene.dump());
    // and once more over itself
    scene.roll_back(&backup).unwrap();
    assert_same(&before, &scene.dump());
    assert_eq!(scene.databases(), ALL_DATABASES);
}
