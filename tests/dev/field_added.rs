//! A field is added: data kept; then every way back, also when all rows are gone meanwhile.

use super::scenes::{ALL, columns, named, product, products, re_inserted, rolled_back};
use super::support::{Cluster, Prisma, Project, on_both};

on_both! { kept_and_rolled_back ; thorough_with_6: gone_and_re_inserted }

const DESCRIPTION: &str = "price Decimal\n  description String? @default(\"\")";

fn add_description(project: &Project) -> (String, String) {
    project.edit_schema("price Decimal", DESCRIPTION);
    let mut terminal = project.terminal(&["dev", "--name", "add_description"]);
    terminal.expect("Your data is all there: 50 rows in 1 table, value by value, proven");
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    let before = terminal.transcript();
    let (_, ids) = before.split_once("Checkpoint ").expect("the checkpoint is named");
    let (full, rest) = ids.split_once(" and ").unwrap();
    (full.to_owned(), rest.split_once(" taken").unwrap().0.to_owned())
}

fn history(cluster: &Cluster) -> String {
    cluster.psql("shop", "SELECT string_agg(substr(migration_name, 16), ' ') FROM _prisma_migrations")
}

/// Example 1: data kept, field there; rolled back; re-inserted instead.
fn kept_and_rolled_back(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    let before = cluster.dump("shop");
    let (full, data) = add_description(&project);
    assert_eq!(products(&cluster), ALL);
    assert_eq!(cluster.psql("shop", r#"SELECT DISTINCT description = '' FROM "Product""#), "t");

    let (_, list) = project.json(&["list"]);
    let backups = list["backups"].as_array().unwrap();
    let kinds = backups.iter().map(|b| format!("{} {}", b["kind"].as_str().unwrap(), b["reason"].as_str().unwrap()));
    let mut kinds: Vec<String> = kinds.collect();
    kinds.sort();
    assert_eq!(kinds, ["data-only before-migration", "full after-migration", "full before-migration"]);

    // re-insert instead: all is there already, nothing happens twice
    let said =
        project.safemigrate(&["reinsert", &data, "--yes"]).ok().says("Everything in the backup is in the database");
    assert!(said.stdout.contains("50         0     50"), "{said}");
    assert_eq!((products(&cluster), columns(&cluster)), (ALL.into(), "id name price description".into()));

    let migration = project.migrations().pop().unwrap();
    let said = rolled_back(&project, &format!("safemigrate rollback {full}"));
    assert_eq!(cluster.dump("shop"), before);
    assert!(said.contains(&format!("The next `safemigrate dev` would apply again: {migration}")), "{said}");

    // the folder is moved into the store by the command that was named, and the next dev drafts it anew
    let aside = named(&said, "safemigrate rollback ");
    assert_eq!(aside, format!("safemigrate rollback {full} --set-aside"));
    project.safemigrate(&["rollback", &full, "--set-aside", "--yes"]).ok().says("Set aside into").says(&migration);
    assert_eq!(project.migrations().len(), 1);
    assert_eq!(cluster.dump("shop"), before);
    let in_store = walkdir::WalkDir::new(project.path(".safemigrate")).into_iter().flatten();
    assert!(in_store.map(|entry| entry.path().display().to_string()).any(|p| p.contains(&migration)));
    let (code, report) = project.json(&["dev", "--name", "anew"]);
    assert_eq!((code, &report["verification"]["ok"]), (0, &true.into()), "{report}");
    assert_eq!(project.migrations().len(), 2);
    assert_eq!((products(&cluster), history(&cluster)), (ALL.into(), "init anew".into()));
}

/// Example 2: after the field was added all rows are gone.
fn gone_and_re_inserted(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    let before = cluster.dump("shop");
    add_description(&project);
    cluster.psql("shop", r#"TRUNCATE "Product" RESTART IDENTITY"#);

    let said = project.safemigrate(&["verify"]).code(3).says("The database does not hold everything that is in f-");
    let reinsert = named(&said.stderr, "safemigrate reinsert");
    let rollback = named(&said.stderr, "safemigrate rollback");
    re_inserted(&project, &reinsert);
    assert_eq!(products(&cluster), ALL);
    assert_eq!(cluster.psql("shop", r#"SELECT count(*) FROM "Product" WHERE description = ''"#), "50");
    assert_eq!(cluster.psql("shop", r#"INSERT INTO "Product" (name, price) VALUES ('new', 1) RETURNING id"#), "51");
    project.safemigrate(&["verify"]).ok().says("every row, every value");
    project.safemigrate(&["dev"]).ok().says("Nothing to apply. Your data is all there: 51 rows");

    cluster.psql("shop", r#"DELETE FROM "Product""#);
    rolled_back(&project, &rollback);
    assert_eq!(cluster.dump("shop"), before);
}
