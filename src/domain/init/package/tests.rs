use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn record(guarded: &Guarded) -> Record {
    Record { scripts: guarded.scripts.clone(), scripts_made: guarded.scripts_made, ..Record::default() }
}

fn text(file: &str) -> String {
    guarded(file).unwrap().text
}

#[test]
fn only_the_call_changes() {
    let file = "{\r\n\t\"name\" : \"ä\\u00e4\",\r\n\t\"scripts\":{ \"a\":\"tsc\\u0020&& npx prisma migrate dev\\t-n x\",\r\n\r\n\t\"b\" : \"next\" },\r\n\t\"z\":[1,\r\n2]}\r\n\r\n";
    let changed = guarded(file).unwrap();
    assert_eq!(changed.text, file.replace("npx prisma migrate dev", "safemigrate dev"));
    assert_eq!(
        taken_back(&changed.text, &record(&changed)).unwrap(),
        TakenBack { text: file.to_owned(), kept: vec![] }
    );
}

#[test]
fn a_script_is_added_as_the_others_are_set() {
    for (file, expected) in [
        (
            "{\n    \"scripts\": {\n        \"a\": \"b\"\n    }\n}\n",
            "{\n    \"scripts\": {\n        \"a\": \"b\",\n        \"db:migrate\": \"safemigrate dev\"\n    }\n}\n",
        ),
        ("{\"scripts\":{\"a\":\"b\"}}", "{\"scripts\":{\"a\":\"b\",\"db:migrate\":\"safemigrate dev\"}}"),
        ("{\r\n\t\"scripts\": {}\r\n}", "{\r\n\t\"scripts\": {\r\n\t\t\"db:migrate\": \"safemigrate dev\"\r\n\t}\r\n}"),
        ("{\"scripts\":{}}", "{\"scripts\":{\"db:migrate\":\"safemigrate dev\"}}"),
        (
            "{\n  \"name\": \"x\"\n}\n",
            "{\n  \"name\": \"x\",\n  \"scripts\": {\n    \"db:migrate\": \"safemigrate dev\"\n  }\n}\n",
        ),
        ("{}\n", "{\n  \"scripts\": {\n    \"db:migrate\": \"safemigrate dev\"\n  }\n}\n"),
    ] {
        assert_eq!(text(file), expected);
    }
}

#[test]
fn none_is_added_where_one_runs_dev_or_has_the_name() {
    assert_eq!(text(r#"{"scripts":{"m":"prisma migrate dev"}}"#), r#"{"scripts":{"m":"safemigrate dev"}}"#);
    for file in [r#"{"scripts":{"m":"safemigrate dev"}}"#, r#"{"scripts":{"db:migrate":"knex migrate"}}"#] {
        assert_eq!(text(file), file);
    }
}

#[test]
fn what_is_no_package_is_none() {
    for file in ["", "[]", "{", "{\"scripts\":[]}", "{\"scripts\":3}", "null"] {
        assert_eq!(guarded(file), None, "{file}");
    }
}

#[test]
fn odd_files_are_read_as_node_reads_them() {
    // the last of two counts; a script that is no text is nobody's business
    let file = "\u{feff}{\"scripts\":{\"a\":\"prisma migrate dev\"},\"scripts\":{\"b\":7,\"a\":\"prisma db push\",\"a\":\"x\"}}";
    let expected = "\u{feff}{\"scripts\":{\"a\":\"prisma migrate dev\"},\"scripts\":{\"b\":7,\"a\":\"safemigrate push\",\"a\":\"x\",\"db:migrate\":\"safemigrate dev\"}}";
    assert_eq!(text(file), expected);
}

#[test]
fn calls_that_are_left_are_named() {
    let file = r#"{"scripts":{"a":"docker exec x prisma migrate deploy","b":"prisma migrate dev"}}"#;
    let guarded = guarded(file).unwrap();
    assert_eq!(guarded.dev.as_deref(), Some("b"));
    assert_eq!(guarded.left, [("a".to_owned(), "docker exec x prisma migrate deploy".to_owned())]);
}

#[test]
fn what_the_user_made_of_it_stays() {
    let first =
        guarded("{\"scripts\":{\"a\":\"prisma migrate dev\",\"b\":\"prisma db push\",\"c\":\"prisma migrate reset\"}}")
            .unwrap();
    let edited = first
        .text
        .replace("safemigrate push", "safemigrate push --x")
        .replace("safemigrate reset", "prisma migrate reset");
    let back = taken_back(&edited, &record(&first)).unwrap();
    assert_eq!(
        back.text,
        "{\"scripts\":{\"a\":\"prisma migrate dev\",\"b\":\"safemigrate push --x\",\"c\":\"prisma migrate reset\"}}"
    );
    assert_eq!(back.kept, ["b"]);
}

#[test]
fn an_added_script_goes_wherever_it_stands_now() {
    let first = guarded("{\n  \"name\": \"x\"\n}\n").unwrap();
    let back = |text: &str| taken_back(text, &record(&first)).unwrap().text;
    assert_eq!(back(&first.text), "{\n  \"name\": \"x\"\n}\n");
    let more = first.text.replace("safemigrate dev\"", "safemigrate dev\",\n    \"z\": \"y\"");
    assert_eq!(back(&more), "{\n  \"name\": \"x\",\n  \"scripts\": {\n    \"z\": \"y\"\n  }\n}\n");
}

fn script() -> impl Strategy<Value = String> {
    let call = prop::sample::select(vec![
        "prisma migrate dev",
        "npx prisma migrate deploy",
        "pnpm exec prisma db push --x",
        "yarn prisma migrate reset -f",
        "next build",
        "prisma generate",
        "echo \"ü\\n\"",
        "docker run x prisma db push",
        "a 'b'",
        "sh -c \"prisma db push\"",
    ]);
    prop::collection::vec(call, 1..4).prop_map(|calls| calls.join(" && "))
}

/// A `package.json` in one of the ways that people write them.
fn file() -> impl Strategy<Value = String> {
    let scripts = prop::collection::vec(("[a-z:]{1,6}|db:migrate", script()), 0..5);
    (scripts, "[\\x20-\\x7eäß\\n]{0,9}", 0..5_usize, any::<bool>(), any::<bool>()).prop_map(
        |(scripts, name, style, crlf, none)| {
            let scripts: serde_json::Map<String, Value> = scripts.into_iter().map(|(k, v)| (k, v.into())).collect();
            let mut package = json!({ "name": name, "version": "1.0.0", "files": ["a", { "b": {} }] });
            if !none {
                package["scripts"] = scripts.into();
            }
            let mut text = serde_json::to_string_pretty(&package).unwrap();
            match style {
                0 => text = package.to_string(),
                1 => text = text.replace("\n  ", "\n\t").replace("\t  ", "\t\t"),
                2 => text.push('\n'),
                _ => {}
            }
            if crlf { text.replace('\n', "\r\n") } else { text }
        },
    )
}

fn without_scripts(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap();
    value.as_object_mut().unwrap().remove("scripts");
    value
}

proptest! {
    #[test]
    fn nothing_but_scripts_changes_and_it_can_be_taken_back(file in file()) {
        let first = guarded(&file).unwrap();
        prop_assert_eq!(without_scripts(&first.text), without_scripts(&file));
        let now: Value = serde_json::from_str(&first.text).unwrap();
        for (name, script) in &first.scripts {
            prop_assert_eq!(now["scripts"][name].as_str(), Some(script.now.as_str()));
        }
        // those that are not named are as they were, and in the same order
        let was: Value = serde_json::from_str(&file).unwrap();
        let kept: Vec<_> = was["scripts"].as_object().into_iter().flatten().filter(|(k, _)| !first.scripts.contains_key(*k)).collect();
        prop_assert!(kept.iter().all(|(k, v)| now["scripts"].get(*k) == Some(v)));
        let again = guarded(&first.text).unwrap();
        prop_assert_eq!((&again.text, again.scripts.len()), (&first.text, 0));
        let back = taken_back(&first.text, &record(&first)).unwrap();
        prop_assert_eq!(back, TakenBack { text: file, kept: vec![] });
    }
}
