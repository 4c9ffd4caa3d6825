//! The password of a project: in `.env`, in an npm script, in the environment.

use crate::scene::CANARY;
use crate::support::{Cluster, Output, Prisma, Project, Shape};
use crate::{command_lines, tells};
use serde_json::Value;

fn project(prisma: Prisma, cluster: &Cluster) -> Project {
    cluster.psql("postgres", &format!("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '{CANARY}'"));
    let mut project = Project::new(prisma, Shape::Product, cluster, "shop");
    cluster.prepare(&project, "shop");
    cluster.psql("shop", "INSERT INTO \"Product\" (name, price) SELECT 'p' || n, n FROM generate_series(1, 20) n");
    let url = cluster.url_as("boss", CANARY, "shop");
    project.set_url(&url);
    let mut package: Value = serde_json::from_str(&project.read("package.json")).unwrap();
    package["scripts"] = serde_json::json!({ "migrate": format!("DATABASE_URL='{url}' safemigrate dev") });
    project.write("package.json", &package.to_string());
    project.write(".env.production", &format!("DATABASE_URL={}\n", url.replace("127.0.0.1", "db.example.com")));
    let store = project.path(".safemigrate");
    // so that the children can be told
    project.env("SAFEMIGRATE_STORE", store).env("RUST_BACKTRACE", "1");
    project
}

fn the_whole_journey(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = project(prisma, &cluster);
    project.edit_schema("name  String", "title String?");
    let sql = r#"ALTER TABLE "Product" DROP COLUMN "name", ADD COLUMN "title" TEXT;"#;
    project.write("prisma/migrations/20990101000000_rename/migration.sql", sql);
    let mut said: Vec<Output> = Vec::new();
    let seen = command_lines(&project.path(".safemigrate"), || {
        let lost = project.safemigrate(&["dev", "-v", "--json"]).code(3);
        let report: Value = serde_json::from_str(&lost.stdout).unwrap();
        let (full, data) = (report["before"][0].as_str().unwrap(), report["before"][1].as_str().unwrap());
        said.push(lost);
        for arguments in [
            &["reinsert", data, "--yes", "--map", "Product.name=title", "--on-conflict", "fill", "-v"][..],
            &["check", full, "--restore", "-v"],
            &["rollback", full, "--yes", "-v"],
            &["guard", "status", "--json"],
            &["history", "--json"],
            &["status", "-v"],
            &["dev", "--no-such-flag-of-prisma"],
        ] {
            said.push(project.safemigrate(arguments));
        }
    });
    for program in ["safemigrate", "pg_dump", "pg_restore"] {
        assert!(seen.iter().any(|line| line.contains(program)), "{program} was watched: {seen:?}");
    }
    // Prisma hands the address to its own engine by its command line
    let ours = seen.iter().filter(|line| !line.contains("schema-engine"));
    assert_eq!(ours.filter(|line| tells(line)).collect::<Vec<_>>(), Vec::<&String>::new());
    for output in said {
        assert!(!tells(&output.stdout) && !tells(&output.stderr), "{output}");
    }
    for entry in
        walkdir::WalkDir::new(project.path(".safemigrate")).into_iter().flatten().filter(|e| e.file_type().is_file())
    {
        let content = std::fs::read(entry.path()).unwrap();
        let inside = zstd::decode_all(&content[..]).unwrap_or_default();
        for bytes in [&content, &inside] {
            assert!(!tells(&String::from_utf8_lossy(bytes)), "{}", entry.path().display());
        }
    }
}

#[test]
fn prisma_7() {
    the_whole_journey(Prisma::V7);
}

/// Half a minute for what Prisma 7 shows, too.
#[test]
#[ignore = "cargo nextest run --test secrets --run-ignored all"]
fn prisma_6() {
    the_whole_journey(Prisma::V6);
}
