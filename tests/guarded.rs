//! `deploy`, `push`, `run` and `prisma …` on real Prisma 7 and 6: guarded as `dev` is, and the rest untouched.

#[path = "dev/scenes.rs"]
#[allow(dead_code, unused_imports, reason = "the stories of `dev` use the rest")]
mod scenes;
mod support;

use scenes::{named, product, re_inserted, rolled_back};
use support::{Cluster, Output, Prisma, Project, on_both};

on_both! { deploy_with_and_without_loss push_that_loses prisma_goes_straight_through a_seed_is_guarded its_own_shadow_database }

const DESTROYS: &str = "ALTER TABLE \"Product\" DROP COLUMN price;";

/// What `\d`, `COUNT` and Prisma agree on.
fn rows(cluster: &Cluster) -> String {
    cluster.psql("shop", "SELECT count(*) FROM \"Product\"")
}

fn migration(project: &Project, name: &str, sql: &str) {
    project.write(format!("prisma/migrations/{name}/migration.sql"), sql);
}

fn deploy_with_and_without_loss(prisma: Prisma) {
    let cluster = Cluster::start();
    let mut project = product(prisma, &cluster);
    migration(&project, "20270101000000_note", "ALTER TABLE \"Product\" ADD COLUMN note text;");
    // production is what it is for, and nobody is asked
    project.env("NODE_ENV", "production");
    let (code, said) = project.json(&["deploy"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(said["command"], "deploy");
    assert_eq!(said["migrations_applied"], serde_json::json!(["20270101000000_note"]));
    assert_eq!(said["verification"]["ok"], true);
    project.env_remove("NODE_ENV");

    migration(&project, "20270102000000_drop", DESTROYS);
    let before = cluster.dump("shop");
    let said =
        project.safemigrate(&["prisma", "migrate", "deploy"]).code(3).says("Data was lost by 20270102000000_drop");
    rolled_back(&project, &named(&said.stderr, "safemigrate rollback f-"));
    assert_eq!(cluster.dump("shop"), before);
    // the same, settled at once
    let said = project.safemigrate(&["deploy", "--on-loss", "rollback"]).code(3).says("and is back");
    assert!(!said.stderr.contains("did not succeed"), "{said}");
    assert_eq!(cluster.dump("shop"), before);
}

#[test]
fn without_a_backup_only_where_it_is_typed() {
    let cluster = Cluster::start();
    let mut project = product(Prisma::V6, &cluster);
    project.safemigrate(&["backup"]).ok();
    migration(&project, "20270102000000_drop", DESTROYS);
    let before = cluster.dump("shop");
    // no backup, no migration
    project.env("SAFEMIGRATE_PG_BIN", "/nowhere");
    let said = project.safemigrate(&["deploy"]);
    assert_ne!(said.code, 0, "{said}");
    assert!(said.stderr.contains("othing was changed"), "{said}");
    assert_eq!(cluster.dump("shop"), before);
    // no variable says it
    project.env("SAFEMIGRATE_NO_BACKUP", "1");
    assert_ne!(project.safemigrate(&["deploy"]).code, 0);
    project.env_remove("SAFEMIGRATE_NO_BACKUP");

    let (code, said) = project.json(&["deploy", "--no-backup"]);
    assert_eq!((code, said["verification"].is_null()), (0, true), "{said}");
    assert_eq!((&said["before"], &said["after"]), (&serde_json::json!([]), &serde_json::json!([])));
    project.env_remove("SAFEMIGRATE_PG_BIN");
    project.safemigrate(&["history"]).ok().says("There is no backup (--no-backup)");
    project.safemigrate(&["rollback", "--yes"]).code(10).says("was without a backup").says("safemigrate list");
    project.safemigrate(&["deploy", "--no-backup", "--on-loss", "keep"]).code(2);
    project.safemigrate(&["dev", "--no-backup"]);
    assert_eq!(cluster.psql("shop", "SELECT count(*) FROM _prisma_migrations"), "2");
}

fn push_that_loses(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    project.edit_schema("  price", "  // price");
    let before = cluster.dump("shop");
    let said = project.safemigrate(&["push"]);
    assert_eq!(said.code, 1, "{said}");
    said.says("--accept-data-loss").says("Your data is all there: 50 rows in 1 table");
    assert_eq!(cluster.dump("shop"), before);
    let said = project.safemigrate(&["push", "--accept-data-loss"]).code(3).says("the column is gone");
    rolled_back(&project, &named(&said.stderr, "safemigrate rollback f-"));
    assert_eq!(cluster.dump("shop"), before);
    let said = project.safemigrate(&["prisma", "db", "push", "--force-reset"]).code(3);
    assert_eq!(rows(&cluster), "0");
    re_inserted(&project, &named(&said.stderr, "safemigrate reinsert d-"));
    assert_eq!(rows(&cluster), "50");
}

#[test]
fn any_command_is_guarded() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let psql = cluster.programs.path("psql").display().to_string();
    let url = cluster.url("shop");
    let sql = |text: &str| project.safemigrate(&["run", "--", &psql, "-X", "-q", "-c", text, &url]);
    sql("UPDATE \"Product\" SET name = name").ok().says("The command has ended. Your data is all there: 50 rows");
    let said = sql("DELETE FROM \"Product\" WHERE id <= 7").code(3).says("7 rows are gone");
    re_inserted(&project, &named(&said.stderr, "safemigrate reinsert d-"));
    assert_eq!(rows(&cluster), "50");
    sql("TRUNCATE \"Product\"; SELECT 1/0").code(1).says("Your data is all there: 50 rows");
    project.safemigrate(&["run", "--", "sh", "-c", "exit 42"]).code(42).says("The command ended with exit code 42");
    project.safemigrate(&["run", "--", "/nowhere/at-all"]).code(12).says("/nowhere/at-all is not there");
    project.safemigrate(&["run"]).code(2);
    // a password among its arguments is shown nowhere
    let (_, history) = project.json(&["history"]);
    assert!(!history.to_string().contains("sesame"), "{history}");

    // without any Prisma
    let elsewhere = tempfile::tempdir().unwrap();
    let mut alone = project.safemigrate_command(&["run", "--url", &url, "--store", "store", "--json", "--", "true"]);
    alone.current_dir(elsewhere.path());
    let said: serde_json::Value = serde_json::from_str(&Output::of(&mut alone).ok().stdout).unwrap();
    assert_eq!((&said["command"], &said["prisma_exit_code"]), (&"run".into(), &0.into()), "{said}");

    // Prisma's own ways to run something
    let mut delete = project.safemigrate_command(&["prisma", "db", "execute", "--file", "delete.sql"]);
    project.write("delete.sql", "DELETE FROM \"Product\" WHERE id = 1;");
    Output::of(&mut delete).code(3).says("1 row is gone");
}

fn prisma_goes_straight_through(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    for words in [&["migrate", "status"][..], &["nonsense"], &["migrate", "dev", "--help"]] {
        let (plain, through) = (project.prisma(words), project.safemigrate(&[&["prisma"], words].concat()));
        assert_eq!((plain.code, without_times(&plain)), (through.code, without_times(&through)), "{words:?}");
    }
    assert_eq!(project.json(&["history"]).1["runs"], serde_json::json!([]));
    project.safemigrate(&["prisma", "generate", "--schema", "nowhere.prisma"]).code(1);
    // what destroys is ours, wherever its words stand, and obeys our flags too
    let (code, said) = project.json(&["prisma", "migrate", "--preview-feature", "resolve", "--rolled-back", "x"]);
    assert_ne!(code, 0, "{said}");
    assert_eq!(project.json(&["history"]).1["runs"][0]["command"], "run");
    project.safemigrate(&["prisma", "migrate", "dev"]).ok().says("Nothing to apply. Your data is all there: 50 rows");
}

fn a_seed_is_guarded(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    let psql = cluster.programs.path("psql").display().to_string();
    let sql = "DELETE FROM \"Product\" WHERE id <= 7";
    project.write("seed.sh", &format!("{psql} -X -q -c '{sql}' '{}'\n", cluster.url("shop")));
    let (file, from, to) = match prisma {
        Prisma::V7 => ("prisma.config.ts", "migrations: {", "migrations: { seed: \"sh seed.sh\","),
        Prisma::V6 => ("package.json", "{", "{ \"prisma\": { \"seed\": \"sh seed.sh\" },"),
    };
    project.write(file, &project.read(file).replacen(from, to, 1));
    let said = project.safemigrate(&["prisma", "db", "seed"]).code(3).says("7 rows are gone");
    re_inserted(&project, &named(&said.stderr, "safemigrate reinsert d-"));
    assert_eq!(rows(&cluster), "50");
}

/// Prisma empties it each time; what it leaves there must not make it look like somebody's.
fn its_own_shadow_database(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    cluster.create_db("shadow");
    let (file, from) = match prisma {
        Prisma::V7 => ("prisma.config.ts", "env(\"DATABASE_URL\")"),
        Prisma::V6 => ("prisma/schema.prisma", "env(\"DATABASE_URL\")"),
    };
    let (assign, break_) = if prisma == Prisma::V7 { (":", ",") } else { ("=", "\n ") };
    let to = format!("{from}{break_} shadowDatabaseUrl {assign} \"{}\"", cluster.url("shadow"));
    project.write(file, &project.read(file).replacen(from, &to, 1));
    for field in ["note", "remark"] {
        project.edit_schema("  price", &format!("  {field} String?\n  price"));
        project.safemigrate(&["dev", "--name", field]).ok().says("Your data is all there: 50 rows");
    }
    // Prisma was there: its log-ins are counted
    let visits = "SELECT sessions > 0 FROM pg_stat_database WHERE datname = 'shadow'";
    assert_eq!(cluster.psql("postgres", visits), "t");
}

/// They may migrate; they may not decide that data can go.
#[test]
fn no_agent_and_no_pipeline_resets_before_a_person_has_said_that_it_may() {
    let cluster = Cluster::start();
    let mut project = product(Prisma::V6, &cluster);
    project.env("CLAUDECODE", "1");
    let reset = |project: &Project, says: &str| {
        let before = cluster.dump("shop");
        for words in [&["reset", "--force"][..], &["reset", "--force", "--yes"], &["push", "--force-reset"]] {
            project.safemigrate(words).code(7).says(says).says("--confirm shop@").says("othing was changed");
        }
        assert_eq!(cluster.dump("shop"), before);
    };
    project.edit_schema("  price", "  note String?\n  price");
    project.safemigrate(&["dev", "--name", "note"]).ok().says("Your data is all there: 50 rows");
    reset(&project, "a person has to decide");
    project.env_remove("CLAUDECODE");
    project.env("CI", "true");
    reset(&project, "This seems to be CI (CI is set)");
    project.write("safemigrate.toml", "[guard]\ndevelopment = [\"127.0.0.1\"]\n");
    project.safemigrate(&["reset", "--force"]).ok();
    assert_eq!(rows(&cluster), "0");
}

/// Prisma tells how long it took.
fn without_times(output: &Output) -> String {
    let text = format!("{}{}", output.stdout, output.stderr);
    text.lines().filter(|line| !line.contains(" in ") && !line.contains("ms")).collect::<Vec<_>>().join("\n")
}

#[test]
fn of_a_prisma_that_is_not_known_only_what_does_no_harm() {
    let cluster = Cluster::start();
    let project = product(Prisma::V6, &cluster);
    let modules = project.path("node_modules");
    std::fs::remove_file(&modules).unwrap();
    project.write(
        "node_modules/prisma/package.json",
        r#"{"name":"prisma","version":"8.0.0-rc.1","bin":{"prisma":"x.js"}}"#,
    );
    project.write("node_modules/prisma/x.js", "console.log('eight', ...process.argv.slice(2)); process.exit(5)");
    project.safemigrate(&["prisma", "generate", "--watch"]).code(5).says("eight generate --watch");
    for words in [&["db", "update"][..], &["migration", "plan"], &["db", "push"], &["migrate", "reset"], &["studio"]] {
        let said = project.safemigrate(&[&["prisma"], words].concat()).code(12);
        said.says("Prisma 8.0.0-rc.1 has other migration commands").says("Nothing was changed");
    }
}
