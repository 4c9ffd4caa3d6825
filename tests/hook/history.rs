//! Branches, force pushes, tags, merges, worktrees, shallow clones.

use super::pushes::head;
use super::repository::{INIT, Repository, said};

const DROP: &str = "DROP TABLE \"User\";\n";

fn installed() -> Repository {
    let repository = Repository::new();
    repository.install();
    repository
}

#[test]
fn a_new_branch_brings_only_its_own_commits() {
    let r = Repository::new();
    r.commit_migration("2_old", DROP);
    r.push().ok();
    r.install();
    r.git(&["switch", "-q", "-c", "feature"]).ok();
    r.commit_migration("3_add", "SELECT 1;\n");
    r.push().ok().never_says("2_old").says("3_add");
    r.git(&["switch", "-q", "-c", "second"]).ok();
    r.commit_migration("4_drop", DROP);
    r.push().fails().says("4_drop").never_says("3_add/");
}

#[test]
fn the_first_push_of_all_brings_everything() {
    let r = Repository::empty();
    r.install();
    r.commit_migration("1_init", INIT);
    r.commit_migration("2_drop", DROP);
    r.push().fails().says("2_drop/migration.sql:1  refused dropped-table");
}

#[test]
fn every_branch_of_a_push_is_looked_at() {
    let r = installed();
    r.git(&["switch", "-q", "-c", "good"]).ok();
    r.commit("nothing");
    r.git(&["switch", "-q", "-c", "bad"]).ok();
    r.commit_migration("2_drop", DROP);
    r.git(&["push", "origin", "good", "bad"]).fails().says("2_drop");
    r.git(&["push", "--all", "origin"]).fails().says("2_drop");
}

#[test]
fn a_force_push_must_not_leave_migrations_behind() {
    let r = installed();
    r.commit_migration("2_add", "SELECT 1;\n");
    r.push().ok();
    r.git(&["reset", "-q", "--hard", "HEAD~1"]).ok();
    r.commit("another way");
    r.git(&["push", "--force", "origin", "main"]).fails().says("2_add/migration.sql:1  refused deleted");
    r.commit_migration("2_add", "SELECT 2;\n");
    r.git(&["push", "--force", "origin", "main"]).fails().says("2_add/migration.sql:1  refused edited");
    // back to an older commit, with nothing new at all
    r.git(&["push", "--force", "origin", "HEAD~2:main"]).fails().says("refused deleted");
}

#[test]
fn a_rebased_branch_loses_nothing() {
    let r = installed();
    r.git(&["switch", "-q", "-c", "feature"]).ok();
    r.commit_migration("3_feature", "SELECT 3;\n");
    r.push().ok();
    r.git(&["switch", "-q", "main"]).ok();
    r.commit_migration("2_main", "SELECT 2;\n");
    r.push().ok();
    r.git(&["switch", "-q", "feature"]).ok();
    r.git(&["rebase", "-q", "main"]).ok();
    r.git(&["push", "--force-with-lease", "origin", "feature"]).ok().never_says("refused");
}

#[test]
fn what_a_merge_brings_from_the_remote_is_not_judged_again() {
    let r = Repository::new();
    r.git(&["switch", "-q", "-c", "feature"]).ok();
    r.commit_migration("3_feature", "SELECT 3;\n");
    r.push().ok();
    r.git(&["switch", "-q", "main"]).ok();
    r.commit_migration("2_drop", DROP);
    r.git(&["rm", "-q", "-r", "prisma/migrations/1_init"]).ok();
    r.commit("squashed");
    r.push().ok();
    r.install();
    r.git(&["switch", "-q", "feature"]).ok();
    r.git(&["merge", "-q", "--no-edit", "main"]).ok();
    r.push().ok().never_says("refused");
    // but what the merge itself does is
    r.commit_migration("4_drop", DROP);
    r.push().fails().says("4_drop");
}

#[test]
fn tags_and_deletions() {
    let r = installed();
    r.git(&["tag", "old"]).ok();
    r.commit_migration("2_drop", DROP);
    r.git(&["tag", "-a", "-m", "x", "new"]).ok();
    r.git(&["push", "origin", "old"]).ok();
    r.git(&["push", "origin", "new"]).fails().says("2_drop");
    r.git(&["push", "origin", ":old"]).ok();
    let blob = r.git(&["hash-object", "-w", "package.json"]).text.lines().nth(1).unwrap().to_owned();
    r.git(&["tag", "blob", &blob]).ok();
    r.git(&["push", "origin", "blob"]).ok();
    r.git(&["push", "origin", "old:refs/heads/gone"]).ok();
    r.git(&["push", "origin", "--delete", "gone"]).ok();
}

#[test]
fn a_remote_by_its_address_and_one_that_is_new() {
    let r = Repository::new();
    r.commit_migration("2_old", DROP);
    r.push().ok();
    r.install();
    // what another remote has already is not new
    r.git(&["init", "-q", "--bare", "../mirror.git"]).ok();
    r.git(&["push", "../mirror.git", "main"]).ok().never_says("refused");
    r.commit_migration("3_drop", "TRUNCATE \"User\";\n");
    r.git(&["push", "../mirror.git", "main"]).fails().says("3_drop").never_says("2_old");
}

#[test]
fn a_worktree_has_the_hook_too() {
    let r = installed();
    r.git(&["worktree", "add", "-q", "../second", "-b", "second"]).ok();
    r.write("../second/prisma/migrations/2_drop/migration.sql", DROP);
    let git = |arguments: &[&str]| said(r.command("git").current_dir(r.path("../second")).args(arguments));
    git(&["add", "-A"]).ok();
    git(&["commit", "-q", "-m", "x"]).ok();
    git(&["push", "origin", "second"]).fails().says("2_drop");
}

#[test]
fn a_shallow_clone_knows_enough() {
    let r = Repository::new();
    r.commit_migration("2_old", DROP);
    r.push().ok();
    let remote = format!("file://{}", r.path("../remote.git").display());
    r.git(&["clone", "-q", "--depth", "1", &remote, "../shallow"]).ok();
    let shallow = r.path("../shallow");
    said(r.command(env!("CARGO_BIN_EXE_safemigrate")).current_dir(&shallow).args(["hook", "install"])).ok();
    let git = |arguments: &[&str]| said(r.command("git").current_dir(&shallow).args(arguments));
    std::fs::write(shallow.join("x"), "").unwrap();
    git(&["add", "-A"]).ok();
    git(&["commit", "-q", "-m", "x"]).ok();
    git(&["push", "origin", "main"]).ok().never_says("refused");
    r.write("../shallow/prisma/migrations/3_drop/migration.sql", "TRUNCATE \"User\";\n");
    git(&["add", "-A"]).ok();
    git(&["commit", "-q", "-m", "y"]).ok();
    git(&["push", "origin", "main"]).fails().says("3_drop").never_says("2_old");
}

#[test]
fn a_project_in_a_folder_of_the_repository() {
    let r = Repository::empty();
    r.write("apps/web/package.json", "{\"devDependencies\":{\"prisma\":\"7\"}}\n");
    r.write("apps/web/prisma/migrations/1_init/migration.sql", INIT);
    r.write("apps/api/prisma/migrations/1_drop/migration.sql", DROP);
    r.commit("init");
    r.safemigrate(&["hook", "install", "--project", "apps/web"]).ok();
    assert!(r.read(".git/hooks/pre-push").contains("$PWD/apps/web/node_modules/.bin"));
    r.push().fails().says("apps/api/prisma/migrations/1_drop");
    let line = format!("refs/heads/main {} refs/heads/main {}\n", head(&r), "0".repeat(40));
    r.write("line", line);
    let stdin = std::fs::File::open(r.path("line")).unwrap();
    let arguments = ["hook", "pre-push", "origin", "--project", "apps/web"];
    said(r.command(env!("CARGO_BIN_EXE_safemigrate")).args(arguments).stdin(stdin)).ok().never_says("apps/api");
}
