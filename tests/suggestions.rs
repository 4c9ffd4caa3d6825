//! What `reinsert` suggests: printed and never followed without a person, asked at a terminal, part of a refusal.

#[path = "dev/scenes.rs"]
#[allow(dead_code, unused_imports, reason = "the stories of `dev` use the rest")]
mod scenes;
mod support;

use scenes::{named, product, re_inserted, write_migration};
use support::{Cluster, Prisma, Project};

const TITLES: &str = r#"SELECT count(title), min(title), max(title) FROM "Product""#;

/// 50 products backed up, and then changed.
fn changed(sql: &str) -> (Cluster, Project, String) {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let (code, backup) = project.json(&["backup", "--kind", "data-only"]);
    assert_eq!(code, 0, "{backup}");
    cluster.psql("shop", sql);
    let id = backup["backups"][0]["id"].as_str().unwrap().to_owned();
    (cluster, project, id)
}

const RENAMED: &str = r#"ALTER TABLE "Product" RENAME name TO title; ALTER TABLE "Product" ALTER title DROP NOT NULL; DELETE FROM "Product""#;

#[test]
fn without_a_person_nothing_is_followed_and_what_is_not_back_is_said() {
    let (cluster, project, id) = changed(RENAMED);
    let (code, report) = project.json(&["reinsert", &id, "--dry-run"]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["suggestions"][0]["map"], "Product.name=title");
    assert_eq!(report["suggestions"][0]["because"], "the same column, renamed");
    assert_eq!((&report["not_back"][0]["column"], &report["not_back"][0]["values"]), (&"name".into(), &50.into()));

    let said = project.safemigrate(&["reinsert", &id, "--yes"]).ok();
    let said = said.says("--map Product.name=title   (the same column, renamed)");
    let said = said.says("not back is:").says("public.Product.name  values are gone");
    assert!(!said.stdout.contains('✔'), "{said}");
    assert_eq!(cluster.psql("shop", TITLES), "0||");
}

#[test]
fn at_a_terminal_no_is_no_and_yes_is_followed() {
    let (cluster, project, id) = changed(RENAMED);
    const QUESTION: &str = "Was Product.name renamed to title? (the same column, renamed) [Y/n]";
    let mut terminal = project.terminal(&["reinsert", &id]);
    terminal.expect(QUESTION);
    terminal.send_line("n");
    terminal.expect("name: skipped, the column is gone");
    terminal.expect("Put these rows into shop?");
    terminal.send_line("n");
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    let mut terminal = project.terminal(&["reinsert", &id]);
    terminal.expect(QUESTION);
    terminal.send_ctrl_c();
    terminal.expect("Cancelled. Nothing was changed");
    assert_eq!(terminal.wait(), 130, "{}", terminal.transcript());
    assert_eq!(cluster.psql("shop", TITLES), "0||");

    let mut terminal = project.terminal(&["reinsert", &id]);
    terminal.expect(QUESTION);
    terminal.send_line("");
    terminal.expect("title: renamed from name");
    terminal.expect("Put these rows into shop?");
    terminal.send_line("");
    terminal.expect("Everything in the backup is in the database");
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    assert_eq!(cluster.psql("shop", TITLES), "50|Product 1|Product 9");
}

#[test]
fn a_refusal_names_the_map_that_solves_it() {
    let sql = r#"DELETE FROM "Product"; ALTER TABLE "Product" DROP name; ALTER TABLE "Product" ADD title text NOT NULL UNIQUE"#;
    let (cluster, project, id) = changed(sql);
    let said = project.safemigrate(&["reinsert", &id, "--yes"]).code(6);
    let said = said.says("--fill 'Product.title=SQL-EXPRESSION'");
    said.says("Perhaps: --map Product.name=title   (same type, and the only new one)");
    // a likeness that proves nothing: Enter alone is no
    let mut terminal = project.terminal(&["reinsert", &id]);
    terminal.expect("Was Product.name renamed to title? (same type, and the only new one) [y/N]");
    terminal.send_line("y");
    terminal.expect("Put these rows into shop?");
    terminal.send_line("");
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    assert_eq!(cluster.psql("shop", TITLES), "50|Product 1|Product 9");
}

#[test]
fn a_rename_in_a_migration_is_found_after_the_loss_and_later() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    project.edit_schema("  name  String\n", "  title String\n");
    project.edit_schema("model Product {", "model Article {");
    let sql = r#"DELETE FROM "Product" WHERE id > 10; ALTER TABLE "Product" RENAME COLUMN "name" TO "title";
        ALTER TABLE "Product" RENAME TO "Article"; ALTER TABLE "Article" RENAME CONSTRAINT "Product_pkey" TO "Article_pkey""#;
    write_migration(&project, "20270101000000_article", sql);
    let (code, report) = project.json(&["dev"]);
    assert_eq!((code, &report["error"]["kind"]), (3, &"data-lost".into()), "{report}");
    let because = "renamed in migration 20270101000000_article";
    for (n, map) in ["Product=Article", "Product.name=title"].iter().enumerate() {
        let suggestion = &report["suggestions"][n];
        assert_eq!((&suggestion["map"], &suggestion["because"]), (&(*map).into(), &because.into()), "{report}");
    }
    let hints = report["error"]["hints"].as_array().unwrap();
    let said: Vec<&str> = hints.iter().map(|hint| hint.as_str().unwrap()).collect();
    let command = named(&said.join("\n"), "safemigrate reinsert d-");
    let id = command.split(' ').nth(2).unwrap();
    let (_, dry) = project.json(&["reinsert", id, "--dry-run"]);
    assert_eq!((&dry["suggestions"], dry["not_back"][0]["rows"].as_u64()), (&report["suggestions"], Some(50)));
    re_inserted(&project, &command);
    assert_eq!(
        cluster.psql("shop", r#"SELECT count(title), min(title), max(title) FROM "Article""#),
        "50|Product 1|Product 9"
    );
}
