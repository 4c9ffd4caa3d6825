//! After a re-insert the database is compared with the backup, and the report says what is back and what is not.

mod scene;
mod support;

use scene::Scene;
use serde_json::Value;

const PEOPLE: &str = r#"
    CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL, height numeric(8,4), bio text, tags int[]);
    INSERT INTO person (name, height, bio, tags) SELECT 'Name ' || n, n + 0.1234, 'Bio ' || n, ARRAY[n, -n] FROM generate_series(1, 50) n;
    CREATE TABLE note (text text, at timestamp);
    INSERT INTO note SELECT 'Note ' || n % 3, '2026-01-01' FROM generate_series(1, 9) n;
"#;

const ALL_BACK: &str = "✔ Everything in the backup is in the database: every row, every value.";

/// The same backup again after a change, re-inserted with these options; gives the JSON of the first of both tables' verification.
fn put_back(change: &str, options: &[&str]) -> (String, Value) {
    let scene = Scene::new(PEOPLE);
    scene.backup();
    scene.cluster.psql("shop", change);
    let said = scene.run(&[&["reinsert", "latest"], options].concat()).ok();
    // again, for the report: what is there stays there
    let json = scene.json(&[&["reinsert", "latest"], options].concat());
    (said.stdout, json["verification"].clone())
}

fn table<'v>(verification: &'v Value, name: &str) -> &'v Value {
    let tables = verification["tables"].as_array().unwrap_or_else(|| panic!("{verification}"));
    tables.iter().find(|t| t["table"] == name).unwrap_or_else(|| panic!("{name}: {verification}"))
}

fn column<'v>(verification: &'v Value, name: &str) -> &'v Value {
    let columns = table(verification, "public.person")["columns"].as_array().unwrap();
    columns.iter().find(|c| c["column"] == name).unwrap_or_else(|| panic!("{name}: {verification}"))
}

#[test]
fn what_is_whole_is_said_to_be() {
    let (said, proof) = put_back("TRUNCATE person, note", &[]);
    assert!(said.ends_with(&format!("{ALL_BACK}\n")), "{said}");
    assert_eq!(proof["ok"], true);
    assert_eq!(table(&proof, "public.person")["verdict"], "identical");
}

#[test]
fn what_went_elsewhere_is_looked_for_there() {
    let change = "ALTER TABLE person DROP name; ALTER TABLE person ADD full_name text; ALTER TABLE note RENAME TO jotting; DELETE FROM jotting";
    let (said, proof) =
        put_back(change, &["--map", "person.name=full_name", "--map", "note=jotting", "--on-conflict", "fill"]);
    assert!(said.contains(ALL_BACK), "{said}");
    assert_eq!(
        (&column(&proof, "name")["verdict"], &column(&proof, "name")["to"]),
        (&"renamed".into(), &"full_name".into())
    );
    assert_eq!(table(&proof, "public.note")["to"], "public.jotting");
}

#[test]
fn a_column_without_a_place_is_not_back() {
    let (said, proof) = put_back("TRUNCATE note; ALTER TABLE person DROP bio", &[]);
    assert!(!said.contains('✔') && said.contains("not back is:"), "{said}");
    assert!(said.contains("public.person.bio") && said.contains("the column is gone"), "{said}");
    assert_eq!((&proof["ok"], &column(&proof, "bio")["verdict"]), (&false.into(), &"dropped".into()));
    assert_eq!(column(&proof, "name")["verdict"], "identical");
}

#[test]
fn a_split_model_and_two_merged_ones_are_whole() {
    let change = "TRUNCATE person; ALTER TABLE person DROP bio; CREATE TABLE profile (id serial PRIMARY KEY, bio text, person int UNIQUE NOT NULL REFERENCES person);
        ALTER TABLE person ADD text text, ADD at timestamp, ALTER name DROP NOT NULL; DROP TABLE note";
    let maps = ["person=person", "person=profile", "person.id=person.id", "person.id=profile.person", "note=person"];
    let options: Vec<&str> = maps.iter().flat_map(|map| ["--map", map]).chain(["--table", "person"]).collect();
    let scene = Scene::new(PEOPLE);
    scene.backup();
    scene.cluster.psql("shop", change);
    let json = scene.json(&[&["reinsert", "latest"][..], &options].concat());
    let proof = &json["verification"];
    assert_eq!(proof["ok"], true, "{proof}");
    let both: Vec<&Value> =
        proof["tables"].as_array().unwrap().iter().filter(|t| t["table"] == "public.person").collect();
    assert_eq!(both.len(), 2, "{proof}");
    assert_eq!(both[1]["to"], "public.profile");
    assert_eq!(
        both[1]["columns"].as_array().unwrap().iter().filter(|c| c["verdict"] == "dropped").count(),
        0,
        "{proof}"
    );
}

#[test]
fn rounded_values_are_told_from_lost_ones() {
    let (said, proof) = put_back("TRUNCATE person; ALTER TABLE person ALTER height TYPE numeric(8,1)", &[]);
    assert!(said.contains("✔ Everything in the backup is in the database.\n"), "{said}");
    assert!(said.contains("Rounded to the new type: 50 values in public.person.height."), "{said}");
    assert_eq!((&proof["ok"], &column(&proof, "height")["verdict"]), (&true.into(), &"retyped".into()));
}

#[test]
fn rows_that_were_there_and_differ_are_named() {
    let (said, proof) =
        put_back("UPDATE person SET bio = 'other' WHERE id <= 3; DELETE FROM person WHERE id > 40", &[]);
    assert!(said.contains("public.person.bio") && said.contains("3 values are not of the backup"), "{said}");
    assert_eq!(column(&proof, "bio")["values_changed"], 3);
    assert_eq!(table(&proof, "public.person")["after"], 50);
}

/// What Prisma makes of String → Int: the rows stay, and their values are 0.
#[test]
fn values_of_another_type_that_were_there_and_differ_are_named() {
    let change = "ALTER TABLE person ADD age text; UPDATE person SET age = '0' || id WHERE id <= 20";
    let scene = Scene::new(&format!("{PEOPLE}; {change}"));
    scene.backup();
    scene.cluster.psql("shop", "ALTER TABLE person DROP age; ALTER TABLE person ADD age int NOT NULL DEFAULT 0; UPDATE person SET age = 7 WHERE id = 7");
    let nulls = ["--fill", "person.age=0"];
    let said = scene.run(&[&["reinsert", "latest"][..], &nulls].concat()).ok().stdout;
    assert!(said.contains("public.person.age  19 values are not of the backup"), "{said}");
    let fill = scene.json(&[&["reinsert", "latest", "--on-conflict", "fill"][..], &nulls].concat());
    assert_eq!(fill["verification"]["ok"], true, "{fill}");
    assert_eq!(scene.cluster.psql("shop", "SELECT sum(age) FROM person"), "210");
}

#[test]
fn rejected_rows_are_not_back() {
    let (said, proof) = put_back("TRUNCATE person; ALTER TABLE person ADD CHECK (id > 10)", &["--rejects", "save"]);
    assert!(said.contains("10 rows are gone") && said.contains("Rows that did not fit are in"), "{said}");
    assert_eq!(table(&proof, "public.person")["rows_lost"], 10);
}

#[test]
fn values_that_were_meant_to_become_others_are_no_loss() {
    let change = "TRUNCATE person, note; ALTER TABLE person ALTER id DROP DEFAULT, ALTER id TYPE uuid USING NULL, ALTER tags TYPE jsonb USING NULL";
    let id = "person.id=lpad(id::text, 32, '0')::uuid";
    let (said, proof) = put_back(
        change,
        &["--cast", id, "--map-value", "person.name:Name 1=Somebody", "--map-value", "note.text:Note 1="],
    );
    assert!(said.contains(ALL_BACK), "{said}");
    assert_eq!((&proof["ok"], &column(&proof, "id")["verdict"]), (&true.into(), &"retyped".into()));
}

#[test]
fn a_table_alone_is_compared_alone() {
    let (said, proof) = put_back("TRUNCATE person, note", &["--table", "note"]);
    assert!(said.contains(ALL_BACK), "{said}");
    assert_eq!(proof["tables"].as_array().unwrap().len(), 1);
    assert_eq!(table(&proof, "public.note")["verdict"], "identical");
}

#[test]
fn a_dry_run_and_rows_that_do_not_fit_prove_nothing() {
    let scene = Scene::new(PEOPLE);
    scene.backup();
    scene.cluster.psql("shop", "TRUNCATE person");
    assert_eq!(scene.json(&["reinsert", "latest", "--dry-run"]).get("verification"), None);
    scene.cluster.psql("shop", "ALTER TABLE person ADD CHECK (id > 10)");
    let refused = scene.run(&["reinsert", "latest", "--json"]).code(6);
    assert!(!refused.stdout.contains("verification"), "{refused}");
}
