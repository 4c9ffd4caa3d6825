//! Who must not get in: other web sites by way of the user's browser, other users, and whoever sends nonsense. None of them
//! gets a byte of what is in the store, and nothing changes.

use crate::scene::Scene;
use crate::served::{Answer, Served};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// In names of tables, columns and migrations.
const SCRIPT: &str = "<script>alert(1)</script>";

fn scene() -> Scene {
    Scene::new(&format!(
        "CREATE TABLE \"{SCRIPT}\" (\"x\"\"><img src=x onerror=alert(2)>\" text);
         CREATE TABLE \"secret_table\" (n int); INSERT INTO \"{SCRIPT}\" VALUES ('</td><script>alert(3)</script>')"
    ))
}

/// Everything that lies in the store, without what is only being at work.
fn contents(scene: &Scene) -> BTreeMap<String, Vec<u8>> {
    let files = walkdir::WalkDir::new(scene.store()).into_iter().flatten().filter(|e| e.file_type().is_file());
    let kept = files.filter(|e| e.file_name() != "lock" && !e.path().components().any(|c| c.as_os_str() == "tmp"));
    kept.map(|e| (e.path().display().to_string(), std::fs::read(e.path()).unwrap())).collect()
}

#[track_caller]
fn nothing_in(answer: &Answer, id: &str, what: &str) {
    for secret in ["secret_table", &id[2..], "/store", "c4nary"] {
        let said = format!("{}{}", answer.head, answer.body);
        assert!(!said.contains(secret), "{what}: {answer:?}");
    }
}

/// Sixty and more ways in, each with what is right about it and one thing that is not.
#[test]
fn none_gets_a_byte_or_changes_one() {
    let scene = scene();
    let (full, data) = scene.backup();
    let served = Served::start(&scene);
    let before = contents(&scene);
    let (host, cookie) = (served.host(), served.cookie());
    let ours = format!("http://{host}");
    let mut tried = 0;
    let mut refuse = |what: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let answer = served.ask(method, path, headers, body);
        tried += 1;
        assert!(!(200..400).contains(&answer.status), "{what}: {answer:?}");
        nothing_in(&answer, &full, what);
    };
    let port = served.port;
    let delete = format!("/backups/{full}/delete");
    let typed = format!("typed={full}");

    // DNS rebinding: the browser sends the cookie of no other name, but even if it did
    for other in [
        "evil.example",
        "evil.example:80",
        &format!("evil.example:{port}"),
        "127.0.0.1",
        "localhost",
        "",
        &format!("[::1]:{port}"),
        &format!("0.0.0.0:{port}"),
        &format!("127.0.0.1.evil.example:{port}"),
        &format!("127.1:{port}"),
        &format!("2130706433:{port}"),
        &format!("localhost.:{port}"),
        &format!("LOCALHOST:{port}"),
        &format!("127.0.0.1:{port}@evil.example"),
        &format!("a@127.0.0.1:{port}"),
    ] {
        refuse("another host", "GET", "/backups", &[("host", other), ("cookie", &cookie)], "");
        refuse("another host", "POST", &delete, &[("host", other), ("cookie", &cookie), ("origin", &ours)], &typed);
    }
    refuse("two hosts", "GET", "/backups", &[("host", &host), ("host", "evil.example"), ("cookie", &cookie)], "");
    refuse("no host", "GET", "/backups", &[("cookie", &cookie)], "");

    // forged requests: the cookie is there, the page they come from is another
    for origin in [
        "null",
        "http://evil.example",
        &format!("https://{host}"),
        &format!("http://localhost:{port}"),
        "http://127.0.0.1",
        "",
    ] {
        refuse("another origin", "POST", &delete, &[("host", &host), ("cookie", &cookie), ("origin", origin)], &typed);
        refuse(
            "read by another origin",
            "GET",
            "/backups",
            &[("host", &host), ("cookie", &cookie), ("origin", origin)],
            "",
        );
    }
    refuse("no origin", "POST", &delete, &[("host", &host), ("cookie", &cookie)], &typed);
    for site in ["cross-site", "same-site", "none"] {
        refuse(
            "another site",
            "POST",
            &delete,
            &[("host", &host), ("cookie", &cookie), ("origin", &ours), ("sec-fetch-site", site)],
            &typed,
        );
    }
    for site in ["cross-site", "same-site"] {
        refuse(
            "read by another site",
            "GET",
            &format!("/backups/{full}"),
            &[("host", &host), ("cookie", &cookie), ("sec-fetch-site", site)],
            "",
        );
    }

    // no key, or another one
    let short = cookie[..cookie.len() - 1].to_owned();
    let other = format!("safemigrate-{}={}", port ^ 1, served.key);
    for cookie in [
        "",
        "safemigrate=1",
        &short,
        &other,
        &format!("safemigrate-{port}="),
        &format!("safemigrate-{port}={}", "0".repeat(64)),
    ] {
        refuse("another key", "GET", "/backups", &[("host", &host), ("cookie", cookie)], "");
        refuse("another key", "POST", &delete, &[("host", &host), ("cookie", cookie), ("origin", &ours)], &typed);
    }
    for path in [
        "/backups?key=",
        "/backups?key=1",
        &format!("/backups?key={}", &served.key[1..]),
        "/now",
        "/runs",
        "/jobs/1",
        "/assets/page.js",
    ] {
        refuse("without a key", "GET", path, &[("host", &host)], "");
    }
    // the key in an address opens the door and does nothing else
    let with_key = format!("{delete}?key={}", served.key);
    refuse("a key in a POST", "POST", &with_key, &[("host", &host), ("origin", &ours)], &typed);

    // looking changes nothing, and other ways of asking are none
    let fine = [("host", host.as_str()), ("cookie", cookie.as_str()), ("origin", ours.as_str())];
    for verb in ["delete", "rollback", "pin", "plan", "check"] {
        refuse("a change by looking", "GET", &format!("/backups/{full}/{verb}?{typed}"), &fine, "");
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
        refuse("another method", method, &format!("/backups/{full}"), &fine, "");
    }

    // what is no id and no verb, and what is of the other kind
    let form = [fine[0], fine[1], fine[2], ("content-type", "application/x-www-form-urlencoded")];
    for (path, body) in [
        (format!("/backups/{full}/reinsert"), "typed=shop"),
        (format!("/backups/{data}/rollback"), "typed=shop"),
        (format!("/backups/{full}/destroy"), ""),
        ("/backups/latest/delete".to_owned(), "typed=latest"),
        ("/backups/f-/delete".to_owned(), "typed=f-"),
        ("/backups".to_owned(), "kind=everything"),
        ("/backups".to_owned(), ""),
        (format!("/backups/{data}/plan"), "on_conflict=destroy"),
        ("/jobs/1/cancel".to_owned(), ""),
        ("/jobs/99999999999999999999/cancel".to_owned(), ""),
    ] {
        let answer = served.ask("POST", &path, &form, body);
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
    refuse("too large", "POST", &delete, &form, &"a=b&".repeat(40_000));
    assert!(tried > 60, "{tried}");
    assert_eq!(contents(&scene), before);
}

/// A path in a hundred spellings: no file, inside of the store or out of it, is an address.
#[test]
fn no_path_leads_into_the_files() {
    let scene = scene();
    let (full, _) = scene.backup();
    let served = Served::start(&scene);
    let before = contents(&scene);
    let up = ["..", "%2e%2e", "%2E.", ".%2e", "..%00", "..;", "%252e%252e", "..%c0%af", "%c0%ae%c0%ae", "....//"];
    let slash = ["/", "%2f", "%5c", "\\", "%252f", "//", "/./"];
    let mut tried = 0;
    for up in up {
        for slash in slash {
            for target in [format!("backups{slash}{full}.json"), format!("etc{slash}passwd")] {
                let path = format!("/backups/{up}{slash}{up}{slash}{target}");
                let answer = served.get(&path);
                tried += 1;
                assert!(answer.status != 200, "{path}: {answer:?}");
                assert!(!answer.body.contains("root:") && !answer.body.contains("secret_table"), "{path}: {answer:?}");
            }
        }
    }
    for id in [
        &format!("{full}.json"),
        &format!("{full}%00"),
        &full.to_uppercase(),
        "r-12345678",
        "f-1234567",
        "f-123456789",
        "f-1234567%2f",
    ] {
        assert_eq!(served.get(&format!("/backups/{id}")).status, 404, "{id}");
        tried += 1;
    }
    assert!(tried > 100, "{tried}");
    assert_eq!(contents(&scene), before);
}

#[test]
fn names_of_tables_are_text() {
    let scene = scene();
    let (full, data) = scene.backup();
    let psql = scene.cluster.programs.path("psql").display().to_string();
    let drop = format!("DROP TABLE \"{SCRIPT}\"");
    scene.run(&["run", "--", &psql, "-X", "-q", "-c", &drop, &scene.cluster.url("shop")]).code(3);
    let served = Served::start(&scene);
    let run = scene.json(&["history"])["runs"][0]["run"].as_str().unwrap().to_owned();
    let mut pages =
        vec![format!("/backups/{full}"), format!("/runs/{run}"), "/backups?kind=%22%3E%3Cscript%3E".to_owned()];
    for id in [&full, &data] {
        let job =
            served.post(&format!("/backups/{id}/plan"), "maps=%3Cscript%3E%22%27%3Dx").header("location").to_owned();
        crate::scene::wait_until("the plan", || !served.get(&job).body.contains("data-live=\"/jobs"));
        pages.push(job);
    }
    for path in pages {
        let answer = served.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let unexpected = answer.body.replace("<script src=\"/assets/page.js\" defer></script>", "");
        assert!(!unexpected.contains("<script") && !unexpected.contains("<img"), "{path}: {unexpected}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert!(!answer.body.contains("c4nary"), "{path}");
    }
}

/// Whoever says nothing is not waited for, and stands in nobody's way meanwhile.
#[test]
fn the_slow_are_let_go_and_hold_up_nobody() {
    let scene = scene();
    let served = Served::start(&scene);
    let begun = Instant::now();
    let slow: Vec<TcpStream> = (0..40)
        .map(|n| {
            let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let head = format!(
                "POST /backups HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\norigin: http://{0}\r\ncontent-length: 10\r\n",
                served.host(),
                served.cookie()
            );
            // some in the middle of the head, some in the middle of the form
            stream.write_all(if n % 2 == 0 { head.as_bytes() } else { b"GET /back" }).unwrap();
            if n % 4 == 0 {
                stream.write_all(b"\r\nkind").unwrap();
            }
            stream
        })
        .collect();
    assert_eq!(served.get("/backups").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5));
    for mut stream in slow {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
    }
    assert!(begun.elapsed() < Duration::from_secs(25));
    assert!(scene.listed().is_empty());
}

#[test]
fn it_listens_on_this_machine_only_and_says_when_a_port_is_taken() {
    let scene = scene();
    let served = Served::start(&scene);
    let port = served.port;
    let all = std::fs::read_to_string("/proc/net/tcp").unwrap()
        + &std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    let listening: Vec<&str> = all
        .lines()
        .filter(|line| line.split_whitespace().nth(1).is_some_and(|at| at.ends_with(&format!(":{port:04X}"))))
        .filter(|line| line.split_whitespace().nth(3) == Some("0A"))
        .collect();
    assert!(listening.len() == 1 && listening[0].contains("0100007F:"), "{listening:?}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = scene.run(&["ui", "--no-open", "--port", &port]).code(1);
    said.says(&format!("The page cannot be served at port {port}")).says("safemigrate ui");
}
