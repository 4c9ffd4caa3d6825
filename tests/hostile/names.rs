//! Names that nobody should give, for everything that has one: the whole journey works, and nothing that is printed
//! does more than to be read.

use crate::scene::{CANARY, Scene};
use crate::support::{Output, same};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

pub const NAMES: &[&str] = &[
    "it's",
    "say \"hi\"",
    "\"",
    "back\\slash\\",
    "$$body$$",
    "$1 ${HOME}",
    "100%s%n%00",
    " two  spaces ",
    "line\nforged: done",
    "tab\there",
    "clear\u{1b}[2J\u{1b}]0;title\u{7}",
    "hidden\u{1b}[8m",
    "over\rwritten\u{8}",
    "c1\u{9b}31m",
    "Ünïcödé ß",
    "\u{202e}gnp.exe\u{202c}",
    "שלום عليكم",
    "e\u{301}\u{323}\u{200d}",
    "🦀👩‍👩‍👧‍👦",
    "漢字テーブル",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "ääääääääääääääääääääääääääääääää",
    "select",
    "user",
    "-leading-dash",
    "--store",
    "--",
    "1digit",
    "a=b",
    "a/b",
    "what?",
    "#tag",
    "me@host:1",
    "a:b",
    "a.b",
    ".",
    "..",
    "../../up",
    "a,b;c",
    "Pg_Catalog",
    "TWIN",
    "twin",
    "postgres",
    "template1",
    "'; DROP TABLE keep; --",
    "$(touch touched)",
    "`touch touched`",
    "-- comment",
    "/* open",
    "E'\\'",
    "\\N",
    "\\.",
    "\\restrict x",
    "{\"json\":1}",
    "x; Type: TABLE; Schema: s; Owner: o",
    "o; Owner: p; Schema: q",
    "safemigrate_n",
    "_safemigrate_new_0123456789ab",
    "*",
    "NULL",
    "%41",
    "~",
    "!",
    "&|<>",
    "(null)",
    "public.customer",
];

/// What the server keeps of it: 63 bytes, whole letters.
fn kept(name: &str) -> &str {
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Names for roles; a few are reserved for the server.
fn roles() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied().filter(|name| *name != "postgres")
}

/// Each name as schema, table, column, type, label, constraint, sequence, index, view, function, trigger, role, comment.
fn schema() -> String {
    let mut sql = String::from(
        "CREATE SCHEMA sequences; CREATE SCHEMA views; CREATE SCHEMA children; GRANT USAGE ON SCHEMA children TO PUBLIC; CREATE SCHEMA indexes; CREATE TABLE keep (id int PRIMARY KEY, x int);",
    );
    for (n, name) in NAMES.iter().enumerate() {
        let (i, l) = (ident(name), literal(name));
        let owner = if *name == "postgres" { "boss".to_owned() } else { i.clone() };
        let _ = write!(
            sql,
            "CREATE SCHEMA {i}; GRANT USAGE ON SCHEMA {i} TO PUBLIC; CREATE TYPE {i}.kind AS ENUM ('first', {label}, 'last');
             CREATE TABLE {i}.{i} (id int PRIMARY KEY, {i} text DEFAULT {l}, label {i}.kind DEFAULT {label}, plain int, CONSTRAINT {i} CHECK (plain > 0));
             INSERT INTO {i}.{i} VALUES (1, {l}, {label}, {n} + 1), (2, NULL, 'first', 7), (3, 'x', 'last', NULL);
             CREATE SEQUENCE sequences.{i} START 5; SELECT setval(' sequences.' || quote_ident({l}), 40 + {n});
             CREATE TABLE children.{i} (id serial PRIMARY KEY, parent int CONSTRAINT {i} REFERENCES {i}.{i} (id));
             INSERT INTO children.{i} (parent) VALUES (1), (3);
             CREATE VIEW views.{i} AS SELECT {i}, label FROM {i}.{i} WHERE {i} <> {l};
             CREATE TABLE indexes.t{n} ({i} int); CREATE INDEX {i} ON indexes.t{n} ({i});
             CREATE FUNCTION views.{i}() RETURNS trigger LANGUAGE plpgsql AS {body};
             CREATE TRIGGER {i} BEFORE INSERT ON children.{i} FOR EACH ROW EXECUTE FUNCTION views.{i}();
             COMMENT ON TABLE {i}.{i} IS {l}; COMMENT ON COLUMN {i}.{i}.{i} IS {l};
             GRANT SELECT ON {i}.{i} TO {owner}; ALTER TABLE children.{i} OWNER TO {owner};",
            label = literal(kept(name)),
            body = literal("BEGIN RETURN NEW; END"),
        );
    }
    sql
}

/// Nothing that moves the cursor, recolours, conceals, or turns the direction of what follows.
#[track_caller]
pub fn harmless(output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        let bad: BTreeSet<char> =
            text.chars().filter(|&c| c.is_control() && c != '\n' && c != '\t' || turns(c)).collect();
        assert!(bad.is_empty(), "{bad:?} in{output}");
    }
}

fn tables_of(report: &Value) -> BTreeSet<String> {
    report["tables"].as_array().unwrap().iter().map(|t| t["table"].as_str().unwrap().to_owned()).collect()
}

fn expected_tables() -> BTreeSet<String> {
    let both = NAMES.iter().flat_map(|n| [format!("{0}.{0}", kept(n)), format!("children.{}", kept(n))]);
    let rest = (0..NAMES.len()).map(|n| format!("indexes.t{n}"));
    both.chain(rest).chain(["public.keep".to_owned()]).collect()
}

/// `"schema"."table"."column"`, as the options read it.
fn column(name: &str, column: &str) -> String {
    format!("{0}.{0}.{1}", ident(kept(name)), ident(kept(column)))
}

#[test]
fn of_everything_in_a_database() {
    let scene = Scene::new("");
    let make_roles: String = roles().map(|name| format!("CREATE ROLE {};", ident(name))).collect();
    scene.cluster.psql("postgres", &make_roles);
    scene.cluster.psql("shop", &schema());
    let before = scene.dump();
    let (full, data) = scene.backup();
    let confirmed = ["--yes", "--confirm", "shop"];
    for arguments in [
        &["backup", "-v"][..],
        &["list", "-v"],
        &["show", &full],
        &["verify", &full, "-v"],
        &["check", &full, "--restore", "-v"],
    ] {
        let output = scene.run(arguments).ok();
        harmless(&output);
        assert!(!output.stdout.contains("\nforged"), "a name made a line{output}");
    }
    let verified = scene.json(&["verify", &full]);
    assert_eq!((&verified["ok"], tables_of(&verified)), (&Value::Bool(true), expected_tables()));

    // each column gets another name, and an ordinary one gets the hostile one
    let mut maps: Vec<String> = Vec::new();
    let mut change = String::from("INSERT INTO keep VALUES (1);");
    for name in NAMES {
        let i = ident(name);
        let _ = write!(
            change,
            "DELETE FROM children.{i}; DELETE FROM {i}.{i}; DROP VIEW views.{i};
             ALTER TABLE {i}.{i} RENAME {i} TO was; ALTER TABLE {i}.{i} RENAME plain TO {i};"
        );
        maps.extend([
            format!("{}=was", column(name, name)),
            format!("{}={}", column(name, "plain"), ident(kept(name))),
        ]);
    }
    scene.cluster.psql("shop", &change);
    let lost = scene.run(&["verify", &full, "-v"]).code(3);
    harmless(&lost);
    harmless(&scene.run(&["reinsert", &data, "--dry-run"]));
    let mut reinsert: Vec<&str> = vec!["reinsert", &data];
    maps.iter().for_each(|map| reinsert.extend(["--map", map]));
    reinsert.extend(confirmed);
    let done = scene.json(&reinsert);
    assert_eq!(
        (&done["verification"]["ok"], done["not_back"].as_array().unwrap().len()),
        (&Value::Bool(true), 0),
        "{done:#}"
    );
    for name in NAMES {
        let rows = scene.cluster.psql("shop", &format!("SELECT count(was), count({0}) FROM {0}.{0}", ident(name)));
        assert_eq!(rows, "2|2", "{name:?}");
    }
    harmless(&scene.run(&reinsert).ok());
    for strategy in ["swap", "in-place"] {
        scene.cluster.psql("shop", "DELETE FROM keep; ALTER TABLE keep ADD y int");
        harmless(&scene.run(&[&["rollback", &full, "--strategy", strategy, "-v"], &confirmed[..]].concat()).ok());
        same(&before, &scene.dump(), strategy);
    }
    assert!(!scene.folder.path().join("touched").exists());
}

/// The first hint's option, typed in a shell, is these words.
#[track_caller]
fn typed(refused: &Output, words: &[&str]) {
    let said: Value = serde_json::from_str(&refused.stdout).unwrap();
    let hint = said["error"]["hints"][0].as_str().unwrap();
    let option = &hint[hint.find(words[0]).unwrap_or_else(|| panic!("{hint}"))..];
    let shell = std::process::Command::new("sh").args(["-c", &format!("printf '%s\\0' {option}")]).output().unwrap();
    let read = String::from_utf8(shell.stdout).unwrap().replacen("--confirm=", "--confirm\0", 1);
    assert_eq!(read.split_terminator('\0').collect::<Vec<_>>(), words, "{hint}");
}

/// The hardest for a URL, for a command line, and for the names of databases that stand beside it for a while.
const HARD_FOR_DATABASES: &[&str] =
    &[" two  spaces ", "line\nforged: done", "ääääääääääääääääääääääääääääääää", "--store", "a/b", "$(touch touched)"];

/// `SAFEMIGRATE_TEST_NAMES=all` takes every name.
#[test]
fn of_databases() {
    let scene = Scene::new("");
    let all = std::env::var_os("SAFEMIGRATE_TEST_NAMES").is_some_and(|v| v == "all");
    // no URL can say `.` and `..`: that has its own sentence
    let there = ["postgres", "template1", ".", ".."];
    let names = NAMES.iter().filter(|n| !there.contains(n) && (all || HARD_FOR_DATABASES.contains(n)));
    for (n, name) in names.map(|n| kept(n)).enumerate() {
        scene.cluster.create_db(name);
        let run = |arguments: &[&str]| {
            let mut command = scene.command(arguments);
            command.env("SAFEMIGRATE_URL", scene.cluster.url_as("boss", CANARY, name));
            Output::of(&mut command)
        };
        scene.cluster.psql(
            name,
            "CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT n, n FROM generate_series(1, 10) n",
        );
        scene.cluster.psql(
            "postgres",
            &format!(
                "ALTER DATABASE {0} SET work_mem = '5MB'; COMMENT ON DATABASE {0} IS {1}",
                ident(name),
                literal(name)
            ),
        );
        // pg_dump writes no CREATE DATABASE over two lines
        let dump = || {
            if name.contains(['\n', '\r']) { scene.cluster.dump(name) } else { scene.cluster.dump_with_database(name) }
        };
        let before = dump();
        let said: Value = serde_json::from_str(&run(&["backup", "--json"]).ok().stdout).unwrap();
        let (full, data) = (said["backups"][0]["id"].as_str().unwrap(), said["backups"][1]["id"].as_str().unwrap());
        let list: Value = serde_json::from_str(&run(&["list", "--json"]).ok().stdout).unwrap();
        assert_eq!(list["backups"][0]["database"].as_str(), Some(name));
        let confirmed = format!("--confirm={name}");
        let system = scene.cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
        let strategies = if all { &["swap", "in-place"][..] } else { &["swap", "in-place"][n % 2..][..1] };
        for strategy in strategies {
            scene.cluster.psql(name, "DELETE FROM t WHERE id > 3; ALTER TABLE t ADD y int");
            harmless(&run(&["rollback", full, "--yes", &confirmed, "--strategy", strategy, "-v"]).ok());
            same(&before, &dump(), strategy);
        }
        scene.cluster.psql(name, "DELETE FROM t WHERE id > 3");
        harmless(&run(&["reinsert", data, "--yes", &confirmed]).ok());
        same(&before, &dump(), "re-inserted");
        harmless(&run(&["guard", "mark"]).ok());
        let refused = run(&["guard", "unmark", "--json"]).code(7);
        harmless(&refused);
        let identity = format!("{name}@{system}");
        typed(&refused, &["--confirm", &identity]);
        harmless(&run(&["guard", "unmark", &format!("--confirm={identity}")]).ok());
        same(&before, &dump(), "marked and unmarked");
        harmless(&run(&["check", full, "--restore"]).ok());
    }
    let left = scene.cluster.psql("postgres", "SELECT count(*) FROM pg_database WHERE datname ~ '_safemigrate_(new|old)_' AND datname <> '_safemigrate_new_0123456789ab'");
    assert_eq!(left, "0");
    assert!(!scene.folder.path().join("touched").exists());
}
