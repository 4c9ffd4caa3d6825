//! Beginnings, nothing to do, and migrations that do not work out: the data is untouched, and that is said.

use super::scenes::{ALL, columns, named, product, products, rolled_back, write_migration};
use super::support::{Cluster, Prisma, Project, Shape, on_both};

on_both! { the_first_migration drift_is_prismas_refusal_and_the_data_is_there ; thorough_with_6: fails_on_the_data_and_is_mended }

fn the_first_migration(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = Project::new(prisma, Shape::Product, &cluster, "shop");
    // no database at all
    let said = project.safemigrate(&["dev"]).ok().says("The database shop does not exist: there is nothing to back up");
    said.says("Applied 20260105090000_init. The database is new: there was nothing to lose");
    assert_eq!(columns(&cluster), "id name price");
    let mut terminal = project.terminal(&["dev"]);
    terminal.expect("Nothing to apply. There were no rows: nothing could be lost");
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    // an empty one
    cluster.create_db("empty");
    project.set_url(&cluster.url("empty"));
    let said = project.safemigrate(&["dev"]).ok().says("Applied 20260105090000_init.");
    said.says("There were no rows: nothing could be lost");
    let (_, history) = project.json(&["history"]);
    let ended: Vec<_> = history["runs"].as_array().unwrap().iter().map(|run| &run["state"]).collect();
    assert_eq!(ended, ["finished", "finished", "finished"], "{history}");
}

fn drift_is_prismas_refusal_and_the_data_is_there(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    cluster.psql("shop", r#"ALTER TABLE "Product" ADD COLUMN note text DEFAULT 'by hand'"#);
    let before = cluster.dump("shop");
    let mut terminal = project.terminal(&["dev"]);
    terminal.expect("Drift detected");
    terminal.expect("error: Prisma stopped before it applied anything");
    terminal.expect("Your data is all there: 50 rows in 1 table, value by value, proven");
    terminal.expect("safemigrate reset");
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    assert_eq!(cluster.dump("shop"), before);
}

fn fails_on_the_data_and_is_mended(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    cluster.psql("shop", r#"UPDATE "Product" SET name = 'Twin' WHERE id <= 2"#);
    let (before, rows) = (cluster.dump("shop"), products(&cluster));
    project.edit_schema("name  String", "name  String @unique\n  note String?");
    let add = r#"ALTER TABLE "Product" ADD COLUMN "note" TEXT;"#;
    let unique = r#"CREATE UNIQUE INDEX "Product_name_key" ON "Product"("name");"#;
    write_migration(&project, "20260301000000_unique", &format!("{add}\n{unique}"));
    let said = project.safemigrate(&["dev"]).code(1).says("Migration 20260301000000_unique failed");
    let said = said.says("Your data is all there: 50 rows in 1 table, value by value, proven");
    let rollback = named(&said.stderr, "safemigrate rollback f-");
    assert_eq!(products(&cluster), rows);
    // it stays so until it is settled
    let again = project.safemigrate(&["dev"]).says("20260301000000_unique has failed before and is not settled");
    assert_ne!(again.code, 0, "{again}");
    assert_eq!(products(&cluster), rows);

    rolled_back(&project, &rollback);
    assert_eq!(cluster.dump("shop"), before);
    let mend = r#"UPDATE "Product" SET name = name || ' ' || id WHERE name = 'Twin';"#;
    write_migration(&project, "20260301000000_unique", &format!("{add}\n{mend}\n{unique}"));
    // the mended names are overwritten values, so it is reported
    let said = project.safemigrate(&["dev"]).code(3).says("2 values were overwritten");
    assert_eq!(columns(&cluster), "id name price note", "{said}");
    project.safemigrate(&["dev"]).ok().says("Nothing to apply. Your data is all there");
}

#[test]
fn broken_sql_reaches_no_data() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let before = cluster.dump("shop");
    write_migration(&project, "20260301000000_broken", r#"ALTER TABEL "Product" ADD COLUMN "note" TEXT;"#);
    let said = project.safemigrate(&["dev"]).code(1).says("20260301000000_broken");
    let said = said.says("Prisma failed (exit code 1) before it applied anything. Your data is all there: 50 rows");
    assert!(!said.stderr.contains("drift"), "{said}");
    assert_eq!(cluster.dump("shop"), before);
    std::fs::remove_dir_all(project.path("prisma/migrations/20260301000000_broken")).unwrap();
    project.safemigrate(&["dev"]).ok();
}

/// The second of two fails, after the first has dropped something: loss is what counts.
#[test]
fn loss_before_a_failure_is_told_with_both() {
    let cluster = Cluster::start();
    let project = product(Prisma::V6, &cluster);
    let before = cluster.dump("shop");
    write_migration(&project, "20260301000000_drop", r#"ALTER TABLE "Product" DROP COLUMN "name";"#);
    write_migration(&project, "20260302000000_bad", r#"ALTER TABLE "Product" ADD CHECK (price > 5);"#);
    project.edit_schema("  name  String\n", "");
    let said = project.safemigrate(&["dev"]).code(3).says("public.Product.name");
    let said = said.says("Data was lost by 20260301000000_drop; then 20260302000000_bad failed.");
    rolled_back(&project, &named(&said.stderr, "safemigrate rollback f-"));
    assert_eq!(cluster.dump("shop"), before);
    assert_eq!(products(&cluster), ALL);
}
