//! What ran here with `safemigrate dev` and lost nothing goes through; what lost data, or is another text, does not.

use super::repository::{Said, said};
use crate::support::{Cluster, Prisma, Project, Shape};
use std::path::Path;

fn git(project: &Project, arguments: &[&str]) -> Said {
    let mut git = project.command("git");
    let ours = Path::new(env!("CARGO_BIN_EXE_safemigrate")).parent().unwrap();
    git.env("PATH", format!("{}:{}", ours.display(), std::env::var("PATH").unwrap()));
    said(git.args(["-c", "user.name=Jo", "-c", "user.email=jo@example.com"]).args(arguments))
}

fn commit_and_push(project: &Project) -> Said {
    git(project, &["add", "-A"]).ok();
    git(project, &["commit", "-q", "-m", "x"]).ok();
    git(project, &["push", "origin", "HEAD"])
}

#[test]
fn what_ran_and_lost_nothing_goes_through() {
    let cluster = Cluster::start();
    let project = Project::new(Prisma::V7, Shape::Product, &cluster, "shop");
    cluster.prepare(&project, "shop");
    cluster.psql("shop", "INSERT INTO \"Product\" (name, price) SELECT 'n' || g, g FROM generate_series(1, 50) g");
    project.write(".gitignore", "node_modules\n.env\n");
    git(&project, &["init", "-q", "-b", "main"]).ok();
    git(&project, &["init", "-q", "--bare", "../remote.git"]).ok();
    git(&project, &["remote", "add", "origin", "../remote.git"]).ok();
    commit_and_push(&project).ok();
    project.safemigrate(&["hook", "install"]).ok();

    // refused by its text alone; on the data that is here it is proven
    project.edit_schema("name  String", "name  String @unique");
    let unique = "prisma/migrations/20260301000000_unique/migration.sql";
    let sql = "CREATE UNIQUE INDEX \"Product_name_key\" ON \"Product\"(\"name\");\n";
    project.write(unique, sql);
    commit_and_push(&project).fails().says("refused unique").says("never ran under safemigrate on this machine");
    project.safemigrate(&["dev"]).ok();
    git(&project, &["push", "origin", "HEAD"])
        .ok()
        .says("warning unique")
        .says("It ran here and none of 50 rows lost anything (r-");

    // the next one is edited after it ran
    project.edit_schema("name  String @unique", "name  String? @unique");
    let optional = "prisma/migrations/20260302000000_optional/migration.sql";
    project.write(optional, "ALTER TABLE \"Product\" ALTER COLUMN \"name\" DROP NOT NULL;\n");
    project.safemigrate(&["dev"]).ok();
    project.write(optional, "ALTER TABLE \"Product\" ALTER COLUMN \"name\" DROP NOT NULL;\nTRUNCATE \"Product\";\n");
    commit_and_push(&project).fails().says("refused truncate").says("was edited after it ran");
    project.write(optional, "ALTER TABLE \"Product\" ALTER COLUMN \"name\" DROP NOT NULL;\r\n");
    commit_and_push(&project).ok().never_says("never-ran");

    // what lost data here would lose it elsewhere
    project.edit_schema("price Decimal", "cost Decimal?");
    let rename = "prisma/migrations/20260303000000_rename/migration.sql";
    project.write(rename, "ALTER TABLE \"Product\" DROP COLUMN \"price\",\nADD COLUMN     \"cost\" DECIMAL(65,30);\n");
    let lost = project.safemigrate(&["dev"]).code(3);
    commit_and_push(&project).fails().says("RENAME COLUMN \"price\" TO \"cost\"").says("lost data when it ran here");
    // and what was rolled back is no proof
    let id = lost.stderr.split("safemigrate rollback ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    project.safemigrate(&["rollback", &id, "-y"]).ok();
    git(&project, &["push", "origin", "HEAD"]).fails().says("refused dropped-and-added");
}
