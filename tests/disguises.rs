//! Production in twenty disguises: each way to destroy it is refused, and nothing of it changes.

mod support;

use std::collections::BTreeMap;
use support::{Cluster, Output, PASSWORD, Prisma, Project, Proxy, Shape};

const MARK: &str = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop'";

/// A production database, marked and registered, with a backup of each kind; and one for development beside it.
struct Stage {
    cluster: Cluster,
    project: Project,
    full: String,
    data: String,
    identity: String,
}

impl Stage {
    fn new(prisma: Prisma) -> Stage {
        let cluster = Cluster::start();
        let project = Project::new(prisma, Shape::Product, &cluster, "shop");
        cluster.prepare(&project, "shop");
        cluster.psql("postgres", "CREATE DATABASE play TEMPLATE shop");
        let (code, taken) = project.json(&["backup"]);
        assert_eq!(code, 0, "{taken}");
        project.safemigrate(&["guard", "mark"]).ok().says("Registered as shop@");
        let id = |at: usize| taken["backups"][at]["id"].as_str().unwrap().to_owned();
        let identity = project.json(&["guard", "status"]).1["identity"].as_str().unwrap().to_owned();
        Stage { full: id(0), data: id(1), identity, cluster, project }
    }

    fn ways(&self) -> [Vec<&str>; 4] {
        [
            vec!["reset", "--force"],
            vec!["push", "--force-reset"],
            vec!["rollback", &self.full, "--yes"],
            vec!["reinsert", &self.data, "--on-conflict", "replace", "--yes"],
        ]
    }

    /// Refused however it is tried, with the code for it, and the database is what it was.
    #[track_caller]
    fn refused(&self, disguise: &str, database: &str) {
        self.refused_with(disguise, database, &[], &[4, 7]);
    }

    #[track_caller]
    fn refused_with(&self, disguise: &str, database: &str, more: &[&str], codes: &[i32]) {
        let before = self.cluster.dump(database);
        for way in self.ways() {
            let output: Output = self.project.safemigrate(&[&way[..], more].concat());
            assert!(codes.contains(&output.code), "{disguise}: {output}");
            assert!(output.stderr.contains("othing was changed"), "{disguise}: {output}");
        }
        assert_eq!(self.cluster.dump(database), before, "{disguise}");
    }

    fn set(&mut self, variables: &BTreeMap<&str, String>) {
        variables.iter().for_each(|(name, value)| _ = self.project.env(name, value));
    }

    fn unset(&mut self, variables: &BTreeMap<&str, String>) {
        variables.keys().for_each(|name| _ = self.project.env_remove(name));
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[test]
fn other_ways_to_the_same_server() {
    let stage = Stage::new(Prisma::V6);
    let url = stage.cluster.url("shop");
    let port = stage.cluster.port.to_string();
    let tunnel = Proxy::before(&stage.cluster);
    let through = url.replace(&port, &tunnel.port.to_string());
    stage.cluster.psql("shop", &format!("CREATE ROLE other SUPERUSER LOGIN PASSWORD '{PASSWORD}'"));
    for (disguise, url) in [
        ("a tunnel on localhost", through.clone()),
        ("a pooler that holds sessions", format!("{through}?connection_limit=1&pool_timeout=0")),
        ("another name for the host", url.replace("127.0.0.1", "localhost")),
        ("a socket", stage.cluster.socket_url("shop")),
        ("IPv6", url.replace("127.0.0.1", "[::ffff:127.0.0.1]")),
        ("another role", stage.cluster.url_as("other", PASSWORD, "shop")),
    ] {
        stage.project.set_url(&url);
        stage.refused(disguise, "shop");
    }
    stage.project.set_url(&format!("{through}?pgbouncer=true"));
    stage.refused_with("a pooler that holds no sessions", "shop", &[], &[1, 2]);
    let several = url.replace("127.0.0.1", &format!("127.0.0.1:{port},127.0.0.1"));
    stage.project.set_url(&several);
    stage.refused_with("several hosts", "shop", &[], &[1, 2]);
}

#[test]
fn it_was_renamed_copied_unmarked_or_replaced() {
    let stage = Stage::new(Prisma::V6);
    let toml = stage.project.read("safemigrate.toml");
    let mark = stage.cluster.psql("postgres", MARK);

    stage.cluster.psql("postgres", "COMMENT ON DATABASE shop IS NULL");
    stage.refused("the mark was removed", "shop");
    stage.cluster.psql("postgres", "ALTER DATABASE shop RENAME TO play2");
    stage.project.set_url(&stage.cluster.url("play2"));
    stage.refused("it was renamed, and the mark removed", "play2");
    stage.cluster.psql("postgres", &format!("COMMENT ON DATABASE play2 IS {}", literal(mark.trim())));
    std::fs::remove_file(stage.project.path("safemigrate.toml")).unwrap();
    stage.refused("it was renamed, and the registry is missing", "play2");
    stage.cluster.psql("postgres", "ALTER DATABASE play2 RENAME TO shop");
    stage.project.set_url(&stage.cluster.url("shop"));
    stage.refused("the registry is missing", "shop");

    stage.cluster.psql("postgres", "CREATE DATABASE copy TEMPLATE shop");
    stage.cluster.psql("postgres", &format!("COMMENT ON DATABASE copy IS {}", literal(mark.trim())));
    stage.project.set_url(&stage.cluster.url("copy"));
    stage.refused("a copy that was restored elsewhere", "copy");
    stage.cluster.psql("postgres", "COMMENT ON DATABASE copy IS NULL");
    stage.project.write("safemigrate.toml", &toml);
    stage.refused("a copy beside it", "copy");

    stage.project.set_url(&stage.cluster.url("shop"));
    let swapped = ["rollback", &stage.full, "--yes", "--strategy", "swap", "--confirm", &stage.identity];
    stage.project.safemigrate(&swapped).ok();
    stage.refused("it has just been swapped by ourselves", "shop");
    stage.cluster.psql("postgres", "COMMENT ON DATABASE shop IS NULL");
    stage.refused("it has been swapped and the mark removed", "shop");
}

#[test]
fn the_project_says_otherwise() {
    let mut stage = Stage::new(Prisma::V6);
    let (shop, play) = (stage.cluster.url("shop"), stage.cluster.url("play"));
    let schema = stage.project.read("prisma/schema.prisma");
    let of_environment = "url      = env(\"DATABASE_URL\")";
    stage.project.set_url(&play);
    let direct = schema.replace(of_environment, &format!("{of_environment}\n  directUrl = \"{shop}\""));
    assert_ne!(direct, schema);
    stage.project.write("prisma/schema.prisma", &direct);
    stage.refused("directUrl", "shop");
    let shadow = schema.replace(of_environment, &format!("{of_environment}\n  shadowDatabaseUrl = \"{shop}\""));
    stage.project.write("prisma/schema.prisma", &shadow);
    stage.refused("the shadow database", "shop");
    stage.project.write("prisma/schema.prisma", &schema.replace("env(\"DATABASE_URL\")", &format!("\"{shop}\"")));
    stage.refused("written out in the schema", "shop");
    stage.project.write("prisma/schema.prisma", &schema);

    let variables = |list: &[(&'static str, &str)]| list.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
    let agent = [
        ("CLAUDECODE", "1"),
        ("SAFEMIGRATE_YES", "1"),
        ("SAFEMIGRATE_CONFIRM", &stage.identity.clone()),
        ("PRISMA_USER_CONSENT_FOR_DANGEROUS_AI_ACTION", "yes, reset it"),
    ];
    for (disguise, list, file) in [
        ("the environment beats the .env", &[("DATABASE_URL", shop.as_str())][..], &play),
        ("a stray PGHOST", &[("PGHOST", "dev.example.com"), ("PGDATABASE", "play")], &shop),
        ("an agent that has set everything", &agent, &shop),
        ("NODE_ENV says development", &[("NODE_ENV", "development"), ("APP_ENV", "test")], &shop),
    ] {
        let list = variables(list);
        stage.project.set_url(file);
        stage.set(&list);
        stage.refused(disguise, "shop");
        stage.unset(&list);
    }
    stage.project.set_url(&shop);
    let toml = stage.project.read("safemigrate.toml");
    stage.project.write("safemigrate.toml", &format!("[guard]\ndevelopment = [\"*\"]\n{toml}"));
    stage.refused("all hosts are listed as development", "shop");
    stage.project.write("safemigrate.toml", &toml);
    let claims = r#"{"format":1,"development":[{"database":{"database":"shop"},"host":"localhost","despite":["mark"],"said_at":"2026-01-01T00:00:00Z"}]}"#;
    stage.project.write("../home/.config/safemigrate/databases.json", claims);
    stage.refused("somebody has claimed it", "shop");
}

#[test]
fn prisma_7_is_told_elsewhere() {
    let stage = Stage::new(Prisma::V7);
    let (shop, play) = (stage.cluster.url("shop"), stage.cluster.url("play"));
    stage.project.set_url(&play);
    let config = stage.project.read("prisma.config.ts");
    stage.project.write("prisma.config.ts", &config.replace("env(\"DATABASE_URL\")", &format!("\"{shop}\"")));
    stage.refused("written out in prisma.config.ts", "shop");
    let shadow = format!("env(\"DATABASE_URL\"), shadowDatabaseUrl: \"{shop}\"");
    stage.project.write("prisma.config.ts", &config.replace("env(\"DATABASE_URL\")", &shadow));
    stage.refused("the shadow database", "shop");
    stage.project.write("prisma.config.ts", &config);
    // this Prisma cannot be told on all of them, which is wrong usage
    stage.refused_with("--url", "shop", &["--url", &shop], &[4, 7, 2]);
}
