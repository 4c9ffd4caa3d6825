//! `dev` whose checkpoint does not come to its end: Prisma may have been started, but reaches no database.

use crate::disk::SmallDisk;
use crate::scene::{ended, script, signal, wait_until};
use crate::support::{Cluster, Project, Shape};
use std::process::{Child, Stdio};

struct Dev {
    cluster: Cluster,
    project: Project,
    dump: String,
    migrations: Vec<String>,
}

impl Dev {
    /// A project whose next `dev` would change the database.
    fn new() -> Dev {
        let cluster = Cluster::start();
        let project = Project::prisma6(Shape::Product, &cluster, "shop");
        cluster.prepare(&project, "shop");
        cluster.psql(
            "shop",
            r#"INSERT INTO "Product" (name, price) SELECT 'Product ' || n, n FROM generate_series(1, 50) n"#,
        );
        project.edit_schema("price Decimal", "price Decimal\n  description String?");
        Dev { dump: cluster.dump("shop"), migrations: project.migrations(), cluster, project }
    }

    fn start(&self, tools: Option<&str>) -> Child {
        let mut command = self.project.safemigrate_command(&["dev", "--name", "add"]);
        if let Some(tools) = tools {
            command.env("SAFEMIGRATE_PG_BIN", self.project.path(tools));
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    #[track_caller]
    fn prisma_never_began(&self, child: Child, code: i32, says: &str) {
        let (ended_with, stdout, stderr) = ended(child);
        let said = format!("{stdout}{stderr}");
        assert_eq!(ended_with, code, "{said}");
        assert!(said.contains(says), "says {says:?}: {said}");
        assert!(!said.contains("Prisma ended"), "{said}");
        assert!(self.cluster.dump("shop") == self.dump, "the database is as it was: {said}");
        assert_eq!(self.project.migrations(), self.migrations);
        let (_, list) = self.project.json(&["list"]);
        assert_eq!(list["backups"].as_array().unwrap().len(), 0, "no half backup is listed: {list}");
    }
}

#[test]
fn is_not_started() {
    let dev = Dev::new();
    script(&dev.project.path("failing"), "pg_dump", "[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) 99.1'");
    let untouched = "No backup was made and the database is untouched";
    dev.prisma_never_began(dev.start(Some("failing")), 1, untouched);
    dev.prisma_never_began(dev.start(Some("nowhere")), 12, "no working pg_dump is there");

    for (name, code, says) in [
        ("KILL", 137, ""),
        ("INT", 130, "no backup was made and the database is untouched"),
        ("TERM", 130, "no backup was made and the database is untouched"),
    ] {
        let mut session = dev.cluster.session("shop");
        session.run("BEGIN; LOCK TABLE \"Product\" IN ACCESS EXCLUSIVE MODE");
        let child = dev.start(None);
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'safemigrate' AND wait_event_type = 'Lock'";
        wait_until("it waits for the table", || dev.cluster.psql("postgres", waits) == "1");
        signal(name, child.id());
        let rest = ended(child);
        session.run("COMMIT");
        assert_eq!(rest.0, code, "{rest:?}");
        assert!(rest.2.contains(says), "{rest:?}");
        assert!(dev.cluster.dump("shop") == dev.dump, "the database is as it was: {rest:?}");
    }
    // the killed one is told of, and there is nothing to do about it
    let (_, status) = dev.project.json(&["status"]);
    assert_eq!(status["unfinished"].as_array().unwrap().len(), 0, "the runs after it have closed it: {status}");
    dev.project.safemigrate(&["history"]).ok().says("It stopped before anything was done: the database is as it was");

    let store = dev.project.path(".safemigrate");
    std::fs::remove_dir_all(&store).unwrap();
    if let Some(disk) = SmallDisk::mount(&store, "16k") {
        dev.prisma_never_began(dev.start(None), 1, "The disk is full");
        disk.grow("10m");
        dev.project.safemigrate(&["dev", "--name", "add"]).ok().says("Your data is all there");
    } else {
        dev.project.safemigrate(&["dev", "--name", "add"]).ok().says("Your data is all there");
    }
    assert_eq!(dev.cluster.psql("shop", r#"SELECT count(*), count(description) FROM "Product""#), "50|0");
}
