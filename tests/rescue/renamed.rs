//! Everything that can get another name gets one, at once.

use super::scenes::{NO, Story, WRITE, YES};
use super::support::{Prisma, on_both};

on_both! { ; thorough_with_6: everything_at_once links_keep_their_sides }

const MODELS: &str = r#"
enum Role {
  ADMIN
  USER
}

model User {
  id      Int      @id @default(autoincrement())
  email   String   @unique
  nick    String
  role    Role     @default(USER)
  full    String   @map("full_name")
  kept    String   @map("kept_column")
  old     String
  note    String?
  since   DateTime @default(now())
  posts   Post[]

  @@index([nick])
}

model Post {
  id       Int     @id @default(autoincrement())
  title    String
  authorId Int
  author   User    @relation(fields: [authorId], references: [id])
  tags     Tag[]

  @@index([authorId])
}

model Tag {
  id    Int    @id @default(autoincrement())
  name  String @unique
  posts Post[]
}

model Ledger {
  id   Int    @id
  line String

  @@map("ledgers")
}
"#;

const ROWS: &str = r#"
INSERT INTO "User" (email, nick, role, full_name, kept_column, old, note, since)
SELECT 'u' || n || '@x', 'nick ' || n % 7, CASE n % 2 WHEN 0 THEN 'ADMIN' ELSE 'USER' END::"Role", 'Full ' || n, 'k' || n, 'old ' || n,
    CASE WHEN n % 3 > 0 THEN 'note ' || n END, '2020-01-01'::timestamp + n * interval '1 day' FROM generate_series(1, 40) n;
INSERT INTO "Post" (title, "authorId") SELECT 'Post ' || n, n % 40 + 1 FROM generate_series(1, 60) n;
INSERT INTO "Tag" (name) SELECT 'tag ' || n FROM generate_series(1, 60) n;
INSERT INTO "_PostToTag" SELECT n, n % 9 + 1 FROM generate_series(1, 60) n;
INSERT INTO ledgers SELECT n, 'line ' || n FROM generate_series(1, 20) n;"#;

/// Model, enum, `@@map`, field, field with index, unique and foreign key, relation field, `@map`; and the models of a
/// many-to-many so that they stand the other way round.
fn everything_at_once(prisma: Prisma) {
    let story = Story::begin(prisma, MODELS, ROWS);
    let before = story.prints();
    let changed = MODELS
        .replace("enum Role", "enum Level")
        .replace("role    Role     @default", "level   Level    @default")
        .replace("email ", "mail ")
        .replace("nick ", "handle ")
        .replace("[nick]", "[handle]")
        .replace("@map(\"full_name\")", "@map(\"name_full\")")
        .replace("kept  ", "other ")
        .replace("authorId", "writerId")
        .replace("author ", "writer ")
        .replace("Post[]", "Zarticle[]")
        .replace("model Post", "model Zarticle")
        .replace("User[]", "Account[]")
        .replace("User ", "Account ")
        .replace("@@map(\"ledgers\")", "@@map(\"books\")");
    story.rewrite(&changed);
    let said = story.dev(&[
        ("enum Role renamed to Level", YES),
        ("table User renamed to Account", YES),
        ("table Post renamed to Zarticle", YES),
        ("table ledgers renamed to books", YES),
        ("Account.role renamed to level", YES),
        ("Account.email renamed to mail", YES),
        ("Account.nick renamed to handle", YES),
        ("Account.full_name renamed to name_full", YES),
        ("Zarticle.authorId renamed to writerId", YES),
        (WRITE, YES),
    ]);
    let said = said.code(0).says("Your data is all there: 240 rows in 5 tables");
    for name in ["name_full? (now the field Account.full)", "books? (now the model Ledger)"] {
        assert!(said.asked.iter().any(|question| question.ends_with(name)), "{:?}", said.asked);
    }
    // another name of the field alone is none in the database
    assert!(!said.asked.iter().any(|question| question.contains("kept")), "{:?}", said.asked);
    assert_eq!(story.prints(), before, "{}", said.screen);
    // who wrote what, and which tags it has, by their new names
    let linked = r#"SELECT count(*) FROM "_TagToZarticle" j JOIN "Tag" t ON t.id = j."A" JOIN "Zarticle" z ON z.id = j."B"
        JOIN "Account" a ON a.id = z."writerId" WHERE t.id = z.id % 9 + 1 AND a.mail = 'u' || z.id % 40 + 1 || '@x'"#;
    assert_eq!(story.psql(linked), "60");
    assert!(
        !story.last_sql().contains("DROP TABLE") && !story.last_sql().contains("DROP COLUMN"),
        "{}",
        story.last_sql()
    );
    story.proven();
    story.project.safemigrate(&["verify"]).ok();
}

/// Two relations whose join table keeps its name while its sides change places: by the ids alone nobody would notice.
fn links_keep_their_sides(prisma: Prisma) {
    let models = "
model Post {
  id    Int    @id @default(autoincrement())
  title String
  tags  Tag[]  @relation(\"labels\")
}

model Tag {
  id    Int    @id @default(autoincrement())
  name  String
  posts Post[] @relation(\"labels\")
}
";
    let rows = r#"INSERT INTO "Post" (title) SELECT 'p' || n FROM generate_series(1, 9) n; INSERT INTO "Tag" (name) SELECT 't' || n FROM generate_series(1, 9) n;
        INSERT INTO "_labels" ("A", "B") VALUES (1, 2), (3, 4), (5, 9)"#;
    let story = Story::begin(prisma, models, rows);
    let before = story.prints();
    story.edit(&[("model Post", "model Zarticle"), ("Post[]", "Zarticle[]")]);
    let said = story.dev(&[("table Post renamed to Zarticle", YES), (WRITE, YES)]).code(0);
    let linked = r#"SELECT string_agg(z.title || t.name, ' ' ORDER BY z.id) FROM "_labels" j JOIN "Tag" t ON t.id = j."A" JOIN "Zarticle" z ON z.id = j."B""#;
    assert_eq!(story.psql(linked), "p1t2 p3t4 p5t9", "{}", said.screen);
    assert_eq!(story.prints(), before);
    story.proven();
}

/// Each is asked apart: a yes renames, a no drops as ever, and the loss is reported as ever.
#[test]
fn one_yes_and_one_no_in_one_table() {
    let story = Story::begin(Prisma::V7, MODELS, ROWS);
    let notes = r#"SELECT count(remark), min(remark), max(remark) FROM "User""#;
    story.edit(&[("  note    String?", "  remark  String?"), ("  old     String\n", "  fresh   String?\n")]);
    let said = story.dev(&[("User.note renamed to remark", YES), ("User.old renamed to fresh", NO), (WRITE, YES)]);
    let said = said.code(3).says("public.User.old").says("the column is gone").says_not("User.note   ");
    assert_eq!(story.psql(notes), "27|note 1|note 8");
    assert_eq!(story.psql(r#"SELECT count(fresh) FROM "User""#), "0");
    assert_eq!(said.asked.len(), 4, "{:?}", said.asked);
    story.proven();
}
