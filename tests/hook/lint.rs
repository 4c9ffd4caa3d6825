//! `lint`, for CI.

use super::repository::{INIT, Repository, said};
use serde_json::{Value, json};

fn project() -> Repository {
    let r = Repository::new();
    r.migration("2_drop", "-- DropColumn\nALTER TABLE \"User\" DROP COLUMN \"name\";\n");
    r
}

#[test]
fn files_folders_and_the_whole_project() {
    let r = project();
    let drop = "prisma/migrations/2_drop/migration.sql:2  refused dropped-column";
    for arguments in [
        &["lint"][..],
        &["lint", "prisma/migrations"],
        &["lint", "prisma/migrations/2_drop"],
        &["lint", "prisma/migrations/2_drop/migration.sql"],
    ] {
        assert_eq!(r.safemigrate(arguments).says(drop).code, 1, "{arguments:?}");
    }
    let init = ["lint", "prisma/migrations/1_init"];
    // on a CI machine, where there is no journal, that nothing is in it says nothing
    r.safemigrate(&init).ok().says("✔ 1 migration read").never_says("unproven");
    std::fs::create_dir(r.path(".safemigrate")).unwrap();
    r.safemigrate(&init).ok().says("unproven");
    std::fs::remove_dir(r.path(".safemigrate")).unwrap();
    assert_eq!(r.safemigrate(&["lint", "nowhere"]).says("There is no nowhere").code, 2);
    assert_eq!(r.safemigrate(&["lint", ".git"]).says("No migration in .git").code, 2);
    // what came before is known: the type of the column, the labels of the enum
    r.migration("2_drop", "ALTER TABLE \"User\" ALTER COLUMN \"id\" SET DATA TYPE BIGINT;\n");
    r.safemigrate(&["lint", "prisma/migrations/2_drop"]).ok().never_says("type-change");
    // a file of any name, outside of a project
    r.write("../alone.sql", INIT);
    said(r.command(env!("CARGO_BIN_EXE_safemigrate")).current_dir(r.path("..")).args(["lint", "alone.sql"])).ok();
}

#[test]
fn json_and_annotations() {
    let r = project();
    let output = r
        .command(env!("CARGO_BIN_EXE_safemigrate"))
        .args(["lint", "--json", "prisma/migrations/2_drop"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&value["command"], &value["ok"], &value["error"]["kind"]),
        (&json!("lint"), &json!(false), &json!("findings"))
    );
    let first = &value["findings"][0];
    assert_eq!(
        (&first["file"], &first["line"], &first["kind"], &first["severity"]),
        (&json!("prisma/migrations/2_drop/migration.sql"), &json!(2), &json!("dropped-column"), &json!("error")),
        "{value:#}"
    );
    assert!(first["message"].is_string() && first["remedy"].as_str().unwrap().contains("accept dropped-column"));
    r.safemigrate(&["lint", "--format", "github"])
        .fails()
        .says("::error file=prisma/migrations/2_drop/migration.sql,line=2,title=safemigrate dropped-column::It drops the column User.name");
}

#[test]
fn since_a_commit_is_what_a_push_would_bring() {
    let r = project();
    r.commit("drop");
    assert_eq!(r.safemigrate(&["lint", "--since", "origin/main"]).says("2_drop").never_says("1_init").code, 1);
    r.safemigrate(&["lint", "--since", "HEAD"]).ok();
    assert_eq!(r.safemigrate(&["lint", "--since", "nothing"]).says("is no commit here").code, 2);
    r.git(&["reset", "-q", "--hard", "HEAD~1"]).ok();
    r.commit_migration("1_init", &format!("{INIT}\n"));
    r.safemigrate(&["lint", "--since", "origin/main"]).fails().says("refused edited");
    assert_eq!(r.safemigrate(&["lint", "--since", "origin/main", "x"]).code, 2);
}

#[test]
fn pre_push_by_hand_says_what_it_is_for() {
    let r = Repository::new();
    let mut command = r.command("script");
    command.args(["-qec", &format!("{} hook pre-push", env!("CARGO_BIN_EXE_safemigrate")), "/dev/null"]);
    if let Ok(output) = command.output() {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("git calls this before a push"), "{text}");
    }
}
