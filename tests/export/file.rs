//! The file itself: whole or not there, private, never over another one; and the stream on stdout.

use super::place::Place;
use safemigrate::domain::event::Quiet;
use safemigrate::error::ErrorKind;
use safemigrate::operations::export::{Format, start};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

const SHOP: &str = "CREATE TABLE item (id serial PRIMARY KEY, name text); INSERT INTO item (name) SELECT 'n' || g FROM generate_series(1, 2000) g";

/// Everything beside the store.
fn files(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.folder.path()).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name != "store").collect();
    names.sort();
    names
}

/// The files of the objects that a backup names, the structure's first.
fn objects(place: &Place, id: &str) -> Vec<PathBuf> {
    let manifest = place.manifest(id);
    manifest.objects().map(|object| place.path("store/objects").join(&object[..2]).join(object)).collect()
}

#[test]
fn it_is_named_after_what_is_in_it_and_private() {
    let place = Place::shop(SHOP);
    let (full, rows) = place.back_up();
    let said = place.run(&["export", &full]).ok();
    let date = &place.manifest(&full).created_at[..10];
    let name = format!("shop-{date}-{full}.sql");
    assert!(
        said.stdout.contains(&name) && said.stdout.contains("2,000 rows in 1 table") && said.stdout.contains("psql"),
        "{said}"
    );
    assert_eq!(files(&place).concat(), name);
    assert_eq!(fs::metadata(place.path(&name)).unwrap().permissions().mode() & 0o777, 0o600);
    let json = place.json(&["export", &rows, "--format", "archive"]);
    let expected = format!("shop-{date}-{rows}.dump");
    assert_eq!((json["file"].as_str(), json["format"].as_str()), (Some(expected.as_str()), Some("archive")), "{json}");
    assert_eq!((json["rows"].as_u64(), json["kind"].as_str()), (Some(2000), Some("data-only")));
    assert_eq!(json["bytes"].as_u64(), Some(fs::metadata(place.path(&expected)).unwrap().len()));
}

#[test]
fn another_file_stays_unless_somebody_says_so() {
    let place = Place::shop(SHOP);
    let (full, _) = place.back_up();
    fs::write(place.path("there.sql"), "mine").unwrap();
    place.run(&["export", &full, "-o", "there.sql"]).code(7).says("there.sql exists");
    assert_eq!(fs::read_to_string(place.path("there.sql")).unwrap(), "mine");
    for yes in ["--force", "--yes"] {
        fs::write(place.path("there.sql"), "mine").unwrap();
        place.run(&["export", &full, "-o", "there.sql", yes]).ok();
        assert!(fs::read_to_string(place.path("there.sql")).unwrap().contains("CREATE TABLE public.item"));
    }
    fs::create_dir(place.path("folder")).unwrap();
    std::os::unix::fs::symlink("/dev/null", place.path("link")).unwrap();
    for odd in ["folder", "link", "/dev/null"] {
        place.run(&["export", &full, "-o", odd, "--force"]).code(1).says("No file was written");
    }
    place.run(&["export", &full, "-o", "nowhere/x.sql"]).code(1).says("No file was written");
    assert_eq!(files(&place), ["folder", "link", "there.sql"]);
}

#[test]
fn stdout_carries_the_file_and_nothing_else() {
    let place = Place::shop(SHOP);
    let (full, rows) = place.back_up();
    for (id, format) in [(&full, "archive"), (&rows, "inserts")] {
        let file = fs::read(place.export(id, format)).unwrap();
        let output = place.command(&["export", id, "--format", format, "-o", "-"]).output().unwrap();
        assert!(output.status.success() && output.stdout == file, "{format}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("2,000 rows"));
    }
    place.run(&["export", &full, "-o", "-", "--json"]).code(2).says("both want stdout");
    // one who does not read keeps nobody from Ctrl-C
    place
        .cluster
        .psql("shop", "INSERT INTO item (name) SELECT repeat(md5(g::text), 100) FROM generate_series(1, 2000) g");
    let (full, _) = place.back_up();
    let mut command = place.command(&["export", &full, "-o", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none());
    Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // a reader who leaves is no success
    let mut child =
        place.command(&["export", &full, "-o", "-"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_damaged_backup_gives_no_file() {
    let place = Place::shop(SHOP);
    let (full, rows) = place.back_up();
    let objects = objects(&place, &full);
    for (n, object) in objects.iter().enumerate() {
        let whole = fs::read(object).unwrap();
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        // another object's content under its name, too: all of it can be read, and is not what was written
        let other = fs::read(&objects[(n + 1) % objects.len()]).unwrap();
        for damage in [flipped, whole[..whole.len() - 3].to_vec(), other] {
            fs::write(object, damage).unwrap();
            for format in ["sql", "inserts", "archive"] {
                place.run(&["export", &full, "--format", format]).code(13).says("No file was written");
                if n > 0 {
                    place.run(&["export", &rows, "--format", format]).code(13).says("No file was written");
                }
            }
        }
        fs::remove_file(object).unwrap();
        place.run(&["export", &full]).code(13);
        fs::write(object, whole).unwrap();
    }
    assert_eq!(files(&place), Vec::<String>::new());
    place.run(&["export", &full]).ok();
}

#[test]
fn what_is_not_there_and_what_cannot_be_done() {
    let place = Place::shop(SHOP);
    let (full, rows) = place.back_up();
    place.run(&["export", "f-nothere"]).code(10);
    let without = |id: &str, format: &str| {
        let mut command = place.command(&["export", id, "--format", format, "--force"]);
        super::support::Output::of(command.env("SAFEMIGRATE_PG_BIN", place.folder.path()))
    };
    without(&full, "sql").code(12).says("pg_restore");
    // neither needs a program, and none of them a server
    without(&full, "archive").ok();
    without(&rows, "sql").ok();
    place.cluster.psql("postgres", "DROP DATABASE shop");
    place.run(&["export", &full]).ok();
}

/// What a page does that offers a download.
#[test]
fn the_stream_stops_with_its_reader_and_tells_of_a_backup_that_is_gone() {
    let place = Place::shop(SHOP);
    place
        .cluster
        .psql("shop", "INSERT INTO item (name) SELECT repeat(md5(g::text), 100) FROM generate_series(1, 3000) g");
    let (full, rows) = place.back_up();
    let store = place.store();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for id in [&full, &rows] {
            let mut stream = start(&store, &place.manifest(id), Format::Inserts, Arc::new(Quiet)).unwrap();
            assert!(stream.next().await.unwrap().is_some_and(|piece| piece.len() >= 1000));
        }
        let manifest = place.manifest(&full);
        place.run(&["delete", &full, "--yes"]).ok();
        place.run(&["delete", &rows, "--yes"]).ok();
        let mut stream = start(&store, &manifest, Format::Archive, Arc::new(Quiet)).unwrap();
        let error = loop {
            match stream.next().await {
                Ok(piece) => assert!(piece.is_some(), "it came to a good end"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, ErrorKind::NoSuchBackup, "{error}");
    });
    // the threads and children of the first two are gone by now, or this would wait for them
    runtime.shutdown_timeout(std::time::Duration::from_secs(60));
}
