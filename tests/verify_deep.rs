//! `verify --deep`: lost rows by their key, changed values one by one, and nothing that is not so.

mod scene;
mod support;

use scene::Scene;
use serde_json::{Value, json};

/// The report of a table of `verify --deep`, with the exit code.
fn deep(scene: &Scene, more: &[&str], table: &str) -> (i32, Value) {
    let output = scene.run(&[&["verify", "latest", "--deep", "--json"], more].concat());
    let said: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}{output}"));
    let found = said["tables"].as_array().unwrap().iter().find(|t| t["table"] == table).cloned();
    (output.code, found.unwrap_or_else(|| panic!("no {table} in {said}")))
}

#[test]
fn hostile_names_and_values_are_named_as_they_are() {
    let scene = Scene::new(
        r#"CREATE TABLE "we""ird. t" ("k 1" text, "k'2" int, "v	a
l" text, "ünï" jsonb, PRIMARY KEY ("k 1", "k'2"));
        INSERT INTO "we""ird. t" VALUES (E'tab\there', 1, E'new\nline \\ back', '{"a": "\t"}'), ('it''s "q"', 2, '', NULL),
            ('NULL', 3, 'NULL', 'null'), (E'\\N', 4, E'\\N', '[]'), ('日本', 5, repeat('ä', 100000), '1'), ('', 6, NULL, '2'), ('same', 7, 'same', '3')"#,
    );
    scene.backup();
    scene.cluster.psql(
        "shop",
        r#"DELETE FROM "we""ird. t" WHERE "k'2" IN (1, 4);
        UPDATE "we""ird. t" SET "v	a
l" = NULL WHERE "k'2" IN (2, 3, 5); UPDATE "we""ird. t" SET "ünï" = NULL WHERE "k'2" = 3;
        UPDATE "we""ird. t" SET "v	a
l" = '' WHERE "k'2" = 6; INSERT INTO "we""ird. t" VALUES ('new', 8)"#,
    );
    let (code, table) = deep(&scene, &[], "public.we\"ird. t");
    assert_eq!((code, &table["verdict"], &table["rows_new"]), (3, &json!("lost-rows"), &json!(1)), "{table}");
    let key = |one: &str, two: &str| json!({ "k 1": one, "k'2": two });
    assert_eq!(table["lost_rows"], json!([{ "key": key("\\N", "4") }, { "key": key("tab\there", "1") }]));
    let changed = |key: Value, column: &str, before: &str| json!({ "key": key, "column": column, "before": before, "after": null });
    let value = "v\ta\nl";
    let expected = json!([
        changed(key("NULL", "3"), value, "NULL"),
        changed(key("NULL", "3"), "ünï", "null"),
        changed(key("it's \"q\"", "2"), value, ""),
        // whole in JSON; what was NULL before is no value of the backup
        changed(key("日本", "5"), value, &"ä".repeat(100_000)),
    ]);
    assert_eq!(table["changed_values"], expected);
    let text = scene.run(&["verify", "latest", "--deep"]).code(3);
    for line in [
        r"k 1 = 'tab\there', k'2 = 1",
        "k 1 = 'NULL', k'2 = 3",
        "v\\ta\\nl          'NULL' ",
        "(100,000 characters)",
        r"k 1 = '\\N', k'2 = 4",
        "2 rows lost, 4 changed, 1 new",
    ] {
        assert!(text.stdout.contains(line), "{line}{text}");
    }
    assert!(!text.stdout.contains(&"ä".repeat(100)), "{text}");
}

#[test]
fn without_a_key_each_copy_counts() {
    let scene = Scene::new(
        "CREATE TABLE bag (a int, b text); INSERT INTO bag VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, NULL), (2, ''), (3, 'y');
         CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES",
    );
    scene.backup();
    scene.cluster.psql(
        "shop",
        "DELETE FROM bag WHERE ctid = (SELECT ctid FROM bag WHERE a = 1 LIMIT 1); DELETE FROM bag WHERE b = '';
         UPDATE bag SET b = 'z' WHERE a = 3; DELETE FROM nothing WHERE ctid = (SELECT ctid FROM nothing LIMIT 1)",
    );
    let (_, bag) = deep(&scene, &[], "public.bag");
    let key = |a: &str, b: &str| json!({ "key": { "a": a, "b": b } });
    assert_eq!(bag["lost_rows"], json!([key("1", "x"), key("2", ""), key("3", "y")]), "{bag}");
    assert_eq!((&bag["rows_new"], &bag["changed_values"]), (&json!(1), &json!([])));
    let (_, nothing) = deep(&scene, &[], "public.nothing");
    assert_eq!((&nothing["rows_lost"], &nothing["rows_new"]), (&json!(1), &json!(0)), "{nothing}");
}

#[test]
fn partitions_renames_and_tables_on_one_side() {
    let scene = Scene::new(
        "CREATE TABLE p (id int PRIMARY KEY, d text, n int) PARTITION BY RANGE (id);
         CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
         CREATE TABLE p2 (n int, d text, id int NOT NULL); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (100) TO (1000);
         INSERT INTO p SELECT n, 'd' || n, n FROM generate_series(1, 300) n;
         CREATE TABLE old (id int PRIMARY KEY, a text, b int); INSERT INTO old SELECT n, 'a' || n, n FROM generate_series(1, 9) n;
         CREATE TABLE gone (id int PRIMARY KEY); INSERT INTO gone SELECT generate_series(1, 30);
         CREATE TABLE emptied (id int PRIMARY KEY, t text); INSERT INTO emptied VALUES (1, 'x'), (2, NULL); CREATE TABLE filled (id int)",
    );
    scene.backup();
    // the leaves are cut anew: every row is in another one, none is lost
    scene.cluster.psql(
        "shop",
        "CREATE TABLE q (n int, id int, d text); INSERT INTO q (id, d, n) SELECT id, d, n FROM p; DROP TABLE p1, p2;
         CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (0) TO (50); CREATE TABLE p4 PARTITION OF p DEFAULT;
         INSERT INTO p (id, d, n) SELECT id, d, n FROM q WHERE id <> 77; DROP TABLE q; UPDATE p SET n = -1 WHERE id = 200;
         ALTER TABLE old RENAME TO new; ALTER TABLE new RENAME a TO title; UPDATE new SET title = 'other' WHERE id = 3; DELETE FROM new WHERE id = 4;
         DROP TABLE gone; TRUNCATE emptied; INSERT INTO filled VALUES (7)",
    );
    let (code, p) = deep(&scene, &[], "public.p");
    assert_eq!((code, &p["lost_rows"]), (3, &json!([{ "key": { "id": "77" } }])), "{p}");
    assert_eq!(p["changed_values"], json!([{ "key": { "id": "200" }, "column": "n", "before": "200", "after": "-1" }]));
    let (_, old) = deep(&scene, &[], "public.old");
    assert_eq!((&old["to"], &old["lost_rows"]), (&json!("public.new"), &json!([{ "key": { "id": "4" } }])), "{old}");
    assert_eq!(
        old["changed_values"],
        json!([{ "key": { "id": "3" }, "column": "a", "before": "a3", "after": "other" }])
    );
    let (_, gone) = deep(&scene, &["--rows", "2"], "public.gone");
    assert_eq!(gone["lost_rows"], json!([{ "key": { "id": "1" } }, { "key": { "id": "2" } }]), "{gone}");
    let (_, emptied) = deep(&scene, &[], "public.emptied");
    assert_eq!(emptied["lost_rows"], json!([{ "key": { "id": "1" } }, { "key": { "id": "2" } }]), "{emptied}");
    assert_eq!(deep(&scene, &[], "public.filled").1["rows_new"], 1);
    // without --deep the report is as ever
    let shallow = scene.run(&["verify", "latest", "--json"]).code(3);
    assert!(!shallow.stdout.contains("lost_rows") && !shallow.stdout.contains("rows_new"), "{shallow}");
    scene.run(&["verify", "--rows", "3"]).code(2);
}

/// 60,000 rows in some thirty segments.
const MANY: &str = "CREATE TABLE many (id int PRIMARY KEY, t text, n int);
    INSERT INTO many SELECT n, md5(n::text), n % 7 FROM generate_series(1, 60000) n";

#[test]
fn rows_that_moved_are_no_change_and_equal_ranges_are_read_once() {
    let scene = Scene::new(MANY);
    scene.backup();
    scene.cluster.psql("shop", "ALTER ROLE boss SET log_statement = 'all'");
    // each range that is read is a statement
    let reads = |scene: &Scene| scene.cluster.log().matches("FROM ONLY \"public\".\"many\" WHERE (ctid").count();
    let whole = |scene: &Scene| scene.cluster.log().matches("COPY \"public\".\"many\"").count();
    scene.cluster.psql("shop", "UPDATE many SET n = -1 WHERE id = 30000; DELETE FROM many WHERE id = 10");
    let (_, table) = deep(&scene, &[], "public.many");
    assert_eq!(table["lost_rows"], json!([{ "key": { "id": "10" } }]), "{table}");
    assert_eq!(
        table["changed_values"],
        json!([{ "key": { "id": "30000" }, "column": "n", "before": "5", "after": "-1" }])
    );
    let (ranges, all) = (reads(&scene), whole(&scene));
    // the range of each row, and the last one, to which the new version went
    assert!((10..60).contains(&ranges) && all == 0, "{ranges} ranges, {all} times the whole table");
    let before = ranges;
    deep(&scene, &[], "public.many");
    let again = reads(&scene) - before;

    scene.backup();
    scene.cluster.psql("shop", "CREATE INDEX by_text ON many (t); CLUSTER many USING by_text; VACUUM FULL many");
    let (ranges, all) = (reads(&scene), whole(&scene));
    let (code, table) = deep(&scene, &[], "public.many");
    assert_eq!((code, &table["verdict"]), (0, &json!("identical")), "{table}");
    // digests prove it: no row is read twice
    assert!(reads(&scene) - ranges < again && whole(&scene) == all);
    // and where one value differs, no other is named
    scene.cluster.psql("shop", "UPDATE many SET t = NULL WHERE id = 7; VACUUM FULL many");
    let (code, table) = deep(&scene, &[], "public.many");
    assert_eq!((code, &table["lost_rows"], &table["rows_new"]), (3, &json!([]), &json!(0)), "{table}");
    let seven = "8f14e45fceea167a5a36dedd4bea2543";
    assert_eq!(
        table["changed_values"],
        json!([{ "key": { "id": "7" }, "column": "t", "before": seven, "after": null }])
    );
    assert!(whole(&scene) > all, "every range differs: the table is read whole");
}

#[test]
fn no_more_are_named_than_asked_for() {
    let scene = Scene::new(MANY);
    scene.backup();
    scene
        .cluster
        .psql("shop", "DELETE FROM many WHERE id % 3 = 0; UPDATE many SET n = n + 1, t = upper(t) WHERE id % 3 = 1");
    let (_, table) = deep(&scene, &["--rows", "5"], "public.many");
    assert_eq!(table["rows_lost"], 20_000);
    let first = |n: u32| json!({ "key": { "id": n.to_string() } });
    assert_eq!(table["lost_rows"], json!([first(3), first(6), first(9), first(12), first(15)]));
    assert_eq!(table["changed_values"].as_array().unwrap().len(), 10);
    let said = scene.run(&["verify", "latest", "--deep"]).code(3);
    said.says("20,000 rows lost, 20,000 changed, 0 new").says("up to 20 of each are named");
}
