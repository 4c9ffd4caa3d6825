//! What is pushed.

use super::repository::{INIT, Repository, said};

const DROP: &str = "ALTER TABLE \"User\" DROP COLUMN \"name\";\n";

fn installed() -> Repository {
    let repository = Repository::new();
    repository.install();
    repository
}

#[test]
fn a_push_that_destroys_nothing_goes_through_and_says_what_never_ran() {
    let r = installed();
    r.commit_migration("2_add", "ALTER TABLE \"User\" ADD COLUMN \"age\" INTEGER;\n");
    r.push().ok().says("prisma/migrations/2_add/migration.sql:1  warning unproven").says("safemigrate dev");
    r.commit("nothing");
    r.push().ok().never_says("warning");
}

#[test]
fn what_destroys_is_refused_with_file_line_reason_and_remedy() {
    let r = installed();
    r.commit_migration("2_drop", &format!("-- AlterTable\n{DROP}"));
    r.push()
        .fails()
        .says("prisma/migrations/2_drop/migration.sql:2  refused dropped-column")
        .says("all its values are gone")
        .says("-- safemigrate: accept dropped-column REASON")
        .says("git push --no-verify");
    r.git(&["ls-remote", "origin", "main"]).ok().never_says(r.git(&["rev-parse", "HEAD"]).text.lines().nth(1).unwrap());
    r.commit_migration(
        "2_drop",
        &format!("-- AlterTable\n-- safemigrate: accept dropped-column empty for a year\n{DROP}"),
    );
    r.push().ok().never_says("dropped-column");
}

#[test]
fn a_renamed_field_gets_the_statement_that_keeps_its_values() {
    let r = installed();
    r.commit_migration("2_rename", "ALTER TABLE \"User\" DROP COLUMN \"name\",\nADD COLUMN     \"fullName\" TEXT;\n");
    r.push().fails().says("dropped-and-added").says("ALTER TABLE \"User\" RENAME COLUMN \"name\" TO \"fullName\";");
    r.commit_migration("2_rename", "ALTER TABLE \"User\" RENAME COLUMN \"name\" TO \"fullName\";\n");
    r.push().ok();
}

#[test]
fn migrations_of_the_remote_stay_as_they_are() {
    let r = installed();
    r.commit_migration("1_init", &format!("{INIT}-- a comment\n"));
    r.push().fails().says("1_init/migration.sql:1  refused edited").says("git checkout ");
    r.commit_migration("1_init", &format!("-- safemigrate: accept edited nobody has it yet\n{INIT}"));
    r.push().ok();

    let r = installed();
    r.git(&["mv", "prisma/migrations/1_init", "prisma/migrations/0_init"]).ok();
    r.commit("renamed");
    r.push().fails().says("0_init/migration.sql:1  refused renamed").says("as prisma/migrations/1_init/migration.sql");

    let r = installed();
    r.git(&["rm", "-q", "-r", "prisma/migrations/1_init"]).ok();
    r.commit("deleted");
    r.push().fails().says("1_init/migration.sql:1  refused deleted").says("git checkout ");
}

#[test]
fn a_project_that_moves_takes_its_migrations_along() {
    let r = installed();
    r.write("apps/.keep", "");
    r.git(&["mv", "prisma", "apps/prisma"]).ok();
    r.commit("moved");
    r.push().ok().never_says("refused");
}

#[test]
fn what_is_in_the_way_of_secrets() {
    for (file, content, kind) in [
        (".env", "DATABASE_URL=\"postgresql://me:secret@db.example.com/shop\"\n", "password"),
        ("backup.bin", "PGDMP\u{1}\u{e}", "dump"),
        ("all.sql", "--\n-- PostgreSQL database dump\n--\nCOPY public.a (b) FROM stdin;\n1\n\\.\n", "dump"),
        (".safemigrate/backups/f-1.json", "{}", "backup"),
    ] {
        let r = installed();
        r.write(file, content);
        r.commit("oops");
        // taken out by the next commit, it is in the first one all the same
        r.git(&["rm", "-q", file]).ok();
        r.commit("out again");
        r.push().fails().says(&format!("{file}:1  refused {kind}")).says("git rm --cached").never_says("secret@");
        r.git(&["reset", "-q", "--hard", "HEAD~2"]).ok();
        r.push().ok();
    }
    let r = installed();
    r.write(".env.example", "DATABASE_URL=\"postgresql://me:password@localhost/shop\"\n");
    r.write("structure.sql", "--\n-- PostgreSQL database dump\n--\nCREATE TABLE a (b int);\n");
    r.commit("fine");
    r.push().ok().never_says("refused");
}

#[test]
fn a_schema_without_a_migration_and_bare_resets_are_warnings() {
    let r = installed();
    r.write("prisma/schema.prisma", "model User {\n  id   Int @id\n  name String?\n}\n");
    r.write("package.json", "{\n  \"scripts\": {\n    \"fresh\": \"npx prisma migrate reset --force\"\n  }\n}\n");
    r.commit("schema");
    r.push()
        .ok()
        .says("prisma/schema.prisma:1  warning schema-without-migration")
        .says("package.json:3  warning bare-reset");
    r.write("prisma/schema.prisma", "// the users\nmodel User {\n  id Int @id\n\n  name String?\n}\n");
    r.commit("comments");
    r.push().ok().never_says("schema-without");
}

#[test]
fn odd_files_are_read_or_a_warning() {
    let r = installed();
    r.commit_migration("2_windows", "-- DropTable\r\n\r\nDROP TABLE \"User\";\r\n");
    r.push().fails().says("2_windows/migration.sql:3  refused dropped-table");
    r.git(&["reset", "-q", "--hard", "HEAD~1"]).ok();
    r.commit_migration("2_broken", "CREATE FUNKTION x;\n");
    r.push().ok().says("warning unreadable");
    r.commit_migration("3 with 'quotes\" and\nlines", "TRUNCATE \"User\";\n");
    r.push().fails().says("refused truncate").says("3 with 'quotes\" and\n");
    r.git(&["reset", "-q", "--hard", "HEAD~1"]).ok();
    r.write("lite/migrations/migration_lock.toml", "provider = \"sqlite\"\n");
    r.write("lite/migrations/1_a/migration.sql", "DROP TABLE x;\n");
    r.commit("sqlite");
    r.push().ok().never_says("dropped-table");
}

#[test]
fn a_program_that_is_missing_stops_the_push_and_says_how_to_go_on() {
    let r = installed();
    r.commit_migration("2_drop", DROP);
    // as where a teammate has not installed it: the hook's own folder is not there either
    let hook = r.read(".git/hooks/pre-push");
    let ours = std::path::Path::new(env!("CARGO_BIN_EXE_safemigrate")).parent().unwrap();
    r.hook(".git/hooks/pre-push", &hook.replace(&format!(":{}", ours.display()), ""));
    let path = std::env::var("PATH").unwrap();
    said(r.command("git").args(["push", "origin", "HEAD"]).env("PATH", &path))
        .fails()
        .says("npm install --save-dev safemigrate")
        .says("git push --no-verify");
    // in the project it is found
    std::fs::create_dir_all(r.path("node_modules/.bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_safemigrate"), r.path("node_modules/.bin/safemigrate")).unwrap();
    said(r.command("git").args(["push", "origin", "HEAD"]).env("PATH", &path)).fails().says("dropped-column");
    r.git(&["push", "--no-verify", "origin", "HEAD"]).ok();
}

/// Of one commit with 200 migrations, and of one more on top: the figure stands in the briefing, this is far above it.
#[test]
fn two_hundred_migrations_take_no_time() {
    let r = Repository::empty();
    r.install();
    for number in 0..200 {
        let sql = format!(
            "CREATE TABLE \"T{number}\" (\"id\" SERIAL NOT NULL, \"name\" TEXT);\nCREATE INDEX i{number} ON \"T{number}\" (name);\n"
        );
        r.migration(&format!("{number:04}_make"), &sql);
    }
    r.commit("all");
    let line = format!("refs/heads/main {} refs/heads/main {}\n", head(&r), "0".repeat(40));
    r.write("line", line);
    let begun = std::time::Instant::now();
    let stdin = std::fs::File::open(r.path("line")).unwrap();
    let checked =
        said(r.command(env!("CARGO_BIN_EXE_safemigrate")).args(["hook", "pre-push", "origin"]).stdin(stdin)).ok();
    let took = begun.elapsed();
    checked.says("200 new migrations read");
    println!("200 migrations: {took:?}");
    assert!(took < std::time::Duration::from_secs(15), "{took:?}");
}

pub fn head(r: &Repository) -> String {
    r.git(&["rev-parse", "HEAD"]).ok().text.lines().nth(1).unwrap().to_owned()
}
