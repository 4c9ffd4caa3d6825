//! What a user wrote into migration.sql is run as Prisma runs it, and judged by what it did.

use super::scenes::{ALL, columns, named, product, products, re_inserted, rename_field, write_migration};
use super::support::{Cluster, Prisma, Project, on_both};

on_both! { drafting_applies_what_is_pending ; thorough_with_6: a_rename_by_hand_loses_nothing }

fn draft(project: &Project, name: &str) -> (String, String) {
    let known = project.migrations();
    let mut terminal = project.terminal(&["dev", "--create-only", "--name", name]);
    loop {
        match terminal.expect_any(&["not applied yet", "Are you sure", "1-2 [1]: "]).0 {
            0 => break,
            1 => terminal.send("y"),
            // what was renamed is written by hand
            _ => terminal.send_line("2"),
        }
    }
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    let drafted = project.migrations().into_iter().find(|m| !known.contains(m)).expect("a new folder");
    (drafted, terminal.transcript())
}

fn a_rename_by_hand_loses_nothing(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    rename_field(&project);
    let (drafted, said) = draft(&project, "rename");
    let told = format!("Drafted {drafted}; it is not applied yet. Your data is all there: 50 rows in 1 table");
    assert!(said.contains(&told) && said.contains("then apply it: safemigrate dev"), "{said}");
    assert_eq!((products(&cluster), columns(&cluster)), (ALL.into(), "id name price".into()));

    let by_hand =
        r#"ALTER TABLE "Product" RENAME COLUMN "name" TO "title"; ALTER TABLE "Product" ALTER "title" DROP NOT NULL;"#;
    write_migration(&project, &drafted, by_hand);
    let (code, report) = project.json(&["dev"]);
    assert_eq!((code, &report["verification"]["ok"]), (0, &true.into()), "{report}");
    assert_eq!(report["migrations_applied"], serde_json::json!([drafted]));
    let column = &report["verification"]["tables"][0]["columns"][1];
    assert_eq!(
        (&column["column"], &column["verdict"], &column["to"]),
        (&"name".into(), &"renamed".into(), &"title".into())
    );
    assert_eq!(cluster.psql("shop", r#"SELECT count(title), min(title) FROM "Product""#), "50|Product 1");
}

fn drafting_applies_what_is_pending(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    write_migration(&project, "20260301000000_stock", r#"ALTER TABLE "Product" ADD COLUMN "stock" INTEGER;"#);
    project.edit_schema("price Decimal", "price Decimal\n  stock Int?\n  weight Float?");
    let (drafted, said) = draft(&project, "weight");
    let told =
        format!("Applied 20260301000000_stock, which was pending, and drafted {drafted}, which is not applied yet.");
    assert!(said.contains(&told), "{said}");
    assert_eq!((products(&cluster), columns(&cluster)), (ALL.into(), "id name price stock".into()));
    project.safemigrate(&["dev"]).ok().says(&format!("Applied {drafted}. Your data is all there: 50 rows in 1 table"));
    assert_eq!(columns(&cluster), "id name price stock weight");
}

#[test]
fn values_overwritten_by_hand_are_reported_and_come_back() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    write_migration(&project, "20260301000000_free", r#"UPDATE "Product" SET price = 0 WHERE id <= 20;"#);
    let said = project.safemigrate(&["dev"]).code(3).says("public.Product.price").says("20 values were overwritten");
    let reinsert = named(&said.stderr, "safemigrate reinsert d-");
    assert!(reinsert.ends_with(" --on-conflict update"), "{reinsert}");
    re_inserted(&project, &reinsert);
    assert_eq!(products(&cluster), ALL);
}

/// Counts and sums are the same, and a column that came along hides the digest of the rows.
#[test]
fn values_that_changed_places_are_found() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    project.edit_schema("price Decimal", "price Decimal\n  note String?");
    let swap =
        r#"ALTER TABLE "Product" ADD COLUMN "note" TEXT; UPDATE "Product" SET price = 3.75 - price WHERE id <= 2;"#;
    write_migration(&project, "20260301000000_swap", swap);
    let said = project.safemigrate(&["dev"]).code(3).says("public.Product.price").says("2 values were overwritten");
    project.safemigrate(&["verify"]).code(3).says("values overwritten");
    re_inserted(&project, &named(&said.stderr, "safemigrate reinsert d-"));
    assert_eq!(
        cluster.psql("shop", r#"SELECT round(price, 2) FROM "Product" WHERE id <= 2 ORDER BY id"#),
        "1.25\n2.50"
    );
    project.safemigrate(&["verify"]).ok();
}

#[test]
fn rows_deleted_by_hand_are_counted_once() {
    let cluster = Cluster::start();
    let project = product(Prisma::V6, &cluster);
    write_migration(&project, "20260301000000_fewer", r#"DELETE FROM "Product" WHERE id > 40;"#);
    let said = project.safemigrate(&["dev"]).code(3).says("10 rows are gone");
    assert!(!said.stdout.contains("Product.id"), "rows that went took their values with them: {said}");
    re_inserted(&project, &named(&said.stderr, "safemigrate reinsert d-"));
    assert_eq!(products(&cluster), ALL);
}
