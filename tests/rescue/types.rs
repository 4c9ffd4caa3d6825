//! Columns that Prisma makes anew for their new type: converted where every value fits.

use super::scenes::{NO, Story, WRITE, YES};
use super::support::Prisma;

const MODELS: &str = r#"
enum Size {
  SMALL
  LARGE
}

model Thing {
  id     Int      @id @default(autoincrement())
  count  String
  twice  String   @default("7")
  maybe  String?
  number Int      @default(3)
  flag   Boolean  @default(true)
  word   String
  made   DateTime @default(now())
  size   String   @default("SMALL")
  ratio  Float
  bad    String
}
"#;

const ROWS: &str = r#"
INSERT INTO "Thing" (count, twice, maybe, number, flag, word, made, size, ratio, bad)
SELECT n, n * 2, CASE WHEN n % 2 = 0 THEN n END, n * 3, n % 2 = 0, 'word ' || n, '2020-01-01'::timestamp + n * interval '1 day',
    CASE n % 2 WHEN 0 THEN 'SMALL' ELSE 'LARGE' END, n, CASE WHEN n IN (5, 9) THEN 'many' ELSE n::text END FROM generate_series(1, 30) n"#;

#[test]
fn converted_where_every_value_fits_with_prisma_6() {
    converted(Prisma::V6);
}

#[test]
#[ignore = "thorough"]
fn converted_where_every_value_fits_with_prisma_7() {
    converted(Prisma::V7);
}

/// Keys, and what references them: both become numbers.
#[test]
fn keys_that_are_referenced() {
    let models = "
model User {
  id    String @id
  name  String
  posts Post[]
}

model Post {
  id     Int    @id @default(autoincrement())
  user   User   @relation(fields: [userId], references: [id])
  userId String

  @@index([userId])
}
";
    let rows = r#"INSERT INTO "User" SELECT n, 'u' || n FROM generate_series(1, 9) n; INSERT INTO "Post" ("userId") SELECT n % 9 + 1 FROM generate_series(1, 30) n"#;
    let story = Story::begin(Prisma::V7, models, rows);
    let before = story.prints();
    story.edit(&[("  id    String @id", "  id    Int @id"), ("userId String", "userId Int")]);
    let said = story.dev(&[
        ("User.id goes from text to INTEGER", YES),
        ("Post.userId goes from text to INTEGER", YES),
        (WRITE, YES),
    ]);
    assert_eq!((said.code, story.prints()), (0, before), "{}", said.screen);
    story.proven();
}

fn converted(prisma: Prisma) {
    let story = Story::begin(prisma, MODELS, ROWS);
    story.edit(&[
        ("count  String", "count  Int"),
        ("twice  String   @default(\"7\")", "twice  Int      @default(8)"),
        ("maybe  String?", "maybe  Int?"),
        ("number Int      @default(3)", "number String   @default(\"3\")"),
        ("flag   Boolean  @default(true)", "flag   Int      @default(1)"),
        ("word   String", "word   String[]"),
        ("made   DateTime @default(now())", "made   String"),
        ("size   String   @default(\"SMALL\")", "size   Size     @default(LARGE)"),
        ("bad    String", "bad    Int?"),
    ]);
    let said = story.dev(&[
        ("Thing.count goes from text to INTEGER", YES),
        ("Thing.twice goes from text to INTEGER", YES),
        ("Thing.maybe goes from text to INTEGER", YES),
        ("Thing.flag goes from boolean to INTEGER", YES),
        ("Thing.word goes from text to TEXT[]", YES),
        ("Thing.size goes from text to \"Size\"", YES),
        (WRITE, YES),
    ]);
    // what does not fit is named, and Prisma does as ever
    let said = said
        .says("Thing.bad goes from text to INTEGER, and 2 of 30 values do not fit")
        .says("\"many\" (id = 5 and 1 more)");
    let said = said.code(3).says("public.Thing.bad");
    let values = r#"SELECT count(*) FROM "Thing" n WHERE count = id AND twice = id * 2 AND maybe IS NOT DISTINCT FROM CASE WHEN id % 2 = 0 THEN id END
        AND number = (id * 3)::text AND flag = (id % 2 = 0)::int AND word = ARRAY['word ' || id] AND made::timestamp = '2020-01-01'::timestamp + id * interval '1 day'
        AND size = CASE id % 2 WHEN 0 THEN 'SMALL' ELSE 'LARGE' END::"Size" AND ratio = id AND bad IS NULL"#;
    assert_eq!(story.psql(values), "30", "{}", said.screen);
    assert_eq!(
        story
            .psql(r#"INSERT INTO "Thing" (count, made, ratio) VALUES (1, 'x', 1) RETURNING twice, number, flag, size"#),
        "8|3|1|LARGE"
    );
    story.proven();
}

#[test]
#[ignore = "thorough"]
fn no_is_respected() {
    let story = Story::begin(Prisma::V7, MODELS, ROWS);
    story.edit(&[("maybe  String?", "maybe  Int?"), ("  word   String\n", "  stock  String?\n")]);
    let said = story.dev(&[("Thing.maybe goes from text to INTEGER", NO), ("Thing.word renamed to stock", NO)]);
    said.code(3).says("public.Thing.maybe").says("public.Thing.word");
    assert_eq!(story.psql(r#"SELECT count(maybe), count(stock) FROM "Thing""#), "0|0");
    story.proven();
}
