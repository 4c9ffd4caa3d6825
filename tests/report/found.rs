//! Reports of real runs: written when they end, found again, shown as asked for.

use super::scene::{CANARY, SHOP, Scene, ended, script};
use super::story::look;
use super::support::{Cluster, Output, Project, Shape, Terminal};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A guarded command that changes the shop; gives its run.
fn ran(scene: &Scene, sql: &str) -> String {
    let psql = scene.cluster.programs.path("psql").display().to_string();
    let said = scene.run(&["run", "--json", "--", &psql, "-X", "-q", "-c", sql, &scene.cluster.url("shop")]);
    let said: Value = serde_json::from_str(&said.stdout).unwrap();
    said["run"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

const LOSS: &str = "ALTER TABLE customer DROP COLUMN name; DELETE FROM \"Order\" WHERE id > 900";

#[test]
fn a_migration_is_told_with_its_sql_and_the_way_back() {
    let cluster = Cluster::start();
    let project = Project::prisma7(Shape::Product, &cluster, "shop");
    cluster.prepare(&project, "shop");
    cluster
        .psql("shop", r#"INSERT INTO "Product" (name, price) SELECT 'Product ' || n, n FROM generate_series(1, 50) n"#);
    project.edit_schema("  name  String\n", "  title String?\n  rank Int @default(0)\n");
    let sql = "-- AlterTable\nALTER TABLE \"Product\" DROP COLUMN \"name\";\nALTER TABLE \"Product\" ADD COLUMN \"title\" TEXT, ADD COLUMN \"rank\" INTEGER NOT NULL DEFAULT 0;\n";
    project.write("prisma/migrations/20270101000000_rename/migration.sql", sql);
    let (code, said) = project.json(&["dev"]);
    assert_eq!(code, 3, "{said}");
    let (run, full) = (said["run"].as_str().unwrap(), said["before"][0].as_str().unwrap());

    let text = project.safemigrate(&["report"]).ok().stdout;
    for told in [
        "# safemigrate dev on `shop`: data was lost",
        "| `public.Product.name` | **the column is gone** | 50 | 0 |",
        &format!("safemigrate rollback {full}"),
        "20270101000000_rename",
        sql,
        "| `public.Product.title` | new column | `text` |",
        "| `public.Product.name` | column dropped | `text` |",
    ] {
        assert!(text.contains(told), "no {told:?} in\n{text}");
    }
    assert_eq!(text, project.safemigrate(&["report", run, "--format", "md"]).ok().stdout);
    let path = project.safemigrate(&["report", "latest", "--format", "html"]).ok().stdout;
    let page = fs::read_to_string(path.trim()).unwrap();
    assert!(page.contains("ALTER TABLE &quot;Product&quot; DROP COLUMN"), "{page}");
    for written in [&text, &page] {
        let root = project.root().display().to_string();
        assert!(!written.contains(&root) && !written.contains(super::support::PASSWORD), "{root} in\n{written}");
    }
    look(&[Path::new(path.trim())], None);
    stands_in_the_docs(&text, &said);
    // an edited file is not what ran, and the report is of what ran
    project.write("prisma/migrations/20270101000000_rename/migration.sql", "SELECT 1;");
    assert_eq!(text, project.safemigrate(&["report"]).ok().stdout);
}

/// Ids and times are others each time.
#[track_caller]
fn stands_in_the_docs(text: &str, said: &Value) {
    let mut text = text.to_owned();
    let stem = |of: &Value| of.as_str().unwrap()[2..].to_owned();
    for (id, shown) in [(&said["run"], "7k2m9qpx"), (&said["before"][0], "kbtp5mnt"), (&said["after"][0], "ykspx942")] {
        text = text.replace(&stem(id), shown);
    }
    let line = |line: &str| match line.split(' ').nth(1) {
        Some("Began") => "| Began | 2026-11-23 07:15 UTC |\n".to_owned(),
        Some("Took") => "| Took | 2.9 s |\n".to_owned(),
        _ => format!("{line}\n"),
    };
    let text: String = text.lines().map(line).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.md");
    let page = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("````markdown\n", "````\n");
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let real = format!("{before}{begin}{text}{end}{after}");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, real).unwrap();
    } else {
        assert!(page == real, "run UPDATE_EXPECTED=1 cargo nextest run --test report, and read the difference");
    }
}

#[test]
fn it_is_named_by_its_run() {
    let scene = Scene::new(SHOP);
    scene.run(&["report"]).code(10).says("There is no report yet");
    let first = ran(&scene, "INSERT INTO customer (name) VALUES ('x')");
    let second = ran(&scene, LOSS);
    // a restore has a run and no report
    let back = scene.json(&["rollback", "--yes", "--confirm", "shop"]);
    let told = |arguments: &[&str]| scene.json(&[&["report"], arguments].concat());
    for (arguments, run) in
        [(&[][..], &second), (&["latest"], &second), (&[&first[..5]], &first), (&[&first[2..]], &first)]
    {
        assert_eq!(told(arguments)["run"], run.as_str(), "{arguments:?}");
    }
    let said = told(&[&second]);
    assert_eq!(said, serde_json::from_str::<Value>(&scene.run(&["report", "--format", "json"]).ok().stdout).unwrap());
    assert_eq!((&said["report"]["command"], &said["report"]["run"]), (&"run".into(), &second.as_str().into()));
    assert_eq!((&said["report"]["verification"]["ok"], &said["ok"]), (&false.into(), &true.into()));
    for format in ["html", "md"] {
        let file = said["files"][format].as_str().unwrap();
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(!fs::read_to_string(file).unwrap().contains(CANARY));
    }
    scene.run(&["report", "r-"]).code(2).says("Several runs begin with r-");
    scene.run(&["report", "nothing"]).code(10).says("There is no run nothing");
    scene.run(&["report", "--open", "--format", "md"]).code(2).says("Nothing was done");
    let rolled_back = scene.json(&["history"])["runs"][0].clone();
    assert_eq!((&rolled_back["command"], &rolled_back["report"]), (&"rollback".into(), &false.into()), "{back}");
    scene.run(&["report", rolled_back["run"].as_str().unwrap()]).code(10).says("has no report");
    scene.run(&["history"]).ok().says(&format!("safemigrate report {first}"));
}

#[test]
fn a_person_reads_text_and_a_program_markdown() {
    let scene = Scene::new(SHOP);
    ran(&scene, LOSS);
    let mut terminal = Terminal::spawn(scene.command(&["report"]));
    assert_eq!(terminal.wait(), 0);
    let said = terminal.transcript();
    for told in [
        "safemigrate run on shop: data was lost",
        "WHERE",
        "the column is gone",
        "100 rows gone",
        "safemigrate rollback f-",
    ] {
        assert!(said.contains(told), "no {told} in\n{said}");
    }
    assert!(!said.contains("**") && !said.contains("| "), "{said}");
    let piped = scene.run(&["report"]).ok().stdout;
    assert!(piped.contains("| `public.customer.name` | **the column is gone** | 200 | 0 |"), "{piped}");
}

#[test]
fn a_browser_is_shown_the_file() {
    let scene = Scene::new(SHOP);
    let run = ran(&scene, LOSS);
    let (tools, seen) = (scene.folder.path().join("desktop"), scene.folder.path().join("seen"));
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let opened = |script_text: &str| {
        script(&tools, "xdg-open", script_text);
        Output::of(scene.command(&["report", "--open"]).env("PATH", &path)).ok()
    };
    let said = opened(&format!("echo \"$1\" > '{}'", seen.display()));
    super::scene::wait_until("it is opened", || fs::read_to_string(&seen).is_ok_and(|path| path.ends_with('\n')));
    let file = scene.store().join("reports").join(format!("{run}.html")).display().to_string();
    assert_eq!((said.stdout.trim(), fs::read_to_string(&seen).unwrap().trim()), (file.as_str(), file.as_str()));
    let said = opened("exit 3");
    assert_eq!(said.stdout.trim(), file);
    // somebody else may start one where there is no xdg-open, so that nothing is said of it here
    let mut alone = scene.command(&["report", "--open"]);
    let said = Output::of(alone.env("PATH", scene.folder.path())).ok();
    said.says("No browser could be started from here: open the file above yourself.");
}

/// What cannot be written is told, and changes nothing of how the run ended.
#[test]
fn a_report_that_cannot_be_written_is_a_note() {
    let scene = Scene::new(SHOP);
    let first = ran(&scene, "INSERT INTO customer (name) VALUES ('x')");
    let reports = scene.store().join("reports");
    fs::rename(&reports, scene.folder.path().join("aside")).unwrap();
    fs::write(&reports, "in the way").unwrap();
    let psql = scene.cluster.programs.path("psql").display().to_string();
    let url = scene.cluster.url("shop");
    let said = scene.run(&["run", "--", &psql, "-X", "-c", "INSERT INTO customer (name) VALUES ('y')", &url]);
    let said = said.ok().says("could not be written").says("Your data is all there");
    assert!(!said.stderr.contains("error:"), "{said}");
    fs::remove_file(&reports).unwrap();
    fs::rename(scene.folder.path().join("aside"), &reports).unwrap();
    scene.run(&["report"]).ok().says("has no report: this is an older one").says(&first);
}

#[test]
fn it_goes_with_its_run() {
    let scene = Scene::new(SHOP);
    let (first, second) = (ran(&scene, "SELECT 1"), ran(&scene, "SELECT 2"));
    let reports = scene.store().join("reports");
    fs::write(reports.join("notes.md"), "mine").unwrap();
    fs::write(reports.join(".tmpabc"), "half").unwrap();
    fs::remove_file(scene.store().join("runs").join(format!("{first}.json"))).unwrap();
    scene.run(&["prune", "--yes"]).ok();
    let mut left: Vec<_> =
        fs::read_dir(&reports).unwrap().flatten().map(|e| e.file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["notes.md".to_owned(), format!("{second}.html"), format!("{second}.md")]);
}

/// Ctrl-C before anything was done, and a command that could not be started: nothing is promised that is not known.
#[test]
fn what_was_not_begun_is_told_so() {
    let scene = Scene::new(SHOP);
    let mut blocker = scene.cluster.session("shop");
    blocker.run("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE");
    let child = scene.spawn(&["run", "--", "true"], &Default::default());
    super::scene::wait_until("it waits", || {
        fs::read_dir(scene.store().join("runs")).is_ok_and(|runs| runs.count() > 0)
    });
    super::scene::signal("INT", child.id());
    assert_eq!(ended(child).0, 130);
    let text = scene.run(&["report"]).ok().stdout;
    assert!(text.contains("The command was not started"), "{text}");
    assert!(!text.contains("How to undo it") && !text.contains("lost"), "{text}");
    drop(blocker);
    scene.run(&["run", "--", "/no/such/folder/program"]);
    let text = scene.run(&["report"]).ok().stdout;
    assert!(text.contains("…/program") && !text.contains("/no/such"), "{text}");
}
