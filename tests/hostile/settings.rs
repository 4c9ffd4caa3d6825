//! A role or a database may set whatever it likes, and something else at the restore than at the backup.

use crate::scene::Scene;
use crate::support::{Output, same};
use safemigrate::postgres::session::connect;
use safemigrate::postgres::url::DatabaseUrl;
use serde_json::Value;
use sqlx::Row;

/// Name, one value, another: one is in force at the backup, the other one afterwards. What a server does not know is left out.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("DateStyle", "'German, DMY'", "'SQL, MDY'"),
    ("IntervalStyle", "sql_standard", "iso_8601"),
    ("TimeZone", "'Asia/Kolkata'", "'America/St_Johns'"),
    ("extra_float_digits", "-15", "0"),
    ("bytea_output", "escape", "hex"),
    ("array_nulls", "off", "on"),
    ("standard_conforming_strings", "off", "on"),
    ("backslash_quote", "on", "off"),
    ("escape_string_warning", "on", "off"),
    ("xmloption", "document", "content"),
    ("xmlbinary", "hex", "base64"),
    ("search_path", "evil, pg_catalog, public", "nowhere"),
    ("row_security", "on", "off"),
    ("statement_timeout", "'1ms'", "'2ms'"),
    ("lock_timeout", "'1ms'", "'2ms'"),
    ("idle_in_transaction_session_timeout", "'1ms'", "'2ms'"),
    ("idle_session_timeout", "'50ms'", "'60ms'"),
    ("transaction_timeout", "'1ms'", "'2ms'"),
    ("default_transaction_read_only", "on", "on"),
    ("default_transaction_isolation", "serializable", "'repeatable read'"),
    ("default_transaction_deferrable", "on", "on"),
    ("client_encoding", "LATIN1", "SQL_ASCII"),
    ("client_min_messages", "debug3", "error"),
    ("lc_monetary", "'C.UTF-8'", "'POSIX'"),
    ("lc_numeric", "'C.UTF-8'", "'POSIX'"),
    ("lc_time", "'C.UTF-8'", "'POSIX'"),
    ("quote_all_identifiers", "on", "off"),
    ("transform_null_equals", "on", "off"),
    ("default_tablespace", "hostile", "''"),
    ("temp_tablespaces", "hostile", "''"),
    ("default_table_access_method", "other_heap", "heap"),
    ("default_toast_compression", "pglz", "pglz"),
    ("session_preload_libraries", "plpgsql", "plpgsql"),
    ("session_replication_role", "replica", "local"),
    ("check_function_bodies", "on", "off"),
    ("synchronous_commit", "off", "on"),
    ("jit", "on", "off"),
    ("jit_above_cost", "0", "-1"),
    ("enable_seqscan", "off", "on"),
    ("enable_tidscan", "off", "on"),
    ("enable_indexscan", "on", "off"),
    ("enable_hashjoin", "off", "on"),
    ("enable_nestloop", "on", "off"),
    ("force_parallel_mode", "on", "regress"),
    ("debug_parallel_query", "on", "regress"),
    ("constraint_exclusion", "on", "off"),
    ("plan_cache_mode", "force_generic_plan", "force_custom_plan"),
    ("gin_fuzzy_search_limit", "1", "2"),
    ("work_mem", "'64kB'", "'1MB'"),
    ("maintenance_work_mem", "'1MB'", "'2MB'"),
    ("temp_buffers", "'800kB'", "'1MB'"),
    ("default_statistics_target", "1", "2"),
    ("default_text_search_config", "'pg_catalog.german'", "'pg_catalog.english'"),
    ("application_name", "hostile", "more_hostile"),
];

/// Values whose text depends on settings, and objects whose definitions do.
const SCHEMA: &str = r#"
    CREATE TYPE mood AS ENUM ('it''s', 'so\so', 'NULL');
    CREATE TYPE stamp AS (day date, at timestamptz, raw bytea, note text);
    CREATE DOMAIN word AS text CHECK (VALUE ~ E'^[^\\\\]*$');
    CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL);
    INSERT INTO customer SELECT n, 'Customer ' || n FROM generate_series(1, 20) n;
    CREATE TABLE value (
        id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, day date DEFAULT '2024-03-02', at timestamp DEFAULT '2024-12-03 04:05:06',
        zoned timestamptz DEFAULT '2024-03-02 01:02:03.123456+05:30', length interval DEFAULT '-1 mon +2 days -03:00:00', raw bytea DEFAULT '\x00ff5c27',
        f float8, r real, fs float8[], n numeric, m money, list text[], note text DEFAULT E'a\\b''c"d', body xml, js jsonb,
        mood mood, moods mood[], stamp stamp, stamps stamp[], span tstzrange, days daterange, word word, bits bit varying, terms tsvector, at_time timetz,
        long text GENERATED ALWAYS AS (note || E'\\') STORED, CONSTRAINT odd CHECK (note <> E'\\''' AND day <> '1999-02-01'));
    INSERT INTO value SELECT n, 1 + n % 20, date '2024-01-31' + n, timestamp '2024-11-12 01:02:03.000004' + n * interval '1 hour', timestamptz '2024-03-10 02:30:00-05' + n * interval '7 hours',
        n * interval '1 year -2 mons 3 days -04:05:06.789', decode(md5(n::text), 'hex') || '\x5c2700', n / 7.0::float8, n / 3.0::real, ARRAY[0.1, 'NaN', n * 1e-300],
        n * 0.1, n * 1234.56, ARRAY['NULL', NULL, E'\\', n::text, 'a,b', '"'], CASE WHEN n % 3 = 0 THEN NULL ELSE E'ä€\\\n\t' || n END,
        xmlparse(CONTENT '<a/>text<b/>'), jsonb_build_object('k', n / 7.0), (ARRAY['it''s', 'so\so', 'NULL'])[1 + n % 3]::mood, ARRAY['NULL', NULL]::mood[],
        ROW(date '2024-02-01' + n, timestamptz '2024-02-01 00:00+00', bytea '\x00', text 'x,"y"\')::stamp, ARRAY[ROW(date '2024-02-01', NULL, NULL, NULL)::stamp],
        tstzrange('2024-02-01 00:00+00', '2024-03-04 05:06+07'), daterange('2024-02-01', NULL), 'plain', B'0101', to_tsvector('simple', 'it''s back\slash'), '01:02:03+05:30'
    FROM generate_series(1, 200) n;
    CREATE TABLE "Order" (id serial PRIMARY KEY, value int REFERENCES value, state text DEFAULT E'n\\w' CHECK (state IS NOT NULL));
    INSERT INTO "Order" (value) SELECT n FROM generate_series(1, 100) n;
    CREATE INDEX ON value (note) WHERE note <> E'x\\y' AND day > '2024-02-03';
    CREATE VIEW late AS SELECT id, E'q\\r''s' AS q FROM value WHERE day > '2024-02-03' AND zoned > '2024-02-03 00:00+00' AND length <> '1 mon 2 days';
    CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n, E't\\' AS t FROM value;
    CREATE FUNCTION slash(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || E'\\' $$;
    COMMENT ON TABLE value IS E'a comment \\ with '' and "';
    CREATE SCHEMA evil;
    CREATE TABLE evil.pg_class (x int);
    CREATE TABLE evil.pg_database (x int);
    CREATE TABLE evil.pg_settings (x int);
"#;

/// What a schema before `pg_catalog` on the search path can put in the way of a client that does not say where it looks.
const SHADOWS: &[&str] = &[
    "version()",
    "current_setting(text)",
    "set_config(text, text, boolean)",
    "pg_export_snapshot()",
    "txid_current()",
    "txid_status(bigint)",
    "format_type(oid, integer)",
    "pg_get_expr(pg_node_tree, oid)",
    "pg_get_constraintdef(oid)",
    "quote_ident(text)",
    "quote_literal(text)",
    "strpos(text, text)",
    "concat_ws(text, text, text)",
    "hashtext(text)",
    "pg_relation_size(regclass)",
    "pg_try_advisory_lock(integer, integer)",
    "pg_terminate_backend(integer)",
    "pg_backend_pid()",
    "setval(regclass, bigint, boolean)",
    "sha256(bytea)",
    "now()",
    "upper(text)",
    "lower(text)",
];

fn shadows() -> String {
    let functions = SHADOWS.iter().map(|name| {
        format!(
            "CREATE FUNCTION evil.{name} RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'shadowed'; END $$;"
        )
    });
    let operators = ["text, text", "name, name", "oid, oid", "int4, int4", "\"char\", \"char\""].iter().map(|types| {
        let (left, right) = types.split_once(", ").unwrap();
        format!(
            "CREATE FUNCTION evil.never({types}) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
             CREATE OPERATOR evil.= (FUNCTION = evil.never, LEFTARG = {left}, RIGHTARG = {right});
             CREATE OPERATOR evil.<> (FUNCTION = evil.never, LEFTARG = {left}, RIGHTARG = {right});"
        )
    });
    functions.chain(operators).collect()
}

/// Whose settings are hostile.
enum Scope {
    Role(&'static str),
    Database,
    RoleInDatabase(&'static str),
}

impl Scope {
    fn subject(&self) -> String {
        match self {
            Self::Role(role) => format!("ROLE {role}"),
            Self::Database => "DATABASE shop".into(),
            Self::RoleInDatabase(role) => format!("ROLE {role} IN DATABASE shop"),
        }
    }
}

struct Hostile {
    scene: Scene,
    scope: Scope,
    role: &'static str,
}

impl Hostile {
    fn new(scope: Scope, role: &'static str) -> Hostile {
        let scene = Scene::new("");
        let super_role = if role == "boss" {
            ""
        } else {
            "CREATE ROLE keeper LOGIN CREATEDB PASSWORD 'sesame'; ALTER DATABASE shop OWNER TO keeper;"
        };
        scene.cluster.psql(
            "postgres",
            &format!("{super_role} SET allow_in_place_tablespaces = on; CREATE TABLESPACE hostile LOCATION ''; GRANT ALL ON TABLESPACE hostile TO PUBLIC"),
        );
        let access_method = if role == "boss" {
            "CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;"
        } else {
            ""
        };
        scene.cluster.psql("shop", &format!("{access_method} SET ROLE {role}; {SCHEMA} {}", shadows()));
        Hostile { scene, scope, role }
    }

    /// From outside of the database, which may let nobody work.
    fn put_in_force(&self, late: bool) {
        let subject = self.scope.subject();
        // what a plain owner cannot carry over to a new database is refused, and has its test
        let such = if matches!(self.scope, Scope::RoleInDatabase(_)) { " AND context = 'user'" } else { "" };
        let all = SETTINGS.iter().map(|(name, at_first, later)| {
            let value = if late { later } else { at_first };
            format!("IF EXISTS (SELECT FROM pg_settings WHERE name = '{name}'{such}) THEN ALTER {subject} SET {name} = {value}; END IF;")
        });
        self.scene.cluster.psql("postgres", &format!("DO $do$ BEGIN {} END $do$", all.collect::<String>()));
    }

    /// Types a command while the settings are in force.
    fn run(&self, late: bool, arguments: &[&str]) -> Value {
        self.put_in_force(late);
        let password = if self.role == "boss" { crate::scene::CANARY } else { "sesame" };
        let mut command = self.scene.command(arguments);
        command.arg("--json").env("SAFEMIGRATE_URL", self.scene.cluster.url_as(self.role, password, "shop"));
        let output = Output::of(&mut command);
        self.scene.cluster.psql("postgres", &format!("ALTER {} RESET ALL", self.scope.subject()));
        let output = output.ok();
        serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("not one JSON object: {e}{output}"))
    }

    fn change(&self, sql: &str) {
        self.scene.cluster.psql("shop", &format!("SET ROLE {}; {sql}", self.role));
    }

    /// Everything there is: structure and rows, as `pg_dump` tells, and what it leaves out.
    fn everything(&self) -> (String, String) {
        let state = self.scene.cluster.state("shop");
        // a sequence that was made anew has another number
        let line = |l: &str| l.split_once("</row>  (").map_or(l, |(start, _)| start).to_owned();
        (self.scene.dump(), state.lines().map(line).collect::<Vec<_>>().join("\n"))
    }

    #[track_caller]
    fn same(&self, before: &(String, String), what: &str) {
        let now = self.everything();
        same(&before.0, &now.0, what);
        same(&before.1, &now.1, what);
    }
}

/// `late`: which of the two values is in force at the backup; the other one is afterwards.
fn there_and_back(hostile: &Hostile, late: bool, strategy: &str) {
    let (at_first, later) = (late, !late);
    let before = hostile.everything();
    let taken = hostile.run(at_first, &["backup"]);
    let (full, data) = (taken["backups"][0]["id"].as_str().unwrap(), taken["backups"][1]["id"].as_str().unwrap());
    for late in [at_first, later] {
        let verified = hostile.run(late, &["verify", full]);
        assert_eq!(verified["ok"], Value::Bool(true), "a false alarm: {verified:#}");
    }
    hostile.run(later, &["check", full, "--restore"]);
    hostile.change("UPDATE value SET day = day + 1, note = 'x'; DELETE FROM \"Order\"; ALTER TABLE value DROP COLUMN list, DROP COLUMN f; DROP VIEW late");
    let done = hostile.run(later, &["rollback", full, "--yes", "--confirm", "shop", "--strategy", strategy]);
    assert_eq!(done["strategy"].as_str(), Some(strategy), "{done}");
    hostile.same(&before, strategy);

    // straight, then by way of a staging table and casts
    hostile.change("DELETE FROM \"Order\"; DELETE FROM value WHERE id > 50");
    hostile.run(later, &["reinsert", data, "--yes", "--confirm", "shop"]);
    hostile.same(&before, "re-inserted");
    let there =
        "ALTER id TYPE bigint, ALTER at TYPE text, ALTER zoned TYPE text, ALTER f TYPE text, ALTER list TYPE varchar[]";
    hostile.change(&format!("DROP VIEW late; DELETE FROM \"Order\"; DELETE FROM value; ALTER TABLE value {there}"));
    hostile.run(later, &["reinsert", data, "--yes", "--confirm", "shop"]);
    let and_back = "ALTER id TYPE int, ALTER at TYPE timestamp USING at::timestamp, ALTER zoned TYPE timestamptz USING zoned::timestamptz,
        ALTER f TYPE float8 USING f::float8, ALTER list TYPE text[]";
    hostile.change(&format!("ALTER TABLE value ALTER at DROP DEFAULT, ALTER zoned DROP DEFAULT, {and_back}"));
    let rows = |text: &str| text.lines().filter(|l| l.starts_with("rows ")).collect::<Vec<_>>().join("\n");
    same(&rows(&before.1), &rows(&hostile.scene.cluster.state("shop")), "re-inserted with casts");
}

#[test]
fn of_a_superuser() {
    let hostile = Hostile::new(Scope::Role("boss"), "boss");
    there_and_back(&hostile, false, "swap");
}

#[test]
fn of_the_database() {
    let hostile = Hostile::new(Scope::Database, "boss");
    there_and_back(&hostile, true, "in-place");
}

#[test]
fn of_a_plain_owner_in_this_database() {
    let hostile = Hostile::new(Scope::RoleInDatabase("keeper"), "keeper");
    there_and_back(&hostile, true, "swap");
}

#[test]
fn of_a_plain_owner() {
    let hostile = Hostile::new(Scope::Role("keeper"), "keeper");
    there_and_back(&hostile, false, "in-place");
}

/// `replica` keeps foreign keys from being checked: nobody who restores rows wants that.
#[test]
fn foreign_keys_hold_in_the_sessions_of_a_replica() {
    let schema = "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
        INSERT INTO parent SELECT generate_series(1, 10); INSERT INTO child SELECT n, n FROM generate_series(1, 10) n";
    let scene = Scene::new(schema);
    let (_, data) = scene.backup();
    scene.cluster.psql(
        "shop",
        "TRUNCATE parent, child; CREATE ROLE keeper LOGIN PASSWORD 'sesame'; ALTER TABLE parent OWNER TO keeper;
         ALTER TABLE child OWNER TO keeper; GRANT ALL ON SCHEMA public TO keeper;
         ALTER ROLE boss SET session_replication_role = replica; ALTER ROLE keeper SET session_replication_role = replica",
    );
    let only_the_child = ["reinsert", &data, "--table", "child", "--yes", "--confirm", "shop"];
    let before = scene.dump();
    scene.run(&only_the_child).code(6).says("parent");
    same(&before, &scene.dump(), "refused");
    let keeper = scene.cluster.url_as("keeper", "sesame", "shop");
    Output::of(scene.command(&only_the_child).env("SAFEMIGRATE_URL", keeper)).code(6).says("parent");
    same(&before, &scene.dump(), "refused");
    scene.run(&["reinsert", &data, "--yes", "--confirm", "shop"]).ok().says("every row, every value");
}

/// Rows that do not fit are found by letting PostgreSQL refuse them, which must not end the session.
#[test]
fn a_refused_row_does_not_end_the_session() {
    let scene = Scene::new(
        "CREATE TABLE small (id int PRIMARY KEY, n int); INSERT INTO small SELECT n, n FROM generate_series(1, 30) n",
    );
    scene.cluster.psql("shop", "ALTER ROLE boss SET exit_on_error = on");
    let (_, data) = scene.backup();
    scene.cluster.psql("shop", "TRUNCATE small; ALTER TABLE small ALTER n TYPE smallint, ADD CHECK (n % 7 <> 0)");
    let done = scene.json(&["reinsert", &data, "--yes", "--confirm", "shop", "--rejects", "save"]);
    assert_eq!((&done["tables"][0]["inserted"], &done["tables"][0]["rejected"]), (&26.into(), &4.into()), "{done}");
}

/// What of them is left in force in our sessions: nothing that a value's text, a row's fate or our SQL hangs on.
const HARMLESS: &[&str] = &[
    "backslash_quote",
    "constraint_exclusion",
    "debug_parallel_query",
    "default_statistics_target",
    "default_table_access_method",
    "default_text_search_config",
    "default_toast_compression",
    "enable_hashjoin",
    "enable_indexscan",
    "enable_nestloop",
    "enable_seqscan",
    "enable_tidscan",
    "escape_string_warning",
    "force_parallel_mode",
    "gin_fuzzy_search_limit",
    "jit_above_cost",
    "lc_numeric",
    "lc_time",
    "maintenance_work_mem",
    "plan_cache_mode",
    "session_preload_libraries",
    // foreign keys are added anew after the rows, and looked at then
    "session_replication_role",
    "temp_buffers",
    "temp_tablespaces",
    "work_mem",
    "xmlbinary",
];

#[test]
fn little_of_them_reaches_a_session_of_ours() {
    let hostile = Hostile::new(Scope::Role("boss"), "boss");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for late in [false, true] {
        hostile.put_in_force(late);
        let left = runtime.block_on(async {
            let mut session = connect(&DatabaseUrl::parse(&hostile.scene.url()).unwrap()).await.unwrap();
            let ask = "SELECT name::text, setting FROM pg_catalog.pg_settings WHERE source IN ('user', 'database', 'database user') ORDER BY 1";
            let rows = sqlx::query(ask).fetch_all(&mut session).await.unwrap();
            rows.iter().map(|r| (r.get::<String, _>(0), r.get::<String, _>(1))).collect::<Vec<_>>()
        });
        assert!(left.len() > 15, "they were in force: {left:?}");
        let harmful = left.iter().filter(|(name, _)| !HARMLESS.contains(&name.as_str()));
        // a commit that waits for more than our disk goes on waiting for it
        let waits = |(name, value): &(String, String)| name == "synchronous_commit" && value != "off";
        let harmful: Vec<_> = harmful.filter(|found| !waits(found)).collect();
        assert_eq!(harmful, Vec::<&(String, String)>::new());
    }
}
