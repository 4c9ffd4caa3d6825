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

#[test]
fn a_join_table_that_keeps_its_name_exchanges_its_sides() {
    let key = |column: &str, referenced: &str| ForeignKey {
        name: "f".into(),
        table: name("_labels"),
        columns: vec![column.into()],
        referenced: name(referenced),
        referenced_columns: vec!["id".into()],
        definition: String::new(),
        validated: true,
        comment: None,
    };
    let catalog = Catalog {
        tables: vec![table("_labels", &[("A", "integer"), ("B", "text")])],
        foreign_keys: vec![key("A", "Zarticle"), key("B", "Tag")],
        ..Catalog::default()
    };
    let sql = |a: &str, b: &str| {
        format!(
            "ALTER TABLE \"_labels\" DROP COLUMN \"A\", ADD COLUMN \"A\" TEXT NOT NULL, DROP COLUMN \"B\", ADD COLUMN \"B\" INTEGER NOT NULL;
            ALTER TABLE \"_labels\" ADD CONSTRAINT \"a\" FOREIGN KEY (\"A\") REFERENCES \"{a}\"(\"id\");
            ALTER TABLE \"_labels\" ADD CONSTRAINT \"b\" FOREIGN KEY (\"B\") REFERENCES \"{b}\"(\"id\");"
        )
    };
    let crossed = asked(&sql("Tag", "Zarticle"), &catalog, &[]);
    assert!(matches!(crossed.as_slice(), [rescue @ Rescue::Table { .. }] if rescue.is_implied()), "{crossed:?}");
    let statements = crossed[0].statements("public", None);
    assert!(statements.len() == 4 && statements[0].contains("RENAME COLUMN \"A\""), "{statements:?}");
    // another table than before is no exchange
    assert!(!asked(&sql("Tag", "Post"), &catalog, &[]).iter().any(Rescue::is_implied));
}

#[test]
fn a_list_is_never_required_and_keys_give_way() {
    let mut catalog = shop();
    catalog.foreign_keys.push(ForeignKey {
        name: "to it".into(),
        table: name("Sale"),
        columns: vec!["what".into()],
        referenced: name("Product"),
        referenced_columns: vec!["sold".into()],
        definition: String::new(),
        validated: true,
        comment: None,
    });
    let sql = "ALTER TABLE \"Product\" DROP COLUMN \"sold\", ADD COLUMN \"sold\" TEXT[];";
    let statements = asked(sql, &catalog, &[])[0].statements("public", None);
    assert_eq!(statements[0], "ALTER TABLE \"Sale\" DROP CONSTRAINT IF EXISTS \"to it\";");
    assert!(statements[1].ends_with(",\nALTER COLUMN \"sold\" DROP NOT NULL;"), "{statements:?}");
}

proptest::proptest! {
    /// Whatever the names, and whichever of them are other ones now: each is asked for, sooner or later, and no column twice
    /// at once.
    #[test]
    fn every_renamed_column_is_asked_for(
        columns in proptest::collection::btree_map("[a-zA-Z \"é.]{1,9}", (0..4_usize, proptest::option::of("[0-9][a-z\"%]{0,9}")), 1..9),
        order in proptest::prelude::any::<proptest::sample::Index>(),
    ) {
        const TYPES: [(&str, &str); 4] =
            [("text", "TEXT"), ("integer", "INTEGER"), ("timestamp(3) without time zone", "TIMESTAMP(3)"), ("text[]", "TEXT[]")];
        let mut to = std::collections::BTreeSet::new();
        let renamed: Vec<(&String, usize, &String)> = columns.iter()
            .filter_map(|(from, (ty, new))| new.as_ref().map(|new| (from, *ty, new)))
            .filter(|(.., new)| to.insert((*new).clone())).collect();
        let all: Vec<(&str, &str)> = columns.iter().map(|(name, (ty, _))| (name.as_str(), TYPES[*ty].0)).collect();
        let catalog = Catalog { tables: vec![table("T", &all)], ..Catalog::default() };
        let mut actions: Vec<String> = renamed.iter().map(|(from, ..)| format!("DROP COLUMN {}", quote_ident(from))).collect();
        actions.extend(renamed.iter().map(|(_, ty, new)| format!("ADD COLUMN {} {}", quote_ident(new), TYPES[*ty].1)));
        if !actions.is_empty() {
            let turns = order.index(actions.len());
            actions.rotate_left(turns);
        }
        let sql = format!("ALTER TABLE \"T\" {};", actions.join(", "));
        let (mut declined, mut said) = (Vec::new(), Vec::new());
        while let found @ [_, ..] = asked(&sql, &catalog, &declined).as_slice() {
            let ends: std::collections::BTreeSet<_> = found.iter().map(Rescue::ends).collect();
            proptest::prop_assert_eq!(ends.len(), found.len());
            said.extend_from_slice(found);
            declined.extend_from_slice(found);
            proptest::prop_assert!(declined.len() <= 81);
        }
        for (old, _, new) in renamed {
            let is_it = |rescue: &Rescue| matches!(rescue, Rescue::Column { from, to, .. } if from == old && to == new);
            proptest::prop_assert!(said.iter().any(is_it), "{} to {} in {}", old, new, sql);
        }
    }
}
