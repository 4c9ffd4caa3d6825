//! Hostile names for migration folders and for the database of a project.

use super::names::{NAMES, harmless};
use crate::support::{Cluster, Prisma, Project, Shape};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a folder can be called; after the migrations that are there.
fn folders() -> Vec<String> {
    let names = NAMES.iter().filter(|name| !name.contains('/'));
    let mut names: Vec<String> = names.enumerate().map(|(n, name)| format!("99999999999{n:03}_{name}")).collect();
    names.sort();
    names
}

fn strings(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect()
}

#[test]
fn of_migrations() {
    let cluster = Cluster::start();
    let project = Project::new(Prisma::V7, Shape::Product, &cluster, "shop");
    cluster.prepare(&project, "shop");
    let folders = folders();
    for (n, folder) in folders.iter().enumerate() {
        project.write(
            format!("prisma/migrations/{folder}/migration.sql"),
            &format!("ALTER TABLE \"Product\" ADD COLUMN c{n} INTEGER;"),
        );
        project.edit_schema("  price ", &format!("  c{n} Int?\n  price "));
    }
    let (code, done) = project.json(&["dev"]);
    assert_eq!((code, &done["verification"]["ok"]), (0, &Value::Bool(true)), "{done:#}");
    assert_eq!(strings(&done["migrations_applied"]), folders.iter().cloned().collect());
    for arguments in [&["history"][..], &["list", "-v"], &["status"]] {
        harmless(&project.safemigrate(arguments).ok());
    }
    // what comes after the rollback may fail; the rollback is done, and that is said
    let full = done["before"][0].as_str().unwrap();
    project.write(".safemigrate/set-aside", "in its place");
    let done = project.safemigrate(&["rollback", full, "--yes", "--set-aside"]).code(1);
    assert!(done.stdout.contains("Rolled back to") && done.stderr.contains("cannot be set aside"), "{done}");
    harmless(&done);
    std::fs::remove_file(project.path(".safemigrate/set-aside")).unwrap();
    harmless(&project.safemigrate(&["rollback", full, "--yes", "--set-aside"]).ok());
    assert!(project.migrations().iter().all(|name| !folders.contains(name)), "{:?}", project.migrations());
    let kept: Vec<String> = walkdir::WalkDir::new(project.path(".safemigrate"))
        .into_iter()
        .flatten()
        .filter(|e| e.file_name() == "migration.sql")
        .map(|e| e.path().parent().unwrap().file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), folders.into_iter().collect());
}

/// A Prisma before 7.4 would migrate the database that is called `my%20shop`, and nobody would have a backup of it.
#[test]
fn of_a_database_that_older_prismas_mistake() {
    let cluster = Cluster::start();
    let project = Project::new(Prisma::V6, Shape::Product, &cluster, "my shop");
    cluster.create_db("my%20shop");
    for there in [false, true] {
        if there {
            cluster.create_db("my shop");
        }
        let refused = project.safemigrate(&["dev"]).code(1).says("can mean my shop or my%20shop");
        assert!(refused.stderr.contains("Nothing was changed"), "{refused}");
    }
    assert_eq!(cluster.psql("my%20shop", "SELECT count(*) FROM pg_class WHERE relname = 'Product'"), "0");
}
