//! The outputs in `docs/` are those of the cases that the tests play. `UPDATE_EXPECTED=1` writes them into the pages.

use safemigrate::domain::lint::{Kind, Severity};
use std::fs;
use std::path::{Path, PathBuf};

const MARK: &str = "<!-- case: ";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The command and its output as a reader sees them, without what stands for a folder of the test.
fn block(case: &Path) -> String {
    let read = |name: &str| fs::read_to_string(case.join(name));
    let options: toml::Table = read("options.toml").unwrap_or_default().parse().unwrap();
    let arguments = options.get("arguments").and_then(|a| a.as_array()).cloned().unwrap_or_default();
    let command: String = arguments.iter().map(|a| format!(" {}", shell_word(a.as_str().unwrap()))).collect();
    let output = read("output.expected").unwrap_or_else(|e| panic!("{}: {e}", case.display()));
    let said: String =
        output.lines().filter(|l| !["Re-inserting …", "Comparing …"].contains(l)).map(|l| format!("{l}\n")).collect();
    let said = said.replace("/WORK/store/", ".safemigrate/").replace("-BACKUP-TIME", "-ykspx942-2026-11-22T185543Z");
    let code = options.get("exit").map(|code| format!("$ echo $?\n{code}\n")).unwrap_or_default();
    format!("```console\n$ safemigrate reinsert{command}\n{said}{code}```\n")
}

fn shell_word(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_alphanumeric() || "_.=-:".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// The page with the block of each marked case below its mark.
fn with_blocks(page: &str) -> String {
    let mut lines = page.split_inclusive('\n').peekable();
    let mut text = String::new();
    while let Some(line) = lines.next() {
        text += line;
        let Some(case) = line.strip_prefix(MARK).and_then(|rest| rest.trim_end().strip_suffix(" -->")) else {
            continue;
        };
        if lines.peek().is_some_and(|l| l.starts_with("```")) {
            lines.next();
            while lines.next().is_some_and(|l| !l.starts_with("```")) {}
        }
        text += &block(&root().join("fixtures/schema-changes").join(case));
    }
    text
}

#[test]
fn the_page_on_reinsert_shows_what_the_program_says() {
    let path = root().join("docs/reinsert.md");
    let page = fs::read_to_string(&path).unwrap();
    assert!(page.matches(MARK).count() > 10);
    let real = with_blocks(&page);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, real).unwrap();
    } else {
        assert!(page == real, "run UPDATE_EXPECTED=1 cargo nextest run --test docs, and read the difference");
    }
}

/// The table of rules as the program knows them.
fn rules() -> String {
    let mut table = "| word | severity | finds | why |\n|---|---|---|---|\n".to_owned();
    for kind in Kind::ALL {
        let rule = kind.rule();
        let severity = if rule.severity == Severity::Error { "refused" } else { "warning" };
        table += &format!("| `{}` | {severity} | {} | {} |\n", rule.word, rule.finds, rule.why);
    }
    table
}

#[test]
fn the_page_on_lint_has_the_rules_of_the_program() {
    const BEGIN: &str = "<!-- rules -->\n";
    const END: &str = "<!-- /rules -->";
    let path = root().join("docs/lint.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let real = format!("{before}{BEGIN}{}{END}{after}", rules());
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, real).unwrap();
    } else {
        assert!(page == real, "run UPDATE_EXPECTED=1 cargo nextest run --test docs, and read the difference");
    }
}
