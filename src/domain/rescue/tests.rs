use super::*;
use crate::domain::schema::{Column, ForeignKey};

fn name(table: &str) -> QualifiedName {
    QualifiedName::new("public", table)
}

fn table(own: &str, columns: &[(&str, &str)]) -> Table {
    let column = |(n, (name, ty)): (usize, &(&str, &str))| Column {
        name: (*name).into(),
        type_name: (*ty).into(),
        number: i16::try_from(n + 1).unwrap(),
        not_null: true,
        default: None,
        identity: None,
        generated: false,
    };
    Table {
        name: name(own),
        oid: 1,
        columns: columns.iter().enumerate().map(column).collect(),
        primary_key: vec![columns[0].0.into()],
        unique_keys: Vec::new(),
        partition_root: None,
        extension_condition: None,
    }
}

fn asked(sql: &str, catalog: &Catalog, declined: &[Rescue]) -> Vec<Rescue> {
    let types = Types::from([("\"Role\"".to_owned(), TypeShape::Enum { labels: vec!["A".into(), "B".into()] })]);
    let known = Known { catalog, types: &types, default_schema: "public" };
    candidates(&Draft::read(sql, "public"), known, declined)
}

fn questions(sql: &str, catalog: &Catalog, declined: &[Rescue]) -> Vec<String> {
    asked(sql, catalog, declined).iter().map(|rescue| rescue.question("public")).collect()
}

fn shop() -> Catalog {
    let product = [("id", "integer"), ("title", "text"), ("price", "numeric(65,30)"), ("sold", "text")];
    Catalog { tables: vec![table("Product", &product)], ..Catalog::default() }
}

#[test]
fn a_column_of_the_same_kind_is_asked_for() {
    let sql = "ALTER TABLE \"Product\" DROP COLUMN \"title\", ADD COLUMN \"name\" TEXT NOT NULL;";
    assert_eq!(questions(sql, &shop(), &[]), ["Was Product.title renamed to name?"]);
    let other = "ALTER TABLE \"Product\" DROP COLUMN \"title\", ADD COLUMN \"stock\" INTEGER NOT NULL;";
    assert!(questions(other, &shop(), &[]).is_empty());
    // a wider type may be the same field
    let wider = "ALTER TABLE \"Product\" DROP COLUMN \"id\", ADD COLUMN \"no\" BIGINT NOT NULL;";
    assert_eq!(questions(wider, &shop(), &[]), ["Was Product.id renamed to no?"]);
}

#[test]
fn two_at_once_are_paired_by_their_names_and_asked_apart() {
    let sql = "ALTER TABLE \"Product\" DROP COLUMN \"title\", DROP COLUMN \"sold\", ADD COLUMN \"soldAt\" TEXT NOT NULL, ADD COLUMN \"titleLong\" TEXT;";
    assert_eq!(
        questions(sql, &shop(), &[]),
        ["Was Product.sold renamed to soldAt?", "Was Product.title renamed to titleLong?"]
    );
    let first = asked(sql, &shop(), &[]).remove(0);
    // declined: the others are asked, and then what is left
    let then = questions(sql, &shop(), std::slice::from_ref(&first));
    assert!(
        !then.contains(&first.question("public"))
            && then.contains(&"Was Product.title renamed to titleLong?".to_owned()),
        "{then:?}"
    );
}

#[test]
fn a_column_made_anew_goes_by_its_type() {
    let sql = "ALTER TABLE \"Product\" DROP COLUMN \"sold\", ADD COLUMN \"sold\" INTEGER NOT NULL DEFAULT 1;";
    let found = asked(sql, &shop(), &[]);
    assert_eq!(
        found[0].statements("public", None),
        [
            "ALTER TABLE \"Product\" ALTER COLUMN \"sold\" DROP DEFAULT,\nALTER COLUMN \"sold\" TYPE INTEGER USING \"sold\"::INTEGER;"
        ]
    );
    assert_eq!(conversions("a", "text", "INTEGER"), ["\"a\"::INTEGER", "\"a\"::text::INTEGER"]);
    assert_eq!(conversions("a", "text", "TEXT[]"), ["CASE WHEN \"a\" IS NOT NULL THEN ARRAY[\"a\"]::TEXT[] END"]);
}

#[test]
fn enums_come_before_tables_and_tables_before_columns() {
    let sql = "CREATE TYPE \"Level\" AS ENUM ('A', 'B'); DROP TYPE \"Role\"; DROP TABLE \"Product\";
        CREATE TABLE \"Article\" (\"id\" SERIAL NOT NULL, \"title\" TEXT NOT NULL, \"price\" DECIMAL(65,30) NOT NULL);";
    let enums = asked(sql, &shop(), &[]);
    assert_eq!(enums[0].question("public"), "Was the enum Role renamed to Level?");
    assert_eq!(enums[0].statements("public", None), ["ALTER TYPE \"Role\" RENAME TO \"Level\";"]);
    let tables = asked(sql, &shop(), &enums);
    assert_eq!(tables[0].statements("public", None), ["ALTER TABLE \"Product\" RENAME TO \"Article\";"]);
    assert!(asked(sql, &shop(), &[enums, tables].concat()).is_empty());
}

#[test]
fn a_table_that_has_little_in_common_is_another() {
    let sql =
        "DROP TABLE \"Product\"; CREATE TABLE \"Log\" (\"id\" SERIAL NOT NULL, \"line\" TEXT, \"at\" TIMESTAMP(3));";
    assert!(questions(sql, &shop(), &[]).is_empty());
}

#[test]
fn the_sides_of_a_join_table_change_places() {
    let join = table("_PostToTag", &[("A", "integer"), ("B", "integer")]);
    let key = |column: &str, referenced: &str| ForeignKey {
        name: "f".into(),
        table: name("_PostToTag"),
        columns: vec![column.into()],
        referenced: name(referenced),
        referenced_columns: vec!["id".into()],
        definition: String::new(),
        validated: true,
        comment: None,
    };
    let catalog =
        Catalog { tables: vec![join], foreign_keys: vec![key("A", "Zarticle"), key("B", "Tag")], ..Catalog::default() };
    let sql = |a: &str, b: &str| {
        format!(
            "DROP TABLE \"_PostToTag\"; CREATE TABLE \"_TagToZarticle\" (\"A\" INTEGER NOT NULL, \"B\" INTEGER NOT NULL, CONSTRAINT \"_TagToZarticle_AB_pkey\" PRIMARY KEY (\"A\",\"B\"));
            ALTER TABLE \"_TagToZarticle\" ADD CONSTRAINT \"a\" FOREIGN KEY (\"A\") REFERENCES \"{a}\"(\"id\");
            ALTER TABLE \"_TagToZarticle\" ADD CONSTRAINT \"b\" FOREIGN KEY (\"B\") REFERENCES \"{b}\"(\"id\");"
        )
    };
    let crossed = asked(&sql("Tag", "Zarticle"), &catalog, &[]);
    let statements = crossed[0].statements("public", None);
    assert_eq!(statements.len(), 5, "{statements:?}");
    assert!(
        statements[4].contains("DROP CONSTRAINT \"_PostToTag_AB_pkey\",\nADD CONSTRAINT \"_TagToZarticle_AB_pkey\"")
    );
    assert_eq!(asked(&sql("Zarticle", "Tag"), &catalog, &[])[0].statements("public", None).len(), 1);
}
