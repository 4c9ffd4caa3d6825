use super::*;

/// What earlier migrations made in all cases.
const EARLIER: &str = r#"
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN', 'GUEST');
CREATE TABLE "User" (
    "id" SERIAL NOT NULL, "email" TEXT NOT NULL, "name" VARCHAR(50), "age" INTEGER, "role" "Role" NOT NULL DEFAULT 'USER',
    "roles" "Role"[], "at" TIMESTAMP(3) NOT NULL, "price" DECIMAL(10,2), CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "Old" ("id" SERIAL NOT NULL, "title" TEXT);
CREATE TABLE shop."Order" (id int, total numeric);
"#;

fn findings(sql: &str) -> Vec<Finding> {
    let mut known = Known::default();
    let before = read("earlier", EARLIER, &mut known);
    assert!(before.is_empty(), "{before:?}");
    read("migration.sql", sql, &mut known)
}

fn found(sql: &str) -> Vec<String> {
    findings(sql).iter().map(|f| format!("{} {}", f.line, f.kind.word())).collect()
}

fn clean(cases: &[&str]) {
    for sql in cases {
        assert!(findings(sql).is_empty(), "{sql}\n{:#?}", findings(sql));
    }
}

fn one(kind: &str, cases: &[&str]) {
    for sql in cases {
        let words: Vec<&str> = findings(sql).iter().map(|f| f.kind.word()).collect();
        assert_eq!(words, [kind], "{sql}");
    }
}

#[test]
fn what_adds_is_no_finding() {
    clean(&[
        "",
        "-- AlterTable\nALTER TABLE \"User\" ADD COLUMN \"bio\" TEXT;",
        "ALTER TABLE \"User\" ADD COLUMN \"n\" INTEGER NOT NULL DEFAULT 0, ADD COLUMN s SERIAL NOT NULL, ADD c int GENERATED ALWAYS AS IDENTITY;",
        "ALTER TABLE \"User\" ALTER COLUMN \"name\" DROP NOT NULL, ALTER COLUMN name SET DEFAULT 'x', ALTER COLUMN \"age\" DROP DEFAULT;",
        "CREATE TABLE a (id int PRIMARY KEY, b text UNIQUE NOT NULL); CREATE UNIQUE INDEX ON a (b); ALTER TABLE a DROP COLUMN b; DROP TABLE a;",
        "CREATE TABLE a AS SELECT 1; DELETE FROM a; TRUNCATE a; UPDATE a SET x = 1;",
        "CREATE INDEX CONCURRENTLY i ON \"User\" (email); DROP INDEX i; ALTER TYPE \"Role\" ADD VALUE 'OWNER';",
        "ALTER TABLE \"User\" RENAME COLUMN \"name\" TO \"fullName\"; ALTER TABLE \"Old\" RENAME TO \"New\";",
        "ALTER TABLE \"User\" ADD CONSTRAINT c CHECK (age > 0) NOT VALID, ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES \"Old\"(id);",
        "DROP VIEW v; DROP MATERIALIZED VIEW m; DROP FUNCTION f(); DROP TRIGGER t ON \"User\"; DROP POLICY p ON \"User\"; DROP SEQUENCE s;",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM \"User\"; END $$;",
        "SELECT 'DROP TABLE \"User\";'; -- DROP TABLE \"User\";\n/* DROP TABLE \"User\"; */ SELECT $$ TRUNCATE \"User\" $$;",
        "CREATE TYPE x AS ENUM ('a'); DROP TYPE x;",
        "INSERT INTO \"User\" (email) VALUES ('DELETE FROM x') ON CONFLICT DO NOTHING;",
    ]);
}

#[test]
fn what_drops_is_named() {
    one(
        "dropped-table",
        &["DROP TABLE \"User\";", "DROP TABLE IF EXISTS unknown CASCADE", "drop table shop.\"Order\";"],
    );
    one(
        "dropped-column",
        &["ALTER TABLE \"User\" DROP COLUMN \"name\";", "ALTER TABLE IF EXISTS ONLY \"User\" DROP name CASCADE;"],
    );
    one("dropped-type", &["DROP TYPE \"Role\";", "DROP TYPE IF EXISTS other CASCADE;", "DROP DOMAIN d;"]);
    one("dropped-schema", &["DROP SCHEMA shop CASCADE;"]);
    one("dropped-database", &["DROP DATABASE d;"]);
    one("dropped-objects", &["DROP OWNED BY me;", "DROP EXTENSION citext CASCADE;"]);
    clean(&["DROP EXTENSION citext;"]);
    one("truncate", &["TRUNCATE \"User\";", "TRUNCATE TABLE ONLY \"User\" RESTART IDENTITY CASCADE;"]);
    assert_eq!(found("DROP TABLE \"User\",\n  \"Old\";"), ["1 dropped-table", "2 dropped-table"]);
    one("dropped-key", &["ALTER TABLE \"User\" DROP CONSTRAINT \"User_pkey\";"]);
    one("detached-partition", &["ALTER TABLE \"User\" DETACH PARTITION p;"]);
    one("dropped-column", &["ALTER TYPE address DROP ATTRIBUTE zip;"]);
}

#[test]
fn rows_need_a_condition() {
    one(
        "delete-all",
        &[
            "DELETE FROM \"User\";",
            "DELETE FROM \"User\" WHERE true;",
            "DELETE FROM \"User\" WHERE (1 = 1);",
            "WITH gone AS (DELETE FROM \"User\" RETURNING *) SELECT * FROM gone;",
            "WITH gone AS (DELETE FROM \"User\" RETURNING *) INSERT INTO \"Old\" SELECT * FROM gone;",
            "MERGE INTO \"User\" u USING s ON u.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE;",
        ],
    );
    one(
        "update-all",
        &["UPDATE \"User\" SET \"name\" = 'x';", "UPDATE ONLY \"User\" AS u SET (name, age) = ('x', 1) WHERE true;"],
    );
    clean(&[
        "DELETE FROM \"User\" WHERE id = 1;",
        "DELETE FROM \"User\" USING \"Old\" WHERE \"Old\".id = \"User\".id;",
        "UPDATE \"User\" SET name = 'x' WHERE name IS NULL;",
        "UPDATE \"User\" u SET name = o.title FROM \"Old\" o WHERE o.id = u.id;",
        "ALTER TABLE \"User\" ADD COLUMN \"fullName\" TEXT; UPDATE \"User\" SET \"fullName\" = \"name\";",
        "MERGE INTO \"User\" u USING s ON u.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id);",
    ]);
}

#[test]
fn a_column_that_goes_while_another_comes_is_a_renamed_field() {
    let sql = "ALTER TABLE \"User\" DROP COLUMN \"name\",\nADD COLUMN     \"fullName\" TEXT NOT NULL;";
    assert_eq!(found(sql), ["1 dropped-and-added", "2 required-column"]);
    let finding = &findings(sql)[0];
    assert!(finding.remedy.contains("ALTER TABLE \"User\" RENAME COLUMN \"name\" TO \"fullName\";"), "{finding:?}");
    // of several the one of the same type
    let sql = "ALTER TABLE \"User\" ADD COLUMN a int, ADD COLUMN b varchar(50), DROP COLUMN name";
    assert!(findings(sql)[0].remedy.contains("RENAME COLUMN \"name\" TO \"b\""));
    // in two statements, and the other way round
    one(
        "dropped-and-added",
        &["ALTER TABLE \"User\" ADD COLUMN b text; ALTER TABLE public.\"User\" DROP COLUMN name;"],
    );
    // the same name: another type
    let sql = "ALTER TABLE \"User\" DROP COLUMN \"age\", ADD COLUMN \"age\" TEXT;";
    assert!(
        findings(sql)[0].remedy.contains("ALTER COLUMN \"age\" TYPE text USING \"age\"::text;"),
        "{:?}",
        findings(sql)
    );
    // copied before it goes
    clean(&[
        "ALTER TABLE \"User\" ADD COLUMN b text; UPDATE \"User\" SET b = name; ALTER TABLE \"User\" DROP COLUMN name;",
    ]);
    // not all of it copied
    one(
        "dropped-and-added",
        &[
            "ALTER TABLE \"User\" ADD COLUMN b text; UPDATE \"User\" SET b = name WHERE id > 5; ALTER TABLE \"User\" DROP COLUMN name;",
        ],
    );
    // on another table
    assert_eq!(
        found("ALTER TABLE \"Old\" ADD COLUMN b text; ALTER TABLE \"User\" DROP COLUMN name;"),
        ["1 dropped-column"]
    );
}

#[test]
fn a_table_that_goes_while_its_twin_comes_is_a_renamed_model() {
    let (drop, create) = ("DROP TABLE \"Old\";\n", "CREATE TABLE \"New\" (\"id\" SERIAL NOT NULL, \"title\" TEXT);\n");
    for sql in [format!("{drop}{create}"), format!("{create}{drop}")] {
        assert!(findings(&sql)[0].remedy.contains("ALTER TABLE \"Old\" RENAME TO \"New\";"), "{:?}", findings(&sql));
    }
    assert!(findings(drop)[0].remedy.contains("RENAME TO \"Old_old\""));
}

#[test]
fn types_that_every_value_fits_are_no_finding() {
    clean(&[
        "ALTER TABLE \"User\" ALTER COLUMN \"age\" SET DATA TYPE BIGINT;",
        "ALTER TABLE \"User\" ALTER COLUMN \"name\" TYPE TEXT, ALTER price TYPE numeric(12,2), ALTER at TYPE timestamp;",
        "ALTER TABLE \"User\" ALTER COLUMN \"age\" SET DATA TYPE TEXT USING \"age\"::TEXT;",
        "ALTER TABLE unknown ALTER COLUMN x TYPE text;",
        "ALTER TABLE \"User\" ADD COLUMN x int; ALTER TABLE \"User\" ALTER x TYPE uuid USING null;",
    ]);
    one(
        "type-change",
        &[
            "ALTER TABLE \"User\" ALTER COLUMN \"email\" SET DATA TYPE INTEGER USING \"email\"::INTEGER;",
            "ALTER TABLE \"User\" ALTER COLUMN \"name\" SET DATA TYPE VARCHAR(20);",
            "ALTER TABLE \"User\" ALTER COLUMN \"at\" TYPE timestamptz(3);",
            "ALTER TABLE \"User\" ALTER COLUMN \"name\" TYPE TEXT USING left(name, 1);",
            "ALTER TABLE unknown ALTER COLUMN x TYPE int;",
        ],
    );
    // what an earlier one of the same migration made of it counts
    one("type-change", &["ALTER TABLE \"User\" ALTER age TYPE bigint; ALTER TABLE \"User\" ALTER age TYPE int;"]);
}

#[test]
fn required_and_unique_on_what_is_there() {
    one(
        "required-column",
        &[
            "ALTER TABLE \"User\" ADD COLUMN x TEXT NOT NULL;",
            "ALTER TABLE \"User\" ADD COLUMN x TEXT NOT NULL DEFAULT NULL;",
        ],
    );
    one(
        "set-not-null",
        &[
            "ALTER TABLE \"User\" ALTER COLUMN \"name\" SET NOT NULL;",
            "UPDATE \"User\" SET name = '' WHERE id > 5; ALTER TABLE \"User\" ALTER name SET NOT NULL;",
        ],
    );
    clean(&[
        "UPDATE \"User\" SET \"name\" = '' WHERE \"name\" IS NULL; ALTER TABLE \"User\" ALTER COLUMN \"name\" SET NOT NULL;",
        "ALTER TABLE \"User\" ADD COLUMN x TEXT; UPDATE \"User\" SET x = 'a'; ALTER TABLE \"User\" ALTER x SET NOT NULL;",
        "ALTER TABLE \"User\" ADD COLUMN x TEXT DEFAULT 'a'; ALTER TABLE \"User\" ALTER x SET NOT NULL;",
    ]);
    one(
        "unique",
        &[
            "CREATE UNIQUE INDEX \"User_name_key\" ON \"User\"(\"name\");",
            "CREATE UNIQUE INDEX CONCURRENTLY i ON \"User\" (lower(email));",
            "ALTER TABLE \"User\" ADD CONSTRAINT u UNIQUE (email, name);",
            "ALTER TABLE \"Old\" ADD CONSTRAINT \"Old_pkey\" PRIMARY KEY (id);",
            "ALTER TABLE \"User\" ADD COLUMN x TEXT DEFAULT 'same' UNIQUE;",
            "ALTER TABLE \"User\" ADD COLUMN x TEXT; UPDATE \"User\" SET x = 'same'; CREATE UNIQUE INDEX ON \"User\" (x);",
        ],
    );
    clean(&[
        "ALTER TABLE \"User\" ADD COLUMN \"slug\" TEXT; CREATE UNIQUE INDEX \"User_slug_key\" ON \"User\"(\"slug\");",
        "ALTER TABLE \"User\" ADD COLUMN x UUID NOT NULL DEFAULT gen_random_uuid() UNIQUE, ADD y SERIAL UNIQUE;",
        "ALTER TABLE \"User\" ADD CONSTRAINT u UNIQUE USING INDEX ui;",
    ]);
}

/// Prisma's own text.
fn enum_change(labels: &str) -> String {
    format!(
        "BEGIN;\nCREATE TYPE \"Role_new\" AS ENUM ({labels});\nALTER TABLE \"User\" ALTER COLUMN \"role\" DROP DEFAULT;\n\
         ALTER TABLE \"User\" ALTER COLUMN \"role\" TYPE \"Role_new\" USING (\"role\"::text::\"Role_new\");\n\
         ALTER TABLE \"User\" ALTER COLUMN \"roles\" TYPE \"Role_new\"[] USING (\"roles\"::text::\"Role_new\"[]);\n\
         ALTER TYPE \"Role\" RENAME TO \"Role_old\";\nALTER TYPE \"Role_new\" RENAME TO \"Role\";\nDROP TYPE \"public\".\"Role_old\";\n\
         ALTER TABLE \"User\" ALTER COLUMN \"role\" SET DEFAULT 'USER';\nCOMMIT;\n"
    )
}

#[test]
fn an_enum_made_anew_may_have_more_but_not_less() {
    clean(&[&enum_change("'USER', 'OWNER', 'GUEST', 'ADMIN'")]);
    let fewer = enum_change("'USER', 'OWNER'");
    assert_eq!(found(&fewer), ["4 enum-value-removed", "5 enum-value-removed"]);
    assert!(findings(&fewer)[0].message.contains("no longer has ADMIN, GUEST"), "{:?}", findings(&fewer));
    // the second change is compared with what the first one made
    let mut known = Known::default();
    read("1", EARLIER, &mut known);
    read("2", &fewer, &mut known);
    assert!(read("3", &enum_change("'USER', 'OWNER', 'X'"), &mut known).is_empty());
    assert_eq!(read("4", &enum_change("'USER', 'X'"), &mut known)[0].kind, Kind::EnumValueRemoved);
    // of an enum that no migration made, nothing is known
    let unknown = enum_change("'USER'");
    assert_eq!(read("1", &unknown, &mut Known::default())[0].kind, Kind::TypeChange);
}

#[test]
fn blocks_are_read_too() {
    let sql = "DO $$\nBEGIN\n  IF true THEN\n    DROP TABLE \"User\";\n    EXECUTE 'TRUNCATE \"Old\"';\n  END IF;\n  DELETE FROM \"Old\";\nEND $$;";
    assert_eq!(found(sql), ["4 dropped-table", "5 truncate", "7 delete-all"]);
    one(
        "unreadable",
        &[
            "DO $$ BEGIN EXECUTE 'DROP TABLE ' || x; END $$;",
            "DO $$ BEGIN EXECUTE format('DROP TABLE %I', x); END $$;",
            "DO LANGUAGE plpython3u $$ pass $$;",
        ],
    );
    clean(&["DO $$ BEGIN CREATE TYPE x AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$;"]);
}

#[test]
fn what_cannot_be_read_is_a_warning_and_the_rest_is_read() {
    assert_eq!(found("SELECT 1;\nCREATE FUNKTION nonsense ( ;"), ["2 unreadable"]);
    assert_eq!(found("DROP TABLE \"User\";\n\\connect x"), ["1 dropped-table", "2 unreadable"]);
    assert!(findings("it's broken").iter().all(|f| !f.is_error()));
    assert_eq!(found(&format!("SELECT {}1{};", "(".repeat(20_000), ")".repeat(20_000))), ["1 unreadable"]);
    assert!(findings("\u{feff}SELECT 1;").is_empty(), "a byte order mark");
}

#[test]
fn a_comment_above_accepts_what_it_names() {
    clean(&[
        "-- DropTable\n-- safemigrate: accept dropped-table was empty\nDROP TABLE \"User\";",
        "-- safemigrate: accept dropped-table was empty\r\n-- DropTable\r\nDROP TABLE \"User\";\r\n",
        "SELECT 1; -- safemigrate: accept truncate a cache\nTRUNCATE \"Old\";",
        "ALTER TABLE \"User\"\n  -- safemigrate: accept dropped-column unused\n  DROP COLUMN name;",
        "DO $$ BEGIN\n -- safemigrate: accept delete-all a cache\n DELETE FROM \"Old\"; END $$;",
        "-- safemigrate: accept unreadable read by hand\nDO $$ BEGIN EXECUTE x; END $$;",
        "-- safemigrate: accept edited only a comment\nSELECT 1;",
    ]);
    for (sql, expected) in [
        ("-- safemigrate: accept dropped-table\nDROP TABLE \"User\";", vec!["1 accept", "2 dropped-table"]),
        ("-- safemigrate: accept dropped-column x\nDROP TABLE \"User\";", vec!["1 accept", "2 dropped-table"]),
        ("-- safemigrate: accept dropped-tables x\nDROP TABLE \"User\";", vec!["1 accept", "2 dropped-table"]),
        (
            "-- safemigrate: accept dropped-table x\nSELECT 1;\nDROP TABLE \"User\";",
            vec!["1 accept", "3 dropped-table"],
        ),
        ("DROP TABLE \"User\";\n-- safemigrate: accept dropped-table too late", vec!["1 dropped-table", "2 accept"]),
        ("SELECT '-- safemigrate: accept dropped-table x';DROP TABLE \"User\";", vec!["1 dropped-table"]),
    ] {
        assert_eq!(found(sql), expected, "{sql}");
    }
}

/// The word that each refusal names lets it pass, and nothing else does.
#[test]
fn every_remedy_names_the_comment_that_accepts_it() {
    let cases = [
        "DROP TABLE \"User\";",
        "ALTER TABLE \"User\" DROP COLUMN name;",
        "ALTER TABLE \"User\" DROP COLUMN name, ADD COLUMN n text;",
        "DROP TYPE \"Role\";",
        "DROP SCHEMA s;",
        "DROP DATABASE d;",
        "DROP OWNED BY x;",
        "TRUNCATE \"User\";",
        "DELETE FROM \"User\";",
        "UPDATE \"User\" SET name = 'x';",
        "ALTER TABLE \"User\" ALTER email TYPE int;",
        "ALTER TABLE \"User\" ADD x int NOT NULL;",
        "ALTER TABLE \"User\" ALTER name SET NOT NULL;",
        "CREATE UNIQUE INDEX ON \"User\" (name);",
        "ALTER TABLE \"User\" DROP CONSTRAINT \"User_pkey\";",
        "ALTER TABLE \"User\" DETACH PARTITION p;",
        "DO $$ BEGIN EXECUTE x; END $$;",
        "CREATE TYPE n AS ENUM ('USER'); ALTER TABLE \"User\" ALTER role TYPE n USING role::text::n;",
    ];
    let mut kinds = std::collections::BTreeSet::new();
    for sql in cases {
        let [finding] = &findings(sql)[..] else { panic!("{sql}: {:?}", findings(sql)) };
        kinds.insert(finding.kind);
        let comment = finding.remedy.split("write above it: ").nth(1).unwrap().replace("REASON", "because");
        let at = sql.rfind("; ALTER").map_or(0, |at| at + 2);
        assert_eq!(found(&format!("{}\n{comment}\n{}", &sql[..at], &sql[at..])), [] as [&str; 0], "{sql}");
    }
    let of_statements = Kind::ALL.iter().filter(|kind| kind.is_of_statement());
    assert!(of_statements.eq(kinds.iter()), "{kinds:?}");
}

#[test]
fn a_remedy_that_is_sql_is_what_the_rules_let_pass() {
    for sql in [
        "ALTER TABLE \"User\" DROP COLUMN name, ADD COLUMN \"fullName\" text;",
        "CREATE TABLE \"N\" (id int, title text); DROP TABLE \"Old\";",
    ] {
        let remedy = findings(sql)[0].remedy.clone();
        let from = remedy.rfind(": ALTER TABLE").map(|at| at + 2).unwrap();
        let statement = &remedy[from..=from + remedy[from..].find(';').unwrap()];
        clean(&[statement]);
    }
}

#[test]
fn windows_lines_count_the_same() {
    assert_eq!(found("SELECT 1;\r\n\r\nDROP TABLE \"User\";\r\n"), ["3 dropped-table"]);
}
