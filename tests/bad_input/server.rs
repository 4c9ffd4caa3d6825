//! Servers, URLs and roles that cannot be backed up.

use super::case::{Stage, case, folder};
use crate::scene::{CANARY, script};

const URL: &str = "SAFEMIGRATE_URL";

/// Everything that speaks to the server, each with a backup that it could work on.
fn speakers(stage: &Stage) -> Vec<Vec<&str>> {
    vec![
        vec!["backup"],
        vec!["verify", &stage.full],
        vec!["rollback", &stage.full, "--yes"],
        vec!["reinsert", &stage.data, "--yes"],
        vec!["guard", "status"],
    ]
}

#[test]
fn a_server_that_is_not_there_or_not_ours() {
    let stage = Stage::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cluster = &stage.scene.cluster;
    let nobody_there = cluster.url_as("boss", CANARY, "shop").replace(&cluster.port.to_string(), &closed.to_string());
    for arguments in speakers(&stage) {
        let says: &[&str] = &["does not answer", "Nothing was changed", "Is PostgreSQL running there?", "refused"];
        stage.refuses(&case(&arguments, 1, "unreachable", says).with(URL, &nobody_there));
        let says: &[&str] = &["does not let user boss in", "Nothing was changed", "Check user and password"];
        let wrong = cluster.url_as("boss", "c4nary-wrong", "shop");
        stage.refuses(&case(&arguments, 1, "authentication", says).with(URL, wrong));
        if !["rollback", "guard"].contains(&arguments[0]) {
            let says: &[&str] = &["nowhere does not exist", "Nothing was changed", "Check the name"];
            let missing = cluster.url_as("boss", CANARY, "nowhere");
            stage.refuses(&case(&arguments, 1, "no-database", says).with(URL, missing));
        }
    }
    // a rollback can make a lost database anew, but only under its own name
    let says: &[&str] = &["is a backup of the database shop, not of nowhere", "Nothing was changed"];
    let missing = cluster.url_as("boss", CANARY, "nowhere");
    let rollback = case(&["rollback", &stage.full, "--yes", "--confirm", "nowhere"], 2, "usage", says);
    stage.refuses(&rollback.with(URL, missing));
    assert!(cluster.try_psql("nowhere", "SELECT 1").is_err(), "no database was made");
}

#[test]
fn addresses_that_are_no_database() {
    let stage = Stage::new();
    for (url, says) in [
        ("prisma+postgres://accelerate.prisma-data.net/?api_key=c4nary", "is the address of a Prisma service"),
        ("prisma://accelerate.prisma-data.net/?api_key=c4nary", "is the address of a Prisma service"),
        ("mysql://boss:c4nary@localhost/shop", "begins with mysql://"),
        ("postgresql://boss:c4nary@db.example:6543/shop", "port 6543"),
        ("postgresql://boss:c4nary@ep-cool-pooler.eu.neon.tech/shop", "-pooler"),
        ("postgresql://boss:c4nary@localhost/shop?pgbouncer=true", "pgbouncer=true"),
        ("localhost/shop?password=c4nary", "does not begin with postgresql://"),
        ("postgresql://boss:c4nary@local host:x/shop", "cannot be read"),
    ] {
        for arguments in [&["backup"][..], &["rollback", &stage.full, "--yes"]] {
            stage.refuses(&case(arguments, 1, "url", &[says]).with(URL, url));
        }
    }
}

#[test]
fn tools_that_are_missing_or_too_old() {
    let stage = Stage::new();
    let empty = folder(&stage, "no tools");
    let old = folder(&stage, "old tools");
    script(&old, "pg_dump", "echo 'pg_dump (PostgreSQL) 11.2'");
    script(&old, "pg_restore", "echo 'pg_restore (PostgreSQL) 11.2'");
    let broken = folder(&stage, "broken tools");
    script(&broken, "pg_dump", "echo 'Segmentation fault' >&2; exit 139");
    let none: &[&str] = &["SAFEMIGRATE_PG_BIN names", "no tools", "Install it: "];
    let too_old: &[&str] = &["The server is PostgreSQL", "11.2", "Install it: ", "postgresql"];
    let not_working: &[&str] = &["no working pg_dump is there", "Install it: "];
    for (place, program_says, commands) in [
        (
            &empty,
            none,
            vec![
                vec!["backup"],
                vec!["backup", "--kind", "full"],
                vec!["rollback", &stage.full, "--yes", "--confirm", "shop"],
            ],
        ),
        (&old, too_old, vec![vec!["backup"], vec!["rollback", &stage.full, "--yes", "--confirm", "shop"]]),
        (&broken, not_working, vec![vec!["backup"]]),
    ] {
        for arguments in commands {
            stage.refuses(&case(&arguments, 12, "tool", program_says).with("SAFEMIGRATE_PG_BIN", place.as_os_str()));
        }
    }
    // rows need no tool
    let data_only = &mut stage.scene.command(&["backup", "--kind", "data-only"]);
    crate::support::Output::of(data_only.env("SAFEMIGRATE_PG_BIN", &empty)).ok().says("data-only");
}

#[test]
fn roles_that_see_a_part_only() {
    let stage = Stage::new();
    let cluster = &stage.scene.cluster;
    cluster.psql(
        "shop",
        &format!(
            "CREATE ROLE stranger LOGIN PASSWORD '{CANARY}';
             CREATE ROLE reader LOGIN PASSWORD '{CANARY}'; GRANT pg_read_all_data TO reader;
             ALTER TABLE customer ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON customer USING (id < 10)"
        ),
    );
    let stage = stage.with_dump_of_now();
    for (role, says) in [
        ("stranger", ["may not read everything", "permission denied for", "GRANT SELECT"]),
        ("reader", ["Row-level security hides rows", "customer", "BYPASSRLS"]),
    ] {
        let url = stage.scene.cluster.url_as(role, CANARY, "shop");
        for arguments in [&["backup"][..], &["backup", "--kind", "data-only"], &["verify", &stage.full]] {
            stage.refuses(&case(arguments, 1, "server", &says).with(URL, &url));
        }
    }
}
