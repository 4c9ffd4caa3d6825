//! `diff`: structure, Prisma schema and rows, then and now.

mod scene;
mod support;

use scene::Scene;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use support::{Cluster, Prisma, Project, Shape};

const EVERYTHING: [&str; 5] = [
    include_str!("rollback/everything.sql"),
    include_str!("rollback/contrib.sql"),
    include_str!("rollback/newer.sql"),
    include_str!("rollback/superuser.sql"),
    include_str!("rollback/built.sql"),
];

fn table<'a>(said: &'a Value, name: &str) -> &'a Value {
    let tables = said["tables"].as_array().unwrap().iter();
    tables.into_iter().find(|t| t["table"] == name).unwrap_or_else(|| panic!("no {name} in {said}"))
}

#[test]
fn nothing_is_different_right_after_a_backup() {
    let extensions = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rollback/extension");
    let scene = Scene::with(Cluster::with_extensions(&extensions), "");
    let tablespaces = "CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE maker CREATEDB; CREATE ROLE plain; SET allow_in_place_tablespaces = on; CREATE TABLESPACE fast LOCATION ''; CREATE TABLESPACE wide LOCATION ''";
    scene.cluster.psql("postgres", tablespaces);
    EVERYTHING.iter().for_each(|sql| drop(scene.cluster.psql("shop", sql)));
    let (full, data) = scene.backup();
    for id in [&full, &data] {
        let said = scene.run(&["diff", id]).ok();
        assert_eq!(said.stdout, format!("No difference: structure and rows are as in {id}.\n"), "{said}");
    }
    let said = scene.json(&["diff", &full]);
    assert_eq!((&said["schema"], &said["prisma_schema"], &said["ok"]), (&json!(""), &Value::Null, &json!(true)));
}

#[test]
fn the_structure_is_a_unified_diff() {
    let scene = Scene::new(scene::SHOP);
    let (full, data) = scene.backup();
    scene.cluster.psql(
        "shop",
        r#"ALTER TABLE customer ADD COLUMN mail text DEFAULT 'x'; DROP VIEW paid; ALTER TABLE "Order" DROP COLUMN note;
           CREATE INDEX late ON customer (mail); ALTER TYPE state ADD VALUE 'gone'; COMMENT ON TABLE customer IS '-- who buys';
           ALTER TABLE customer RENAME TO person; SELECT setval('customer_id_seq', 999)"#,
    );
    let said = scene.json(&["diff", &full]);
    let diff = said["schema"].as_str().unwrap();
    for line in [
        "+    mail text DEFAULT 'x'::text",
        "-    note text",
        "+CREATE INDEX late ON public.person USING btree (mail);",
        "+    'gone'",
        "-CREATE VIEW public.paid AS",
    ] {
        assert!(diff.lines().any(|l| l.trim_end_matches(',') == line), "{line}\n{diff}");
    }
    assert!(diff.starts_with(&format!("--- structure in {full}\n+++ structure now\n@@ ")), "{diff}");
    for noise in ["setval", "+SET ", " SET default", "\\restrict", "-- Name", "Dumped", "COPY"] {
        assert!(!diff.contains(noise), "{noise}\n{diff}");
    }
    let customer = table(&said, "public.customer");
    assert_eq!(
        (&customer["to"], &customer["rows_changed"]),
        (&json!("public.person"), &json!(0)),
        "a new column changes no row"
    );
    assert_eq!(table(&said, "public.Order")["rows_changed"], 0, "nor does one that is gone");
    let colours = scene.run(&["diff", &full, "--color", "always"]).ok();
    assert!(
        colours.stdout.contains("\x1b[31;1m-    note text\x1b[0m") && colours.stdout.contains("\x1b[1m--- structure"),
        "{colours}"
    );
    let stat = scene.run(&["diff", &full, "--stat"]).ok().says("structure: +");
    assert!(!stat.stdout.contains("note text"), "{stat}");

    // the rows alone know columns, types, defaults and keys; with its full backup the whole structure is compared
    let with_full = scene.json(&["diff", &data]);
    assert_eq!(with_full["schema"].as_str().unwrap().lines().count(), diff.lines().count());
    scene.run(&["delete", &full, "--confirm", &full]).ok();
    let said = scene.run(&["diff", &data]).ok().says("The full backup of");
    let said = said.says("+TABLE public.person").says("+    mail text DEFAULT 'x'::text").says("-    note text");
    assert!(!said.stdout.contains("CREATE"), "{said}");
}

/// Every kind of change to random rows, held against what SQL says.
#[test]
fn rows_are_what_a_full_join_says() {
    let scene = Scene::new(
        "CREATE TABLE t (a int, b text, v text, n numeric, PRIMARY KEY (a, b));
         INSERT INTO t SELECT n, 'k' || n % 3, CASE WHEN n % 5 = 0 THEN NULL WHEN n % 5 = 1 THEN '' ELSE md5(n::text) END, n / 8.0 FROM generate_series(1, 20000) n;
         CREATE TABLE was AS TABLE t",
    );
    let mut changes = 0;
    for round in 0..3 {
        scene.backup();
        scene.cluster.psql("shop", "DELETE FROM was; INSERT INTO was TABLE t");
        // the copy is made anew after the backup: only `t` is looked at
        let dml = format!(
            "SELECT setseed(0.{round}1); DELETE FROM t WHERE random() < 0.002; UPDATE t SET v = NULLIF(v, '') || 'x' WHERE random() < 0.002;
             UPDATE t SET v = '' WHERE random() < 0.001; UPDATE t SET n = n + 1, v = NULL WHERE random() < 0.001; UPDATE t SET b = b || 'm' WHERE random() < 0.001;
             INSERT INTO t SELECT 100000 + {round} * 1000 + n, 'new', E'a\\tb\\\\', n FROM generate_series(1, 17) n ON CONFLICT DO NOTHING;"
        );
        scene.cluster.psql("shop", &dml);
        if round == 2 {
            scene.cluster.psql("shop", "VACUUM FULL t");
        }
        let said = scene.json(&["diff", "latest", "--rows", "5000"]);
        let table = table(&said, "public.t");
        let rows = table["rows"].as_array().unwrap();
        let found: BTreeSet<String> = rows
            .iter()
            .map(|row| {
                format!(
                    "{}|{}|{}",
                    row["change"].as_str().unwrap(),
                    row["key"]["a"].as_str().unwrap(),
                    row["key"]["b"].as_str().unwrap()
                )
            })
            .collect();
        let join = "SELECT CASE WHEN t.a IS NULL THEN 'lost' WHEN w.a IS NULL THEN 'gained' ELSE 'changed' END, coalesce(t.a, w.a), coalesce(t.b, w.b)
            FROM t FULL JOIN was w ON t.a = w.a AND t.b = w.b WHERE (t.*) IS DISTINCT FROM (w.*)";
        let expected: BTreeSet<String> = scene.cluster.psql("shop", join).lines().map(str::to_owned).collect();
        assert_eq!(found, expected);
        changes += found.len();
        for (change, count) in [("gained", "rows_gained"), ("lost", "rows_lost"), ("changed", "rows_changed")] {
            let wanted = expected.iter().filter(|row| row.starts_with(change)).count();
            assert_eq!(table[count], wanted, "{change}");
        }
        for row in rows.iter().filter(|row| row["change"] == "changed").take(5) {
            let (a, b) = (row["key"]["a"].as_str().unwrap(), row["key"]["b"].as_str().unwrap());
            for (side, of) in [("before", "was"), ("after", "t")] {
                for (column, value) in row[side].as_object().unwrap() {
                    let ask = format!(
                        "SELECT coalesce({column}::text, 'NULL'), {column} IS NULL FROM {of} WHERE a = {a} AND b = '{b}'"
                    );
                    let is = scene.cluster.psql("shop", &ask);
                    assert_eq!(
                        is,
                        format!("{}|{}", value.as_str().unwrap_or("NULL"), if value.is_null() { "t" } else { "f" })
                    );
                }
            }
        }
    }
    assert!(changes > 200, "{changes}");
}

#[test]
fn rows_side_by_side() {
    let scene = Scene::new(
        "CREATE TABLE item (id int PRIMARY KEY, name text, price numeric); INSERT INTO item VALUES (1, 'one', 1.5), (2, NULL, 2), (3, '', 3), (10, 'ten', 10)",
    );
    let (full, _) = scene.backup();
    scene.cluster.psql(
        "shop",
        "DELETE FROM item WHERE id = 10; UPDATE item SET name = 'two', price = 0 WHERE id = 2; UPDATE item SET name = NULL WHERE id = 3;
         INSERT INTO item VALUES (11, 'eleven', NULL); CREATE TABLE fresh AS SELECT 1 AS n",
    );
    let said = scene.run(&["diff", &full, "--rows", "3"]).ok();
    let at = said.stdout.find("TABLE   ").unwrap();
    insta::assert_snapshot!(&said.stdout[at..], @r"
    TABLE         ROWS GAINED  LOST  CHANGED
    public.fresh            1     0        0
    public.item             1     1        2

    public.fresh
       KEY    COLUMN  BEFORE  NOW
    +  n = 1

    public.item
       KEY      COLUMN  BEFORE                    NOW
    ~  id = 2   name    NULL                      'two'
                price   2                         0
    ~  id = 3   name    ''                        NULL
    -  id = 10          name = 'ten', price = 10
       … and 1 more
    ");
    let said = scene.json(&["diff", &full, "--rows", "2"]);
    let item = table(&said, "public.item");
    assert_eq!((&item["rows_gained"], &item["rows_lost"], &item["rows_changed"]), (&json!(1), &json!(1), &json!(2)));
    let first = json!({ "change": "changed", "key": { "id": "2" }, "before": { "name": null, "price": "2" }, "after": { "name": "two", "price": "0" } });
    assert_eq!((&item["rows"][0], item["rows"].as_array().unwrap().len()), (&first, 2));
    assert_eq!(table(&scene.json(&["diff", &full]), "public.item")["rows"], json!([]));
    scene.run(&["diff", &full, "--stat", "--rows", "3"]).code(2);
    scene.run(&["diff", "f-none"]).code(10);
    scene.run(&["diff"]).code(10).says("There is no checkpoint of a run yet");
}

fn git(project: &Project, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(project.root()).args(["-c", "user.name=jo", "-c", "user.email=jo@example.com"]).args(arguments);
    let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_prisma_schema_is_compared_with_the_commit_of_the_backup() {
    let cluster = Cluster::start();
    let project = Project::new(Prisma::V7, Shape::Product, &cluster, "shop");
    cluster.prepare(&project, "shop");
    project.safemigrate(&["backup"]).ok();
    assert_eq!(project.json(&["diff", "latest"]).1["prisma_schema"], Value::Null, "there is no git");
    project.write(".gitignore", "node_modules\n.safemigrate\n");
    for arguments in [&["init", "-q"] as &[&str], &["add", "-A"], &["commit", "-qm", "first"]] {
        git(&project, arguments);
    }
    project.safemigrate(&["backup"]).ok();
    let (code, said) = project.json(&["diff", "latest"]);
    assert_eq!((code, &said["prisma_schema"], &said["schema"]), (0, &json!(""), &json!("")), "{said}");
    project.edit_schema("  price Decimal\n", "  price Decimal?\n  note  String?\n");
    let said = project.safemigrate(&["diff", "latest"]).ok().says("+  note  String?").says("-  price Decimal");
    let said = said.says("--- prisma/schema.prisma at ").says("Every row of every table is as it was.");
    assert!(said.stdout.contains("+++ prisma/schema.prisma\n"), "{said}");
    project.safemigrate(&["dev", "--name", "note"]).ok();
    // the default is the checkpoint of the last run, as for verify
    let (_, said) = project.json(&["diff"]);
    assert!(said["schema"].as_str().unwrap().contains("+    note text"), "{said}");

    // a folder of schemas: files come and go
    let whole = project.read("prisma/schema.prisma");
    let (head, model) = whole.split_at(whole.find("model ").unwrap());
    project.write("models/base.prisma", head);
    project.write("models/sub/product.prisma", model);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "second"]);
    project.safemigrate(&["backup"]).ok();
    project.write("models/sub/product.prisma", &model.replace("note", "remark"));
    project.write("models/new.prisma", "enum Empty { a }\n");
    std::fs::remove_file(project.path("models/base.prisma")).unwrap();
    project.write("models/base two.prisma", head);
    let (code, said) = project.json(&["diff", "latest", "--schema", "models"]);
    assert_eq!(code, 0, "{said}");
    let diff = said["prisma_schema"].as_str().unwrap();
    for line in ["+enum Empty { a }", "+++ models/base two.prisma", "--- models/sub/product.prisma at "] {
        assert!(diff.lines().any(|l| l.starts_with(line)), "{line}\n{diff}");
    }
    assert!(diff.contains("-  note ") && diff.contains("+  remark "), "{diff}");
}
