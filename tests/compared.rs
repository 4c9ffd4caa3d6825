//! The pages on `verify` and `diff` show what the program says: one story, typed again.

mod scene;
mod support;

use scene::Scene;
use std::fs;
use std::path::Path;

const BEFORE: &str = r#"CREATE TABLE "Product" (id int PRIMARY KEY, name text NOT NULL, price numeric);
    INSERT INTO "Product" SELECT n, 'Product ' || n, n * 1.25 FROM generate_series(1, 50) n; CREATE INDEX "Product_name_idx" ON "Product" (name)"#;
const CHANGES: &str = r#"DELETE FROM "Product" WHERE id IN (7, 9); UPDATE "Product" SET price = NULL WHERE id = 10;
    UPDATE "Product" SET name = '', price = 0 WHERE id = 31; INSERT INTO "Product" VALUES (51, 'Product 51', 63.75);
    ALTER TABLE "Product" ALTER COLUMN name DROP NOT NULL; DROP INDEX "Product_name_idx""#;

/// The page with what the program says below each line of `$ safemigrate …`, up to the end of its fence.
fn with_output(page: &str, typed: impl Fn(&[&str]) -> String) -> String {
    let mut text = String::new();
    let mut lines = page.split_inclusive('\n');
    while let Some(line) = lines.next() {
        text += line;
        let Some(arguments) = line.trim_end().strip_prefix("$ safemigrate ") else { continue };
        text += typed(&arguments.split(' ').collect::<Vec<_>>()).trim_end();
        text += "\n```\n";
        while lines.next().is_some_and(|line| line != "```\n") {}
    }
    text
}

#[test]
fn the_pages_show_what_the_program_says() {
    let scene = Scene::new(BEFORE);
    let (full, _) = scene.backup();
    scene.cluster.psql("shop", CHANGES);
    let typed = |arguments: &[&str]| {
        let said = scene.run(arguments);
        let talk = said.stderr.lines().filter(|line| *line != "Comparing …").map(|line| format!("{line}\n"));
        let code = if said.code == 0 { String::new() } else { format!("$ echo $?\n{}\n", said.code) };
        format!("{}{}{code}", said.stdout, talk.collect::<String>()).replace(&full, "f-3wz9yxjv")
    };
    for name in ["verification.md", "diff.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
        let page = fs::read_to_string(&path).unwrap();
        assert!(page.contains("```console\n$ safemigrate "), "{name}");
        let real = with_output(&page, typed);
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&path, real).unwrap();
        } else {
            assert!(page == real, "run UPDATE_EXPECTED=1 cargo nextest run --test compared, and read the difference");
        }
    }
}
