//! What each statement locks, for how long, and what it makes the server write anew, as the manual has it; and scripts that
//! are more than a list of statements.

use crate::scenes::statements;
use crate::support::{Cluster, Prisma, Project, Shape};

/// A statement, its locks, the tables that it rewrites.
const DOCUMENTED: &[(&str, &str, &str)] = &[
    ("ALTER TABLE t1 ADD COLUMN a double precision DEFAULT random()", "ACCESS EXCLUSIVE t1", "t1"),
    ("ALTER TABLE t2 ADD COLUMN a int NOT NULL DEFAULT 5", "ACCESS EXCLUSIVE t2", ""),
    ("ALTER TABLE t3 ALTER COLUMN n TYPE bigint", "ACCESS EXCLUSIVE t3", "t3"),
    ("ALTER TABLE t4 ALTER COLUMN s TYPE varchar(50)", "ACCESS EXCLUSIVE t4", ""),
    ("ALTER TABLE t5 ALTER COLUMN s TYPE text", "ACCESS EXCLUSIVE t5", ""),
    ("CREATE INDEX i6 ON t6 (n)", "SHARE t6", ""),
    (
        "ALTER TABLE t7 ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES t8",
        "SHARE ROW EXCLUSIVE t7, SHARE ROW EXCLUSIVE t8",
        "",
    ),
    ("ALTER TABLE t9 ADD CONSTRAINT c CHECK (n > 0) NOT VALID", "ACCESS EXCLUSIVE t9", ""),
    ("ALTER TABLE t10 VALIDATE CONSTRAINT t10_later", "", ""),
    ("DROP TABLE t11", "ACCESS EXCLUSIVE t11", ""),
    (
        "CREATE TRIGGER r BEFORE UPDATE ON t12 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "SHARE ROW EXCLUSIVE t12",
        "",
    ),
    ("LOCK TABLE t13 IN EXCLUSIVE MODE", "EXCLUSIVE t13", ""),
    ("TRUNCATE t14", "ACCESS EXCLUSIVE t14", ""),
    ("UPDATE t15 SET n = n + 1", "", ""),
    ("ALTER TABLE t16 ALTER COLUMN n SET NOT NULL", "ACCESS EXCLUSIVE t16", ""),
    ("ALTER TABLE t17 RENAME TO t17_old", "ACCESS EXCLUSIVE t17", ""),
    ("CLUSTER t18 USING t18_pkey", "ACCESS EXCLUSIVE t18", "t18"),
    ("COMMENT ON TABLE t19 IS 'x'", "", ""),
    ("ALTER TABLE t20 SET UNLOGGED", "ACCESS EXCLUSIVE t20", "t20"),
    // taken by an earlier one
    ("ALTER TABLE t1 ADD COLUMN b int", "", ""),
];

fn shop(cluster: &Cluster) -> Project {
    let project = Project::new(Prisma::V7, Shape::Product, cluster, "shop");
    cluster.prepare(&project, "shop");
    cluster.psql("shop", "INSERT INTO \"Product\" (name, price) SELECT 'p' || n, n FROM generate_series(1, 50) n");
    project
}

fn migration(project: &Project, number: usize, sql: &str) {
    project.write(format!("prisma/migrations/2027010100000{number}_m/migration.sql"), sql);
}

#[test]
fn locks_and_rewrites_are_as_documented() {
    let cluster = Cluster::start();
    let project = shop(&cluster);
    for n in 1..=20 {
        cluster.psql(
            "shop",
            &format!(
                "CREATE TABLE t{n} (id int PRIMARY KEY, n int, s varchar(10));
                INSERT INTO t{n} SELECT g, g, 's' || g FROM generate_series(1, 2000) g;
                ALTER TABLE t{n} ADD CONSTRAINT t{n}_later CHECK (n > 0) NOT VALID;"
            ),
        );
    }
    let script: Vec<String> = DOCUMENTED.iter().map(|(sql, ..)| format!("-- what it is\n{sql};\n")).collect();
    migration(&project, 1, &(script.concat() + "SELECT pg_sleep(0.3);\n"));
    let (code, said) = project.json(&["rehearse", "--as", "deploy"]);
    // TRUNCATE and DROP TABLE lose rows
    assert_eq!((code, &said["verdict"]), (3, &"loses".into()), "{said:#}");
    let found = statements(&said);
    for ((sql, locks, rewrites), statement) in DOCUMENTED.iter().zip(&found) {
        let short = |name: &serde_json::Value| name.as_str().unwrap().trim_start_matches("public.").to_owned();
        let all = |of: &str| statement[of].as_array().cloned().unwrap_or_default();
        let held: Vec<String> =
            all("locks").iter().map(|l| format!("{} {}", l["mode"].as_str().unwrap(), short(&l["table"]))).collect();
        let written: Vec<String> = all("rewrites").iter().map(|r| short(&r["table"])).collect();
        assert_eq!(
            (statement["sql"].as_str().unwrap(), held.join(", "), written.join(", ")),
            (*sql, (*locks).into(), (*rewrites).into())
        );
        for lock in all("locks") {
            let seconds = lock["seconds"].as_f64().unwrap();
            assert!((0.3..10.0).contains(&seconds), "{sql}: held to the end, {seconds} s");
        }
        // 2000 rows of some 40 bytes
        assert!(
            all("rewrites").iter().all(|r| (60_000..400_000).contains(&r["bytes"].as_u64().unwrap())),
            "{statement}"
        );
    }
    let slept = found.last().unwrap()["seconds"].as_f64().unwrap();
    assert!((0.3..5.0).contains(&slept), "{slept}");
}

#[test]
fn scripts_with_transactions_of_their_own_and_bodies_go_through_as_with_prisma() {
    let cluster = Cluster::start();
    let project = shop(&cluster);
    migration(
        &project,
        1,
        "BEGIN;\nALTER TABLE \"Product\" ADD COLUMN a int;\nSAVEPOINT s;\nUPDATE \"Product\" SET a = 1;\nROLLBACK TO s;\nRELEASE s;\nUPDATE \"Product\" SET a = 2;\nCOMMIT;\nBEGIN;\nDROP TABLE \"Product\";\nROLLBACK;\nALTER TABLE \"Product\" ADD COLUMN b int;\n",
    );
    migration(&project, 2, "-- alone\nCREATE INDEX CONCURRENTLY i ON \"Product\" (a);\n");
    migration(
        &project,
        3,
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN UPDATE \"Product\" SET b = 3; RETURN 1; END; $$;\nDO $do$ BEGIN PERFORM f(); END; $do$;\nCREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n",
    );
    migration(&project, 4, "DO $$ BEGIN UPDATE \"Product\" SET b = 4 WHERE a = 2; COMMIT; END $$;\n");
    let (code, said) = project.json(&["deploy", "--rehearse"]);
    assert_eq!(code, 0, "{said:#}");
    let counts: Vec<usize> = said["rehearsal"]["scripts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["statements"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [12, 1, 3, 1]);
    assert_eq!(cluster.psql("shop", "SELECT min(a), max(b), count(*) FROM \"Product\""), "2|4|50");
}

/// The first part stays where a script commits it and fails later: with Prisma and on the copy.
#[test]
fn what_a_failing_script_has_committed_counts() {
    let cluster = Cluster::start();
    let project = shop(&cluster);
    migration(&project, 1, "UPDATE \"Product\" SET price = 1;\nSAVEPOINT s;\n");
    let (code, said) = project.json(&["rehearse", "--as", "deploy"]);
    assert_eq!((code, &statements(&said)[1]["failure"]["code"]), (1, &"25P01".into()), "{said:#}");
    migration(
        &project,
        1,
        "DELETE FROM \"Product\" WHERE id > 40;\nCOMMIT;\nDELETE FROM \"Product\" WHERE id > 20;\nSELECT 1 / 0;\n",
    );
    let (code, said) = project.json(&["rehearse", "--as", "deploy"]);
    assert_eq!((code, &said["verdict"]), (1, &"fails".into()), "{said:#}");
    let table = &said["verification"]["tables"][0];
    assert_eq!((&table["table"], &table["after"]), (&"public.Product".into(), &40.into()), "{said:#}");
    let (code, real) = project.json(&["deploy", "--on-loss", "keep"]);
    assert_eq!(code, 3, "{real:#}");
    assert_eq!(cluster.psql("shop", "SELECT count(*) FROM \"Product\""), "40");
}

/// Thousands of statements are no thousands of transactions inside each other.
#[test]
#[ignore = "ten seconds; `cargo nextest run --test rehearse long_script --run-ignored only`"]
fn a_long_script_takes_as_long_as_it_is() {
    let cluster = Cluster::start();
    let project = shop(&cluster);
    let inserts: Vec<String> =
        (0..4000).map(|n| format!("INSERT INTO \"Product\" (name, price) VALUES ('n{n}', {n});\n")).collect();
    migration(&project, 1, &inserts.concat());
    let started = std::time::Instant::now();
    let (code, said) = project.json(&["rehearse", "--as", "deploy"]);
    assert_eq!((code, &said["verification"]["tables"][0]["after"]), (0, &4050.into()));
    println!("{:.1} s for {} statements", started.elapsed().as_secs_f64(), statements(&said).len());
    assert!(said["seconds"]["migration"].as_f64().unwrap() < 30.0, "{}", said["seconds"]);
}
