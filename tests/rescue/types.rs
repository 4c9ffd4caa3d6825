//! Columns that Prisma makes anew for their new type: converted where every value fits.

use super::scenes::{NO, Story, WRITE, YES, on_both};
use super::support::Prisma;

on_both! { converted_where_every_value_fits }

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

fn converted_where_every_value_fits(prisma: Prisma) {
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
    let said = said.says("Thing.bad goes from text to INTEGER, and 2 of 30 values do not fit").says("\"many\" (id = 5 and 1 more)");
    let said = said.code(3).says("public.Thing.bad");
    let values = r#"SELECT count(*) FROM "Thing" n WHERE count = id AND twice = id * 2 AND maybe IS NOT DISTINCT FROM CASE WHEN id % 2 = 0 THEN id END
        AND number = (id * 3)::text AND flag = (id % 2 = 0)::int AND word = ARRAY['word ' || id] AND made::timestamp = '2020-01-01'::timestamp + id * interval '1 day'
        AND size = CASE id % 2 WHEN 0 THEN 'SMALL' ELSE 'LARGE' END::"Size" AND ratio = id AND bad IS NULL"#;
    assert_eq!(story.psql(values), "30", "{}", said.screen);
    assert_eq!(story.psql(r#"INSERT INTO "Thing" (count, made, ratio) VALUES (1, 'x', 1) RETURNING twice, number, flag, size"#), "8|3|1|LARGE");
    story.proven();
}

#[test]
fn no_is_respected() {
    let story = Story::begin(Prisma::V7, MODELS, ROWS);
    story.edit(&[("maybe  String?", "maybe  Int?"), ("  word   String\n", "  stock  String?\n")]);
    let said = story.dev(&[("Thing.maybe goes from text to INTEGER", NO), ("Thing.word renamed to stock", NO)]);
    said.code(3).says("public.Thing.maybe").says("public.Thing.word");
    assert_eq!(story.psql(r#"SELECT count(maybe), count(stock) FROM "Thing""#), "0|0");
    story.proven();
}
