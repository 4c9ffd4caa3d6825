//! Losses that were said beforehand to be meant: listed, but no reason for exit code 3, and they cover nothing else.

#[path = "dev/scenes.rs"]
#[allow(dead_code, unused_imports, reason = "the stories of `dev` use the rest")]
mod scenes;
mod support;

use scenes::{product, write_migration};
use serde_json::{Value, json};
use support::{Cluster, Prisma, Project, on_both};

on_both! { ; thorough_with_6: a_comment_in_the_migration }

const REASON: &str = "nobody reads it since March";

fn a_comment_in_the_migration(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    let accept = format!("-- safemigrate: accept dropped-column {REASON}");
    let drop_name = r#"ALTER TABLE "Product" DROP COLUMN "name";"#;
    project.edit_schema("  name  String\n", "");
    write_migration(&project, "20270101000000_drop", &format!("{accept}\n{drop_name}"));
    let said = project.safemigrate(&["dev"]).ok().says(&format!("the column is gone; expected: {REASON}"));
    let said = said.says("Lost as expected: public.Product.name. Everything else is all there: 50 rows in 1 table");
    assert!(!said.stdout.contains("Your data is all there"), "{said}");
    // a copy of the data is not asked what a migration meant
    project.safemigrate(&["verify"]).code(3).says("public.Product");
    // it does not cover what the migration does besides
    project.safemigrate(&["rollback", "--yes"]).ok();
    let and_more = format!(
        "{accept}\n{drop_name}\nUPDATE \"Product\" SET price = 0 WHERE id = 7;\nDELETE FROM \"Product\" WHERE id = 9;"
    );
    write_migration(&project, "20270101000000_drop", &and_more);
    let (code, report) = project.json(&["dev"]);
    assert_eq!((code, &report["verification"]["ok"]), (3, &json!(false)), "{report}");
    let table = &report["verification"]["tables"][0];
    assert_eq!((&table["verdict"], &table["expected"]), (&json!("lost-rows"), &Value::Null), "{report}");
    assert_eq!(expected(table), [("name".to_owned(), REASON.to_owned())]);
}

/// The columns whose loss was expected, with the reason.
fn expected(table: &Value) -> Vec<(String, String)> {
    let columns = table["columns"].as_array().unwrap().iter();
    let reasons = columns.filter_map(|c| Some((c["column"].as_str()?.to_owned(), c["expected"].as_str()?.to_owned())));
    reasons.collect()
}

#[test]
fn a_line_in_the_settings() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    cluster.psql("shop", r#"CREATE TABLE "Log" (id int PRIMARY KEY, text text); INSERT INTO "Log" SELECT n, 'l' || n FROM generate_series(1, 9) n"#);
    let run = |project: &Project, sql: &str| {
        project.write("script.sql", sql);
        let url = cluster.url("shop");
        let psql = cluster.programs.path("psql").display().to_string();
        project.json(&["run", "--", &psql, "-X", "-q", "-f", "script.sql", &url])
    };
    let settings = |text: &str| project.write("safemigrate.toml", text);
    settings("[verify]\nexpect_loss = [\n  \"*\",\n]\n");
    let (code, report) = run(&project, "SELECT 1");
    assert_eq!((code, &report["error"]["kind"]), (1, &json!("config")), "{report}");
    assert!(report["error"]["message"].as_str().unwrap().contains("line 2"), "{report}");

    settings("[verify]\nexpect_loss = [\"Product.name\", \"Log.*\"]\n");
    let (code, report) =
        run(&project, r#"DELETE FROM "Log" WHERE id > 5; UPDATE "Product" SET name = '' WHERE id < 4"#);
    assert_eq!((code, &report["verification"]["ok"]), (0, &json!(true)), "{report}");
    let tables = &report["verification"]["tables"];
    assert_eq!((&tables[0]["table"], &tables[0]["expected"]), (&json!("public.Log"), &json!("expect_loss Log.*")));
    assert_eq!(expected(&tables[1]), [("name".to_owned(), "expect_loss Product.name".to_owned())]);
    // rows are more than a column
    let (code, report) = run(&project, r#"DELETE FROM "Product" WHERE id = 50"#);
    assert_eq!((code, &report["verification"]["ok"]), (3, &json!(false)), "{report}");
    // a reset means all of it, and a rollback has no migration to ask
    let (code, _) = project.json(&["verify"]);
    assert_eq!(code, 3);
}

#[test]
fn what_went_as_expected_is_no_proof_for_a_push() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    project.write("safemigrate.toml", "[verify]\nexpect_loss = [\"Product.name\"]\n");
    project.edit_schema("  name  String\n", "");
    write_migration(&project, "20270101000000_drop", r#"ALTER TABLE "Product" DROP COLUMN "name";"#);
    project.safemigrate(&["dev"]).ok().says("expect_loss Product.name");
    project.safemigrate(&["lint"]).code(1).says("refused dropped-column");
    write_migration(
        &project,
        "20270101000000_drop",
        "-- safemigrate: accept dropped-column old\nALTER TABLE \"Product\" DROP COLUMN \"name\";",
    );
    project.safemigrate(&["rollback", "--yes"]).ok();
    project.safemigrate(&["dev"]).ok();
    let said = project.safemigrate(&["lint"]).ok();
    assert!(!said.stdout.contains("lost data when it ran"), "{said}");
}
