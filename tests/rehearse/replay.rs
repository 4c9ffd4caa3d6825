//! A history of migrations on data that grows: what each rehearsal says is what the run then finds.
//!
//! The suite applies some at once; one by one: `cargo nextest run --test rehearse one_by_one --run-ignored only`.

use crate::scenes::{lost, tables};
use crate::support::{Cluster, Prisma, Project, Shape};

/// What the application writes before it, the migration, what is lost by it.
type Step = (&'static str, &'static str, &'static [&'static str]);

const HISTORY: &[Step] = &[
    ("", "ALTER TABLE \"Product\" ADD COLUMN \"note\" TEXT;", &[]),
    ("UPDATE \"Product\" SET note = 'note ' || id WHERE id % 2 = 0", "ALTER TABLE \"Product\" ADD COLUMN \"stock\" INTEGER NOT NULL DEFAULT 3;", &[]),
    (
        "",
        "CREATE TABLE \"Order\" (\"id\" SERIAL NOT NULL, \"productId\" INTEGER NOT NULL, \"state\" TEXT NOT NULL, CONSTRAINT \"Order_pkey\" PRIMARY KEY (\"id\"));
        CREATE INDEX \"Order_productId_idx\" ON \"Order\"(\"productId\");
        ALTER TABLE \"Order\" ADD CONSTRAINT \"Order_productId_fkey\" FOREIGN KEY (\"productId\") REFERENCES \"Product\"(\"id\") ON DELETE RESTRICT ON UPDATE CASCADE;",
        &[],
    ),
    (
        "INSERT INTO \"Order\" (\"productId\", state) SELECT id, (ARRAY['new', 'paid', 'sent'])[1 + id % 3] FROM \"Product\"",
        "ALTER TABLE \"Product\" ADD COLUMN \"sku\" TEXT;\nUPDATE \"Product\" SET sku = 'S-' || id;\nALTER TABLE \"Product\" ALTER COLUMN \"sku\" SET NOT NULL;\nCREATE UNIQUE INDEX \"Product_sku_key\" ON \"Product\"(\"sku\");",
        &[],
    ),
    ("", "ALTER TABLE \"Product\" RENAME COLUMN \"name\" TO \"title\";", &[]),
    ("", "ALTER TABLE \"Product\" DROP COLUMN \"note\";", &["Product.note: dropped"]),
    ("", "ALTER TABLE \"Product\" ALTER COLUMN \"stock\" SET DATA TYPE BIGINT;", &[]),
    ("UPDATE \"Product\" SET price = price + 0.5 WHERE id % 4 = 0", "ALTER TABLE \"Product\" ALTER COLUMN \"price\" SET DATA TYPE INTEGER;", &["Product.price: changed"]),
    ("", "CREATE TYPE \"State\" AS ENUM ('new', 'paid', 'sent');\nALTER TABLE \"Order\" ALTER COLUMN \"state\" TYPE \"State\" USING (\"state\"::\"State\");", &[]),
    ("", "ALTER TYPE \"State\" ADD VALUE 'lost';", &[]),
    (
        "UPDATE \"Order\" SET state = 'lost' WHERE id % 7 = 0",
        "BEGIN;\nCREATE TYPE \"State_new\" AS ENUM ('new', 'paid', 'sent');\nALTER TABLE \"Order\" ALTER COLUMN \"state\" TYPE \"State_new\" USING (CASE \"state\"::text WHEN 'lost' THEN 'sent' ELSE \"state\"::text END::\"State_new\");\nALTER TYPE \"State\" RENAME TO \"State_old\";\nALTER TYPE \"State_new\" RENAME TO \"State\";\nDROP TYPE \"State_old\";\nCOMMIT;",
        &["Order.state: changed"],
    ),
    ("", "CREATE TABLE \"Price\" (\"productId\" INTEGER NOT NULL PRIMARY KEY REFERENCES \"Product\"(\"id\"), \"price\" INTEGER NOT NULL);\nINSERT INTO \"Price\" SELECT id, price FROM \"Product\";\nALTER TABLE \"Product\" DROP COLUMN \"price\";", &["Product.price: dropped"]),
    ("", "ALTER TABLE \"Order\" RENAME TO \"Purchase\";\nALTER TABLE \"Purchase\" RENAME CONSTRAINT \"Order_pkey\" TO \"Purchase_pkey\";", &[]),
    ("INSERT INTO \"Purchase\" (\"productId\", state) SELECT id, 'new' FROM \"Product\"", "DELETE FROM \"Purchase\" WHERE state = 'sent';", &["Purchase: lost-rows"]),
    ("", "UPDATE \"Product\" SET title = upper(title) WHERE id < 20;", &["Product.title: changed"]),
    (
        "",
        "CREATE TABLE \"Tag\" (\"id\" INTEGER NOT NULL PRIMARY KEY, \"name\" TEXT NOT NULL);\nINSERT INTO \"Tag\" VALUES (1, 'cheap'), (2, 'dear');\nCREATE TABLE \"_ProductToTag\" (\"A\" INTEGER NOT NULL REFERENCES \"Product\"(\"id\"), \"B\" INTEGER NOT NULL REFERENCES \"Tag\"(\"id\"), CONSTRAINT \"_ProductToTag_AB_pkey\" PRIMARY KEY (\"A\",\"B\"));\nINSERT INTO \"_ProductToTag\" SELECT \"productId\", 1 + price % 2 FROM \"Price\";",
        &[],
    ),
    ("INSERT INTO \"Tag\" VALUES (3, 'late')", "DROP TABLE \"_ProductToTag\";", &["_ProductToTag: dropped"]),
    (
        "",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.stock := NEW.stock + 1; RETURN NEW; END; $$;\nCREATE TRIGGER touch BEFORE UPDATE ON \"Product\" FOR EACH ROW EXECUTE FUNCTION touch();\nUPDATE \"Product\" SET sku = sku WHERE id = 5;\nALTER TABLE \"Product\" ADD CONSTRAINT \"stock_check\" CHECK (stock >= 0);",
        &["Product.stock: changed"],
    ),
    ("", "ALTER TABLE \"Product\" DROP COLUMN \"title\", ADD COLUMN \"title\" TEXT;", &["Product.title: lost-values"]),
    ("UPDATE \"Product\" SET title = 'again ' || id", "-- safemigrate: accept truncate made anew every night\nTRUNCATE \"Price\";", &["Price: lost-rows"]),
    ("", "CREATE INDEX CONCURRENTLY \"Product_title_idx\" ON \"Product\"(\"title\");", &[]),
    ("", "ALTER TABLE \"Product\" DROP CONSTRAINT \"Product_pkey\" CASCADE;\nALTER TABLE \"Product\" ADD CONSTRAINT \"Product_pkey\" PRIMARY KEY (\"id\", \"sku\");", &[]),
];

#[test]
fn a_history_applied_in_parts() {
    replay(4);
}

#[test]
#[ignore = "a minute; the parts are in the suite"]
fn a_history_applied_one_by_one() {
    replay(1);
}

fn replay(at_once: usize) {
    let cluster = Cluster::start();
    let project = Project::new(Prisma::V7, Shape::Product, &cluster, "shop");
    cluster.prepare(&project, "shop");
    cluster
        .psql("shop", "INSERT INTO \"Product\" (name, price) SELECT 'Product ' || n, n FROM generate_series(1, 200) n");
    let mut number = 0;
    // what the application writes needs the shape that the migration before it made
    let mut parts: Vec<Vec<&Step>> = Vec::new();
    for step in HISTORY {
        match parts.last_mut().filter(|part| step.0.is_empty() && part.len() < at_once) {
            Some(part) => part.push(step),
            None => parts.push(vec![step]),
        }
    }
    for part in &parts {
        cluster.psql("shop", part[0].0);
        for (_, sql, _) in part {
            number += 1;
            project.write(format!("prisma/migrations/202701010{number:05}_step/migration.sql"), sql);
        }
        let (code, said) = project.json(&["deploy", "--rehearse", "--on-loss", "keep"]);
        let what = format!("up to step {number}: {}\n{said:#}", part.last().unwrap().1);
        let (rehearsed, real) = (&said["rehearsal"]["verification"], &said["verification"]);
        assert_eq!(said["migrations_applied"].as_array().map(Vec::len), Some(part.len()), "{what}");
        assert_eq!(tables(rehearsed), tables(real), "{what}");
        assert_eq!(
            (rehearsed["ok"].as_bool(), code),
            (real["ok"].as_bool(), if real["ok"] == true { 0 } else { 3 }),
            "{what}"
        );
        if at_once == 1 {
            assert_eq!(lost(real), part[0].2, "{what}");
        }
    }
    println!("{number} migrations in {} runs", parts.len());
}
