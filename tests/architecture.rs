//! The rooms and arrows of `docs/architecture.md`, held against `src/`. Each rule is also shown to fail.

#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use rules::{ARROWS, File, arrows, drawers, length, printing, processes, pure_domain, sql};
use source::{paths, tokens};
use std::path::Path;

/// Holds a rule against every file and names all lines that break it.
#[track_caller]
fn holds(rule: fn(&File) -> Vec<String>) {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    let mut files = 0;
    for entry in walkdir::WalkDir::new(&src).follow_links(true).sort_by_file_name() {
        let entry = entry.expect("src/ can be read");
        if entry.path().extension().is_some_and(|e| e == "rs") {
            let name = entry.path().strip_prefix(&src).expect("below src/").to_string_lossy().replace('\\', "/");
            let text = std::fs::read_to_string(entry.path()).expect("a source file can be read");
            faults.extend(rule(&File::new(&name, &text)));
            files += 1;
        }
    }
    assert!(files > 10, "only {files} files below {}", src.display());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_arrow_points_back() {
    holds(arrows);
}

#[test]
fn only_ui_prints() {
    holds(printing);
}

#[test]
fn only_postgres_speaks_to_a_server() {
    holds(sql);
}

#[test]
fn children_are_made_in_postgres_tools_and_prisma_only() {
    holds(processes);
}

#[test]
fn domain_touches_nothing_outside() {
    holds(pure_domain);
}

#[test]
fn no_file_is_a_drawer() {
    holds(drawers);
}

#[test]
fn no_file_is_longer_than_400_lines() {
    holds(length);
}

#[test]
fn the_arrows_make_no_circle() {
    let uses = |room: &str| {
        let row = ARROWS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is missing"));
        // `postgres::url` is a value: an arrow to it is none to the room
        row.1.iter().filter(|place| !place.contains("::"))
    };
    for (room, _) in ARROWS {
        let mut behind: Vec<&str> = uses(room).copied().collect();
        let mut at = 0;
        while let Some(next) = behind.get(at).copied() {
            assert_ne!(next, room, "{room} leads back to itself: {behind:?}");
            behind.extend(uses(next).copied().filter(|r| !behind.contains(r)).collect::<Vec<_>>());
            at += 1;
        }
    }
}

/// What a rule says about one small file.
fn says(rule: fn(&File) -> Vec<String>, name: &str, text: &str) -> String {
    rule(&File::new(name, text)).join("\n")
}

#[test]
fn an_arrow_back_is_found_however_it_is_written() {
    let fault = says(arrows, "store/files.rs", "use std::fs;\nuse crate::postgres::copy::x;\n");
    insta::assert_snapshot!(fault, @"src/store/files.rs:2: store uses crate::postgres::copy::x, but it may use only: domain");
    for (name, text) in [
        ("domain/x.rs", "use crate::ui::Style;"),
        ("domain/x.rs", "use crate::fault;"),
        ("ui/x.rs", "use crate::fault;"),
        ("fault/points.rs", "use crate::store::Store;"),
        ("domain/x.rs", "fn f() { crate::store::open() }"),
        ("domain/x.rs", "use crate::{domain::names, operations::{a, b}};"),
        ("domain/x.rs", "use super::super::postgres::url;"),
        ("domain/mod.rs", "use super::prisma;"),
        ("domain/x.rs", "mod inner { use super::super::super::store::y; }"),
        ("domain/deep/x.rs", "pub use super::super::super::store;"),
        ("prisma/x.rs", "use crate::postgres::copy;"),
        ("prisma/x.rs", "use crate::postgres::{url, copy};"),
        ("prisma/x.rs", "use crate::postgres;"),
        ("prisma/x.rs", "use crate::store::Store;"),
        ("postgres/x.rs", "use crate::prisma::project;"),
        ("store/x.rs", "use crate::prisma::*;"),
        ("store/x.rs", "use crate::prisma::{*};"),
        ("store/x.rs", "use crate :: operations\n  ::x;"),
        ("operations/x.rs", "use crate::commands::dev;"),
        ("operations/x.rs", "use crate::ui::Ui;"),
        ("ui/x.rs", "use crate::operations::x;"),
        ("ui/x.rs", "use crate::cli::Globals;"),
        ("cli/x.rs", "use crate::commands::dev;"),
        ("commands/x.rs", "use crate::web::page;"),
        ("error.rs", "use crate::domain::names;"),
        ("attic/x.rs", "fn f() {}"),
    ] {
        assert_ne!(says(arrows, name, text), "", "{name}: {text}");
    }
}

#[test]
fn an_arrow_forward_is_no_fault() {
    for (name, text) in [
        ("main.rs", "use safemigrate::{cli, commands, ui};"),
        ("lib.rs", "pub mod ui;"),
        ("domain/x.rs", "use super::names::q; use crate::error::Error; use crate::domain::y; use self::z::a;"),
        ("domain/x.rs", "mod tests { use super::super::store_of_words; use super::*; }"),
        ("prisma/x.rs", "use crate::postgres::url::DatabaseUrl; use crate::postgres::{url};"),
        ("postgres/x.rs", "// crate::store\n/* crate::ui /* crate::cli */ */ const A: &str = \"crate::ui::x\";"),
        ("postgres/x.rs", "const A: &str = r#\"\" crate::ui::x\"#; fn f<'a>(c: char) -> &'a str { if c == '\"' {} }"),
        ("operations/x.rs", "use crate::{prisma::a, postgres::b, store::c, domain::d};"),
        ("commands/x.rs", "use crate::cli::DevArgs; use crate::ui::{Ui, Report}; use crate::operations::x;"),
        ("web/x.rs", "use crate::operations::x;"),
        ("store/x.rs", "pub(crate) fn f() { other::postgres::x(); }"),
        ("store/x.rs", "use crate::fault;"),
        ("fault/points.rs", "use std::io;"),
    ] {
        assert_eq!(says(arrows, name, text), "", "{name}: {text}");
    }
}

#[test]
fn printing_outside_ui_is_found() {
    let text = "fn f() {\n    println!(\"x\");\n    // eprintln!\n    std::eprint!(\"println!\");\n    dbg!(1);\n}";
    insta::assert_snapshot!(says(printing, "store/mod.rs", text), @r"
    src/store/mod.rs:2: println! outside ui/: hand it to Ui
    src/store/mod.rs:4: eprint! outside ui/: hand it to Ui
    src/store/mod.rs:5: dbg! outside ui/: hand it to Ui
    ");
    assert_eq!(says(printing, "ui/mod.rs", text), "");
    assert_eq!(says(printing, "store/mod.rs", "fn print() { write!(out, \"x\"); print(); }"), "");
}

#[test]
fn sqlx_outside_postgres_is_found() {
    insta::assert_snapshot!(says(sql, "operations/x.rs", "\nuse sqlx::Row;"), @"src/operations/x.rs:2: sqlx outside postgres/: only that room speaks to a server");
    assert_eq!(says(sql, "postgres/x.rs", "use sqlx::Row;"), "");
    assert_eq!(says(sql, "operations/x.rs", "// sqlx does it"), "");
}

#[test]
fn a_child_made_elsewhere_is_found() {
    insta::assert_snapshot!(says(processes, "operations/x.rs", "use std::process::{Command, ExitCode};"), @"src/operations/x.rs:1: std::process::Command: children are made in postgres/tools.rs, prisma/, git/ and scheduler/ only");
    for text in ["use tokio::process::Command;", "use std::process;", "fn f() { std::process::Command::new(\"x\"); }"] {
        assert_ne!(says(processes, "store/files.rs", text), "", "{text}");
        assert_eq!(says(processes, "postgres/tools.rs", text), "", "{text}");
        assert_eq!(says(processes, "prisma/attached.rs", text), "", "{text}");
    }
    assert_ne!(says(processes, "postgres/copy.rs", "fn f() { Command::new(\"psql\"); }"), "");
    assert_eq!(says(processes, "postgres/dump.rs", "use tokio::process::Child; use std::process::Stdio;"), "");
    assert_eq!(says(processes, "main.rs", "use std::process::ExitCode;"), "");
}

#[test]
fn the_outside_in_domain_is_found() {
    let text = "use std::{fmt, fs::File};\nfn now() { jiff::Timestamp::now(); }";
    insta::assert_snapshot!(says(pure_domain, "domain/x.rs", text), @r"
    src/domain/x.rs:1: std::fs::File in domain/: no I/O, no async, no clock there
    src/domain/x.rs:2: jiff::Timestamp::now in domain/: no I/O, no async, no clock there
    ");
    assert_eq!(says(pure_domain, "store/x.rs", text), "");
    assert_ne!(says(pure_domain, "domain/x.rs", "use std::net::TcpStream; use std::time::SystemTime;"), "");
    assert_eq!(
        says(pure_domain, "domain/x.rs", "use std::net::IpAddr; use std::io::Read; use std::time::Duration;"),
        ""
    );
}

#[test]
fn a_drawer_is_found() {
    insta::assert_snapshot!(says(drawers, "store/utils.rs", ""), @"src/store/utils.rs:1: a drawer called utils: say what is in it");
    assert_ne!(says(drawers, "common/mod.rs", ""), "");
    assert_ne!(says(drawers, "ui/helpers.rs", ""), "");
    assert_eq!(says(drawers, "store/utilities_of_the_trade.rs", ""), "");
}

#[test]
fn a_long_file_is_found() {
    assert_eq!(says(length, "store/x.rs", &"x\n".repeat(400)), "");
    insta::assert_snapshot!(says(length, "store/x.rs", &"x\n".repeat(401)), @"src/store/x.rs:401: 401 lines; 400 is the most a file may have");
}

#[test]
fn a_use_tree_gives_one_path_a_name() {
    let text = "use crate::{a::{b, c as d, *}, e};\nlet x = super::f::g(1);";
    let found = paths(&tokens(text), &["ui".to_owned(), "table".to_owned()]);
    let shown: Vec<String> = found.iter().map(|p| format!("{} {}", p.line, p.text())).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    1 crate::a::b
    1 crate::a::c
    1 crate::a::*
    1 crate::e
    2 crate::ui::f::g
    ");
}
