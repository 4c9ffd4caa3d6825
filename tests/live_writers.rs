//! Others write all the time: a backup is of one instant, a verification blames the migration for what it did and for
//! nothing else.

mod scene;
mod support;

use scene::Scene;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;
use support::{Cluster, Prisma, Project, Shape};

/// Money moves and never becomes more or less; entries come in pairs, and go when they are old.
const BANK: &str = "CREATE TABLE account (id int PRIMARY KEY, money int NOT NULL);
    INSERT INTO account SELECT n, 1000 FROM generate_series(1, 50) n;
    CREATE TABLE entry (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), money int);
    CREATE TABLE copy (id bigint PRIMARY KEY, money int);
    INSERT INTO entry (money) SELECT n FROM generate_series(1, 500) n; INSERT INTO copy SELECT id, money FROM entry;";

/// A few dozen transactions, each a commit of its own.
const BUSINESS: &str = "DO $$ DECLARE amount int; a int; b int; new bigint; BEGIN
    FOR i IN 1..40 LOOP
        a := 1 + floor(random() * 50); b := 1 + floor(random() * 50); amount := 1 + floor(random() * 9);
        UPDATE account SET money = money - amount WHERE id = least(a, b); UPDATE account SET money = money + amount WHERE id = greatest(a, b);
        INSERT INTO entry (money) VALUES (amount) RETURNING id INTO new; INSERT INTO copy VALUES (new, amount);
        WITH old AS (DELETE FROM entry WHERE id = (SELECT id FROM entry ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id)
        DELETE FROM copy WHERE id IN (SELECT id FROM old);
        COMMIT;
    END LOOP; END $$";

/// Does the work while two sessions do business as fast as the server lets them; gives the transactions a second.
fn while_others_write<T>(cluster: &Cluster, database: &str, work: impl FnOnce() -> T) -> (T, f64) {
    let over = AtomicBool::new(false);
    let commits = || -> f64 {
        let ask = format!("SELECT xact_commit FROM pg_stat_database WHERE datname = '{database}'");
        cluster.psql("postgres", &ask).parse().unwrap()
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut session = cluster.session(database);
                while !over.load(Ordering::Relaxed) {
                    session.run(BUSINESS);
                }
            });
        }
        let (begun, before) = (Instant::now(), commits());
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let rate = (commits() - before) / begun.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        (done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)), rate)
    })
}

#[test]
fn a_backup_is_of_one_instant() {
    let scene = Scene::new(BANK);
    let (ids, rate) =
        while_others_write(&scene.cluster, "shop", || (0..5).map(|_| scene.backup().0).collect::<Vec<_>>());
    println!("{rate:.0} transactions a second");
    for id in ids {
        scene.json(&["rollback", &id, "--yes"]);
        assert_eq!(scene.cluster.psql("shop", "SELECT sum(money) FROM account"), "50000", "{id}");
        let alone =
            "SELECT count(*) FROM entry FULL JOIN copy USING (id) WHERE entry.money IS DISTINCT FROM copy.money";
        assert_eq!(scene.cluster.psql("shop", alone), "0", "{id}");
    }
}

/// A project with a table of Prisma's, and the bank beside it.
fn busy_project(cluster: &Cluster) -> Project {
    let project = Project::new(Prisma::V7, Shape::Product, cluster, "shop");
    project.edit_schema(
        "model Product {",
        "model account {\n  id Int @id\n  money Int\n}\nmodel copy {\n  id BigInt @id\n  money Int?\n}\n\
         model entry {\n  id BigInt @id @default(autoincrement())\n  at DateTime? @default(dbgenerated(\"clock_timestamp()\")) @db.Timestamptz(6)\n  money Int?\n}\nmodel Product {",
    );
    // a view that takes rows away is no table of the backup
    let bank = format!("{BANK} CREATE VIEW v AS SELECT * FROM \"Product\";");
    project.write("prisma/migrations/20260901000000_bank/migration.sql", &bank);
    cluster.prepare(&project, "shop");
    cluster
        .psql("shop", "INSERT INTO \"Product\" (name, price) SELECT 'Product ' || n, n FROM generate_series(1, 50) n");
    project
}

fn dev(project: &Project, code: i32) -> Value {
    let output = project.safemigrate(&["dev", "--json"]);
    assert_eq!(output.code, code, "{output}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output}"))
}

fn table<'v>(said: &'v Value, name: &str) -> &'v Value {
    let tables = said["verification"]["tables"].as_array().unwrap();
    tables.iter().find(|t| t["table"] == name).unwrap_or_else(|| panic!("{name}: {said:#}"))
}

#[test]
fn only_the_migration_is_blamed_for_what_it_did() {
    let cluster = Cluster::start();
    let project = busy_project(&cluster);

    project.edit_schema("  name  String\n", "  name  String\n  stock Int @default(0)\n");
    let add = "ALTER TABLE \"Product\" ADD COLUMN \"stock\" INTEGER NOT NULL DEFAULT 0;";
    project.write("prisma/migrations/20270101000000_stock/migration.sql", add);
    let (said, rate) = while_others_write(&cluster, "shop", || dev(&project, 0));
    println!("{rate:.0} transactions a second");
    assert_eq!(said["verification"]["ok"], true, "rows that came or went are no loss: {said:#}");
    assert_ne!(table(&said, "public.entry")["by_others"]["rows_deleted"], Value::Null, "and they are named: {said:#}");
    assert_ne!(table(&said, "public.account")["by_others"]["values_changed"], Value::Null, "{said:#}");

    let delete =
        "ALTER TABLE \"Product\" ALTER COLUMN \"stock\" SET DEFAULT 1; DELETE FROM \"Product\" WHERE \"id\" = 7;";
    project.edit_schema("@default(0)\n", "@default(1)\n");
    project.write("prisma/migrations/20270102000000_delete/migration.sql", delete);
    let (said, _) = while_others_write(&cluster, "shop", || dev(&project, 3));
    assert_eq!(table(&said, "public.Product")["rows_lost"], 1, "one row, among all the others: {said:#}");
    for theirs in ["public.account", "public.entry", "public.copy"] {
        assert_eq!(table(&said, theirs)["rows_lost"], Value::Null, "{said:#}");
    }

    // it says nowhere what it does: then everything that is gone counts
    let hidden =
        "DO $$ BEGIN DELETE FROM \"entry\" WHERE id IN (SELECT id FROM \"entry\" ORDER BY id LIMIT 3); END $$;";
    project.write("prisma/migrations/20270103000000_hidden/migration.sql", hidden);
    let (said, _) = while_others_write(&cluster, "shop", || dev(&project, 3));
    assert_eq!(table(&said, "public.entry")["verdict"], "lost-rows", "{said:#}");
}

/// Our own sessions, however they are called, are nobody else; a client of anybody's is.
#[tokio::test]
async fn who_else_is_there() {
    use safemigrate::postgres::{session::connect, url::DatabaseUrl, writers::others_are_connected};
    let cluster = Cluster::start();
    let url = DatabaseUrl::parse(&cluster.url("postgres")).unwrap();
    let mut ours = connect(&url).await.unwrap();
    let mut named = cluster.session("postgres");
    named.run("SET application_name = 'safemigrate dev 4711 2026-11-23T00:00:00Z'");
    assert!(!others_are_connected(&mut ours).await.unwrap());
    let mut client = cluster.session("postgres");
    client.run("SELECT 1");
    assert!(others_are_connected(&mut ours).await.unwrap());
}

/// Where nobody else is connected a row that is gone is the migration's, whatever its SQL looks like.
#[test]
fn nobody_else_is_blamed_when_nobody_else_is_there() {
    let cluster = Cluster::start();
    let project = busy_project(&cluster);
    project.write("prisma/migrations/20270101000000_view/migration.sql", "DELETE FROM v WHERE id = 7;");
    let said = dev(&project, 3);
    assert_eq!(table(&said, "public.Product")["rows_lost"], 1, "{said:#}");
}
