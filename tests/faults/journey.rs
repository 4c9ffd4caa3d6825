//! The commands that are struck, each with the world before it and what it is to bring about.

use crate::scene::Scene;
use crate::support::{Prisma, Project, Shape};
use std::collections::BTreeMap;

/// Rows with every way into a database: large object, sequence, materialized view, foreign keys in a circle.
const MORE: &str = "SELECT lo_from_bytea(4711, 'a large object');
    CREATE MATERIALIZED VIEW totals AS SELECT state, count(*) FROM \"Order\" GROUP BY state;
    CREATE INDEX ON \"Order\" (note); COMMENT ON TABLE customer IS 'who buys';";

/// What somebody did to it: a table and a column gone, rows changed, a row that is in the way of an old one.
const RUIN: &str = "DROP MATERIALIZED VIEW totals; DROP VIEW paid; ALTER TABLE \"Order\" DROP COLUMN note, ADD COLUMN size int NOT NULL DEFAULT 0;
    DELETE FROM \"Order\" WHERE id % 2 = 0; UPDATE customer SET name = 'ruined' WHERE id < 50; SELECT lo_unlink(4711); SELECT setval('customer_id_seq', 900);
    CREATE TABLE late (id int PRIMARY KEY); INSERT INTO late VALUES (1);";

pub struct Journey {
    pub name: &'static str,
    /// Filled once; what `begin` makes of it is where each stroke starts from.
    pub begin: fn(&Scene) -> Begun,
    /// There is no database when it begins.
    pub without_database: bool,
    pub effect: Effect,
    /// Beginnings of the names of the moments that the suite strikes in this one.
    pub own: &'static [&'static str],
}

/// The command, and where it is typed if it needs a project.
pub struct Begun {
    pub arguments: Vec<String>,
    pub project: Option<Project>,
}

/// What a journey may change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Database,
    /// Of the store it may change the list of backups.
    Store,
}

fn words(words: &[&str]) -> Begun {
    Begun { arguments: words.iter().map(|w| (*w).to_owned()).collect(), project: None }
}

/// Back to a backup of what was before the ruin.
fn rollback(scene: &Scene, strategy: &str) -> Begun {
    scene.cluster.psql("shop", MORE);
    let (full, _) = scene.backup();
    scene.cluster.psql("shop", RUIN);
    words(&["rollback", &full, "--yes", "--strategy", strategy])
}

/// A real Prisma project with a migration that waits.
fn waiting(scene: &Scene) -> Project {
    scene.cluster.psql("postgres", "DROP DATABASE shop");
    let project = Project::new(Prisma::V7, Shape::Product, &scene.cluster, "shop");
    scene.cluster.prepare(&project, "shop");
    let rows = "SELECT 'Product ' || n, n FROM generate_series(1, 50) n";
    scene.cluster.psql("shop", &format!("INSERT INTO \"Product\" (name, price) {rows}"));
    // nobody touches it, and so the second backup of the run does not read it
    scene
        .cluster
        .psql("shop", "CREATE SCHEMA archive; CREATE TABLE archive.old AS SELECT generate_series(1, 100) AS n");
    project.edit_schema("  name  String\n", "  name  String\n  stock Int @default(0)\n");
    let add = "ALTER TABLE \"Product\" ADD COLUMN \"stock\" INTEGER NOT NULL DEFAULT 0;";
    project.write("prisma/migrations/20270101000000_stock/migration.sql", add);
    project
}

impl Journey {
    pub fn all() -> Vec<Journey> {
        vec![
            Journey::backup(),
            Journey::rollback_by_swap(),
            Journey::rollback_of_a_dropped_database(),
            Journey::rollback_in_place(),
            Journey::reinsert(),
            Journey::trial_restore(),
            Journey::import(),
            Journey::prune(),
            Journey::delete(),
            Journey::recover(),
            Journey::guarded_run(),
            Journey::rehearsal(),
        ]
    }

    pub fn backup() -> Journey {
        let begin = |scene: &Scene| {
            scene.backup();
            scene.cluster.psql("shop", "INSERT INTO customer (name) VALUES ('late')");
            words(&["backup"])
        };
        Journey {
            name: "backup",
            begin,
            without_database: false,
            effect: Effect::Store,
            own: &["checkpoint", "pg-dump"],
        }
    }

    pub fn rollback_by_swap() -> Journey {
        let begin = |scene: &Scene| rollback(scene, "swap");
        Journey {
            name: "rollback by swap",
            begin,
            without_database: false,
            effect: Effect::Database,
            own: &["rollback", "beside", "restore", "scratch", "swap", "script"],
        }
    }

    pub fn rollback_in_place() -> Journey {
        let begin = |scene: &Scene| rollback(scene, "in-place");
        Journey {
            name: "rollback in place",
            begin,
            without_database: false,
            effect: Effect::Database,
            own: &["in-place"],
        }
    }

    pub fn rollback_of_a_dropped_database() -> Journey {
        let begin = |scene: &Scene| rollback(scene, "swap");
        Journey {
            name: "rollback of a dropped database",
            begin,
            without_database: true,
            effect: Effect::Database,
            own: &["swap.exchanging", "swap.exchanged"],
        }
    }

    /// Rows that go straight in, rows that wait in a stage, and some that do not fit and are saved.
    pub fn reinsert() -> Journey {
        let begin = |scene: &Scene| {
            scene.cluster.psql("shop", MORE);
            let (_, data_only) = scene.backup();
            scene.cluster.psql("shop", RUIN);
            scene.cluster.psql(
                "shop",
                "TRUNCATE customer CASCADE; ALTER TABLE \"Order\" ADD CHECK (id <> 7); INSERT INTO customer (id, name) VALUES (5, 'here before');",
            );
            words(&["reinsert", &data_only, "--yes", "--rejects", "save"])
        };
        Journey {
            name: "reinsert",
            begin,
            without_database: false,
            effect: Effect::Database,
            own: &["reinsert", "rejects", "lock", "run.open", "run.step", "run.closed"],
        }
    }

    pub fn trial_restore() -> Journey {
        let begin = |scene: &Scene| {
            scene.cluster.psql("shop", MORE);
            scene.backup();
            words(&["check", "--restore"])
        };
        Journey {
            name: "check --restore",
            begin,
            without_database: false,
            effect: Effect::Store,
            own: &["trial", "scratch.made"],
        }
    }

    pub fn import() -> Journey {
        let begin = |scene: &Scene| {
            scene.cluster.psql("shop", MORE);
            let file = scene.folder.path().join("shop.sql");
            std::fs::write(&file, scene.cluster.script("shop")).unwrap();
            words(&["import", file.to_str().unwrap()])
        };
        Journey { name: "import", begin, without_database: false, effect: Effect::Store, own: &["import"] }
    }

    pub fn prune() -> Journey {
        let begin = |scene: &Scene| {
            for n in 0..3 {
                scene.cluster.psql("shop", &format!("UPDATE customer SET name = name || '{n}'"));
                scene.backup();
            }
            words(&["prune", "--keep", "1"])
        };
        Journey { name: "prune", begin, without_database: false, effect: Effect::Store, own: &["prune"] }
    }

    pub fn delete() -> Journey {
        let begin = |scene: &Scene| {
            let (full, _) = scene.backup();
            scene.json(&["pin", &full]);
            words(&["delete", &full, "--confirm", &full])
        };
        Journey { name: "delete", begin, without_database: false, effect: Effect::Store, own: &["delete"] }
    }

    /// After a rollback that was killed while nobody could get into either database.
    pub fn recover() -> Journey {
        let begin = |scene: &Scene| {
            let begun = rollback(scene, "swap");
            let arguments: Vec<&str> = begun.arguments.iter().map(String::as_str).collect();
            let fault = BTreeMap::from([("SAFEMIGRATE_FAULT", "swap.both-closed:1:KILL".into())]);
            let (code, ..) = crate::scene::ended(scene.spawn(&arguments, &fault));
            std::fs::write(scene.store().join("tmp/.tmp-half"), "half an object").unwrap();
            assert_eq!(code, 137);
            words(&["recover"])
        };
        Journey {
            name: "recover",
            begin,
            without_database: false,
            effect: Effect::Database,
            own: &["recover", "sweep"],
        }
    }

    /// `dev` on a real Prisma project with a migration that waits.
    pub fn guarded_run() -> Journey {
        let begin = |scene: &Scene| Begun { project: Some(waiting(scene)), ..words(&["deploy"]) };
        Journey {
            name: "deploy",
            begin,
            without_database: false,
            effect: Effect::Database,
            own: &[
                "run.held",
                "run.prisma-ended",
                "run.new-state",
                "run.proven",
                "run.closing",
                "checkpoint.proven",
                "checkpoint.spared",
            ],
        }
    }

    /// Without Prisma: what waits is a file, and needs no draft.
    pub fn rehearsal() -> Journey {
        let begin = |scene: &Scene| Begun { project: Some(waiting(scene)), ..words(&["rehearse", "--as", "deploy"]) };
        Journey { name: "rehearse", begin, without_database: false, effect: Effect::Store, own: &["rehearsal"] }
    }
}
