//! What the stories have in common: a project of its own, and what two verifications agree on.

use crate::support::{Cluster, Prisma, Project, Shape};
use serde_json::Value;

/// The end of the question that Prisma asks where data would be lost.
pub const SURE: &str = "Are you sure you want to create";

/// A project with one migration, applied, and the rows of `seed`.
pub fn project(prisma: Prisma, cluster: &Cluster, models: &str, sql: &str, seed: &str) -> Project {
    let project = Project::new(prisma, Shape::Product, cluster, "shop");
    let first = project.migrations().pop().unwrap();
    project.write(format!("prisma/migrations/{first}/migration.sql"), sql);
    set_models(&project, models);
    cluster.prepare(&project, "shop");
    cluster.psql("shop", seed);
    project
}

/// What stands behind the header of the schema.
pub fn set_models(project: &Project, models: &str) {
    let schema = project.read("prisma/schema.prisma");
    let header = std::fs::read_to_string(project.prisma.installation().join("datasource.prisma")).unwrap();
    assert!(schema.starts_with(&header));
    project.write("prisma/schema.prisma", &format!("{header}\n{models}"));
}

/// The tables of a verification, without Prisma's own.
pub fn tables(verification: &Value) -> Vec<Value> {
    let tables = verification["tables"].as_array().unwrap_or_else(|| panic!("no verification: {verification}"));
    tables.iter().filter(|table| table["table"] != "public._prisma_migrations").cloned().collect()
}

/// What is gone or others, as `table: verdict` and `table.column: verdict`.
pub fn lost(verification: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    for table in tables(verification) {
        let name = table["table"].as_str().unwrap().trim_start_matches("public.");
        if ["lost-rows", "dropped"].iter().any(|verdict| table["verdict"] == *verdict) {
            lost.push(format!("{name}: {}", table["verdict"].as_str().unwrap()));
            continue;
        }
        for column in table["columns"].as_array().unwrap() {
            if ["lost-values", "dropped", "changed"].iter().any(|verdict| column["verdict"] == *verdict) {
                let verdict = column["verdict"].as_str().unwrap();
                lost.push(format!("{name}.{}: {verdict}", column["column"].as_str().unwrap()));
            }
        }
    }
    lost.sort();
    lost
}

/// The statements of a rehearsal, each with its failure.
pub fn statements(rehearsal: &Value) -> Vec<Value> {
    let scripts = rehearsal["scripts"].as_array().unwrap();
    scripts.iter().flat_map(|script| script["statements"].as_array().unwrap().clone()).collect()
}

/// Databases of the server that are none of its own.
pub fn databases(cluster: &Cluster) -> String {
    cluster
        .psql("postgres", "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate")
}

/// All files of a folder and what is in them.
pub fn files(project: &Project) -> Vec<(String, Vec<u8>)> {
    let all = walkdir::WalkDir::new(project.path("prisma")).sort_by_file_name().into_iter().flatten();
    let files = all.filter(|entry| entry.file_type().is_file());
    files.map(|f| (f.path().display().to_string(), std::fs::read(f.path()).unwrap())).collect()
}

/// Prisma writes the migration and does not apply it; what it said on the way.
pub fn drafted(project: &Project, name: &str) -> String {
    let mut terminal = project.prisma_terminal(&["migrate", "dev", "--create-only", "--name", name]);
    if terminal.expect_any(&[SURE, "created the following migration", "Prisma Migrate created"]).0 == 0 {
        terminal.send("y");
    }
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    terminal.transcript()
}
