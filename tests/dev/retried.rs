//! After a rollback: the migration that was put right runs, the journal tells the story, and the rollback itself can be undone.

use super::scenes::{ALL, product, rename_pending, write_migration};
use super::support::{Cluster, Prisma};
use serde_json::{Value, json};

/// What Prisma knows nothing of, and no rollback may lose.
const BESIDES: &str = "
    CREATE SCHEMA private; CREATE ROLE clerk NOLOGIN; GRANT USAGE ON SCHEMA private TO clerk; COMMENT ON SCHEMA private IS 'not Prisma''s';
    CREATE TABLE private.note (id int GENERATED ALWAYS AS IDENTITY (START 7 INCREMENT 3), at timestamptz DEFAULT now(), text text);
    INSERT INTO private.note (text) SELECT 'note ' || n FROM generate_series(1, 30) n;
    CREATE FUNCTION private.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.text := upper(new.text); RETURN new; END';
    CREATE TRIGGER touch BEFORE UPDATE ON private.note FOR EACH ROW EXECUTE FUNCTION private.touch();
    CREATE MATERIALIZED VIEW private.sums AS SELECT count(*) AS n, sum(price) AS price FROM public.\"Product\"; GRANT SELECT ON private.sums TO clerk;
    GRANT SELECT, UPDATE (price) ON \"Product\" TO clerk; COMMENT ON COLUMN \"Product\".price IS 'in euro'; SELECT lo_from_bytea(77, 'a picture')";

const MIGRATION: &str = "20270101000000_rename";

#[test]
fn put_right_and_run_again() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    cluster.psql("shop", BESIDES);
    let before = cluster.dump("shop");
    rename_pending(&project);
    let (code, said) = project.json(&["dev"]);
    assert_eq!((code, &said["migrations_applied"]), (3, &json!([MIGRATION])), "{said:#}");
    let lost = cluster.dump("shop");

    // without an id: the checkpoint of the run that lost data
    let (code, first) = project.json(&["rollback", "--yes"]);
    assert_eq!((code, &first["backup"]), (0, &said["before"][0]), "{first:#}");
    assert_eq!(first["pending_migrations"], json!([MIGRATION]), "{first:#}");
    assert_eq!(cluster.dump("shop"), before);

    write_migration(
        &project,
        MIGRATION,
        r#"ALTER TABLE "Product" RENAME COLUMN "name" TO "title"; ALTER TABLE "Product" ALTER COLUMN "title" DROP NOT NULL;"#,
    );
    let (code, again) = project.json(&["dev"]);
    assert_eq!((code, &again["verification"]["ok"]), (0, &true.into()), "{again:#}");
    assert_eq!(again["migrations_applied"], json!([MIGRATION]));
    let titles = r#"SELECT count(*), round(sum(price), 2), min(title), max(title) FROM "Product""#;
    assert_eq!(cluster.psql("shop", titles), ALL);
    let fixed = cluster.dump("shop");
    assert!(project.prisma(&["migrate", "status"]).ok().stdout.contains("up to date"));

    // the rollback is undone, in both ways, and that undone again
    let undo = first["safety_backups"][0].as_str().unwrap();
    for strategy in ["swap", "in-place"] {
        let (code, undone) = project.json(&["rollback", undo, "--yes", "--strategy", strategy]);
        assert_eq!((code, undone["strategy"].as_str()), (0, Some(strategy)), "{undone:#}");
        super::support::same(&lost, &cluster.dump("shop"), "as before the first rollback");
        let back = undone["safety_backups"][0].as_str().unwrap();
        let (code, done) = project.json(&["rollback", back, "--yes", "--strategy", strategy]);
        assert_eq!((code, &done["notes"]), (0, &json!([])), "{done:#}");
        super::support::same(&fixed, &cluster.dump("shop"), "as the migration that was put right left it");
    }
    // newest first: every run, what it took before, and how it ended
    let (_, history) = project.json(&["history"]);
    let runs = history["runs"].as_array().unwrap();
    let told = |run: &Value| format!("{} {}", run["command"].as_str().unwrap(), run["verified"]);
    let rollbacks = ["rollback null"; 4];
    let told: Vec<String> = runs.iter().map(told).collect();
    assert_eq!(told, [&rollbacks[..], &["dev true", "rollback null", "dev false"]].concat(), "{history:#}");
    assert!(runs.iter().all(|run| run["state"] == "finished" && run["before"].as_array().unwrap().len() == 2));
    let [.., second, rollback, first_dev] = runs.as_slice() else { panic!("{history:#}") };
    assert_eq!((&first_dev["run"], &first_dev["before"]), (&said["run"], &said["before"]));
    assert_eq!((&rollback["run"], &rollback["before"]), (&first["run"], &first["safety_backups"]));
    assert_eq!((&second["migrations_applied"], &second["run"]), (&again["migrations_applied"], &again["run"]));
    assert!(rollback["outcome"].as_str().unwrap().contains(said["before"][0].as_str().unwrap()), "{rollback:#}");
    let (code, status) = project.json(&["status"]);
    assert_eq!((code, &status["unfinished"]), (0, &json!([])));
}
