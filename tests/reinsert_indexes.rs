//! Many rows into empty tables: their indexes are built anew, and are afterwards exactly as they were.

mod scene;
mod support;

use scene::Scene;

/// Indexes of every kind on a table with enough rows for them to be built in one go.
const INDEXED: &str = r#"
    CREATE SCHEMA own;
    CREATE FUNCTION own.lowered(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)';
    CREATE TABLE parent (id int PRIMARY KEY, code text NOT NULL);
    CREATE UNIQUE INDEX "parent's code" ON parent (code);
    CREATE TABLE child (id int PRIMARY KEY, code text REFERENCES parent (code), n int, note text, tags text[], at timestamptz,
        CONSTRAINT child_n_key UNIQUE (n));
    CREATE UNIQUE INDEX child_code_n ON child (code DESC NULLS LAST, n) INCLUDE (note) WITH (fillfactor = 70);
    CREATE INDEX "child ""tags""" ON child USING gin (tags);
    CREATE INDEX child_at ON child USING brin (at);
    CREATE INDEX child_pattern ON child (note text_pattern_ops, note COLLATE "C");
    CREATE INDEX child_partial ON child (at) WHERE note <> '';
    CREATE INDEX child_lowered ON child (own.lowered(note));
    ALTER INDEX child_lowered ALTER COLUMN 1 SET STATISTICS 300;
    CREATE INDEX child_spoken ON child (n, at);
    COMMENT ON INDEX child_spoken IS 'somebody said something';
    CREATE INDEX child_clustered ON child (at, n);
    ALTER TABLE child CLUSTER ON child_clustered;
    CREATE UNIQUE INDEX child_identity ON child (id, n);
    ALTER TABLE child ALTER n SET NOT NULL, REPLICA IDENTITY USING INDEX child_identity;
    INSERT INTO parent SELECT n, 'code ' || n FROM generate_series(1, 12000) n;
    INSERT INTO child SELECT n, 'code ' || n, n, 'Note ' || n % 100, ARRAY['t' || n % 7], '2026-01-01'::timestamptz + n * interval '1 min'
        FROM generate_series(1, 12000) n;
"#;

const WHICH_ARE_NEW: &str = "SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class c, known k
     WHERE k.name = c.relname AND k.oid <> c.oid";

#[test]
fn indexes_that_were_built_anew_are_as_they_were() {
    let scene = Scene::new(INDEXED);
    scene.backup();
    let before = scene.dump();
    scene.cluster.psql("shop", "TRUNCATE parent, child");
    let known =
        "SELECT relname AS name, oid FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace";
    let noted = scene
        .cluster
        .psql("shop", &format!("SELECT string_agg(format('(%L, %s::oid)', name, oid), ',') FROM ({known}) k"));
    let report = scene.json(&["reinsert", "latest"]);
    assert_eq!(report["tables"][0]["inserted"], 12000, "{report}");
    assert_eq!(before, scene.dump(), "structure and rows");
    let new = scene.cluster.psql("shop", &format!("WITH known (name, oid) AS (VALUES {noted}) {WHICH_ARE_NEW}"));
    assert_eq!(
        new, "child \"tags\", child_at, child_code_n, child_pattern, parent's code",
        "those that a definition describes wholly were built anew, and no others"
    );
}

#[test]
fn rows_that_collide_in_a_new_unique_index_are_singled_out() {
    let scene = Scene::new(INDEXED);
    scene.backup();
    scene.cluster.psql("shop", "TRUNCATE parent, child; CREATE UNIQUE INDEX child_note_new ON child (note, at)");
    scene.json(&["reinsert", "latest"]);
    scene.cluster.psql("shop", "TRUNCATE parent, child; DROP INDEX child_note_new");
    scene.cluster.psql("shop", "CREATE UNIQUE INDEX child_note_only ON child (note)");
    let before = scene.dump();
    let refused = scene.run(&["reinsert", "latest"]).code(6).says("public.child: 11900 of 12000 rows do not fit");
    refused.says("Nothing was changed");
    assert_eq!(before, scene.dump());
    let report = scene.json(&["reinsert", "latest", "--rejects", "save"]);
    let child = report["tables"].as_array().unwrap().iter().find(|t| t["table"] == "public.child").unwrap();
    assert_eq!((&child["inserted"], &child["rejected"]), (&100.into(), &11900.into()), "{report}");
}
