//! What scripts touch, and when nobody can tell.

use super::*;
use crate::domain::schema::Table;

fn table(name: &str, root: Option<&str>) -> Table {
    Table {
        name: QualifiedName::new("public", name),
        oid: 1,
        columns: Vec::new(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        partition_root: root.map(|root| QualifiedName::new("public", root)),
        extension_condition: None,
    }
}

fn key(table: &str, referenced: &str, actions: &str) -> ForeignKey {
    ForeignKey {
        name: "key".into(),
        table: QualifiedName::new("public", table),
        columns: vec!["id".into()],
        referenced: QualifiedName::new("public", referenced),
        referenced_columns: vec!["id".into()],
        definition: format!("FOREIGN KEY (id) REFERENCES {referenced}(id){actions}"),
        validated: true,
        comment: None,
    }
}

/// `user` ← `post` (deletion goes on) ← `comment` (nothing goes on); `log` is partitioned.
fn catalog() -> Catalog {
    Catalog {
        tables: ["User", "post", "comment", "other"]
            .map(|n| table(n, None))
            .into_iter()
            .chain([table("log_1", Some("log"))])
            .collect(),
        partitioned: vec![table("log", None)],
        foreign_keys: vec![
            key("post", "User", " ON UPDATE RESTRICT ON DELETE CASCADE"),
            key("comment", "post", " ON UPDATE CASCADE ON DELETE RESTRICT"),
        ],
        extension_keys: Vec::new(),
        sequences: Vec::new(),
        materialized_views: Vec::new(),
        schemas: vec!["public".into()],
    }
}

fn shown(sql: &str) -> String {
    match Touched::by(&[sql.to_owned()], "public", &catalog()) {
        Touched::Everything => "everything".into(),
        Touched::Only { tables, columns } => {
            let columns = columns.iter().map(|(t, c)| format!("{}.{c}", t.name));
            tables.iter().map(|t| t.name.clone()).chain(columns).collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn what_prisma_writes_touches_what_it_names() {
    for (sql, touched) in [
        ("", ""),
        ("-- AddColumn\nALTER TABLE \"User\" ADD COLUMN \"age\" INTEGER NOT NULL DEFAULT 0;", "User.age"),
        (
            "ALTER TABLE \"User\" DROP COLUMN \"a\", ADD COLUMN b TEXT, ALTER COLUMN \"C\" SET DATA TYPE NUMERIC(10, 2);",
            "User.C User.a User.b",
        ),
        (
            "ALTER TABLE \"User\" ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES post(id) ON DELETE CASCADE ON UPDATE CASCADE",
            "",
        ),
        ("ALTER TABLE \"User\" DROP CONSTRAINT \"k\", ADD CONSTRAINT \"k\" PRIMARY KEY (\"id\")", ""),
        (
            "ALTER TABLE other RENAME COLUMN a TO \"B\"; ALTER TABLE other RENAME TO another; DELETE FROM another",
            "another other.B other.a",
        ),
        (
            "CREATE TABLE \"new\" (id SERIAL NOT NULL, CONSTRAINT p PRIMARY KEY (id)); INSERT INTO \"new\" SELECT id FROM other;",
            "",
        ),
        (
            "CREATE UNIQUE INDEX i ON other(a); CREATE TYPE \"R\" AS ENUM ('a'); DROP INDEX i; COMMENT ON TABLE other IS 'DELETE FROM x';",
            "",
        ),
        ("DROP TABLE other; DROP TABLE IF EXISTS post CASCADE", "other post"),
        ("TRUNCATE TABLE other, comment", "comment other"),
        ("BEGIN; DELETE FROM \"User\" WHERE id = 5; COMMIT;", "User comment post"),
        ("DELETE FROM post", "post"),
        ("UPDATE \"User\" SET a = 1", "User"),
        ("UPDATE public.post SET a = 1", "comment post"),
        ("DELETE FROM log_1", "log log_1"),
        ("INSERT INTO other VALUES (1) ON CONFLICT DO NOTHING", ""),
        ("INSERT INTO other VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1", "other"),
    ] {
        assert_eq!(shown(sql), touched, "{sql}");
    }
}

#[test]
fn what_cannot_be_told_may_be_everything() {
    for sql in [
        "DO $$ BEGIN DELETE FROM other; END $$",
        "SELECT clean_up()",
        "WITH gone AS (DELETE FROM other RETURNING *) SELECT 1",
        "INSERT INTO comment WITH gone AS (DELETE FROM other RETURNING *) SELECT * FROM gone",
        "DELETE FROM unknown",
        "DELETE FROM a_view; ",
        "UPDATE shop.other SET a = 1",
        "TRUNCATE other CASCADE",
        "CREATE TABLE x AS SELECT 1",
        "CREATE TABLE x PARTITION OF log FOR VALUES IN (1)",
        "ALTER TABLE other INHERIT post",
        "ALTER TABLE log DETACH PARTITION log_1",
        "ALTER TABLE other DISABLE TRIGGER ALL",
        "SET search_path = shop",
        "MERGE INTO other USING post ON true WHEN MATCHED THEN DELETE",
        "CALL x()",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "it's broken; ALTER TABLE other ADD COLUMN a int",
        "ALTER TABLE other",
    ] {
        assert_eq!(shown(sql), "everything", "{sql}");
    }
}
