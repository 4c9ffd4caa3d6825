//! A database that has everything comes back exactly as it was: byte for byte as `pg_dump` writes it, and what it leaves out.

use super::support::Cluster;
use super::{ALL_DATABASES, Scene, assert_same};
use safemigrate::domain::event::Quiet;
use safemigrate::domain::manifest::Manifest;
use safemigrate::operations::rollback::{Restored, Strategy};
use std::path::Path;

const ANYWHERE: &[&str] = &[include_str!("everything.sql"), include_str!("contrib.sql"), include_str!("newer.sql")];
const BUILT: &str = include_str!("built.sql");
const SUPERUSER: &str = include_str!("superuser.sql");
const DATABASE: &str = include_str!("database.sql");
const RUIN: &str = include_str!("ruin.sql");
const SUPERUSER_RUIN: &str = "DROP EVENT TRIGGER on_ddl; DROP SERVER files CASCADE; DROP EXTENSION IF EXISTS file_fdw; DROP CAST (app.mood AS integer);
    ALTER EVENT TRIGGER on_nothing ENABLE; DROP LANGUAGE mine CASCADE; DROP ACCESS METHOD other_heap CASCADE;
    REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_logdir() FROM reader; GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() TO writer;
    GRANT SELECT (rolname) ON pg_catalog.pg_authid TO writer; REVOKE SELECT ON pg_catalog.pg_matviews FROM PUBLIC; GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC;
    REVOKE USAGE ON TYPE pg_catalog.int4 FROM PUBLIC; ALTER TABLE app.of_writer OWNER TO reader; ALTER SCHEMA app OWNER TO writer";

/// What `pg_dump --create` does not say of a database: its own row, and what materialized views hold.
const BESIDES: &str = r"
    SELECT to_jsonb(d) - ARRAY['oid', 'datfrozenxid', 'datminmxid', 'dattablespace', 'datcollversion', 'datdba', 'datlastsysoid', 'datacl']
        || jsonb_build_object('tablespace', t.spcname, 'owner', pg_get_userbyid(datdba),
            'rights', ARRAY(SELECT a::text FROM unnest(coalesce(datacl, acldefault('d', datdba))) a ORDER BY 1))
        FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = current_database();
    SELECT rolname, setconfig FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1;
    SELECT format('SELECT %L, t::text FROM %s t ORDER BY 2', c.oid::regclass, c.oid::regclass)
        FROM pg_class c WHERE relkind = 'm' AND relispopulated ORDER BY c.oid::regclass::text \gexec";

/// The folder with an extension of ours.
pub const EXTENSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rollback/extension");

/// An empty `shop` on a server that knows an extension of ours.
pub fn with_extension(role: &'static str) -> Scene {
    Scene::on(Cluster::with_extensions(Path::new(EXTENSIONS)), role)
}

/// `shop` with everything that the role may make.
fn everything(role: &'static str) -> Scene {
    let scene = with_extension(role);
    scene.tablespaces();
    fill(&scene);
    scene.sql(BUILT);
    scene
}

/// With all that another server may know, too.
pub fn fill(scene: &Scene) {
    ANYWHERE.iter().for_each(|sql| drop(scene.sql(sql)));
    if scene.role == "postgres" {
        scene.sql(SUPERUSER);
    }
}

impl Scene {
    pub fn tablespaces(&self) {
        let make = "SET allow_in_place_tablespaces = on; CREATE TABLESPACE fast LOCATION ''; CREATE TABLESPACE wide LOCATION ''";
        self.cluster.psql("postgres", make);
    }

    /// All that can be told of it.
    pub fn exact(&self) -> String {
        self.dump() + &self.cluster.psql("shop", BESIDES)
    }

    /// There, and back again: what the rollback replaced can be had back, too.
    fn there_and_back(&self, backup: &Manifest, before: &str, wanted: Option<Strategy>, strategy: Strategy) {
        let (ruins, safety) = (self.exact(), self.backup());
        assert_ne!(before, ruins);
        for (goal, expected) in [(backup, before), (&safety, &ruins), (backup, before)] {
            let Restored { strategy: used, notes, .. } = self.roll_back_watched(goal, wanted, &Quiet).unwrap();
            assert_eq!((used, notes), (strategy, vec![]));
            assert_same(expected, &self.exact());
        }
        assert_eq!(self.databases(), ALL_DATABASES);
    }
}

#[test]
fn a_superuser_swaps_everything_back() {
    let scene = everything("postgres");
    scene.cluster.psql("postgres", DATABASE);
    let (before, backup) = (scene.exact(), scene.backup());
    scene.sql(RUIN);
    scene.sql(SUPERUSER_RUIN);
    scene.there_and_back(&backup, &before, None, Strategy::Swap);
}

#[test]
fn a_superuser_restores_in_place_when_asked() {
    let scene = everything("postgres");
    scene.cluster.psql("postgres", DATABASE);
    let (before, backup) = (scene.exact(), scene.backup());
    scene.sql(RUIN);
    scene.sql(SUPERUSER_RUIN);
    scene.there_and_back(&backup, &before, Some(Strategy::InPlace), Strategy::InPlace);
}

#[test]
fn an_owner_who_may_create_databases_swaps() {
    let scene = everything("maker");
    let (before, backup) = (scene.exact(), scene.backup());
    scene.sql(RUIN);
    let plan = scene.plan(&backup).unwrap();
    assert_eq!(plan.strategy, Strategy::Swap, "{plan:?}");
    assert_eq!(plan.tables_removed, ["added.more", "public.added_by_migration"]);
    assert!(plan.tables_brought_back.contains(&"app.egg".to_owned()));
    scene.there_and_back(&backup, &before, None, Strategy::Swap);
}

#[test]
fn an_owner_without_createdb_restores_in_place() {
    let scene = everything("plain");
    let (before, backup) = (scene.exact(), scene.backup());
    scene.sql(RUIN);
    scene.there_and_back(&backup, &before, None, Strategy::InPlace);
    // and once more over itself
    scene.roll_back(&backup).unwrap();
    assert_same(&before, &scene.exact());
}

#[test]
fn what_a_plain_owner_may_not_touch_stays() {
    let scene = everything("plain");
    // the owner cannot have changed these, so that they are as in the backup
    scene.cluster.psql(
        "shop",
        "CREATE FOREIGN DATA WRAPPER far; CREATE SERVER files FOREIGN DATA WRAPPER far; CREATE USER MAPPING FOR reader SERVER files;
         COMMENT ON SERVER files IS 'theirs'; GRANT USAGE ON FOREIGN SERVER files TO writer;
         CREATE FUNCTION pg_catalog.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
         CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION pg_catalog.ddl();
         CREATE SCHEMA theirs; GRANT USAGE ON SCHEMA theirs TO reader; COMMENT ON SCHEMA theirs IS 'not ours'",
    );
    let (before, backup) = (scene.exact(), scene.backup());
    scene.sql(RUIN);
    scene.there_and_back(&backup, &before, None, Strategy::InPlace);
}
