//! A backup is never hostage to safemigrate: PostgreSQL's own tools restore it.

mod support;

use std::process::Command;
use support::{Cluster, Prisma, Project, Shape};

#[test]
fn a_full_backup_is_restored_without_safemigrate() {
    let cluster = Cluster::start();
    let project = Project::new(Prisma::V7, Shape::Shop, &cluster, "shop");
    cluster.prepare(&project, "shop");
    cluster.psql(
        "shop",
        r#"CREATE SCHEMA "my ""x"; CREATE TABLE "my ""x"."select" ("from" text, gen int GENERATED ALWAYS AS (1) STORED);
        INSERT INTO "my ""x"."select" VALUES (E'a\tb\\N'); CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES;
        SELECT lo_from_bytea(4711, 'large')"#,
    );
    let (code, backup) = project.json(&["backup", "--kind", "full"]);
    assert_eq!(code, 0, "{backup}");
    let id = backup["backups"][0]["id"].as_str().unwrap();
    cluster.create_db("again");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/restore-by-hand");
    let mut command = Command::new("bash");
    let path =
        format!("{}:{}", cluster.programs.path("psql").parent().unwrap().display(), std::env::var("PATH").unwrap());
    command.arg(script).arg(project.path(".safemigrate")).args([id, &cluster.url("again")]).env("PATH", path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(cluster.dump("again"), cluster.dump("shop"));
}
