//! Nobody to ask, and nothing to ask.

use super::scenes::{NO, Story, WRITE, YES};
use super::support::Prisma;

const MODELS: &str = r#"
enum Size {
  SMALL
  LARGE @map("very large")
}

model Product {
  id    Int      @id @default(autoincrement())
  name  String?
  price Decimal  @default(1)
  code  String   @default("") @db.Char(2)
  no    String   @default("x") @map("the no") @db.VarChar(20)
  at    DateTime @default(now()) @db.Timestamptz(3)
  day   DateTime @default(now()) @db.Date
  bits  String   @default("1") @db.Bit(1)
  uuid  String   @default(dbgenerated("gen_random_uuid()")) @db.Uuid
  small Int      @default(1) @db.SmallInt
  real  Float    @default(1) @db.Real
  money Decimal  @default(1) @db.Money
  raw   Bytes?
  json  Json     @default("{}")
  old   Json     @default("{}") @db.Json
  ip    String?  @db.Inet
  big   BigInt   @default(1)
  tags  String[] @default([])
  size  Size     @default(SMALL)
  sizes Size[]   @default([SMALL])
  geo   Unsupported("point")?

  @@map("order")
}
"#;

const ROWS: &str = r#"INSERT INTO "order" (name) SELECT 'Product ' || n FROM generate_series(1, 20) n"#;
const SCRATCH: &str = "CREATE DATABASE \"shop";

fn logged(story: &Story) -> String {
    story.cluster.psql("postgres", "ALTER SYSTEM SET log_statement = 'ddl'");
    story.cluster.psql("postgres", "SELECT pg_reload_conf()");
    story.cluster.log()
}

/// Of every type of Prisma's: what is not renamed costs nothing, and what cannot be asked is only said.
#[test]
fn only_what_may_be_renamed_costs_a_scratch_database_and_without_a_terminal_it_is_only_said() {
    let story = Story::begin(Prisma::V7, MODELS, ROWS);
    logged(&story);
    let said = story.types(&["dev"], &[]).code(0);
    assert_eq!(said.asked, [""; 0]);
    // a field more is no new name
    story.edit(&[("  price Decimal", "  more  String?\n  price Decimal")]);
    story.dev(&[]).code(0).says_not("Looking for renamed");
    assert!(!story.cluster.log().contains(SCRATCH), "{}", story.cluster.log());
    story.project.safemigrate(&["dev"]).ok();

    story.edit(&[
        ("  name  String?", "  title String?"),
        ("enum Size", "enum Extent"),
        ("size  Size ", "size  Extent "),
        ("sizes Size[]", "sizes Extent[]"),
    ]);
    let migrations = story.project.migrations();
    let said = story.project.safemigrate(&["dev", "--name", "renamed"]);
    assert_ne!(said.code, 0, "Prisma drops nothing without a terminal: {said}");
    let said = said.says("Was the enum Size renamed to Extent").says("ALTER TYPE \"Size\" RENAME TO \"Extent\";");
    let said =
        said.says("Was order.name renamed to title").says("ALTER TABLE \"order\" RENAME COLUMN \"name\" TO \"title\";");
    let said = said.says("safemigrate dev --create-only");
    assert_eq!(said.stderr.matches("RENAME COLUMN").count(), 1, "each once: {said}");
    assert_eq!(story.project.migrations(), migrations, "{said}");
    assert!(story.cluster.log().contains(SCRATCH));
    assert_eq!(story.databases(), "shop");
    // a yes and a no, and the file not written so
    let answers = [("enum Size renamed", YES), ("order.name renamed to title", NO), (WRITE, NO)];
    let said = story.dev(&answers).code(130);
    assert_eq!(story.psql(r#"SELECT count(name) FROM "order""#), "20", "{}", said.screen);
}
