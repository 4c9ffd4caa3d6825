//! `safemigrate reset`: a checkpoint and both ways back where it may; refused where it may not.

#[path = "dev/scenes.rs"]
#[allow(dead_code, unused_imports, reason = "the stories of `dev` use the rest")]
mod scenes;
mod support;

use scenes::{named, product, re_inserted, rolled_back};
use serde_json::json;
use support::{Cluster, Prisma, Project, Shape, on_both};

on_both! { resets_and_both_ways_back_work }

/// The rows of the shop, and where its sequences stand.
fn rows(cluster: &Cluster) -> String {
    cluster.dump_with("shop", &["--data-only", "--exclude-table=_prisma_migrations"])
}

fn resets_and_both_ways_back_work(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = Project::new(prisma, Shape::Shop, &cluster, "shop");
    cluster.prepare(&project, "shop");
    let (before, rows_before) = (cluster.dump("shop"), rows(&cluster));
    let mut terminal = project.terminal(&["reset"]);
    terminal.expect("Are you sure you want to reset your database? All data will be lost.");
    terminal.send("y");
    terminal.expect("The database was reset. Its former 1,122 rows in 9 tables are safe in the checkpoint f-");
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    let said = terminal.transcript();
    assert_eq!(cluster.psql("shop", r#"SELECT (SELECT count(*) FROM "Product") + (SELECT count(*) FROM orders)"#), "0");

    re_inserted(&project, &named(&said, "safemigrate reinsert d-"));
    assert_eq!(rows(&cluster), rows_before);
    project.safemigrate(&["verify"]).ok().says("every row, every value");
    rolled_back(&project, &named(&said, "safemigrate rollback f-"));
    assert_eq!(cluster.dump("shop"), before);
}

#[test]
fn a_reset_that_is_not_confirmed_resets_nothing() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let before = cluster.dump("shop");
    let mut terminal = project.terminal(&["reset"]);
    terminal.expect("Are you sure you want to reset your database?");
    terminal.send_ctrl_c();
    terminal.expect("Prisma stopped before it reset anything");
    terminal.expect("Your data is all there: 50 rows in 1 table");
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    assert!(!terminal.transcript().contains("drift"), "{}", terminal.transcript());
    let said = project.safemigrate(&["reset"]).code(1).says("Your data is all there: 50 rows in 1 table");
    said.says("safemigrate reset (without a terminal: --force)");
    assert_eq!(cluster.dump("shop"), before);
    // our --yes is the answer to Prisma's question
    project.safemigrate(&["reset", "--yes"]).ok().says("Its former 50 rows in 1 table are safe in the checkpoint f-");
}

/// Refused with 4, by all three that could destroy it, and nothing was touched or even begun.
#[track_caller]
fn refused(project: &Project, cluster: &Cluster, database: &str, why: &str) {
    let before = cluster.dump_with_database(database);
    for command in [&["reset", "--yes"][..], &["reset", "--force", "--confirm", database], &["dev"]] {
        let said = project.safemigrate(command).code(4).says(&format!("{database} is taken for production: `"));
        let said = said.says("is refused. Nothing was changed").says(why);
        assert!(!said.stderr.contains("Prisma schema loaded"), "{said}");
    }
    let (code, report) = project.json(&["dev"]);
    assert_eq!((code, &report["error"]["kind"]), (4, &"production".into()), "{report}");
    assert_eq!(project.json(&["list"]).1["backups"], json!([]), "{why}");
    assert_eq!(project.json(&["history"]).1["runs"], json!([]), "{why}");
    let (_, status) = project.json(&["guard", "status"]);
    assert_eq!(status["verdict"], "production", "{status}");
    assert_eq!(cluster.dump_with_database(database), before);
}

#[test]
fn production_is_refused_whatever_tells_it() {
    let cluster = Cluster::start();
    let mut project = product(Prisma::V7, &cluster);

    for variable in ["NODE_ENV", "APP_ENV", "VERCEL_ENV"] {
        project.env(variable, "production");
        refused(&project, &cluster, "shop", &format!("{variable}=production in the environment"));
        project.env_remove(variable);
    }
    project.write("safemigrate.toml", "[guard]\nproduction = [\"127.0.0.1/sh*\"]\n");
    refused(&project, &cluster, "shop", "\"127.0.0.1/sh*\" matches 127.0.0.1/shop");
    std::fs::remove_file(project.path("safemigrate.toml")).unwrap();

    project.write(".env.production", &project.read(".env"));
    refused(&project, &cluster, "shop", "DATABASE_URL in ");
    std::fs::remove_file(project.path(".env.production")).unwrap();

    project.safemigrate(&["guard", "mark"]).ok().says("is taken for production");
    refused(&project, &cluster, "shop", "the database is marked as production");
    let shop = project.json(&["guard", "status"]).1["identity"].as_str().unwrap().to_owned();
    project.safemigrate(&["guard", "unmark", "--yes"]).code(7).says(&format!("--confirm {shop}"));
    project.safemigrate(&["guard", "unmark", "--confirm", "shop"]).code(7);
    project.safemigrate(&["guard", "unmark", "--confirm", &shop]).ok().says("is taken for development");

    cluster.psql("postgres", "ALTER DATABASE shop RENAME TO shop_production");
    project.set_url(&cluster.url("shop_production"));
    refused(&project, &cluster, "shop_production", "\"production\" in the name of the database shop_production");
}

#[test]
fn what_is_not_provably_for_development_wants_its_name_typed() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    cluster.psql("postgres", "ALTER DATABASE shop RENAME TO shop_staging");
    project.set_url(&cluster.url("shop_staging"));
    let before = cluster.dump("shop_staging");

    let said = project.safemigrate(&["reset", "--yes"]).code(7).says("not provably a development database");
    let staging = project.json(&["guard", "status"]).1["identity"].as_str().unwrap().to_owned();
    said.says(&format!("A person may confirm it: safemigrate reset … --confirm {staging}"));
    for other in ["shop", "shop_staging", &staging.replace("shop_staging", "shop")] {
        let said = project.safemigrate(&["dev", "--confirm", other]).code(7);
        said.says(&format!("{other:?} is not {staging}, by which its server knows the database"));
    }
    assert_eq!(project.json(&["list"]).1["backups"], json!([]));
    let mut terminal = project.terminal(&["reset"]);
    terminal.expect("Type shop_staging to go on: ");
    terminal.send_line("shop");
    assert_eq!(terminal.wait(), 7, "{}", terminal.transcript());
    assert_eq!(cluster.dump("shop_staging"), before);
    assert_eq!(project.json(&["history"]).1["runs"], json!([]));

    let mut terminal = project.terminal(&["dev"]);
    terminal.expect("Type shop_staging to go on: ");
    terminal.send_line("shop_staging");
    terminal.expect("Nothing to apply. Your data is all there: 50 rows");
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    // it was typed by a person at this machine, who is not asked again
    project.safemigrate(&["guard", "status"]).ok().says("said to be for development at this machine");
    project.safemigrate(&["reset", "--yes"]).ok().says("Its former 50 rows in 1 table");
    std::fs::remove_file(project.path("../home/.config/safemigrate/databases.json")).unwrap();
    project.safemigrate(&["reset", "--yes"]).code(7);
    project.safemigrate(&["reset", "--yes", "--confirm", &staging]).ok().says("It held no rows before");
}

/// A reset that fails half way has lost what it had dropped: that is no "stopped", whatever Prisma's code is.
#[test]
fn a_reset_that_fails_after_the_drop_is_a_loss() {
    let cluster = Cluster::start();
    let project = product(Prisma::V6, &cluster);
    let before = cluster.dump("shop");
    scenes::write_migration(&project, "20260301000000_broken", "ALTER TABEL nothing;");
    let said = project.safemigrate(&["reset", "--force"]).code(3).says("50 rows are gone");
    rolled_back(&project, &named(&said.stderr, "safemigrate rollback f-"));
    assert_eq!(cluster.dump("shop"), before);
}
