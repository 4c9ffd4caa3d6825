//! What a role may not restore exactly is refused before anything is touched, with a sentence that names it.

use super::exact::with_extension;
use super::support::ServerPrograms;
use super::{Scene, assert_same};
use safemigrate::error::ErrorKind;
use safemigrate::operations::rollback::Strategy;

/// Of a superuser in the database of a plain owner.
const THEIRS: &str = "
    CREATE FOREIGN DATA WRAPPER far; CREATE SERVER files FOREIGN DATA WRAPPER far; CREATE USER MAPPING FOR reader SERVER files;
    COMMENT ON SERVER files IS 'theirs'; GRANT USAGE ON FOREIGN SERVER files TO writer;
    CREATE FUNCTION pg_catalog.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
    CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION pg_catalog.ddl();
    CREATE SCHEMA theirs; GRANT USAGE ON SCHEMA theirs TO reader; COMMENT ON SCHEMA theirs IS 'not ours';
    CREATE EXTENSION probe; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain;
    GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_logdir() TO reader;
    ALTER DEFAULT PRIVILEGES FOR ROLE writer IN SCHEMA public GRANT SELECT ON TABLES TO reader";

impl Scene {
    /// Refused, and nothing has changed.
    #[track_caller]
    fn refuses(&self, backup: &safemigrate::domain::manifest::Manifest, says: &str) {
        let before = self.exact();
        let error = self.roll_back(backup).unwrap_err();
        let said = format!("{} {}", error.message, error.hints.join(" "));
        assert!(error.kind == ErrorKind::Other && said.contains("Nothing was changed"), "{says}: {error:?}");
        assert!(said.contains(says), "{says}: {error:?}");
        assert_same(&before, &self.exact());
    }
}

#[test]
fn what_stays_in_place_must_be_as_in_the_backup() {
    let scene = with_extension("plain");
    scene.cluster.psql("shop", THEIRS);
    scene.sql("CREATE TABLE item (id serial PRIMARY KEY, name text); INSERT INTO item (name) VALUES ('a')");
    let (before, backup) = (scene.exact(), scene.backup());
    for (change, undo, says) in [
        ("GRANT USAGE ON SCHEMA theirs TO writer", "REVOKE USAGE ON SCHEMA theirs FROM writer", "ACL SCHEMA theirs"),
        ("COMMENT ON SCHEMA theirs IS 'x'", "COMMENT ON SCHEMA theirs IS 'not ours'", "COMMENT SCHEMA theirs"),
        ("CREATE SCHEMA more_of_them", "DROP SCHEMA more_of_them", "SCHEMA more_of_them"),
        ("COMMENT ON SERVER files IS NULL", "COMMENT ON SERVER files IS 'theirs'", "COMMENT SERVER files"),
        ("ALTER SERVER files OPTIONS (ADD host 'x')", "ALTER SERVER files OPTIONS (DROP host)", "SERVER files"),
        ("CREATE SERVER second FOREIGN DATA WRAPPER far", "DROP SERVER second", "SERVER second"),
        ("ALTER EVENT TRIGGER on_ddl DISABLE", "ALTER EVENT TRIGGER on_ddl ENABLE", "EVENT TRIGGER on_ddl"),
        (
            "COMMENT ON EXTENSION probe IS 'x'",
            "COMMENT ON EXTENSION probe IS 'configuration that a backup takes along, and some that it does not'",
            "EXTENSION probe",
        ),
        (
            "GRANT SELECT ON public.probe_hidden TO reader",
            "REVOKE SELECT ON public.probe_hidden FROM reader",
            "ACL public.TABLE probe_hidden",
        ),
        (
            "GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO reader",
            "REVOKE EXECUTE ON FUNCTION pg_ls_waldir() FROM reader",
            "ACL pg_catalog.FUNCTION pg_ls_waldir(",
        ),
        (
            "REVOKE EXECUTE ON FUNCTION pg_ls_logdir() FROM reader",
            "GRANT EXECUTE ON FUNCTION pg_ls_logdir() TO reader",
            "ACL pg_catalog.FUNCTION pg_ls_logdir(",
        ),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE writer IN SCHEMA public GRANT INSERT ON TABLES TO reader",
            "ALTER DEFAULT PRIVILEGES FOR ROLE writer IN SCHEMA public REVOKE INSERT ON TABLES FROM reader",
            "DEFAULT ACL",
        ),
        // what would go with the owner's own things
        ("CREATE PUBLICATION news FOR TABLE item", "DROP PUBLICATION news", "PUBLICATION news"),
        ("CREATE TABLE theirs.of_item (id integer REFERENCES item)", "DROP TABLE theirs.of_item", "theirs.of_item"),
    ] {
        scene.cluster.psql("shop", change);
        scene.refuses(&backup, says);
        scene.cluster.psql("shop", undo);
    }
    scene.sql("DROP TABLE item; CREATE TABLE other (id integer)");
    let done = scene.roll_back(&backup).unwrap();
    assert_eq!((done.strategy, done.notes), (Strategy::InPlace, vec![]));
    assert_same(&before, &scene.exact());
}

#[test]
fn what_would_go_with_it_is_refused() {
    let scene = Scene::new("plain");
    scene.sql("CREATE TABLE item (id integer); CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'");
    for (theirs, what) in
        [("EVENT TRIGGER on_ddl", "ON ddl_command_end EXECUTE FUNCTION ddl()"), ("PUBLICATION news", "FOR TABLE item")]
    {
        scene.cluster.psql("shop", &format!("CREATE {theirs} {what}"));
        let backup = scene.backup();
        scene.sql("INSERT INTO item VALUES (1)");
        scene.refuses(&backup, "which is not this role's and could not be made again");
        scene.cluster.psql("shop", &format!("DROP {theirs}"));
    }
}

#[test]
fn rights_that_were_given_on_need_a_superuser() {
    for role in ["maker", "plain"] {
        let scene = Scene::new(role);
        scene.sql("CREATE TABLE item (id integer); GRANT SELECT ON item TO writer WITH GRANT OPTION");
        scene.cluster.psql("shop", "SET ROLE writer; GRANT SELECT ON item TO reader");
        let (before, backup) = (scene.exact(), scene.backup());
        scene.sql("DROP TABLE item");
        scene.refuses(&backup, "TABLE item holds a right that another role gave on");
        scene.cluster.psql("postgres", &format!("ALTER ROLE {role} SUPERUSER"));
        scene.roll_back(&backup).unwrap();
        assert_same(&before, &scene.exact());
    }
}

#[test]
fn what_belongs_to_a_role_that_one_is_a_member_of_comes_back() {
    for (role, strategy) in [("maker", Strategy::Swap), ("plain", Strategy::InPlace)] {
        let scene = Scene::new(role);
        scene.cluster.psql("postgres", &format!("GRANT writer TO {role}"));
        scene.sql(
            "CREATE SCHEMA app; GRANT CREATE, USAGE ON SCHEMA app, public TO writer; CREATE TABLE app.item (id serial, kind text);
             INSERT INTO app.item (kind) VALUES ('a'); ALTER TABLE app.item OWNER TO writer; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
             ALTER FUNCTION f() OWNER TO writer; CREATE STATISTICS app.s ON id, kind FROM app.item; ALTER STATISTICS app.s OWNER TO writer;
             CREATE TABLE app.once (id int); ALTER TABLE app.once OWNER TO writer; REVOKE CREATE ON SCHEMA app FROM writer;
             CREATE VIEW v AS SELECT * FROM app.item; GRANT SELECT ON app.item TO reader",
        );
        let (before, backup) = (scene.exact(), scene.backup());
        scene.sql("DROP TABLE app.item CASCADE; REVOKE ALL ON SCHEMA public FROM writer; DROP FUNCTION f()");
        let done = scene.roll_back(&backup).unwrap();
        assert_eq!((done.strategy, done.notes), (strategy, vec![]));
        assert_same(&before, &scene.exact());
    }
}

#[test]
fn a_member_who_may_not_act_as_the_role_is_refused() {
    if ServerPrograms::find().major < 16 {
        return;
    }
    let scene = Scene::new("maker");
    scene.cluster.psql("postgres", "GRANT writer TO maker WITH SET TRUE");
    scene.sql("CREATE TABLE item (id integer)");
    scene.cluster.psql("shop", "GRANT CREATE ON SCHEMA public TO writer; ALTER TABLE item OWNER TO writer");
    let (before, backup) = (scene.exact(), scene.backup());
    scene.cluster.psql("postgres", "GRANT writer TO maker WITH SET FALSE");
    scene.refuses(&backup, "belongs to writer");
    scene.cluster.psql("postgres", "GRANT writer TO maker WITH SET TRUE");
    scene.cluster.psql("shop", "DROP TABLE item");
    scene.roll_back(&backup).unwrap();
    assert_same(&before, &scene.exact());
}
