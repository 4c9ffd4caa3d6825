use super::*;
use crate::domain::digest::{ColumnStats, Digest, TableStats};
use crate::domain::manifest::{DatabaseInfo, Kind, Reason};
use crate::domain::schema::{Column, Table};

/// `name:type`, a `!` after it for NOT NULL; numbered from `first` on.
fn table(oid: u32, name: &str, first: i16, columns: &[&str]) -> Table {
    let column = |(number, text): (i16, &&str)| {
        let (name, type_name) = text.trim_end_matches('!').split_once(':').unwrap();
        let (name, type_name) = (name.to_owned(), type_name.to_owned());
        Column {
            name,
            type_name,
            number,
            not_null: text.ends_with('!'),
            default: None,
            identity: None,
            generated: false,
        }
    };
    Table {
        name: QualifiedName::new("public", name),
        oid,
        columns: (first..).zip(columns).map(column).collect(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        partition_root: None,
        extension_condition: None,
    }
}

/// Three rows; the digest of a column is made of its name, so that columns of different tables can be alike.
fn data(table: Table, digests: &[&str]) -> TableData {
    let digest = |name: &&str| {
        let mut digest = Digest::default();
        digest.add(name.as_bytes());
        ColumnStats { non_null: 3, digest }
    };
    let stats = TableStats { rows: 3, columns: digests.iter().map(digest).collect(), ..TableStats::default() };
    TableData { table, stats, segments: Vec::new() }
}

fn of_names(table: Table) -> TableData {
    let names: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
    data(table, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What is suggested, a line each, for these tables of then and of now.
fn suggested(then: Vec<Table>, now: Vec<Table>, evidence: &Evidence) -> Vec<String> {
    let database = DatabaseInfo {
        name: "shop".into(),
        server_version: 0,
        system_identifier: None,
        encoding: String::new(),
        locale: None,
    };
    let backup = Manifest {
        id: "d-1".into(),
        kind: Kind::DataOnly,
        reason: Reason::Manual,
        created_at: String::new(),
        run: None,
        database,
        project: None,
        structure: None,
        tables: then.into_iter().map(of_names).collect(),
        sequences: Vec::new(),
        materialized_views: Vec::new(),
        schemas: Vec::new(),
        foreign_keys: Vec::new(),
        imported: None,
        snapshot: None,
    };
    let now = Catalog { tables: now, ..Catalog::default() };
    let known = Known { backup: &backup, now: &now, types: &Types::new(), evidence };
    in_words(&suggest(known, &Options::default(), &[]).unwrap())
}

/// The rows are gone, so that nothing needs to be said about them.
fn emptied(names: &[&str]) -> Evidence {
    Evidence { empty: names.iter().map(|n| QualifiedName::new("public", *n)).collect(), ..Evidence::default() }
}

#[test]
fn an_oid_proves_a_rename_in_the_same_database_only() {
    let then = || vec![table(7, "Old", 1, &["id:integer", "a:text", "b:text"])];
    let now = || vec![table(7, "New", 1, &["id:integer", "x:text", "y:text"]), table(8, "Other", 1, &["z:text"])];
    let same = Evidence { same_database: true, ..emptied(&["New"]) };
    assert_eq!(
        suggested(then(), now(), &same),
        [
            "--map Old=New   (the same table, renamed)",
            "--map Old.a=x   (the same column, renamed)",
            "--map Old.b=y   (the same column, renamed)"
        ]
    );
    assert!(suggested(then(), now(), &emptied(&["New"])).is_empty());
}

#[test]
fn renames_in_migrations_are_followed_to_their_end() {
    let then = vec![table(1, "Post", 1, &["id:integer", "body:text", "head:text"])];
    let now =
        vec![table(9, "Entry", 1, &["id:integer", "text:text", "title:text"]), table(10, "Post2", 1, &["id:integer"])];
    let rename = |from: &str, to: &str| Rename::Table {
        from: QualifiedName::new("public", from),
        to: QualifiedName::new("public", to),
    };
    let column = |from: &str, to: &str| Rename::Column {
        table: QualifiedName::new("public", "Article"),
        from: from.into(),
        to: to.into(),
    };
    let renames = [
        ("1_article", rename("Post", "Article")),
        ("2_columns", column("body", "content")),
        ("3_text", column("content", "text")),
        ("4_entry", rename("Article", "Entry")),
    ];
    let renames = renames.into_iter().map(|(name, rename)| (name.to_owned(), rename)).collect();
    let evidence = Evidence { renames, ..emptied(&["Entry"]) };
    assert_eq!(
        suggested(then, now, &evidence),
        [
            "--map Post=Entry   (renamed in migration 4_entry)",
            "--map Post.body=text   (renamed in migration 3_text)",
            "--map Post.head=title   (same type, and the only new one)"
        ]
    );
}

#[test]
fn the_same_values_beat_the_likeness_of_names() {
    let then = vec![table(1, "P", 1, &["id:integer", "name:text", "note:text"])];
    let now = table(1, "P", 4, &["id:integer", "name2:text", "label:text"]);
    let seen = vec![data(now.clone(), &["id", "other", "name"])];
    let evidence = Evidence { seen, ..emptied(&["P"]) };
    assert_eq!(
        suggested(then, vec![now], &evidence),
        ["--map P.name=label   (same values)", "--map P.note=name2   (same type, and the only new one)"]
    );
}

#[test]
fn what_is_not_clear_is_not_suggested() {
    let then = || vec![table(1, "P", 1, &["id:integer", "color:text"])];
    let two = table(2, "P", 1, &["id:integer", "first:text", "second:text"]);
    assert!(suggested(then(), vec![two], &emptied(&["P"])).is_empty());
    let retyped = table(2, "P", 1, &["id:integer", "paid:boolean"]);
    assert!(suggested(then(), vec![retyped], &emptied(&["P"])).is_empty());
    let alike = vec![table(2, "Q", 1, &["id:integer", "color:text"]), table(3, "R", 1, &["id:integer", "color:text"])];
    assert!(suggested(then(), alike, &Evidence::default()).is_empty());
}

#[test]
fn another_type_only_under_an_alike_name() {
    let then = vec![table(1, "P", 1, &["id:integer", "price:text"])];
    let now = vec![table(1, "P", 1, &["id:integer", "price_cents:integer", "stock:integer"])];
    assert_eq!(
        suggested(then, now, &emptied(&["P"])),
        ["--map P.price=price_cents   (the names are alike; the type is another: text → integer)"]
    );
}

#[test]
fn what_was_declined_is_not_asked_again_nor_what_hangs_on_it() {
    let then = vec![of_names(table(1, "Old", 1, &["id:integer", "a:text", "b:text", "c:text"]))];
    let now = Catalog {
        tables: vec![table(2, "New", 1, &["id:integer", "a:text", "b:text", "d:text"])],
        ..Catalog::default()
    };
    let backup: Manifest = serde_json::from_value(serde_json::json!({
        "id": "d-1", "kind": "data-only", "reason": "manual", "created_at": "", "schemas": [], "sequences": [],
        "database": {"name": "shop", "server_version": 0, "encoding": ""}, "tables": then,
    }))
    .unwrap();
    let (types, evidence) = (Types::new(), Evidence::default());
    let known = Known { backup: &backup, now: &now, types: &types, evidence: &evidence };
    let all = suggest(known, &Options::default(), &[]).unwrap();
    assert_eq!(command_line(&all), " --map Old=New --map Old.c=d");
    assert!(suggest(known, &Options::default(), &all[..1]).unwrap().is_empty());
    assert_eq!(command_line(&suggest(known, &Options::default(), &all[1..]).unwrap()), " --map Old=New");
}

#[test]
fn rows_that_stay_need_the_mildest_way_that_works() {
    let same = || Evidence { same_database: true, ..Evidence::default() };
    let then = || vec![table(1, "P", 1, &["id:integer", "a:text"])];
    let recreated = |column: &str| {
        let mut now = table(1, "P", 1, &["id:integer", column]);
        now.columns[1].number = 3;
        vec![now]
    };
    let nullable = suggested(then(), recreated("a:integer"), &same());
    assert_eq!(nullable, ["--on-conflict fill   (the rows are still there, without the old values of P.a)"]);
    let required = suggested(then(), recreated("a:integer!"), &same());
    assert_eq!(required, ["--on-conflict update   (the rows are still there, with other values in P.a)"]);
    let mut keyed = recreated("a:integer!");
    keyed[0].primary_key = vec!["a".into()];
    assert!(suggested(then(), keyed, &same())[0].starts_with("--on-conflict replace --table P   (P.a was made anew"));
    assert!(suggested(then(), then(), &same()).is_empty());
}

#[test]
fn a_partitioned_table_is_renamed_as_one() {
    let leaf = |oid, name: &str| Table {
        partition_root: Some(QualifiedName::new("public", "Event")),
        ..table(oid, name, 1, &["id:integer", "at:date"])
    };
    let now = vec![table(9, "Events", 1, &["id:integer", "at:date"])];
    let same = Evidence { same_database: true, ..Evidence::default() };
    let suggested = suggested(vec![leaf(1, "Event_1"), leaf(9, "Event_2")], now, &same);
    assert_eq!(suggested, ["--map Event=Events   (same columns, and the names are alike)"]);
}
