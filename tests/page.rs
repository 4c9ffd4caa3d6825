//! The page `/backups` in a real Chromium, on a real server with real backups; and what must not get in.

mod scene;
mod support;

#[path = "page/hostile.rs"]
mod hostile;
#[path = "page/served.rs"]
mod served;

use scene::{SHOP, Scene};
use served::Served;

#[test]
fn backups_are_created_and_found_again() {
    let scene = Scene::new(SHOP);
    Served::start(&scene).story("create", &[]);
    assert_eq!(scene.listed().len(), 3);
    scene.all_whole();
}

#[test]
fn a_second_window_sees_the_work_and_cancels_it() {
    let scene = Scene::new(SHOP);
    let served = Served::start(&scene);
    let mut blocker = scene.cluster.session("shop");
    blocker.run("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE");
    served.story("cancel", &[]);
    assert!(scene.listed().is_empty());
    drop(blocker);
    // nothing is held or left behind
    scene.backup();
}

#[test]
fn pinned_checked_and_deleted() {
    let scene = Scene::new(SHOP);
    let (full, data) = scene.backup();
    Served::start(&scene).story("pin_and_delete", &[&full]);
    assert_eq!(scene.listed(), [data]);
}

#[test]
fn structure_and_data_are_restored() {
    let scene = Scene::new(SHOP);
    let (full, _) = scene.backup();
    let good = scene.dump();
    scene.cluster.psql("shop", "DELETE FROM \"Order\" WHERE id > 900; CREATE TABLE extra (n int)");
    Served::start(&scene).story("restore", &[&full]);
    assert_eq!(scene.dump(), good);
}

#[test]
fn rows_come_back_into_a_changed_schema() {
    let scene = Scene::new(SHOP);
    let (_, data) = scene.backup();
    let names = "SELECT string_agg(full_name, ',' ORDER BY id) FROM customer";
    scene.cluster.psql("shop", "ALTER TABLE customer RENAME COLUMN name TO full_name");
    let good = scene.cluster.psql("shop", names);
    scene.cluster.psql("shop", "UPDATE customer SET full_name = 'lost'; DELETE FROM \"Order\" WHERE id > 900");
    Served::start(&scene).story("reinsert", &[&data]);
    assert_eq!(scene.cluster.psql("shop", names), good);
    assert_eq!(scene.cluster.psql("shop", "SELECT count(*) FROM \"Order\""), "1000");
}

#[test]
fn files_are_what_export_writes() {
    let scene = Scene::new(SHOP);
    let (full, data) = scene.backup();
    let served = Served::start(&scene);
    for (id, formats) in [(&full, &["sql", "inserts", "archive"][..]), (&data, &["inserts", "archive"])] {
        let folder = tempfile::tempdir().unwrap();
        served.story("download", &[id, folder.path().to_str().unwrap(), &formats.len().to_string()]);
        for format in formats {
            let file = folder.path().join("export");
            scene.run(&["export", id, "--format", format, "-o", file.to_str().unwrap()]).ok();
            let (got, exported) = (std::fs::read(folder.path().join(format!("got-{format}"))), std::fs::read(&file));
            assert!(lines(&got.unwrap()) == lines(&exported.unwrap()), "{id} as {format}");
            std::fs::remove_file(&file).unwrap();
        }
    }
}

/// Without those in which pg_restore puts a word that is another each time.
fn lines(file: &[u8]) -> Vec<&[u8]> {
    let word = |line: &&[u8]| line.starts_with(b"\\restrict ") || line.starts_with(b"\\unrestrict ");
    file.split(|byte| *byte == b'\n').filter(|line| !word(line)).collect()
}

/// A file that breaks off is no file: the browser must not take it for one.
#[test]
fn a_damaged_backup_is_no_download() {
    let scene = Scene::new(SHOP);
    let (full, _) = scene.backup();
    let served = Served::start(&scene);
    let whole = served.get(&format!("/backups/{full}/download/sql"));
    assert!(whole.status == 200 && whole.body.ends_with("\r\n0\r\n\r\n"), "{whole:?}");
    assert!(whole.header("content-disposition").contains(&format!("-{full}.sql")), "{whole:?}");
    let objects = walkdir::WalkDir::new(scene.store().join("objects")).into_iter().flatten();
    let largest = objects.filter(|e| e.file_type().is_file()).max_by_key(|e| e.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(largest.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(largest.path(), bytes).unwrap();
    let broken = served.get(&format!("/backups/{full}/download/sql"));
    assert!(!broken.body.ends_with("0\r\n\r\n"), "{broken:?}");
}

#[test]
fn production_is_refused_as_on_the_command_line() {
    let scene = Scene::new(SHOP);
    let (full, _) = scene.backup();
    scene.run(&["guard", "mark", "--yes"]);
    scene.cluster.psql("shop", "DELETE FROM \"Order\" WHERE id > 900");
    let before = scene.dump();
    let mut served = Served::start(&scene);
    served.story("refused_on_production", &[&full]);
    // a program that has started the page is no person who types the name
    served.stop();
    scene.run(&["guard", "unmark", "--confirm", "shop", "--yes"]);
    assert_eq!(scene.dump(), before);
}

#[test]
fn a_run_tells_what_became_of_the_data() {
    let scene = Scene::new(SHOP);
    let psql = scene.cluster.programs.path("psql").display().to_string();
    let sql = "ALTER TABLE customer DROP COLUMN name, ADD COLUMN full_name text";
    let said = scene.run(&["run", "--json", "--", &psql, "-X", "-q", "-c", sql, &scene.cluster.url("shop")]);
    let said: serde_json::Value = serde_json::from_str(&said.code(3).stdout).unwrap();
    let (served, run) = (Served::start(&scene), said["run"].as_str().unwrap());
    served.story("run", &[run]);
    // its report is a file, and nothing else beside it is
    let file = served.get(&format!("/runs/{run}/report/html"));
    assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"report-{run}.html\""));
    assert!(file.status == 200 && file.body.contains("data was lost"), "{file:?}");
    assert!(served.get(&format!("/runs/{run}/report/md")).body.contains("# safemigrate run on `shop`"));
    for other in
        [format!("/runs/{run}/report/json"), "/runs/r-00000000/report/md".into(), "/runs/..%2fnotes/report/md".into()]
    {
        assert_eq!(served.get(&other).status, 404, "{other}");
    }
}

#[test]
fn in_two_languages_light_and_dark_wide_and_narrow_for_everybody() {
    let scene = Scene::new(SHOP);
    let (full, _) = scene.backup();
    scene.run(&["pin", &full]).ok();
    scene.cluster.psql("shop", "DELETE FROM \"Order\" WHERE id > 400");
    scene.backup();
    Served::start(&scene).story("looks", &[&full]);
}

#[test]
fn without_a_mouse_and_without_a_script() {
    let scene = Scene::new(SHOP);
    scene.backup();
    let served = Served::start(&scene);
    served.story("keyboard", &[]);
    served.story("without_script", &[]);
    assert_eq!(scene.listed().len(), 6);
}

#[test]
fn what_a_terminal_does_is_seen_and_ctrl_c_cancels_what_the_page_does() {
    let scene = Scene::new(SHOP);
    let mut served = Served::start(&scene);
    let mut blocker = scene.cluster.session("shop");
    blocker.run("BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE");
    let elsewhere = scene.spawn(&["backup"], &std::collections::BTreeMap::new());
    scene::wait_until("the terminal's backup is seen", || served.get("/now").body.contains("safemigrate backup"));
    // one at a time, and it is said who is at work
    let job = served.post("/backups", "kind=full").header("location").to_owned();
    scene::wait_until("the page's own is refused", || served.get(&job).body.contains("is at work in this store"));
    scene::signal("TERM", elsewhere.id());
    assert_eq!(scene::ended(elsewhere).0, 130);

    let job = served.post("/backups", "kind=full").header("location").to_owned();
    scene::wait_until("it works", || served.get(&job).body.contains("data-live=\"/jobs/2/live\""));
    assert_eq!(served.stop(), 0);
    drop(blocker);
    assert!(scene.listed().is_empty());
    scene.backup();
}

/// The address is on no command line, and where nobody opens it, it is said in plain words.
#[test]
fn a_browser_is_shown_the_way_by_a_private_file() {
    let scene = Scene::new(SHOP);
    let (tools, seen) = (scene.folder.path().join("desktop"), scene.folder.path().join("seen"));
    let told = format!("echo \"$@\" > '{0}.args'; stat -c %a \"$1\" > '{0}.mode'; cp \"$1\" '{0}'", seen.display());
    scene::script(&tools, "xdg-open", &told);
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let mut page = scene.command(&["ui", "--port", "0"]);
    let page = page.env("PATH", path).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let page = page.unwrap();
    scene::wait_until("it is opened", || seen.exists());
    let key = |text: &str| text.split_once("key=").map(|(_, key)| key.chars().take(64).collect::<String>());
    let shown = std::fs::read_to_string(&seen).unwrap();
    assert_eq!(key(&shown).map(|key| key.len()), Some(64), "{shown}");
    let arguments = std::fs::read_to_string(seen.with_extension("args")).unwrap();
    assert!(key(&arguments).is_none() && arguments.contains("open-"), "{arguments}");
    assert_eq!(std::fs::read_to_string(seen.with_extension("mode")).unwrap().trim(), "600");
    scene::signal("INT", page.id());
    let (code, stdout, stderr) = scene::ended(page);
    assert_eq!((code, key(&stdout)), (0, key(&shown)), "{stdout}{stderr}");
    // the file has gone with the page
    assert!(!std::path::Path::new(arguments.trim()).exists());

    std::fs::remove_file(&seen).unwrap();
    scene::script(&tools, "xdg-open", &format!("touch '{}'; exit 3", seen.display()));
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let mut page = scene.command(&["ui", "--port", "0"]);
    let page = page.env("PATH", path).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let page = page.unwrap();
    scene::wait_until("it is tried", || seen.exists());
    scene::signal("INT", page.id());
    let (code, stdout, stderr) = scene::ended(page);
    assert!(code == 0 && stdout.contains("key="), "{stdout}{stderr}");
    assert!(stderr.contains("No browser could be started from here: open the address above yourself."), "{stderr}");
}

#[test]
fn how_far_a_terminal_is_is_seen() {
    let scene = Scene::new(SHOP);
    let served = Served::start(&scene);
    let tools = scene.folder.path().join("slow");
    let real = scene.cluster.programs.path("pg_dump");
    let slow = format!("[ \"$1\" = --version ] || sleep 3; exec {} \"$@\"", real.display());
    scene::script(&tools, "pg_dump", &slow);
    let elsewhere = scene.spawn(&["backup"], &std::collections::BTreeMap::from([("SAFEMIGRATE_PG_BIN", tools)]));
    scene::wait_until("its progress is seen", || {
        let now = served.get("/now").body;
        now.contains("safemigrate backup") && now.contains("Backing up") && now.contains("<progress")
    });
    assert_eq!(scene::ended(elsewhere).0, 0);
    assert!(!served.get("/now").body.contains("Backing up"));
}

#[test]
fn five_hundred_backups_stay_quick() {
    let scene = Scene::new(SHOP);
    let (full, _) = scene.backup();
    let served = Served::start(&scene);
    served.copies_of(&full, 500);
    let page = served.get("/backups");
    assert_eq!(page.status, 200);
    assert!(page.body.matches("href=\"/backups/f-").count() > 500);
}

/// Screenshots for docs/: `SAFEMIGRATE_PICTURES=docs/pictures cargo nextest run --test page pictures --run-ignored only`.
#[test]
#[ignore = "it writes into docs/"]
fn pictures() {
    let folder = std::path::absolute(std::env::var("SAFEMIGRATE_PICTURES").expect("SAFEMIGRATE_PICTURES")).unwrap();
    let scene = Scene::new(SHOP);
    for n in 1..4 {
        scene
            .cluster
            .psql("shop", &format!("INSERT INTO \"Order\" SELECT {n} * 10000 + g, 1 FROM generate_series(1, 400) g"));
        scene.backup();
    }
    let psql = scene.cluster.programs.path("psql").display().to_string();
    let sql = "ALTER TABLE customer DROP COLUMN name, ADD COLUMN full_name text; DELETE FROM \"Order\" WHERE id < 300";
    let said = scene.run(&["run", "--json", "--", &psql, "-X", "-q", "-c", sql, &scene.cluster.url("shop")]);
    let said: serde_json::Value = serde_json::from_str(&said.code(3).stdout).unwrap();
    scene
        .cluster
        .psql("shop", "CREATE TABLE big AS SELECT g AS id, repeat(md5(g::text), 40) FROM generate_series(1, 120000) g");
    let (full, run) = (said["before"][0].as_str().unwrap(), said["run"].as_str().unwrap());
    Served::start(&scene).story("pictures", &[folder.to_str().unwrap(), full, run]);
}
