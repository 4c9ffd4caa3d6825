//! Each kind of Prisma's warnings and each of the steps that it says cannot be executed, with rows: what Prisma says, what
//! the rehearsal says, and what becomes of the data after a yes.

use crate::scenes::{databases, drafted, files, lost, project, set_models, statements, tables};
use crate::support::{Cluster, Prisma, on_both};
use serde_json::Value;

on_both! { what_is_lost_after_a_yes ; thorough_with_6: what_cannot_be_executed_and_its_recipes }

const MODELS: &str = r#"
enum Mood {
  GOOD
  BAD
  UGLY
}
model Dropped {
  id    Int     @id
  note  String?
  title String
}
model Gone {
  id   Int    @id
  name String
}
model Cast {
  id     Int   @id
  weight Float
}
model Remade {
  id     Int     @id
  answer String?
}
model Keyed {
  a Int
  b Int
  @@id([a])
}
model Single {
  id   Int    @id
  name String
}
model Moody {
  id   Int  @id
  mood Mood @default(GOOD)
}
"#;

const AFTER: &str = r#"
enum Mood {
  GOOD
  BAD
}
model Dropped {
  id    Int     @id
  title String
}
model Cast {
  id     Int @id
  weight Int
}
model Remade {
  id     Int  @id
  answer Int?
}
model Keyed {
  a Int
  b Int
  @@id([a, b])
}
model Single {
  id   Int    @id
  name String @unique
}
model Moody {
  id   Int  @id
  mood Mood @default(GOOD)
}
"#;

const SQL: &str = r#"
CREATE TYPE "Mood" AS ENUM ('GOOD', 'BAD', 'UGLY');
CREATE TABLE "Dropped" ("id" INTEGER NOT NULL, "note" TEXT, "title" TEXT NOT NULL, CONSTRAINT "Dropped_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Gone" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL, CONSTRAINT "Gone_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Cast" ("id" INTEGER NOT NULL, "weight" DOUBLE PRECISION NOT NULL, CONSTRAINT "Cast_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Remade" ("id" INTEGER NOT NULL, "answer" TEXT, CONSTRAINT "Remade_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Keyed" ("a" INTEGER NOT NULL, "b" INTEGER NOT NULL, CONSTRAINT "Keyed_pkey" PRIMARY KEY ("a"));
CREATE TABLE "Single" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL, CONSTRAINT "Single_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Moody" ("id" INTEGER NOT NULL, "mood" "Mood" NOT NULL DEFAULT 'GOOD', CONSTRAINT "Moody_pkey" PRIMARY KEY ("id"));
"#;

const ROWS: &str = r#"
INSERT INTO "Dropped" SELECT n, 'note ' || n, 't' FROM generate_series(1, 30) n;
INSERT INTO "Gone" SELECT n, 'g' || n FROM generate_series(1, 20) n;
INSERT INTO "Cast" SELECT n, n + (n % 2) * 0.25 FROM generate_series(1, 10) n;
INSERT INTO "Remade" SELECT n, CASE WHEN n > 3 THEN n::text END FROM generate_series(1, 12) n;
INSERT INTO "Keyed" SELECT n, -n FROM generate_series(1, 9) n;
INSERT INTO "Single" SELECT n, 'one ' || n FROM generate_series(1, 9) n;
INSERT INTO "Moody" SELECT n, 'BAD' FROM generate_series(1, 9) n;
"#;

/// Column dropped, table dropped, risky cast that rounds, column dropped and added anew, another primary key, a unique key
/// that nothing is against, an enum value that nothing has.
fn what_is_lost_after_a_yes(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = project(prisma, &cluster, MODELS, SQL, ROWS);
    set_models(&project, AFTER);
    let (before, in_folder) = (cluster.dump("shop"), files(&project));
    let (code, said) = project.json(&["rehearse", "--as", "dev"]);
    assert_eq!((code, &said["verdict"], &said["error"]["kind"]), (3, &"loses".into(), &"data-lost".into()), "{said:#}");
    assert!(statements(&said).iter().all(|s| s["failure"].is_null()), "{said:#}");
    let lossy = ["Cast.weight: changed", "Dropped.note: dropped", "Gone: dropped", "Remade.answer: lost-values"];
    assert_eq!(lost(&said["verification"]), lossy, "{said:#}");
    assert!(cluster.dump("shop") == before && files(&project) == in_folder);
    assert_eq!(databases(&cluster), "postgres shop");

    let words = drafted(&project, "all");
    for warning in [
        "You are about to drop the column `note` on the `Dropped` table, which still contains 30 non-null values.",
        "You are about to drop the `Gone` table, which is not empty (20 rows).",
        "You are about to alter the column `weight` on the `Cast` table, which contains 10 non-null values. The data in that column will be cast from `DoublePrecision` to `Integer`.",
        "The `answer` column on the `Remade` table would be dropped and recreated. This will lead to data loss.",
        "The primary key for the `Keyed` table will be changed. If it partially fails, the table could be left without primary key constraint.",
        "A unique constraint covering the columns `[name]` on the table `Single` will be added. If there are existing duplicate values, this will fail.",
        "The values [UGLY] on the enum `Mood` will be removed. If these variants are still used in the database, this will fail.",
    ] {
        assert!(words.contains(warning), "nowhere says {warning}\n{words}");
    }
    let (code, real) = project.json(&["deploy", "--on-loss", "keep"]);
    assert_eq!((code, &real["prisma_exit_code"]), (3, &0.into()), "{real:#}");
    assert_eq!(tables(&said["verification"]), tables(&real["verification"]), "{real:#}");
}

const NEEDY: &str = r#"
enum Colour {
  RED
  GREEN
  BLUE
}
model Required {
  id   Int     @id
  more String?
}
model Made {
  id   Int     @id
  name String?
}
model Remade {
  id     Int    @id
  answer String
}
model Twice {
  id   Int    @id
  name String
}
model Coloured {
  id     Int     @id
  colour Colour? @default(GREEN)
}
model Narrow {
  id   Int    @id
  done String
}
model Parent {
  id Int @id
}
model Child {
  id       Int  @id
  parentId Int?
}
"#;

const NEEDED: &str = r#"
enum Colour {
  GREEN
  BLUE
}
model Required {
  id  Int    @id
  sku String
  tag String @default(cuid())
  n   Int    @default(7)
}
model Made {
  id   Int    @id
  name String
  size Int?
}
model Remade {
  id     Int @id
  answer Int
}
model Twice {
  id   Int    @id
  name String @unique
}
model Coloured {
  id     Int     @id
  colour Colour? @default(GREEN)
}
model Narrow {
  id   Int    @id
  done String @db.VarChar(3)
}
model Parent {
  id       Int     @id
  children Child[]
}
model Child {
  id       Int     @id
  parentId Int?
  parent   Parent? @relation(fields: [parentId], references: [id])
}
"#;

const NEEDY_SQL: &str = r#"
CREATE TYPE "Colour" AS ENUM ('RED', 'GREEN', 'BLUE');
CREATE TABLE "Required" ("id" INTEGER NOT NULL, "more" TEXT, CONSTRAINT "Required_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Made" ("id" INTEGER NOT NULL, "name" TEXT, CONSTRAINT "Made_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Remade" ("id" INTEGER NOT NULL, "answer" TEXT NOT NULL, CONSTRAINT "Remade_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Twice" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL, CONSTRAINT "Twice_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Coloured" ("id" INTEGER NOT NULL, "colour" "Colour" DEFAULT 'GREEN', CONSTRAINT "Coloured_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Narrow" ("id" INTEGER NOT NULL, "done" TEXT NOT NULL, CONSTRAINT "Narrow_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Parent" ("id" INTEGER NOT NULL, CONSTRAINT "Parent_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Child" ("id" INTEGER NOT NULL, "parentId" INTEGER, CONSTRAINT "Child_pkey" PRIMARY KEY ("id"));
"#;

const NEEDY_ROWS: &str = r#"
INSERT INTO "Required" SELECT n FROM generate_series(1, 7) n;
INSERT INTO "Made" SELECT n, CASE WHEN n > 6 THEN 'n' || n END FROM generate_series(1, 10) n;
INSERT INTO "Remade" SELECT n, n::text FROM generate_series(1, 8) n;
INSERT INTO "Twice" SELECT n, 'name ' || n / 2 FROM generate_series(1, 9) n;
INSERT INTO "Coloured" SELECT n, (ARRAY['RED', 'GREEN', 'BLUE', NULL])[1 + n % 4]::"Colour" FROM generate_series(1, 11) n;
INSERT INTO "Narrow" SELECT n, repeat('x', n) FROM generate_series(1, 5) n;
INSERT INTO "Parent" SELECT n FROM generate_series(1, 3) n;
INSERT INTO "Child" SELECT n, NULLIF(n, 9) FROM generate_series(1, 9) n;
"#;

/// By hand, into what Prisma drafted.
const CHECK: &str = "\nALTER TABLE \"Parent\" ADD CONSTRAINT \"positive\" CHECK (\"id\" > 1);\n";

/// A failing statement by a part of it, what it says, and what stands for each `…` of its recipe.
struct Case {
    statement: &'static str,
    code: &'static str,
    rows: (u64, u64),
    keys: &'static str,
    values: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        statement: "\"sku\"",
        code: "23502",
        rows: (7, 7),
        keys: "id = 1|id = 2|id = 3|id = 4|id = 5",
        values: &["'sku ' || id"],
    },
    Case {
        statement: "\"tag\"",
        code: "23502",
        rows: (7, 7),
        keys: "id = 1|id = 2|id = 3|id = 4|id = 5",
        values: &["'tag ' || id"],
    },
    Case {
        statement: "\"Made\"",
        code: "23502",
        rows: (6, 10),
        keys: "id = 1|id = 2|id = 3|id = 4|id = 5",
        values: &["'nobody'"],
    },
    Case {
        statement: "\"Remade\"",
        code: "23502",
        rows: (8, 8),
        keys: "id = 1|id = 2|id = 3|id = 4|id = 5",
        values: &["\"answer\"::integer"],
    },
    Case {
        statement: "\"Twice_name_key\"",
        code: "23505",
        rows: (8, 9),
        keys: "name = name 1|name = name 2|name = name 3|name = name 4",
        values: &["name || ' of ' || id"],
    },
    Case { statement: "\"Colour_new\" USING", code: "22P02", rows: (2, 11), keys: "id = 4", values: &["'GREEN'"] },
    Case { statement: "\"Narrow\"", code: "22001", rows: (2, 5), keys: "id = 4|id = 5", values: &["'x4'", "'x5'"] },
    Case {
        statement: "FOREIGN KEY",
        code: "23503",
        rows: (5, 9),
        keys: "id = 4|id = 5|id = 6|id = 7|id = 8",
        values: &["NULL"],
    },
    Case { statement: "\"positive\"", code: "23514", rows: (1, 3), keys: "id = 1", values: &["\"id\" = 11"] },
];

/// A required field with and without a default that only Prisma knows, a field made required, a required one dropped and
/// added anew, a unique key, an enum value, a cast, a foreign key, a condition: all at once, each with rows in its way.
fn what_cannot_be_executed_and_its_recipes(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = project(prisma, &cluster, NEEDY, NEEDY_SQL, NEEDY_ROWS);
    set_models(&project, NEEDED);
    let words = drafted(&project, "all");
    for warning in [
        "Added the required column `sku` to the `Required` table without a default value. There are 7 rows in this table, it is not possible to execute this step.",
        "The required column `tag` was added to the `Required` table with a prisma-level default value. There are 7 rows in this table, it is not possible to execute this step.",
        "Made the column `name` on table `Made` required, but there are 6 existing NULL values.",
        "Changed the type of `answer` on the `Remade` table. No cast exists, the column would be dropped and recreated, which cannot be done",
    ] {
        assert!(words.contains(warning), "nowhere says {warning}\n{words}");
    }
    let file = format!("prisma/migrations/{}/migration.sql", project.migrations().pop().unwrap());
    let sql = project.read(&file) + CHECK;
    project.write(&file, &sql);
    let before = cluster.dump("shop");
    let (code, said) = project.json(&["rehearse", "--as", "dev"]);
    assert_eq!((code, &said["verdict"], &said["error"]["kind"]), (1, &"fails".into(), &"findings".into()), "{said:#}");
    let statements = statements(&said);
    let failing = statements.iter().filter(|s| s["failure"].is_object());
    assert_eq!(failing.clone().count(), CASES.len(), "{:#?}", failing.collect::<Vec<_>>());
    let mended: Vec<String> = statements.iter().map(mended).collect();
    let mended = mended.join(";\n");
    assert!(cluster.dump("shop") == before);

    let first = statements.iter().find(|s| s["failure"].is_object()).unwrap();
    let refused = project.prisma(&["migrate", "deploy"]).code(1);
    let code = first["failure"]["code"].as_str().unwrap();
    assert!(refused.stderr.contains(code), "{code}: {refused}");
    project.prisma(&["migrate", "resolve", "--rolled-back", project.migrations().last().unwrap()]).ok();

    project.write(&file, &mended);
    let (code, said) = project.json(&["deploy", "--rehearse", "--on-loss", "keep"]);
    let rehearsed = &said["rehearsal"]["verification"];
    assert_eq!((code, tables(rehearsed)), (3, tables(&said["verification"])), "{said:#}");
    // what was filled in above for the values in the way, a key among them, and the field that the schema drops; no more
    let meant = [
        "Child.parentId: lost-values",
        "Coloured.colour: changed",
        "Narrow.done: changed",
        "Parent: lost-rows",
        "Required.more: dropped",
        "Twice.name: changed",
    ];
    assert_eq!(lost(rehearsed), meant, "{rehearsed:#}");
    assert_eq!(project.prisma(&["migrate", "status"]).code, 0);
}

/// The statement; or, where it fails as its case says, its recipe, filled in.
fn mended(found: &Value) -> String {
    let sql = found["sql"].as_str().unwrap();
    let Some(failure) = found.get("failure") else { return sql.to_owned() };
    let case = CASES.iter().find(|case| sql.contains(case.statement)).unwrap_or_else(|| panic!("{found:#}"));
    let (rows, what) = (&failure["rows"], format!("{found:#}"));
    assert_eq!(failure["code"], case.code, "{what}");
    assert_eq!((rows["count"].as_u64(), rows["of"].as_u64()), (Some(case.rows.0), Some(case.rows.1)), "{what}");
    let keys: Vec<&str> = rows["examples"].as_array().unwrap().iter().map(|e| e["key"].as_str().unwrap()).collect();
    assert_eq!(keys.join("|"), case.keys, "{what}");
    let mut recipe = failure["recipe"].as_str().unwrap().to_owned();
    assert_eq!(recipe.matches('…').count(), case.values.len(), "{what}");
    for value in case.values {
        recipe = recipe.replacen('…', value, 1);
    }
    recipe
}
