//! The JSON of the guarded commands, key by key as the contract has it: one object on stdout, all talk on stderr.

use super::scenes::{product, rename_pending};
use super::support::{Cluster, Output, Prisma, Project};
use serde_json::{Value, json};

/// Whether `value` has every key of `shape` with a value of its kind. A text names a kind or several ("string|null") or is
/// the value itself ("=full"); a list of one shape is the shape of every element, and there must be one.
#[track_caller]
fn fits(value: &Value, shape: &Value, place: &str) {
    match shape {
        Value::Object(keys) => {
            for (key, inner) in keys {
                let found = value.get(key).unwrap_or_else(|| panic!("{place} has no {key:?}: {value}"));
                fits(found, inner, &format!("{place}.{key}"));
            }
        }
        Value::Array(element) => {
            let list = value.as_array().unwrap_or_else(|| panic!("{place} is no list: {value}"));
            assert!(!list.is_empty(), "{place} is empty");
            list.iter().for_each(|each| fits(each, &element[0], &format!("{place}[]")));
        }
        Value::String(exact) if exact.starts_with('=') => assert_eq!(value, &exact[1..], "{place}"),
        Value::String(kinds) => {
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "list",
                Value::Object(_) => "object",
            };
            assert!(kinds.split('|').any(|k| k == kind), "{place} is a {kind}, not {kinds}: {value}");
        }
        other => assert_eq!(value, other, "{place}"),
    }
}

/// Runs it with `--json`; stdout must be the object and nothing else.
#[track_caller]
fn object(project: &Project, code: i32, arguments: &[&str], shape: &Value) -> (Value, Output) {
    let output = project.safemigrate(&[arguments, &["--json"]].concat()).code(code);
    assert_eq!(output.stdout.lines().count(), 1, "{output}");
    let value: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output}"));
    let command = if arguments[0] == "guard" { arguments.join(" ") } else { arguments[0].to_owned() };
    assert_eq!((&value["command"], &value["ok"]), (&command.into(), &(code == 0).into()), "{output}");
    fits(&value, shape, arguments[0]);
    (value, output)
}

fn verification() -> Value {
    let column = json!({"column": "string", "before": "number", "after": "number", "verdict": "string"});
    let table =
        json!({"table": "string", "before": "number", "after": "number", "verdict": "string", "columns": [column]});
    json!({"ok": "bool", "tables": [table]})
}

fn error() -> Value {
    json!({"kind": "string", "message": "string", "hints": ["string"]})
}

fn guarded() -> Value {
    json!({
        "run": "string", "before": ["string"], "after": ["string"], "prisma_exit_code": "number",
        "migrations_applied": ["string"], "verification": verification(),
    })
}

fn with_error(mut shape: Value) -> Value {
    shape["error"] = error();
    shape
}

#[test]
fn of_every_command() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);

    let backup =
        json!({"id": "string", "kind": "string", "rows": "number", "bytes": "number", "stored_bytes": "number"});
    let shape = json!({"backups": [backup], "snapshot_seconds": "number"});
    let (taken, _) = object(&project, 0, &["backup"], &shape);
    assert_eq!((&taken["backups"][0]["kind"], &taken["backups"][1]["kind"]), (&"full".into(), &"data-only".into()));

    let shape =
        json!({"verdict": "=development", "evidence": [{"signal": "string", "says": "string", "detail": "string"}]});
    object(&project, 0, &["guard", "status"], &shape);

    rename_pending(&project);
    let (dev, output) = object(&project, 3, &["dev"], &with_error(guarded()));
    assert_eq!(dev["error"]["kind"], "data-lost");
    assert_eq!((&dev["prisma_exit_code"], dev["before"].as_array().unwrap().len()), (&0.into(), 2));
    assert_eq!(dev["verification"]["tables"][0]["table"], "public.Product");
    assert!(output.stderr.contains("Prisma schema loaded"), "Prisma's talk belongs on stderr: {output}");
    assert!(!output.stdout.contains("Prisma schema loaded"), "{output}");
    let (full, data) = (dev["before"][0].as_str().unwrap(), dev["before"][1].as_str().unwrap());

    let mut shape = verification();
    shape["ok"] = false.into();
    object(&project, 3, &["verify"], &with_error(shape));

    let listed = json!({
        "id": "string", "kind": "string", "created_at": "string", "database": "string", "tables": "number",
        "rows": "number", "bytes": "number", "stored_bytes": "number", "reason": "string", "run": "string|null",
        "pinned": "bool",
    });
    let (list, _) = object(&project, 0, &["list"], &json!({"backups": [listed]}));
    let times: Vec<&str> =
        list["backups"].as_array().unwrap().iter().map(|b| b["created_at"].as_str().unwrap()).collect();
    assert!(
        times.is_sorted_by(|a, b| a >= b) && times.iter().all(|t| t.ends_with('Z')),
        "newest first, UTC: {times:?}"
    );
    object(
        &project,
        0,
        &["show", full],
        &json!({"backup": {"id": format!("={full}"), "kind": "=full", "tables": "list"}}),
    );

    let table = json!({
        "table": "=public.Product", "from": "=public.Product", "in_backup": "number", "inserted": "number",
        "already_present": "number", "updated": "number", "rejected": "number", "columns_skipped": "list",
        "columns_filled": "list", "columns_mapped": "object",
    });
    let shape = json!({"backup": format!("={data}"), "dry_run": true, "tables": [table], "rejects_dir": "null"});
    let map = ["reinsert", data, "--dry-run", "--map", "Product.name=title", "--on-conflict", "fill"];
    let (dry, _) = object(&project, 0, &map, &shape);
    let of = |key: &str| dry["tables"][0][key].as_u64().unwrap();
    assert_eq!(of("in_backup"), of("inserted") + of("already_present") + of("updated") + of("rejected"), "{dry}");
    assert_eq!((of("updated"), &dry["tables"][0]["columns_mapped"]), (50, &json!({"name": "title"})));
    assert_eq!(cluster.psql("shop", r#"SELECT count(title) FROM "Product""#), "0");

    let shape = json!({
        "backup": format!("={full}"), "strategy": "=swap", "safety_backups": ["string"], "tables": "number", "rows": "number",
    });
    object(&project, 0, &["rollback", full, "--yes"], &shape);
    assert_eq!(cluster.psql("shop", r#"SELECT count(name) FROM "Product""#), "50");

    let (reset, output) = object(&project, 0, &["reset", "--yes"], &guarded());
    assert_eq!(reset["migrations_applied"], json!(["20260105090000_init", "20270101000000_rename"]));
    assert!(output.stderr.contains("Database reset successful"), "{output}");
    let runs =
        json!({"run": "string", "command": "string", "state": "=finished", "before": ["string"], "outcome": "string"});
    let (history, _) = object(&project, 0, &["history"], &json!({"runs": [runs]}));
    let commands: Vec<_> = history["runs"].as_array().unwrap().iter().map(|r| r["command"].as_str().unwrap()).collect();
    assert_eq!(commands, ["reset", "rollback", "dev"]);
    object(&project, 0, &["status"], &json!({"unfinished": "list"}));
    let (dev, _) =
        object(&project, 0, &["dev"], &json!({"migrations_applied": "list", "verification": verification()}));
    assert_eq!(dev["migrations_applied"], json!([]));
}
