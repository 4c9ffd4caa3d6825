//! Data-only backups: INSERTs into the same structure.

use super::place::Place;
use super::support::same;

/// Foreign keys in every shape that asks for an order: a chain against the alphabet, a table that leads to itself, a circle,
/// one that puts itself off, a partitioned table; and what INSERT says differently.
const SHOP: &str = r#"
    CREATE TABLE zebra (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, twice text GENERATED ALWAYS AS (name || name) STORED);
    CREATE TABLE "Apple" (id serial PRIMARY KEY, zebra integer NOT NULL REFERENCES zebra);
    CREATE TABLE tree (id integer PRIMARY KEY, parent integer REFERENCES tree);
    CREATE TABLE egg (id integer PRIMARY KEY, hen integer NOT NULL);
    CREATE TABLE hen (id integer PRIMARY KEY, egg integer NOT NULL CONSTRAINT "from; here" REFERENCES egg ON DELETE CASCADE);
    ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen DEFERRABLE NOT VALID;
    CREATE TABLE log (day date, apple integer REFERENCES "Apple", PRIMARY KEY (day)) PARTITION BY RANGE (day);
    CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE TABLE nothing ();
    CREATE TABLE kinds (n numeric, d double precision, f real, b boolean, bits bit(3), bytes bytea, j jsonb, a text[], t timestamptz, i interval, x "char");
    INSERT INTO zebra (name) SELECT E'z\n\\.\n' || g FROM generate_series(1, 5) g;
    INSERT INTO "Apple" (zebra) SELECT id FROM zebra;
    INSERT INTO tree SELECT g, nullif(g + 1, 301) FROM generate_series(1, 300) g;
    BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO egg VALUES (1, 2), (2, 1); INSERT INTO hen VALUES (1, 1), (2, 2); COMMIT;
    INSERT INTO log SELECT '2026-01-01'::date + g, 1 + g % 5 FROM generate_series(0, 20) g;
    INSERT INTO nothing SELECT FROM generate_series(1, 3);
    INSERT INTO kinds VALUES (1.10, 'NaN', '-Infinity', true, B'101', '\x00ff5c', '{"a": "it''s \\ \n"}', ARRAY['x', NULL, 'y,"z"'],
        '2026-11-23 10:00:00.123456+03', '-1 day 02:00', 'x'), (-1e-30, 0.1, 1e20, false, B'000', '', 'null', '{}', 'infinity', '1 year', '');
    INSERT INTO kinds DEFAULT VALUES;
    SELECT setval('"Apple_id_seq"', 77, false);
"#;

#[test]
fn come_back_into_the_same_structure() {
    let place = Place::shop(SHOP);
    let (_, rows) = place.back_up();
    let wanted = place.cluster.dump("shop");
    place.cluster.psql("shop", "ALTER ROLE maker LOGIN");
    let structure = place.path("structure.sql");
    place.program("pg_dump", "shop", &["-s", "-f", structure.to_str().unwrap()]).ok();
    for format in ["sql", "inserts"] {
        let file = place.export(&rows, format);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("INSERT INTO public.\"Apple\" (id, zebra) VALUES (1, 1);\n"));
        place.empty("copy");
        place.psql_file("copy", &structure);
        place.psql_file("copy", &file);
        same(&wanted, &place.cluster.dump("copy"), format);
        // a second time: the first key that is there already stops all of it
        let again = place.program("psql", "copy", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file.to_str().unwrap()]);
        assert_ne!(again.code, 0);
        same(&wanted, &place.cluster.dump("copy"), "after the second time");
    }
}

#[test]
fn an_owner_without_more_rights_puts_circles_in() {
    let place = Place::shop("");
    place.cluster.psql("postgres", "CREATE DATABASE mine OWNER maker");
    place.cluster.psql("shop", &SHOP.replace("NOT VALID", ""));
    let (_, rows) = place.back_up();
    let structure = place.path("structure.sql");
    place.program("pg_dump", "shop", &["-s", "--no-owner", "-f", structure.to_str().unwrap()]).ok();
    let script = [&structure, &place.export(&rows, "sql")].map(|file| std::fs::read_to_string(file).unwrap()).concat();
    place
        .cluster
        .psql("mine", &format!("GRANT CREATE ON SCHEMA public TO maker; SET SESSION AUTHORIZATION maker;\n{script}"));
    let count = |database: &str| {
        place.cluster.psql(
            database,
            "SELECT (SELECT count(*) FROM tree), (SELECT count(*) FROM hen), (SELECT count(*) FROM log)",
        )
    };
    assert_eq!((count("mine"), count("mine").as_str()), (count("shop"), "300|2|21"));
    // a key that leads nowhere is found at the end, and nothing is in
    let broken = script.replace("INSERT INTO public.hen (id, egg) VALUES (2, 2);", "");
    assert_ne!(broken, script);
    place.empty("broken");
    assert!(place.cluster.try_psql("broken", &broken).unwrap_err().contains("violates foreign key"));
    assert_eq!(
        place.cluster.psql(
            "broken",
            "SELECT (SELECT count(*) FROM zebra), condeferrable FROM pg_constraint WHERE conname = 'from; here'"
        ),
        "0|f"
    );
}

#[test]
fn the_archive_is_read_by_pg_restore() {
    let place = Place::shop(SHOP);
    let (full, rows) = place.back_up();
    let wanted = place.cluster.dump("shop");
    let archive = place.export(&full, "archive");
    for jobs in [&["-j", "3"][..], &["--single-transaction"]] {
        place.empty("copy");
        place.program("pg_restore", "copy", &[jobs, &["--exit-on-error", archive.to_str().unwrap()]].concat()).ok();
        same(&wanted, &place.cluster.dump("copy"), "the full one");
    }
    let archive = place.export(&rows, "archive");
    let structure = place.path("structure.sql");
    place.program("pg_dump", "shop", &["-s", "-f", structure.to_str().unwrap()]).ok();
    place.empty("copy");
    place.psql_file("copy", &structure);
    let options = ["--data-only", "--disable-triggers", "--exit-on-error", archive.to_str().unwrap()];
    place.program("pg_restore", "copy", &options).ok();
    same(&wanted, &place.cluster.dump("copy"), "the rows alone");
}

#[test]
fn hostile_names_and_values_are_text_and_nothing_else() {
    let names = [
        "a\"b",
        "a'b",
        "a\nb",
        "\\.",
        "\\! touch hacked",
        "$$",
        "--",
        "/*",
        ";",
        "COPY x FROM stdin;",
        ":x",
        "ä 💾",
        "Select",
        "_",
        "a\tb",
    ];
    let mut sql = String::new();
    for (n, name) in names.iter().enumerate() {
        let (quoted, literal) = (name.replace('"', "\"\""), name.replace('\'', "''"));
        sql += &format!(
            "CREATE SCHEMA \"s{n}{quoted}\"; CREATE TABLE \"s{n}{quoted}\".\"{quoted}\" (id serial PRIMARY KEY, \"{quoted} \" text, up integer CONSTRAINT \"{quoted}\" REFERENCES \"s{n}{quoted}\".\"{quoted}\");
             INSERT INTO \"s{n}{quoted}\".\"{quoted}\" VALUES (1, '{literal}', 2), (2, E'\\n\\\\.\\n\\\\! x\\n', 1);
             COMMENT ON TABLE \"s{n}{quoted}\".\"{quoted}\" IS '{literal}';\n"
        );
    }
    let place = Place::shop(&sql);
    let (full, rows) = place.back_up();
    let wanted = place.cluster.dump("shop");
    for format in ["sql", "inserts"] {
        place.empty("copy");
        place.psql_file("copy", &place.export(&full, format));
        same(&wanted, &place.cluster.dump("copy"), format);
    }
    let structure = place.path("structure.sql");
    place.program("pg_dump", "shop", &["-s", "-f", structure.to_str().unwrap()]).ok();
    place.empty("copy");
    place.psql_file("copy", &structure);
    place.psql_file("copy", &place.export(&rows, "sql"));
    same(&wanted, &place.cluster.dump("copy"), "rows alone");
    let own = place.manifest(&full);
    let said = place.json(&["import", place.export(&full, "archive").to_str().unwrap()]);
    let there = place.manifest(said["backups"][0]["id"].as_str().unwrap());
    assert_eq!(there.tables.len(), own.tables.len());
    assert!(there.tables.iter().zip(&own.tables).all(|(a, b)| a.table.name == b.table.name && a.stats == b.stats));
    assert!(!place.path("hacked").exists());
}
