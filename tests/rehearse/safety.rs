//! The real database is only read, and nothing stays behind, however a rehearsal ends.

use crate::scenes::{databases, files, tables};
use crate::support::{Cluster, PASSWORD, Prisma, Project, Shape, Terminal};
use serde_json::Value;
use std::time::{Duration, Instant};

struct Shop {
    cluster: Cluster,
    project: Project,
    dump: String,
}

impl Shop {
    fn new(sql: &str) -> Shop {
        let cluster = Cluster::start();
        let project = Project::new(Prisma::V7, Shape::Product, &cluster, "shop");
        cluster.prepare(&project, "shop");
        cluster.psql("shop", "INSERT INTO \"Product\" (name, price) SELECT 'p' || n, n FROM generate_series(1, 50) n");
        project.write("prisma/migrations/20270101000000_next/migration.sql", sql);
        let dump = cluster.dump("shop");
        Shop { cluster, project, dump }
    }

    fn copies(&self) -> String {
        self.cluster.psql("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'shop_%'")
    }

    /// A rehearsal that is in the middle of its migration.
    fn started(&self) -> Terminal {
        let terminal = self.project.terminal(&["rehearse", "--as", "deploy"]);
        let until = Instant::now() + Duration::from_secs(30);
        let sleeping =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND datname LIKE 'shop\\_%'";
        while self.cluster.psql("postgres", sleeping) != "1" {
            assert!(Instant::now() < until, "{}", terminal.transcript());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(self.copies(), "1");
        terminal
    }

    #[track_caller]
    fn untouched(&self) {
        assert_eq!(databases(&self.cluster), "postgres shop");
        assert!(self.cluster.dump("shop") == self.dump, "the database is as it was");
    }
}

const SLEEPS: &str = "DELETE FROM \"Product\";\nSELECT pg_sleep(60);\n";

#[test]
fn ctrl_c_drops_the_copy() {
    let shop = Shop::new(SLEEPS);
    let mut terminal = shop.started();
    terminal.send_ctrl_c();
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    let said = terminal.transcript();
    assert!(said.contains("Interrupted while rehearsing. The scratch copy was dropped. Nothing was changed"), "{said}");
    shop.untouched();
}

#[test]
fn after_a_kill_the_next_one_or_recover_clears_up() {
    let shop = Shop::new(SLEEPS);
    for by in [&["rehearse", "--as", "deploy"][..], &["recover"]] {
        let mut terminal = shop.started();
        terminal.kill9();
        assert_eq!(terminal.wait(), 137);
        shop.cluster
            .psql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'shop\\_%'");
        assert_eq!((shop.copies().as_str(), shop.cluster.dump("shop") == shop.dump), ("1", true));
        shop.project.safemigrate(&["status"]).ok().says("safemigrate recover");
        shop.project.write("prisma/migrations/20270101000000_next/migration.sql", "SELECT 1;");
        shop.project.safemigrate(by).ok();
        shop.untouched();
        shop.project.safemigrate(&["recover"]).ok();
        shop.project.write("prisma/migrations/20270101000000_next/migration.sql", SLEEPS);
    }
    let said = shop.project.json(&["status"]).1;
    assert_eq!(said["unfinished"].as_array().unwrap().len(), 0, "{said}");
}

#[test]
fn a_schema_that_prisma_cannot_read_is_said_so() {
    let shop = Shop::new("SELECT 1;");
    shop.project.edit_schema("price Decimal", "price Money");
    let in_folder = files(&shop.project);
    let (code, said) = shop.project.json(&["rehearse", "--as", "dev"]);
    let message = said["error"]["message"].as_str().unwrap();
    assert_eq!(code, 1, "{said:#}");
    assert!(message.starts_with("Prisma cannot draft a migration from the schema. Nothing was changed"), "{message}");
    assert!(said["error"].to_string().contains("Money"), "{said:#}");
    assert!(files(&shop.project) == in_folder);
    shop.untouched();
    // and what does not need a draft goes on
    shop.project.safemigrate(&["rehearse", "--as", "deploy"]).ok();
}

#[test]
fn a_role_that_may_create_no_database_is_told_so() {
    let shop = Shop::new("SELECT 1;");
    shop.cluster.psql("shop", &format!("CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'; GRANT pg_read_all_data TO clerk; ALTER DATABASE shop OWNER TO clerk; ALTER TABLE \"Product\" OWNER TO clerk; ALTER TABLE _prisma_migrations OWNER TO clerk;"));
    shop.project.set_url(&shop.cluster.url_as("clerk", PASSWORD, "shop"));
    for command in [&["rehearse", "--as", "deploy"][..], &["deploy", "--rehearse"]] {
        let said = shop.project.safemigrate(command).code(1);
        let said = said.says("this role may not create databases").says("Nothing was changed");
        assert!(!said.stderr.contains("--restore"), "of another command: {said}");
        assert_eq!(shop.cluster.psql("shop", "SELECT count(*) FROM _prisma_migrations"), "1");
        assert_eq!(databases(&shop.cluster), "postgres shop");
    }
}

/// A copy by the server where nobody else is connected, a restored one where somebody is: the same is found.
#[test]
fn both_ways_to_a_copy_find_the_same() {
    let shop = Shop::new(
        "ALTER TABLE \"Product\" DROP COLUMN \"price\";\nDELETE FROM \"Product\" WHERE id % 5 = 0;\nUPDATE \"Product\" SET name = NULLIF(name, 'x') || '!';",
    );
    let found =
        |said: &Value| (said["copy"]["made_by"].clone(), said["verdict"].clone(), tables(&said["verification"]));
    let (code, alone) = shop.project.json(&["rehearse", "--as", "deploy"]);
    let (made_by, verdict, by_template) = found(&alone);
    assert_eq!((code, made_by, verdict), (3, "template".into(), "loses".into()), "{alone:#}");
    let mut session = shop.cluster.session("shop");
    session.run("SELECT 1");
    let (code, beside) = shop.project.json(&["rehearse", "--as", "deploy"]);
    let (made_by, verdict, by_restore) = found(&beside);
    assert_eq!((code, made_by, verdict), (3, "restore".into(), "loses".into()), "{beside:#}");
    assert_eq!(by_template, by_restore);
    // somebody has written since the backup: the copy is of the backup all the same
    session.run("UPDATE \"Product\" SET name = 'late' WHERE id = 1");
    drop(session);
    let backup = alone["copy"]["backup"].as_str().unwrap();
    let (code, later) = shop.project.json(&["rehearse", "--as", "deploy", "--backup", backup]);
    let (made_by, verdict, of_backup) = found(&later);
    assert_eq!((code, made_by, verdict), (3, "restore".into(), "loses".into()), "{later:#}");
    assert_eq!(by_template, of_backup);
}
