//! Schemas other than `public`, names that have to be quoted, a schema of several files.

use super::scenes::{Story, WRITE, YES};
use super::support::Prisma;

/// Reserved words, spaces, (a double quote Prisma itself cannot write,) letters of the world, and what a percent or a dollar may break.
#[test]
fn hostile_names() {
    let models = r#"
enum Kind {
  A
  B
  @@map("ki nd")
}

model Order {
  id    Int    @id @default(autoincrement())
  from  String @map("from")
  q     String @map("it's quoted %s $1")
  u     String @map("größe 大小")
  kind  Kind   @map("Kind; DROP TABLE x")
  many  Line[]
  a     Int    @default(1)
  b     Int    @default(2)
  c     Int    @default(3)
  d     Int    @default(4)

  @@map("order")
}

model Line {
  id    Int   @id @default(autoincrement())
  ref   Int   @map("order.id")
  order Order @relation(fields: [ref], references: [id])

  @@map("public.line")
}
"#;
    let rows = r#"INSERT INTO "order" ("from", "it's quoted %s $1", "größe 大小", "Kind; DROP TABLE x") SELECT 'f' || n, 'q' || n, 'u' || n, 'A' FROM generate_series(1, 9) n;
        INSERT INTO "public.line" ("order.id") SELECT n FROM generate_series(1, 9) n"#;
    let story = Story::begin(Prisma::V7, models, rows);
    let before = story.prints();
    story.edit(&[
        ("@@map(\"ki nd\")", "@@map(\"type\")"),
        ("@map(\"from\")", "@map(\"select\")"),
        ("@map(\"it's quoted %s $1\")", "@map(\"still 'quoted'\")"),
        ("@map(\"größe 大小\")", "@map(\"GRÖSSE 大\")"),
        ("@map(\"Kind; DROP TABLE x\")", "@map(\"--kind\")"),
        ("@map(\"order.id\")", "@map(\"user\")"),
        ("@@map(\"order\")", "@@map(\"table\")"),
        ("@@map(\"public.line\")", "@@map(\"Ünion all\")"),
    ]);
    let said = story.dev(&[
        ("enum ki nd renamed to type", YES),
        ("table order renamed to table", YES),
        ("table public.line renamed to Ünion all", YES),
        ("from renamed to select", YES),
        ("it's quoted %s $1 renamed to still 'quoted'", YES),
        ("größe 大小 renamed to GRÖSSE 大", YES),
        ("Kind; DROP TABLE x renamed to --kind", YES),
        ("order.id renamed to user", YES),
        (WRITE, YES),
    ]);
    assert_eq!((said.code, story.prints()), (0, before), "{}", said.screen);
    story.proven();
    // it costs nothing afterwards
    story.types(&["dev"], &[]).code(0).says_not("Looking for renamed");
}

/// `?schema=app`, and a folder of files in place of one.
#[test]
#[ignore = "thorough"]
fn a_schema_in_the_url_and_a_folder_of_files() {
    let models = "
model Post {
  id     Int    @id @default(autoincrement())
  title  String
  writer User   @relation(fields: [userId], references: [id])
  userId Int
}
";
    let user =
        "model User {\n  id    Int    @id @default(autoincrement())\n  email String @unique\n  posts Post[]\n}\n";
    let mut story = Story::files(Prisma::V7, models);
    (story.query, story.schema) = ("?schema=app", "prisma/schema");
    let text = story.project.read("prisma/schema.prisma");
    std::fs::remove_file(story.project.path("prisma/schema.prisma")).unwrap();
    story.project.write("prisma/schema/main.prisma", &text);
    story.project.write("prisma/schema/people/user.prisma", user);
    let config = story.project.read("prisma.config.ts").replace("prisma/schema.prisma", "prisma/schema");
    story.project.write("prisma.config.ts", &config);
    story.project.set_url(&story.url("shop"));
    story.cluster.create_db("shop");
    story.project.safemigrate(&["dev", "--name", "init"]).ok();
    story.psql(r#"INSERT INTO app."User" (email) SELECT n FROM generate_series(1, 9) n; INSERT INTO app."Post" (title, "userId") SELECT n, n FROM generate_series(1, 9) n"#);
    let before = story.prints();
    story.project.write("prisma/schema/people/user.prisma", &user.replace("User", "Person").replace("email", "mail "));
    story.project.write("prisma/schema/main.prisma", &text.replace("User ", "Person ").replace("userId", "personId"));
    let said = story.dev(&[
        ("table User renamed to Person", YES),
        ("Person.email renamed to mail", YES),
        ("Post.userId renamed to personId", YES),
        (WRITE, YES),
    ]);
    assert_eq!((said.code, story.prints()), (0, before), "{}", said.screen);
    // as Prisma writes it: the schema is the URL's business
    assert!(!story.last_sql().contains("app"), "{}", story.last_sql());
    story.proven();
}

/// `schemas = [...]`: tables of the same name in two of them, and one that moves.
#[test]
#[ignore = "thorough"]
fn several_schemas() {
    let models = r#"
model User {
  id    Int    @id @default(autoincrement())
  email String @unique

  @@schema("shop")
}

model Staff {
  id    Int    @id @default(autoincrement())
  email String
  role  Role

  @@map("User")
  @@schema("back")
}

model Log {
  id   Int    @id @default(autoincrement())
  line String
  at   DateTime

  @@schema("back")
}

enum Role {
  ADMIN
  USER

  @@schema("back")
}
"#;
    let story = Story::files(Prisma::V7, models);
    story.edit(&[("provider = \"postgresql\"", "provider = \"postgresql\"\n  schemas  = [\"shop\", \"back\"]")]);
    story.cluster.create_db("shop");
    story.project.safemigrate(&["dev", "--name", "init"]).ok();
    story.psql(
        r#"INSERT INTO shop."User" (email) SELECT n FROM generate_series(1, 9) n;
        INSERT INTO back."User" (email, role) SELECT 'staff' || n, 'USER' FROM generate_series(1, 9) n;
        INSERT INTO back."Log" (line, at) SELECT n, '2020-01-01' FROM generate_series(1, 9) n"#,
    );
    let before = story.prints();
    let text = story.project.read("prisma/schema.prisma");
    let log = text.find("model Log").unwrap();
    let text = format!(
        "{}{}",
        text[..log].replace("  email String\n", "  mail  String\n"),
        text[log..].replacen("@@schema(\"back\")", "@@schema(\"shop\")", 1)
    );
    story
        .project
        .write("prisma/schema.prisma", &text.replace("enum Role", "enum Level").replace("role  Role", "role  Level"));
    let said = story.dev(&[
        ("enum back.Role renamed to back.Level", YES),
        ("table back.Log renamed to shop.Log", YES),
        ("back.User.email renamed to mail", YES),
        (WRITE, YES),
    ]);
    assert_eq!((said.code, story.prints()), (0, before), "{}", said.screen);
    story.proven();
}
