//! `import`: a file of `pg_dump` is a backup like the others, and whatever else is in a file comes to nothing.

use super::place::Place;
use super::support::{Output, same};
use safemigrate::domain::digest::TableStats;
use safemigrate::domain::manifest::{Manifest, TableData};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const SHOP: &str = r#"
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TABLE "User" (id serial PRIMARY KEY, name text NOT NULL, mood mood, boss integer REFERENCES "User");
    CREATE TABLE post (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author integer NOT NULL REFERENCES "User" ON DELETE CASCADE, body text);
    CREATE FUNCTION twice(a integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 2 * a ELSE a END; SELECT 2 * a; END;
    CREATE RULE loud AS ON DELETE TO post DO ALSO (NOTIFY x; NOTIFY y);
    CREATE MATERIALIZED VIEW busy AS SELECT author, count(*) FROM post GROUP BY 1;
    INSERT INTO "User" (name, mood, boss) SELECT E'n\\.\n\\;' || g, 'good', nullif(g - 1, 0) FROM generate_series(1, 500) g;
    INSERT INTO post (author, body) SELECT g, repeat('x;''"$$', 20) FROM generate_series(1, 500) g;
    REFRESH MATERIALIZED VIEW busy; CREATE INDEX ON post (author); SELECT lo_from_bytea(4711, 'large');
    CREATE TABLE _prisma_migrations (id text PRIMARY KEY, checksum text NOT NULL, finished_at timestamptz, migration_name text NOT NULL, logs text,
        rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0);
    INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name) VALUES ('1', 'x', now(), '2026_init');
    COMMENT ON TABLE post IS 'of users'; ALTER TABLE post OWNER TO writer; GRANT SELECT ON "User" TO reader;
"#;
/// Nothing of ours is left on the server.
const ALL_DATABASES: &str = "postgres, shop, template0, template1";

fn databases(place: &Place) -> String {
    place.cluster.psql("postgres", "SELECT string_agg(datname, ', ' ORDER BY datname) FROM pg_database")
}

/// What `import` makes: the id of the full backup.
fn imported(place: &Place, file: &Path) -> String {
    let said = place.json(&["import", file.to_str().unwrap()]);
    let of_shop = |b: &serde_json::Value| place.manifest(b["id"].as_str().unwrap()).database.name == "shop";
    assert!(said["backups"].as_array().unwrap().iter().all(of_shop) && said["backups"].as_array().unwrap().len() == 2);
    assert_eq!(databases(place), ALL_DATABASES);
    said["backups"][0]["id"].as_str().unwrap().to_owned()
}

/// What identifies rows and values, wherever they lie.
fn contents(backup: &Manifest) -> Vec<String> {
    let of = |t: &TableData| format!("{} {:?}", t.table.name, TableStats { bytes: 0, ..t.stats.clone() });
    backup.tables.iter().map(of).collect()
}

fn import(place: &Place, name: &str, script: &str) -> Output {
    fs::write(place.path(name), script).unwrap();
    place.run(&["import", name])
}

#[test]
fn every_kind_of_file_comes_back_by_rollback() {
    let place = Place::shop(SHOP);
    let wanted = place.cluster.dump("shop");
    let dumped = |format: &str| {
        let file = place.path(&format!("own{format}"));
        place.program("pg_dump", "shop", &[format, "-f", file.to_str().unwrap()]).ok();
        file
    };
    let (full, _) = place.back_up();
    let mut files: Vec<_> = ["-Fc", "-Ft", "-Fd", "-Fp"].map(dumped).into();
    files.push(place.path("inserts.sql"));
    place.program("pg_dump", "shop", &["--column-inserts", "-f", files[4].to_str().unwrap()]).ok();
    files.push(place.export(&full, "archive"));
    for file in &files {
        let id = imported(&place, file);
        let manifest = place.manifest(&id);
        let name = file.file_name().unwrap().to_str().unwrap();
        assert_eq!(manifest.imported.as_ref().map(|i| i.file.as_str()), Some(name));
        assert_eq!(manifest.project.as_ref().unwrap().migrations, ["2026_init"]);
        // every row and value; the structure is asked for below
        assert_eq!(contents(&manifest), contents(&place.manifest(&full)), "{name}");
        if ["-Ft", "-Fd", "-Fp", "inserts"].iter().any(|kind| name.contains(kind)) {
            continue;
        }
        place.cluster.psql("shop", "TRUNCATE \"User\" CASCADE; DROP FUNCTION twice; ALTER TABLE post DROP COLUMN body");
        let said = place.run(&["rollback", &id, "--yes", "--confirm", "shop"]).ok();
        assert!(said.stderr.contains("imported from"), "{said}");
        same(&wanted, &place.cluster.dump("shop"), name);
    }
    // without owners and rights, as it was written
    let bare = || place.cluster.dump_with("shop", &["--no-owner", "--no-acl"]);
    let wanted = bare();
    let id = imported(&place, &place.export(&full, "sql"));
    place.cluster.psql("shop", "DROP TABLE post CASCADE");
    place.run(&["rollback", &id, "--yes", "--confirm", "shop"]).ok();
    same(&wanted, &bare(), "our own SQL");
    assert!(place.cluster.dump("shop").contains("ALTER TABLE public.post OWNER TO postgres;"));
    let shown = place.json(&["list"]);
    assert!(
        shown["backups"].as_array().unwrap().iter().any(|b| b["imported"] == "own-Fc" && b["reason"] == "manual"),
        "{shown}"
    );
}

#[test]
fn roles_and_settings_that_are_elsewhere_are_left_out_and_named() {
    let place = Place::shop(SHOP);
    let file = place.path("own.sql");
    place.program("pg_dump", "shop", &["-f", file.to_str().unwrap()]).ok();
    let script =
        fs::read_to_string(&file).unwrap().replace("writer", "stranger").replace("TO reader", "TO \"some body\"");
    let script = script.replace(
        "SET row_security = off;",
        "SET row_security = off;\nSET of_another_version = 0;\nCREATE SCHEMA public;",
    );
    let said = import(&place, "foreign.sql", &script).ok();
    for part in [
        "SET of_another_version = 0",
        "CREATE SCHEMA public",
        "OWNER TO stranger",
        "GRANT SELECT ON TABLE",
        "4 statements left out",
    ] {
        assert!(said.stdout.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_is_no_dump_of_one_database_is_refused() {
    let place = Place::shop(SHOP);
    let before = place.cluster.dump("shop");
    for (script, code, says) in [
        ("CREATE TABLE a ();\n\\! touch hacked\n", 2, "Line 2 holds a command of psql"),
        ("COPY pg_catalog.pg_class FROM PROGRAM 'touch hacked';\n", 2, "Line 1 is not run"),
        (
            "CREATE TABLE a (x text);\nCOPY a FROM stdin;\nb\n\\.\nDROP DATABASE shop;\n",
            2,
            "Line 5 is not run (DROP DATABASE shop)",
        ),
        ("SELECT 1; /* x */ ALTER ROLE reader SUPERUSER;\n", 2, "beyond the scratch database"),
        ("SET client_encoding = 'LATIN1';\n", 2, "UTF-8"),
        ("SELECT '\\';\n\\connect postgres\n", 2, "Line 2"),
        ("CREATE TABLE a (x text);\nCOPY a FROM stdin;\nb\n", 1, "cut off"),
        ("CREATE TABLE a (x text", 1, "cut off"),
        ("--\n-- PostgreSQL database dump\n--\nCREATE TABLE a (x text);\n", 1, "cut off"),
        ("INSERT INTO nothing VALUES (1);\n", 1, "line 1 of the file"),
        ("CREATE TABLE a (x integer);\n\nCOPY a FROM stdin;\nb\n\\.\n", 1, "line 3 of the file"),
        ("\x1f\u{0}", 2, "no statement"),
        ("", 2, "no statement"),
    ] {
        let said = import(&place, "file.sql", script).code(code);
        assert!(said.stderr.contains(says) && said.stderr.contains("o backup was made"), "{script}: {said}");
    }
    fs::write(place.path("packed.gz"), b"\x1f\x8b\x08x").unwrap();
    place.run(&["import", "packed.gz"]).code(2).says("gunzip");
    place.run(&["import", "nowhere.sql"]).code(2);
    place.run(&["import", "."]).code(2).says("toc.dat");
    fs::write(place.path("cut.dump"), b"PGDMP\x01\x0e\x00\x04\x08\x01").unwrap();
    place.run(&["import", "cut.dump"]).code(1).says("pg_restore");
    // an archive that is cut in its rows
    let whole = place.path("own.dump");
    place.program("pg_dump", "shop", &["-Fc", "-f", whole.to_str().unwrap()]).ok();
    let bytes = fs::read(&whole).unwrap();
    fs::write(&whole, &bytes[..bytes.len() - bytes.len() / 5]).unwrap();
    place.run(&["import", "own.dump"]).code(1).says("No backup was made");
    assert!(!place.path("hacked").exists() && !place.cluster.data_folder().join("hacked").exists());
    assert_eq!(
        (databases(&place).as_str(), place.json(&["list"])["backups"].as_array().unwrap().len()),
        (ALL_DATABASES, 0)
    );
    same(&before, &place.cluster.dump("shop"), "the live database");
}

/// An import that waits in the middle.
fn slow(place: &Place) -> Child {
    fs::write(place.path("slow.sql"), "CREATE TABLE a (x integer);\nSELECT pg_sleep(60);\n").unwrap();
    let mut command = place.command(&["import", "slow.sql"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while place.cluster.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'")
        != "1"
    {
        assert!(Instant::now() < until, "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

#[test]
fn ctrl_c_drops_the_scratch_database_and_recover_drops_what_a_killed_one_left() {
    let place = Place::shop(SHOP);
    let signal = |name: &str, child: &Child| {
        assert!(
            std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success()
        );
    };
    let child = slow(&place);
    signal("INT", &child);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), databases(&place).as_str()), (Some(130), ALL_DATABASES));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("No backup was made, the scratch database was dropped"), "{said}");
    for clears in ["recover", "import"] {
        let mut child = slow(&place);
        signal("KILL", &child);
        child.wait().unwrap();
        assert_ne!(databases(&place), ALL_DATABASES);
        if clears == "recover" {
            place.run(&["recover"]).ok().says("_safemigrate_new_");
        } else {
            import(&place, "small.sql", "CREATE TABLE a (x integer);\n").ok();
        }
        assert_eq!(databases(&place), ALL_DATABASES);
    }
    // a role that may make no databases hears so
    let mut command = place.command(&["import", "small.sql"]);
    place.cluster.psql("postgres", "ALTER ROLE plain PASSWORD 'sesame'");
    command.env("SAFEMIGRATE_URL", place.cluster.url_as("plain", "sesame", "shop"));
    Output::of(&mut command).code(1).says("may not create databases");
}
