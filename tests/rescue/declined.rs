//! The file is the user's: never rewritten unseen, and nothing is left behind by an answer that is none.

use super::scenes::{CTRL_C, Story, WRITE, YES};
use super::support::{Prisma, on_both};

on_both! { ; thorough_with_6: a_pending_draft_is_rewritten_once_it_was_shown }

const MODELS: &str = "
model Product {
  id    Int     @id @default(autoincrement())
  name  String
  price Decimal
}
";
const ROWS: &str =
    r#"INSERT INTO "Product" (name, price) SELECT 'Product ' || n, n * 1.25 FROM generate_series(1, 50) n"#;
const RENAMED: (&str, &str) = ("Product.name renamed to title", YES);
const NAMES: &str = r#"SELECT count(name), min(name) FROM "Product""#;
const TITLES: &str = r#"SELECT count(title), min(title) FROM "Product""#;
const ALL: &str = "50|Product 1";

fn renamed(prisma: Prisma) -> Story {
    let story = Story::begin(prisma, MODELS, ROWS);
    story.edit(&[("  name  String", "  title String")]);
    story
}

#[track_caller]
fn untouched(story: &Story) {
    assert_eq!((story.psql(NAMES).as_str(), story.databases().as_str()), (ALL, "shop"));
    assert_eq!(story.project.json(&["status"]).1["unfinished"], serde_json::json!([]));
    assert!(story.is_tidy());
}

/// Prisma made it (`migrate dev --create-only`) without us.
fn a_pending_draft_is_rewritten_once_it_was_shown(prisma: Prisma) {
    let story = renamed(prisma);
    let mut terminal = story.project.prisma_terminal(&["migrate", "dev", "--create-only", "--name", "waiting"]);
    if terminal.expect_any(&["want to create this migration? ›", "without applying it"]).0 == 0 {
        terminal.send("y");
    }
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    let (migrations, drafted) = (story.project.migrations(), story.last_sql());
    let says_no: [(&[(&str, &str)], &str); 3] = [
        (&[("Product.name renamed to title", CTRL_C)], "Cancelled"),
        (&[RENAMED, (WRITE, CTRL_C)], "stays as Prisma drafted it, and was not applied"),
        (&[RENAMED, (WRITE, "2\r")], "stays as Prisma drafted it, and was not applied"),
    ];
    for (answers, says) in says_no {
        let said = story.types(&["dev"], answers).code(130).says(says);
        assert_eq!(
            (story.project.migrations(), story.last_sql()),
            (migrations.clone(), drafted.clone()),
            "{}",
            said.screen
        );
        untouched(&story);
    }
    let said = story
        .types(&["dev"], &[RENAMED, (WRITE, YES)])
        .code(0)
        .says("+ALTER TABLE \"Product\" RENAME COLUMN \"name\" TO \"title\";");
    assert_eq!(story.project.migrations(), migrations, "{}", said.screen);
    assert_eq!(story.psql(TITLES), ALL);
    story.proven();
}

#[test]
fn what_a_person_wrote_in_stays() {
    let story = renamed(Prisma::V7);
    let own = "ALTER TABLE \"Product\" ADD COLUMN \"title\" TEXT;\nUPDATE \"Product\" SET \"title\" = upper(\"name\");\nALTER TABLE \"Product\" ALTER COLUMN \"title\" SET NOT NULL, DROP COLUMN \"name\";\n";
    story.project.write("prisma/migrations/20260301000000_own/migration.sql", own);
    let said = story.types(&["dev"], &[]);
    let said = said.says("20260301000000_own drops and adds, and is not as Prisma drafted it: it stays as it is");
    assert_eq!(story.last_sql(), own, "{}", said.screen);
    assert_eq!(story.psql(TITLES), "50|PRODUCT 1");
}

/// `--create-only` as typed, and the name asked for by Prisma.
#[test]
fn create_only_applies_nothing() {
    let story = renamed(Prisma::V7);
    let said = story.types(&["dev", "--create-only"], &[RENAMED, ("Enter a name", "called\r"), (WRITE, YES)]).code(0);
    assert!(story.project.migrations()[1].ends_with("_called"), "{}", said.screen);
    assert!(story.last_sql().contains("RENAME COLUMN") && !story.last_sql().contains("DROP"), "{}", story.last_sql());
    untouched(&story);
    let said = story.types(&["dev"], &[]).code(0);
    assert_eq!((said.asked.len(), story.psql(TITLES).as_str()), (0, ALL));
    story.proven();
}

/// No to Prisma's own question, which comes because of what it would drop.
#[test]
#[ignore = "thorough"]
fn cancelled_while_prisma_drafts() {
    let story = renamed(Prisma::V7);
    story.edit(&[("  title String", "  title String?")]);
    for key in ["n", CTRL_C] {
        let said = story.dev(&[RENAMED, ("Are you sure", key)]).code(130);
        assert_eq!(story.project.migrations().len(), 1, "{}", said.screen);
        untouched(&story);
    }
}

/// A value that is missing where one will be required: nothing is begun that would fail.
#[test]
fn rows_without_a_value_are_seen_before() {
    let story = Story::begin(Prisma::V7, &MODELS.replace("name  String", "name  String?"), ROWS);
    story.psql(r#"UPDATE "Product" SET name = NULL WHERE id <= 3"#);
    story.edit(&[("  name  String?", "  title String")]);
    let said = story.dev(&[RENAMED]);
    let said = said.says("Product.title becomes required, and 3 of 50 rows have no value in it. Nothing was renamed");
    assert_eq!(story.project.migrations().len(), 1, "{}", said.screen);
    assert_ne!(said.code, 0);
    assert_eq!(story.psql(NAMES), "47|Product 10");
}

#[test]
#[ignore = "thorough"]
fn a_role_that_may_not_create_databases() {
    let story = Story::begin(Prisma::V7, MODELS, ROWS);
    story.edit(&[("  name  String", "  title String?")]);
    story.psql("CREATE ROLE plain LOGIN PASSWORD 'plain'; ALTER TABLE \"Product\" OWNER TO plain; ALTER TABLE _prisma_migrations OWNER TO plain; ALTER SCHEMA public OWNER TO plain");
    story.cluster.psql("postgres", "CREATE DATABASE shadow OWNER plain");
    let url = |database: &str| story.cluster.url_as("plain", "plain", database);
    let config = story.project.read("prisma.config.ts");
    let shadow = format!("url: env(\"DATABASE_URL\"), shadowDatabaseUrl: \"{}\"", url("shadow"));
    story.project.write("prisma.config.ts", &config.replace("url: env(\"DATABASE_URL\")", &shadow));
    story.project.set_url(&url("shop"));
    // what Prisma does then is its own affair
    let said = story.dev(&[]);
    let said = said
        .says("Prisma does as ever")
        .says("this role may not create databases")
        .says_not("--restore")
        .says_not("trial restore");
    assert!(said.asked.iter().all(|question| !question.contains("renamed")), "{:?}", said.asked);
}
