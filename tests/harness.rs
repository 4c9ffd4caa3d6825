//! The equipment of the other tests, tested: the server, both Prismas, the terminal.

mod support;

use std::time::{Duration, Instant};

use support::{Cluster, Prisma, Project, Shape, Terminal};

#[test]
fn a_cluster_starts_asks_for_passwords_and_survives_a_crash() {
    let mut cluster = Cluster::start();
    cluster.create_db("zoo");
    cluster.psql("zoo", "CREATE TABLE animal (name text); INSERT INTO animal VALUES ('ara'), (E'be\\tar');");
    assert_eq!(cluster.psql("zoo", "SELECT count(*), max(name) FROM animal"), "2|be\tar");
    assert!(cluster.try_psql("zoo", "SELECT 1; SELECT nothing;").unwrap_err().contains("nothing"));

    let psql = |url: &str| {
        std::process::Command::new(cluster.programs.path("psql")).args([url, "-Atc", "SELECT 7"]).output().unwrap()
    };
    assert_eq!(psql(&cluster.url("zoo")).stdout, b"7\n");
    assert_eq!(psql(&cluster.socket_url("zoo")).stdout, b"7\n");
    let refused = psql(&cluster.url_as("postgres", "wrong @/:%", "zoo"));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("password authentication failed"), "{refused:?}");

    cluster.psql("zoo", "CHECKPOINT");
    cluster.kill9();
    assert!(cluster.try_psql("zoo", "SELECT 1").is_err());
    cluster.restart();
    assert_eq!(cluster.psql("zoo", "SELECT count(*) FROM animal"), "2");
    cluster.stop();
    assert!(cluster.try_psql("zoo", "SELECT 1").is_err());
    cluster.restart();
    assert_eq!(cluster.psql("zoo", "SELECT count(*) FROM animal"), "2");
}

#[test]
fn equal_databases_have_equal_dumps_whatever_the_order_of_their_rows() {
    let cluster = Cluster::start();
    for (database, order) in [("one", "ASC"), ("two", "DESC")] {
        cluster.create_db(database);
        cluster.psql(
            database,
            &format!("CREATE TABLE t AS SELECT n, E'x\\n\\\\.' AS x FROM generate_series(1, 9) n ORDER BY n {order}"),
        );
    }
    assert_eq!(cluster.dump("one"), cluster.dump("two"));
    cluster.psql("two", "UPDATE t SET x = 'y' WHERE n = 5");
    assert_ne!(cluster.dump("one"), cluster.dump("two"));
}

#[test]
fn nothing_is_left_of_a_cluster() {
    let cluster = Cluster::start();
    let (folder, server) =
        (cluster.socket_folder().to_path_buf(), cluster.psql("postgres", "SELECT pg_postmaster_start_time()"));
    assert!(!server.is_empty());
    drop(cluster);
    assert!(!folder.exists());
}

/// Not a test: what `not_even_a_killed_test_leaves_a_cluster` kills.
#[test]
fn victim() {
    let Ok(note) = std::env::var("HARNESS_VICTIM_NOTE") else { return };
    let cluster = Cluster::start();
    std::fs::write(&note, cluster.socket_folder().to_str().unwrap()).unwrap();
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn not_even_a_killed_test_leaves_a_cluster() {
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("folder");
    let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim"])
        .env("HARNESS_VICTIM_NOTE", &note)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let folder = eventually("a cluster", || std::fs::read_to_string(&note).ok().filter(|text| !text.is_empty()));
    let state = std::fs::read_to_string(format!("{folder}/data/postmaster.pid")).unwrap();
    let server = format!("/proc/{}", state.lines().next().unwrap());
    victim.kill().unwrap();
    victim.wait().unwrap();
    eventually("the folder's end", || (!std::path::Path::new(&folder).exists()).then_some(()));
    eventually("the server's end", || {
        let status = std::fs::read_to_string(format!("{server}/status")).unwrap_or_default();
        (status.is_empty() || status.contains("State:\tZ")).then_some(())
    });
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "half a minute without {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_session_holds_its_lock() {
    let cluster = Cluster::start();
    cluster.psql("postgres", "CREATE TABLE t (x int)");
    let mut holder = cluster.session("postgres");
    holder.run("BEGIN; LOCK TABLE t");
    let refused = cluster.try_psql("postgres", "SET lock_timeout = '50ms'; SELECT * FROM t").unwrap_err();
    assert!(refused.contains("lock timeout"), "{refused}");
    assert_eq!(holder.run("SELECT 41 + 1"), "42");
    drop(holder);
    cluster.psql("postgres", "DROP TABLE t");
}

#[test]
fn a_terminal_shows_and_takes_text_and_ctrl_c() {
    let mut shell = std::process::Command::new("sh");
    // one process: a key that comes while a shell makes another may be taken by neither
    shell.args([
        "-c",
        "test -t 0 && test -t 1 && printf '\\033[31mwho\\033[0m? ' && read name && echo hello $name && exec sleep 60",
    ]);
    let mut terminal = Terminal::spawn(shell);
    terminal.expect("who? ");
    terminal.send_line("Zoë");
    terminal.expect("hello Zoë");
    terminal.send_ctrl_c();
    assert_eq!(terminal.wait(), 130);
}

fn deploys_and_migrates(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = Project::new(prisma, Shape::Shop, &cluster, "shop");
    project.prisma(&["migrate", "deploy"]).ok().says("20260212141500_order_totals");

    cluster.psql(
        "shop",
        "INSERT INTO customers (email, full_name, nickname) VALUES ('ada@example.com', 'Ada', 'countess')",
    );
    project.edit_schema("  nickname  String?\n", "  title  String?\n");
    let mut terminal = project.prisma_terminal(&["migrate", "dev", "--name", "rename_nickname"]);
    terminal.expect("drop the column `nickname` on the `customers` table, which still contains 1 non-null values");
    terminal.expect("Are you sure you want to create and apply this migration?");
    terminal.send("y");
    terminal.expect("Your database is now in sync with your schema.");
    assert_eq!(terminal.wait(), 0);
    assert_eq!(project.migrations().len(), 3);
    assert_eq!(cluster.psql("shop", "SELECT count(*), count(title) FROM customers"), "1|0");

    project.edit_schema("  title  String?\n", "");
    cluster.psql("shop", "UPDATE customers SET title = 'countess'");
    let mut terminal = project.prisma_terminal(&["migrate", "dev", "--name", "drop_title"]);
    terminal.expect("Are you sure you want to create and apply this migration?");
    terminal.send_ctrl_c();
    assert_eq!(terminal.wait(), 130);
    assert_eq!(cluster.psql("shop", "SELECT title FROM customers"), "countess");
}

#[test]
fn prisma_7_deploys_and_migrates() {
    deploys_and_migrates(Prisma::V7);
}

#[test]
fn prisma_6_deploys_and_migrates() {
    deploys_and_migrates(Prisma::V6);
}

/// `Cluster::prepare` saves the time of Prisma's `deploy`: Prisma must not see a difference.
fn finds_a_prepared_database_in_order(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = Project::new(prisma, Shape::Shop, &cluster, "shop");
    cluster.prepare(&project, "shop");
    assert_eq!(cluster.psql("shop", "SELECT count(*) FROM \"Product\""), "100");
    project.prisma(&["migrate", "status"]).ok().says("Database schema is up to date!");
    let mut terminal = project.prisma_terminal(&["migrate", "dev"]);
    terminal.expect("Already in sync");
    assert_eq!(terminal.wait(), 0);

    let fresh = Project::new(prisma, Shape::Shop, &cluster, "deployed");
    fresh.prisma(&["migrate", "deploy"]).ok();
    assert_eq!(cluster.dump_with("shop", &["--schema-only"]), cluster.dump_with("deployed", &["--schema-only"]));
}

#[test]
fn prisma_7_finds_a_prepared_database_in_order() {
    finds_a_prepared_database_in_order(Prisma::V7);
}

#[test]
fn prisma_6_finds_a_prepared_database_in_order() {
    finds_a_prepared_database_in_order(Prisma::V6);
}
