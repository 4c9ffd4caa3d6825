//! Where people keep their hooks.

use super::repository::{Repository, said};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const DROP: &str = "DROP TABLE \"User\";\n";

/// Everything in git's folder of hooks and in the files, with modes.
fn state(r: &Repository) -> Vec<(String, u32, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in walkdir::WalkDir::new(r.path("")).sort_by_file_name().into_iter().flatten() {
        let name = entry.path().strip_prefix(r.path("")).unwrap().display().to_string();
        let inside = !name.starts_with(".git/") || name.starts_with(".git/hooks/");
        if entry.file_type().is_file() && inside {
            all.push((name, entry.metadata().unwrap().permissions().mode(), fs::read(entry.path()).unwrap()));
        }
    }
    all
}

/// `--dry-run` changes nothing, twice is once, and what comes out is what was there to the byte.
fn comes_and_goes(r: &Repository) {
    let before = state(r);
    r.safemigrate(&["hook", "install", "--dry-run"]).ok().says("Nothing was changed (--dry-run)");
    assert!(state(r) == before);
    r.install().says("From now on every `git push` is looked at first");
    let with = state(r);
    assert!(with != before);
    r.install().says("the hook is there already");
    assert!(state(r) == with);
    r.safemigrate(&["hook", "uninstall", "--dry-run"]).ok();
    assert!(state(r) == with);
    r.safemigrate(&["hook", "uninstall"]).ok().says("what was there before is as it was");
    assert!(
        state(r) == before,
        "{:#?}",
        state(r).iter().map(|(name, mode, _)| format!("{name} {mode:o}")).collect::<Vec<_>>()
    );
    r.safemigrate(&["hook", "uninstall"]).ok().says("there is no hook of ours");
    r.install();
}

/// Writes what it was told, and lets pass unless there is a file `no`.
const WITNESS: &str =
    "#!/bin/sh\necho \"$@\" > witness\ncat >> witness\n[ ! -e no ] || { echo 'the old hook says no' >&2; exit 7; }\n";

fn both_are_asked(r: &Repository, arguments: &str) {
    r.commit("nothing");
    r.push().ok();
    let told = r.read("witness");
    assert!(told.starts_with(arguments), "{told}");
    assert!(told.contains("refs/heads/main"), "{told}");
    r.write("no", "");
    r.git(&["commit", "-q", "--allow-empty", "-m", "x"]).ok();
    r.push().fails().says("the old hook says no");
    fs::remove_file(r.path("no")).unwrap();
    r.commit_migration("2_drop", DROP);
    r.push().fails().says("dropped-table");
}

#[test]
fn plain_git() {
    let r = Repository::new();
    comes_and_goes(&r);
    r.commit_migration("2_drop", DROP);
    r.push().fails().says("dropped-table");
}

#[test]
fn plain_git_with_a_hook_of_the_users() {
    let r = Repository::new();
    r.hook(".git/hooks/pre-push", WITNESS);
    comes_and_goes(&r);
    both_are_asked(&r, "origin ../remote.git");
}

#[test]
fn a_hook_that_is_no_shell_script() {
    let r = Repository::new();
    let interpreter = Command::new("perl").arg("-v").output().is_ok_and(|o| o.status.success());
    if interpreter {
        r.hook(".git/hooks/pre-push", "#!/usr/bin/env perl\nopen(F, '>', 'witness'); print F \"@ARGV\\n\"; print F <STDIN>; close F; if (-e 'no') { print STDERR 'the old hook says no'; exit 7 }\n");
        comes_and_goes(&r);
        both_are_asked(&r, "origin ../remote.git");
    }
    // a program is moved and called like any other
    let r = Repository::new();
    fs::create_dir_all(r.path(".git/hooks")).unwrap();
    fs::copy("/bin/true", r.path(".git/hooks/pre-push")).unwrap();
    comes_and_goes(&r);
    r.commit("x");
    r.push().ok();
}

#[test]
fn hooks_in_a_folder_of_the_repository() {
    let r = Repository::new();
    r.git(&["config", "core.hooksPath", ".githooks"]).ok();
    r.hook(".githooks/pre-push", WITNESS);
    comes_and_goes(&r);
    both_are_asked(&r, "origin ../remote.git");
}

#[test]
fn hooks_that_other_repositories_have_too_are_left_alone() {
    let r = Repository::new();
    fs::create_dir(r.path("../all-hooks")).unwrap();
    let everywhere = r.path("../all-hooks").canonicalize().unwrap();
    r.git(&["config", "core.hooksPath", everywhere.to_str().unwrap()]).ok();
    r.safemigrate(&["hook", "install"]).fails().says("other repositories use too").says("Nothing was changed");
    assert!(fs::read_dir(everywhere).unwrap().next().is_none());
}

/// husky 9: git runs `.husky/_/NAME`, which runs the user's `.husky/NAME` with `sh -e`.
fn husky(r: &Repository) {
    r.git(&["config", "core.hooksPath", ".husky/_"]).ok();
    let runner = "#!/usr/bin/env sh\nn=$(basename \"$0\")\ns=$(dirname \"$(dirname \"$0\")\")/$n\n[ ! -f \"$s\" ] && exit 0\nsh -e \"$s\" \"$@\"\n";
    r.hook(".husky/_/pre-push", runner);
}

#[test]
fn husky_with_and_without_a_script() {
    let r = Repository::new();
    husky(&r);
    comes_and_goes(&r);
    r.commit_migration("2_drop", DROP);
    r.push().fails().says("dropped-table");
    let r = Repository::new();
    husky(&r);
    r.write(".husky/pre-push", WITNESS.trim_start_matches("#!/bin/sh\n"));
    comes_and_goes(&r);
    both_are_asked(&r, "origin ../remote.git");
}

#[test]
fn lefthook_and_pre_commit_files_come_back_to_the_byte() {
    for (name, text) in [
        ("lefthook.yml", "pre-push:\n  commands:\n    test:\n      run: npm test\n"),
        ("lefthook.yml", "# nothing yet"),
        (".pre-commit-config.yaml", "repos:\n  - repo: local\n    hooks: []\n"),
    ] {
        let r = Repository::new();
        r.write(name, text);
        comes_and_goes(&r);
        assert!(r.read(name).contains("safemigrate hook pre-push"));
    }
    let r = Repository::new();
    r.write("lefthook.yml", "pre-push: {commands: {test: {run: npm test}}}\n");
    r.safemigrate(&["hook", "install"]).fails().says("only you can change").says("safemigrate hook pre-push");
}

/// pre-commit gives a hook no input, but variables.
#[test]
fn pre_commit_tells_in_variables() {
    let r = Repository::new();
    let before = super::pushes::head(&r);
    r.commit_migration("2_drop", DROP);
    let mut hook = r.command(env!("CARGO_BIN_EXE_safemigrate"));
    hook.args(["hook", "pre-push"])
        .env("PRE_COMMIT_FROM_REF", before)
        .env("PRE_COMMIT_TO_REF", super::pushes::head(&r));
    hook.env("PRE_COMMIT_REMOTE_NAME", "origin").env("PRE_COMMIT_REMOTE_BRANCH", "refs/heads/main");
    said(&mut hook).fails().says("dropped-table");
    // what git says itself is worth more
    r.write("line", format!("refs/heads/main {} refs/heads/main {}\n", super::pushes::head(&r), "0".repeat(40)));
    let stdin = fs::File::open(r.path("line")).unwrap();
    said(
        r.command(env!("CARGO_BIN_EXE_safemigrate"))
            .args(["hook", "pre-push", "origin"])
            .stdin(stdin)
            .env("PRE_COMMIT_TO_REF", "HEAD~1"),
    )
    .fails()
    .says("dropped-table");
}

/// The real ones, from npm and PyPI: `cargo nextest run --test hook --run-ignored all the_real`.
#[test]
#[ignore = "installs husky, lefthook and pre-commit from their registries"]
fn the_real_managers() {
    let shell = |r: &Repository, line: &str| said(r.command("sh").args(["-c", line])).ok();
    for (install, set_up) in [
        (
            "npm init -y && npm install --no-audit --no-fund husky",
            "npx husky && echo 'cat > witness' > .husky/pre-push",
        ),
        (
            "npm init -y && npm install --no-audit --no-fund lefthook",
            "printf 'pre-push:\\n  commands:\\n    w:\\n      run: cat > witness\\n      use_stdin: true\\n' > lefthook.yml && npx lefthook install",
        ),
        (
            "python3 -m venv ../venv && ../venv/bin/pip install -q pre-commit",
            "printf 'repos:\\n- repo: local\\n  hooks:\\n  - id: w\\n    name: w\\n    entry: touch witness\\n    language: system\\n    stages: [pre-push]\\n    always_run: true\\n' > .pre-commit-config.yaml && ../venv/bin/pre-commit install --hook-type pre-push",
        ),
    ] {
        let r = Repository::new();
        shell(&r, install);
        shell(&r, set_up);
        r.write(".gitignore", "node_modules\nwitness\n");
        r.git(&["add", "."]).ok();
        comes_and_goes(&r);
        r.git(&["add", "."]).ok();
        r.git(&["commit", "-q", "-m", "set up"]).ok();
        r.push().ok();
        assert!(r.path("witness").exists(), "{install}: the user's hook did not run");
        r.migration("2_drop", DROP);
        r.git(&["add", "."]).ok();
        r.git(&["commit", "-q", "-m", "drop"]).ok();
        r.push().fails().says("dropped-table");
    }
}
