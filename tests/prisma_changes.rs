//! Ten changes that Prisma 7 makes by dropping data: named by `safemigrate dev`, and brought back by `reinsert` with
//! what the tool itself suggested.

#[path = "dev/scenes.rs"]
#[allow(dead_code, unused_imports, reason = "the stories of `dev` use the rest")]
mod scenes;
mod support;

use scenes::{dev_agreed, named, re_inserted, typed};
use support::{Cluster, Prisma, Project, Shape};

/// Our question after a loss; the first answer keeps the database as it is.
const QUESTION: &str = "1-3 [1]: ";

struct Story {
    cluster: Cluster,
    project: Project,
}

impl Story {
    /// A project with these models, migrated by Prisma, and these rows.
    fn begin(models: &str, rows: &str) -> Story {
        let cluster = Cluster::start();
        let project = Project::new(Prisma::V7, Shape::Product, &cluster, "shop");
        let schema = project.read("prisma/schema.prisma");
        let header = &schema[..schema.find("model ").unwrap()];
        project.write("prisma/schema.prisma", &format!("{header}{models}\n"));
        for name in project.migrations() {
            std::fs::remove_dir_all(project.path(format!("prisma/migrations/{name}"))).unwrap();
        }
        cluster.create_db("shop");
        project.safemigrate(&["dev", "--name", "init"]).ok();
        cluster.psql("shop", rows);
        Story { cluster, project }
    }

    /// Puts other models in place of these.
    fn edit(&self, changes: &[(&str, &str)]) {
        for (from, to) in changes {
            self.project.edit_schema(from, to);
        }
    }

    /// `dev`, yes to Prisma's question, and the loss kept: what is said of it.
    #[track_caller]
    fn lost(&self, name: &str) -> String {
        let mut terminal = dev_agreed(&self.project, &["--name", name]);
        terminal.expect(QUESTION);
        terminal.send_line("1");
        assert_eq!(terminal.wait(), 3, "{}", terminal.transcript());
        terminal.transcript()
    }

    /// The same where Prisma cannot do it alone: the migration is drafted, edited by hand, and applied.
    #[track_caller]
    fn lost_by_hand(&self, name: &str, edit: impl Fn(&str) -> String) -> String {
        let mut terminal = self.project.terminal(&["dev", "--create-only", "--name", name]);
        let end = "is not applied yet";
        loop {
            match terminal.expect_any(&["1-2 [1]: ", "want to create this migration? ›", end]).0 {
                // nothing was renamed
                0 => terminal.send_line("2"),
                1 => terminal.send("y"),
                _ => break,
            }
        }
        assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
        let file = format!("prisma/migrations/{}/migration.sql", self.project.migrations().last().unwrap());
        let sql = self.project.read(&file);
        self.project.write(&file, &edit(&sql));
        let mut terminal = self.project.terminal(&["dev"]);
        terminal.expect(QUESTION);
        terminal.send_line("1");
        assert_eq!(terminal.wait(), 3, "{}", terminal.transcript());
        terminal.transcript()
    }

    fn psql(&self, sql: &str) -> String {
        self.cluster.psql("shop", sql)
    }

    /// `reinsert` as it was named, with all that was suggested.
    #[track_caller]
    fn re_insert(&self, said: &str) -> String {
        re_inserted(&self.project, &reinsert_command(said))
    }

    /// `reinsert ID` and nothing else: each question that comes is answered with yes.
    #[track_caller]
    fn re_insert_asked(&self, said: &str, questions: &[&str]) -> String {
        let command = reinsert_command(said);
        let bare: Vec<&str> = command.split(' ').take(3).collect();
        let mut terminal = typed(&self.project, &bare.join(" "));
        for question in questions {
            terminal.expect(question);
            terminal.send_line("y");
        }
        let between = terminal.expect("Put these rows into shop?");
        assert!(!between.contains("[Y/n]") && !between.contains("[y/N]"), "{between}");
        terminal.send_line("y");
        assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
        terminal.transcript()
    }
}

fn reinsert_command(said: &str) -> String {
    named(said, "safemigrate reinsert d-")
}

#[track_caller]
fn says(said: &str, text: &str) {
    assert!(said.contains(text), "nowhere says {text:?}:\n{said}");
}

const PEOPLE: &str = r#"
model User {
  id    Int    @id @default(autoincrement())
  email String @unique
  name  String
}
"#;

const THREE_PEOPLE: &str = r#"INSERT INTO "User" (email, name) VALUES ('a@x', 'Ada'), ('b@x', 'Bob'), ('c@x', 'Cy')"#;

#[test]
fn a_renamed_field() {
    let story = Story::begin(PEOPLE, THREE_PEOPLE);
    story.edit(&[("  name  String\n", "  fullName String?\n")]);
    let said = story.lost("full_name");
    says(&said, "public.User.name");
    says(&said, "the column is gone       3    0");
    let again = story.re_insert_asked(
        &said,
        &[
            "Was User.name renamed to fullName? (same type, and the names are alike) [Y/n]",
            "(the rows are still there, without the old values of User.fullName) [Y/n]",
        ],
    );
    says(&again, "fullName: renamed from name");
    assert_eq!(story.psql(r#"SELECT string_agg("fullName", ' ' ORDER BY id) FROM "User""#), "Ada Bob Cy");
}

#[test]
fn a_renamed_model() {
    let models = r#"
model User {
  id    Int    @id @default(autoincrement())
  email String @unique
  posts Post[]
}

model Post {
  id       Int    @id @default(autoincrement())
  title    String
  authorId Int
  author   User   @relation(fields: [authorId], references: [id])
}
"#;
    let rows = r#"INSERT INTO "User" (email) VALUES ('a@x'), ('b@x'); INSERT INTO "Post" (title, "authorId") VALUES ('One', 1), ('Two', 2), ('Three', 1)"#;
    let story = Story::begin(models, rows);
    story.edit(&[("  posts Post[]\n", "  posts Article[]\n"), ("model Post {", "model Article {")]);
    let said = story.lost("article");
    says(&said, "public.Post");
    says(&said, "the table is gone");
    says(&reinsert_command(&said), " --map Post=Article");
    story.re_insert(&said);
    assert_eq!(
        story.psql(r#"SELECT string_agg(title || "authorId", ' ' ORDER BY id) FROM "Article""#),
        "One1 Two2 Three1"
    );
    story.psql(r#"INSERT INTO "Article" (title, "authorId") VALUES ('Four', 2)"#);
}

#[test]
fn a_text_becomes_a_number() {
    let models = "model Product {\n  id    Int    @id @default(autoincrement())\n  price String\n}\n";
    let story = Story::begin(models, r#"INSERT INTO "Product" (price) VALUES ('12'), ('7'), ('30')"#);
    story.edit(&[("  price String\n", "  price Int @default(0)\n")]);
    let said = story.lost("int_price");
    says(&said, "public.Product.price");
    says(&said, "values were replaced");
    says(&reinsert_command(&said), " --on-conflict fill");
    let again = story.re_insert(&said);
    says(&again, "price: cast text → integer");
    assert_eq!(story.psql(r#"SELECT string_agg(price::text, ' ' ORDER BY id) FROM "Product""#), "12 7 30");
}

#[test]
fn an_enum_value_is_removed() {
    let models = r#"
enum Role {
  GUEST
  MEMBER
  ADMIN
}

model User {
  id   Int  @id @default(autoincrement())
  name String
  role Role @default(MEMBER)
}
"#;
    let rows = r#"INSERT INTO "User" (name, role) VALUES ('Ada', 'ADMIN'), ('Bob', 'GUEST'), ('Cy', 'MEMBER'), ('Di', 'GUEST')"#;
    let story = Story::begin(models, rows);
    story.edit(&[("  GUEST\n", "")]);
    // Prisma's own SQL fails at the rows that have the value: somebody takes them out of its way
    let said = story.lost_by_hand("no_guests", |sql| format!("DELETE FROM \"User\" WHERE role = 'GUEST';\n{sql}"));
    says(&said, "2 rows are gone");
    let command = reinsert_command(&said);
    says(&command, " --map-value 'User.role:GUEST=?'");
    says(&said, "GUEST is no label any more; in place of the ? one of MEMBER, ADMIN");

    // as it stands it changes nothing, and says again what to choose
    let plain: Vec<&str> = command.split(' ').skip(1).take(2).collect();
    let (code, report) = story.project.json(&[&plain[..], &["--yes"]].concat());
    assert_eq!((code, story.psql(r#"SELECT count(*) FROM "User""#).as_str()), (6, "2"), "{report}");
    assert_eq!(report["suggestions"][0]["map_value"], "User.role:GUEST=?", "{report}");
    let choice = report["suggestions"][0]["choices"][0].as_str().unwrap();
    re_inserted(&story.project, &command.replace('?', choice));
    assert_eq!(
        story.psql(r#"SELECT string_agg(name || ':' || role, ' ' ORDER BY id) FROM "User""#),
        "Ada:ADMIN Bob:MEMBER Cy:MEMBER Di:MEMBER"
    );
}

#[test]
fn a_required_field_is_added() {
    let story = Story::begin(PEOPLE, THREE_PEOPLE);
    story.edit(&[("  name  String\n", "  name  String\n  city  String\n")]);
    let refused = story.project.safemigrate(&["dev", "--name", "city"]);
    says(&format!("{refused}"), "Your data is all there");
    let said = story.lost_by_hand("city", |sql| format!("DELETE FROM \"User\";\n{sql}"));
    says(&said, "3 rows are gone");
    let again = story.re_insert(&said);
    says(
        &again,
        "city: new and required without a default: filled with '', the empty value of text (--fill for another)",
    );
    assert_eq!(story.psql(r#"SELECT string_agg(name || '/' || city, ' ' ORDER BY id) FROM "User""#), "Ada/ Bob/ Cy/");
}

#[test]
fn an_optional_field_becomes_required() {
    let models = "model User {\n  id   Int    @id @default(autoincrement())\n  name String\n  nick String?\n}\n";
    let rows = r#"INSERT INTO "User" (name, nick) VALUES ('Ada', 'ad'), ('Bob', NULL), ('Cy', NULL)"#;
    let story = Story::begin(models, rows);
    story.edit(&[("  nick String?\n", "  nick String\n")]);
    let said = story.lost_by_hand("nick", |sql| format!("DELETE FROM \"User\" WHERE nick IS NULL;\n{sql}"));
    says(&said, "2 rows are gone");
    says(&said, "2 rows have no value there, and it is required now");
    let again = story.re_insert(&said);
    says(&again, "nick: NULL filled with ''");
    assert_eq!(story.psql(r#"SELECT string_agg(name || '/' || nick, ' ' ORDER BY id) FROM "User""#), "Ada/ad Bob/ Cy/");
}

#[test]
fn a_scalar_becomes_a_list_and_a_list_a_scalar() {
    let models = "model Post {\n  id   Int    @id @default(autoincrement())\n  tag  String\n  sizes Int[]\n}\n";
    let rows = r#"INSERT INTO "Post" (tag, sizes) VALUES ('red', '{4,5}'), ('blue', '{6}')"#;
    let story = Story::begin(models, rows);
    story.edit(&[("  tag  String\n", "  tag  String[]\n"), ("  sizes Int[]\n", "  sizes Int?\n")]);
    let said = story.lost("lists");
    says(&said, "public.Post.tag");
    says(&said, "public.Post.sizes");
    says(&said, "only the first of each list fits");
    story.re_insert(&said);
    assert_eq!(story.psql(r#"SELECT string_agg(tag::text || sizes, ' ' ORDER BY id) FROM "Post""#), "{red}4 {blue}6");
}

#[test]
fn an_id_gets_another_type() {
    let models = r#"
model Customer {
  id     String  @id
  name   String
  orders Order[]
}

model Order {
  id         Int      @id @default(autoincrement())
  total      Int
  customerId String?
  customer   Customer? @relation(fields: [customerId], references: [id])
}
"#;
    let rows = r#"INSERT INTO "Customer" VALUES ('1001', 'Ada'), ('1002', 'Bob');
        INSERT INTO "Order" (total, "customerId") VALUES (10, '1002'), (20, '1001'), (30, '1002')"#;
    let story = Story::begin(models, rows);
    story.edit(&[
        ("  id     String  @id\n", "  id     Int  @id @default(autoincrement())\n"),
        ("  customerId String?\n", "  customerId Int?\n"),
    ]);
    let said = story.lost("int_ids");
    says(&said, "public.Customer          2 rows are gone       2    2");
    says(&said, "public.Order.customerId  values are gone       3    0");
    says(&reinsert_command(&said), " --on-conflict replace --table Customer --table Order");
    story.re_insert(&said);
    assert_eq!(story.psql(r#"SELECT string_agg(id || name, ' ' ORDER BY id) FROM "Customer""#), "1001Ada 1002Bob");
    assert_eq!(
        story.psql(r#"SELECT string_agg(total || ':' || "customerId", ' ' ORDER BY id) FROM "Order""#),
        "10:1002 20:1001 30:1002"
    );
    story.psql(r#"INSERT INTO "Customer" (name) VALUES ('Cy')"#);
}

#[test]
fn a_relation_moves_into_a_join_table() {
    let models = r#"
model Category {
  id    Int    @id @default(autoincrement())
  name  String
  posts Post[]
}

model Post {
  id         Int      @id @default(autoincrement())
  title      String
  categoryId Int
  category   Category @relation(fields: [categoryId], references: [id])
}
"#;
    let rows = r#"INSERT INTO "Category" (name) VALUES ('Red'), ('Blue');
        INSERT INTO "Post" (title, "categoryId") VALUES ('One', 2), ('Two', 1), ('Three', 2)"#;
    let story = Story::begin(models, rows);
    let moved = "  categoryId Int\n  category   Category @relation(fields: [categoryId], references: [id])\n";
    story.edit(&[(moved, "  categories Category[]\n")]);
    let said = story.lost("many_categories");
    says(&said, "public.Post.categoryId");
    let again = story.re_insert_asked(
        &said,
        &["Is Post.categoryId in the table _CategoryToPost now? (_CategoryToPost joins Post and Category now) [Y/n]"],
    );
    says(&again, "_CategoryToPost");
    assert_eq!(
        story.psql(r#"SELECT string_agg("A" || '-' || "B", ' ' ORDER BY "B") FROM "_CategoryToPost""#),
        "2-1 1-2 2-3"
    );
}

#[test]
fn a_model_is_split_into_two() {
    let models = r#"
model User {
  id     Int     @id @default(autoincrement())
  email  String  @unique
  bio    String?
  avatar String?
}
"#;
    let rows =
        r#"INSERT INTO "User" (email, bio, avatar) VALUES ('a@x', 'likes engines', 'a.png'), ('b@x', NULL, 'b.png')"#;
    let story = Story::begin(models, rows);
    let profile = r#"  profile Profile?
}

model Profile {
  id     Int     @id @default(autoincrement())
  userId Int     @unique
  user   User    @relation(fields: [userId], references: [id])
  bio    String?
  avatar String?
}
"#;
    story.edit(&[("  bio    String?\n  avatar String?\n}\n", profile)]);
    let said = story.lost("profile");
    says(&said, "public.User.avatar");
    let command = reinsert_command(&said);
    says(&command, " --map User=User --map User=Profile --map User.id=Profile.userId");
    says(&story.re_insert(&said), "✔ Everything in the backup is in the database");
    assert_eq!(
        story.psql(r#"SELECT string_agg(email || '/' || coalesce(bio, '-') || '/' || avatar, ' ' ORDER BY u.id) FROM "User" u JOIN "Profile" p ON p."userId" = u.id"#),
        "a@x/likes engines/a.png b@x/-/b.png"
    );
    story.psql(
        r#"INSERT INTO "User" (email) VALUES ('c@x'); INSERT INTO "Profile" ("userId") SELECT max(id) FROM "User""#,
    );
}
