use super::*;
use crate::domain::compare::{ByOthers, ColumnVerdict};
use crate::domain::digest::TableStats;
use crate::domain::schema::Table;
use proptest::prelude::*;

fn column(name: &str, before: u64, after: u64, verdict: ColumnVerdict) -> ColumnReport {
    let column = name.to_owned();
    ColumnReport { column, before, after, verdict, to: None, values_changed: None, values_lost: None, expected: None }
}

fn table(name: &str, verdict: TableVerdict, rows_lost: u64, columns: Vec<ColumnReport>) -> TableReport {
    TableReport {
        table: name.to_owned(),
        before: 10,
        after: 10 - rows_lost,
        verdict,
        to: None,
        rows_lost: (rows_lost > 0).then_some(rows_lost),
        by_others: ByOthers::default(),
        expected: None,
        columns,
    }
}

fn there(schema: &str, name: &str) -> TableData {
    let table = Table {
        name: QualifiedName::new(schema, name),
        oid: 1,
        columns: Vec::new(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        partition_root: None,
        extension_condition: None,
    };
    TableData { table, stats: TableStats::empty(0), segments: Vec::new() }
}

fn patterns(texts: &[&str]) -> Vec<LossPattern> {
    texts.iter().map(|text| LossPattern::try_from((*text).to_owned()).unwrap()).collect()
}

fn applied(sql: &str) -> Vec<Script> {
    const EARLIER: &str = r#"CREATE TYPE "Role" AS ENUM ('A', 'B'); CREATE TABLE "User" (id int PRIMARY KEY, name text, age int, role "Role");
        CREATE TABLE "Log" (id int, text text); CREATE TABLE app."User" (id int, name text);"#;
    let earlier = Script { sql: EARLIER.into(), applies: false };
    vec![earlier, Script { sql: sql.into(), applies: true }]
}

/// Everything that can be gone from `User` and `Log`, one loss at a time.
fn losses() -> Vec<(&'static str, TableReport)> {
    use ColumnVerdict::{Changed, Dropped, Identical, LostValues};
    let id = || column("id", 10, 10, Identical);
    let nulled = ColumnReport { values_lost: Some(4), ..column("name", 10, 6, LostValues) };
    let kept = |name: &str, columns| table(name, TableVerdict::Kept, 0, columns);
    let gone = |name: &str| table(name, TableVerdict::LostRows, 10, vec![column("name", 10, 0, LostValues)]);
    let dropped = TableReport { rows_lost: None, ..table("public.Log", TableVerdict::Dropped, 10, Vec::new()) };
    vec![
        ("name gone", kept("public.User", vec![id(), column("name", 10, 0, Dropped)])),
        ("name nulled", kept("public.User", vec![id(), nulled])),
        ("name changed", kept("public.User", vec![id(), column("name", 10, 10, Changed)])),
        ("age gone", kept("public.User", vec![id(), column("age", 10, 0, Dropped)])),
        ("role changed", kept("public.User", vec![column("role", 10, 10, Changed)])),
        ("rows gone", gone("public.User")),
        ("other rows gone", gone("app.User")),
        ("log gone", dropped),
        ("log emptied", gone("public.Log")),
    ]
}

/// Which of the losses are expected.
fn covered(expectations: &Expectations) -> Vec<&'static str> {
    let before = [there("public", "User"), there("public", "Log"), there("app", "User")];
    let cases = losses().into_iter().filter(|(_, loss)| {
        let marked = expectations.mark(Verification { ok: false, tables: vec![loss.clone()] }, &before);
        assert!(marked.tables[0].is_loss(), "it is listed all the same");
        marked.ok
    });
    cases.map(|(name, _)| name).collect()
}

#[test]
fn a_pattern_covers_what_it_names() {
    let covers = |texts: &[&str]| covered(&Expectations::new(&patterns(texts), &[], "public"));
    let of_name = ["name gone", "name nulled", "name changed"];
    assert_eq!(covers(&[]), [""; 0]);
    assert_eq!(covers(&["User.name"]), of_name);
    assert_eq!(covers(&["*.name"]), of_name);
    assert_eq!(covers(&["User.age", "Nobody"]), ["age gone"]);
    assert_eq!(covers(&["Log"]), ["log gone", "log emptied"]);
    assert_eq!(covers(&["app.User.*"]), ["other rows gone"]);
    assert_eq!(covers(&["User.*"]).len(), 6);
    // Table.column, never schema.Table
    assert_eq!(covers(&["public.User"]), [""; 0]);
}

#[test]
fn a_comment_covers_what_the_statement_below_it_takes() {
    let accept = |kind: &str, sql: &str| format!("-- safemigrate: accept {kind} nobody needs it\n{sql}");
    let drop_name = r#"ALTER TABLE "User" DROP COLUMN name;"#;
    let of_name: &[&str] = &["name gone", "name nulled", "name changed"];
    let of_log: &[&str] = &["log gone", "log emptied"];
    let shrunk = r#"CREATE TYPE r2 AS ENUM ('A'); -- safemigrate: accept enum-value-removed B is gone
        ALTER TABLE "User" ALTER COLUMN role TYPE r2 USING (role::text::r2);"#;
    for (sql, expected) in [
        (drop_name.to_owned(), &[] as &[&str]),
        (accept("dropped-column", drop_name), of_name),
        (accept("dropped-table", drop_name), &[]),
        (accept("dropped-column", &format!("SELECT 1; {drop_name}")), &[]),
        (accept("dropped-and-added", r#"ALTER TABLE "User" DROP COLUMN name, ADD COLUMN title text;"#), of_name),
        (accept("type-change", r#"ALTER TABLE "User" ALTER COLUMN age TYPE smallint;"#), &["age gone"]),
        (shrunk.to_owned(), &["role changed"]),
        (
            accept("update-all", r#"UPDATE "User" SET name = NULL, age = 1;"#),
            &["name gone", "name nulled", "name changed", "age gone"],
        ),
        (accept("truncate", r#"TRUNCATE "Log";"#), of_log),
        (accept("delete-all", r#"DELETE FROM "Log";"#), of_log),
        (accept("dropped-table", r#"DROP TABLE "Log";"#), of_log),
        (accept("dropped-schema", "DROP SCHEMA app CASCADE;"), &["other rows gone"]),
        // of some rows nothing is found, so that nothing can be accepted
        (accept("delete-all", r#"DELETE FROM "Log" WHERE id < 5;"#), &[]),
        // where it is not sure which table is meant
        (accept("truncate", r#"TRUNCATE "Log"; SET search_path = app;"#), &[]),
        (accept("truncate", r#"TRUNCATE "Log"; ALTER TABLE"#), &[]),
    ] {
        assert_eq!(covered(&Expectations::new(&[], &applied(&sql), "public")), expected, "{sql}");
    }
    let older = [Script { sql: accept("truncate", r#"TRUNCATE "Log";"#), applies: false }];
    assert!(covered(&Expectations::new(&[], &older, "public")).is_empty(), "of a migration that did not run now");
}

#[test]
fn names_without_a_schema_are_in_the_default_one() {
    let sql = "-- safemigrate: accept truncate old\nTRUNCATE \"User\";";
    assert_eq!(covered(&Expectations::new(&[], &applied(sql), "app")), ["other rows gone"]);
    let sql = "-- safemigrate: accept truncate old\nTRUNCATE \"public\".\"User\";";
    assert!(covered(&Expectations::new(&[], &applied(sql), "app")).is_empty());
}

#[test]
fn rows_that_went_take_their_values_and_no_others() {
    let merge = "-- safemigrate: accept delete-all the rest\nMERGE INTO \"User\" u USING x ON x.id = u.id WHEN NOT MATCHED BY SOURCE THEN DELETE;";
    let expectations = Expectations::new(&[], &applied(merge), "public");
    let before = [there("public", "User")];
    let with = |name: ColumnReport| {
        let lost = table("public.User", TableVerdict::LostRows, 4, vec![name]);
        expectations.mark(Verification { ok: false, tables: vec![lost] }, &before)
    };
    assert!(with(column("name", 10, 6, ColumnVerdict::LostValues)).ok);
    let erased = with(ColumnReport { values_lost: Some(1), ..column("name", 10, 6, ColumnVerdict::LostValues) });
    assert!(!erased.ok && erased.tables[0].expected.is_some() && erased.tables[0].columns[0].expected.is_none());
    assert!(!with(ColumnReport { values_changed: Some(1), ..column("name", 10, 6, ColumnVerdict::Changed) }).ok);
    assert!(!with(column("name", 10, 0, ColumnVerdict::Dropped)).ok);
}

#[test]
fn other_names_count_where_they_are_nobody_elses() {
    let renamed =
        TableReport { to: Some("public.Person".into()), ..table("public.User", TableVerdict::LostRows, 9, Vec::new()) };
    let person = table("public.Person", TableVerdict::Identical, 0, Vec::new());
    let before = [there("public", "User"), there("public", "Person")];
    let by_new_name = Expectations::new(&patterns(&["Person"]), &[], "public");
    let mark = |tables: Vec<TableReport>| by_new_name.mark(Verification { ok: false, tables }, &before).ok;
    assert!(mark(vec![renamed.clone()]));
    assert!(!mark(vec![renamed, person]), "Person was another table");
    // "a.b" of public and "b" of "public.a" are written alike
    let alike = [there("public", "a.b"), there("public.a", "b")];
    let expectations = Expectations::new(&patterns(&["\"a.b\""]), &[], "public");
    let lost = || Verification { ok: false, tables: vec![table("public.a.b", TableVerdict::LostRows, 9, Vec::new())] };
    assert!(expectations.mark(lost(), &alike[..1]).ok && !expectations.mark(lost(), &alike).ok);
}

/// Table, column (`None`: the whole table).
fn said() -> impl Strategy<Value = Vec<(usize, Option<usize>)>> {
    proptest::collection::vec((0..3usize, proptest::option::of(0..3usize)), 0..5)
}

/// Rows that are gone of each table, and of each column whether values of rows that stayed are gone.
fn what_is_gone() -> impl Strategy<Value = Vec<(u64, Vec<bool>)>> {
    proptest::collection::vec((0..3u64, proptest::collection::vec(any::<bool>(), 3)), 3)
}

proptest! {
    #[test]
    fn only_what_is_named_is_covered(said in said(), gone in what_is_gone()) {
        let text = |(t, c): &(usize, Option<usize>)| c.map_or(format!("t{t}"), |c| format!("t{t}.c{c}"));
        let texts: Vec<String> = said.iter().map(text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let report = |(t, (rows, nulled)): (usize, &(u64, Vec<bool>))| {
            let columns = nulled.iter().enumerate().map(|(c, nulled)| match nulled {
                true => ColumnReport { values_lost: Some(1), ..column(&format!("c{c}"), 10, 9 - rows, ColumnVerdict::LostValues) },
                false if *rows > 0 => column(&format!("c{c}"), 10, 10 - rows, ColumnVerdict::LostValues),
                false => column(&format!("c{c}"), 10, 10, ColumnVerdict::Identical),
            });
            let verdict = if *rows > 0 { TableVerdict::LostRows } else { TableVerdict::Kept };
            table(&format!("public.t{t}"), verdict, *rows, columns.collect())
        };
        let tables: Vec<TableReport> = gone.iter().enumerate().map(report).collect();
        let before: Vec<TableData> = (0..3).map(|t| there("public", &format!("t{t}"))).collect();
        let marked = Expectations::new(&patterns(&texts), &[], "public").mark(Verification { ok: false, tables }, &before);
        let mut all = true;
        for (t, (rows, nulled)) in gone.iter().enumerate() {
            let whole = said.contains(&(t, None));
            prop_assert_eq!(marked.tables[t].expected.is_some(), *rows > 0 && whole);
            all &= *rows == 0 || whole;
            for (c, nulled) in nulled.iter().enumerate() {
                let named = whole || said.contains(&(t, Some(c)));
                prop_assert_eq!(marked.tables[t].columns[c].expected.is_some(), (*nulled || *rows > 0) && named);
                all &= !nulled || named;
            }
        }
        prop_assert_eq!(marked.ok, all);
    }
}
