//! A hostile environment: other servers in `PG*`, other libraries in `LD_*`, other programs on the path.

use crate::scene::{CANARY, SHOP, Scene, script};
use crate::support::{Cluster, Output};
use crate::tells;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Another password, which is nobody's.
const DECOY: &str = "d3coy-p4ssword";

struct Trap {
    scene: Scene,
    /// Where `PG*` point to.
    decoy: Cluster,
    /// The tools, in front of which somebody writes down what they are started with.
    tools: PathBuf,
    seen: PathBuf,
}

impl Trap {
    fn new() -> Trap {
        let scene = Scene::new(SHOP);
        let decoy = Cluster::start();
        decoy.create_db("shop");
        let (tools, seen) = (scene.folder.path().join("tools"), scene.folder.path().join("seen"));
        for program in ["pg_dump", "pg_restore"] {
            let real = scene.cluster.programs.path(program);
            script(
                &tools,
                program,
                &format!("{{ env; echo \"argv: $*\"; }} >>{}\nexec {} \"$@\"", seen.display(), real.display()),
            );
        }
        Trap { scene, decoy, tools, seen }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scene.command(arguments);
        let file = |name: &str, text: String| {
            let path = self.scene.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (port, socket) = (self.decoy.port.to_string(), self.decoy.socket_folder());
        command.env("PGHOST", socket).env("PGHOSTADDR", "127.0.0.1").env("PGPORT", &port).env("PGDATABASE", "postgres");
        command.env("PGUSER", "postgres").env("PGPASSWORD", DECOY).env("PGSSLMODE", "verify-full");
        command.env("PGSSLROOTCERT", "/nonexistent").env("PGSSLNEGOTIATION", "direct").env("PGREQUIREPEER", "nobody");
        command.env("PGPASSFILE", file("passfile", format!("*:*:*:*:{DECOY}\n")));
        command.env("PGSERVICE", "decoy").env("PGSERVICEFILE", file("service", format!("[decoy]\nport={port}\n")));
        command
            .env("PGAPPNAME", "decoy")
            .env("PGTZ", "Asia/Kolkata")
            .env("PGDATESTYLE", "German")
            .env("PGCONNECT_TIMEOUT", "1");
        command.env("PGCLIENTENCODING", "LATIN1").env("PGTARGETSESSIONATTRS", "standby").env("PGGSSENCMODE", "require");
        command.env("PGCHANNELBINDING", "require").env("PGKRBSRVNAME", "decoy").env("PGLOADBALANCEHOSTS", "random");
        command.env("PGOPTIONS", "-c DateStyle=German --statement-timeout=1 -cbytea_output=escape");
        command
            .env("LD_LIBRARY_PATH", "/nonexistent")
            .env("LD_AUDIT_DECOY", "1")
            .env("DYLD_INSERT_LIBRARIES", "/nonexistent");
        command.env("RUST_BACKTRACE", "1").env("SAFEMIGRATE_PG_BIN", &self.tools);
        command
    }
}

#[test]
fn it_leads_nowhere() {
    let trap = Trap::new();
    let before = trap.scene.dump();
    let run = |arguments: &[&str]| {
        let output = Output::of(&mut trap.command(arguments)).ok();
        assert!(!tells(&output.stdout) && !tells(&output.stderr) && !output.stderr.contains(DECOY), "{output}");
        output
    };
    let said: Value = serde_json::from_str(&run(&["backup", "--json"]).stdout).unwrap();
    let (full, data) = (said["backups"][0]["id"].as_str().unwrap(), said["backups"][1]["id"].as_str().unwrap());
    assert_eq!(said["backups"][0]["rows"], 1200, "the shop of the URL, not the empty one");
    run(&["check", full, "--restore", "-v"]);
    for strategy in ["swap", "in-place"] {
        trap.scene.cluster.psql("shop", "DELETE FROM \"Order\"");
        run(&["rollback", full, "--yes", "--strategy", strategy, "-v"]);
        assert!(before == trap.scene.dump(), "{strategy}");
    }
    trap.scene.cluster.psql("shop", "DELETE FROM \"Order\"");
    run(&["reinsert", data, "--yes", "-v"]);
    run(&["guard", "status", "--json"]);
    assert!(before == trap.scene.dump());
    assert_eq!(trap.decoy.log().matches("FATAL").count(), 0, "nobody knocked: {}", trap.decoy.log());

    let seen = std::fs::read_to_string(&trap.seen).unwrap();
    for forbidden in [
        DECOY,
        "PGHOSTADDR",
        "PGSERVICE",
        "PGREQUIREPEER",
        "PGDATESTYLE",
        "PGTZ",
        "LD_",
        "DYLD_",
        "/nonexistent\n",
        "decoy",
    ] {
        assert!(!seen.contains(forbidden), "{forbidden} reached a tool:\n{seen}");
    }
    assert!(seen.contains(&format!("PGPASSWORD={CANARY}\n")), "by environment, and only to the one that needs it");
    for line in seen.lines().filter(|l| l.starts_with("argv: ")) {
        assert!(!tells(line) && !line.contains("shop"), "{line}");
    }
}

/// What would change a session in a way that ours do not set right is refused, not followed.
#[test]
fn pgoptions_that_matter_are_refused() {
    let scene = Scene::new(SHOP);
    for options in
        ["-c role=postgres", "--search-path=evil", "-c default_text_search_config=german", "-O", "-c a\\ b=c"]
    {
        let refused = Output::of(scene.command(&["backup"]).env("PGOPTIONS", options)).code(1).says("PGOPTIONS is set");
        assert!(
            refused.stderr.contains("unset PGOPTIONS") && refused.stderr.contains("Nothing was changed"),
            "{refused}"
        );
    }
    Output::of(scene.command(&["backup"]).env("PGOPTIONS", " --client-min-messages=warning -c statement_timeout=5s"))
        .ok();
}

/// A password that the URL does not hold is not taken from elsewhere: Prisma would not find it there either.
#[test]
fn only_the_url_has_the_password() {
    let scene = Scene::new(SHOP);
    let without = scene.url().replace(&format!(":{}", "c4nary%3AP%40ss%2Fw%25rd"), "");
    assert_ne!(without, scene.url());
    let passfile = scene.folder.path().join("passfile");
    std::fs::write(&passfile, format!("*:*:*:*:{}\n", CANARY.replace(':', "\\:"))).unwrap();
    std::fs::set_permissions(&passfile, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for (name, value) in [("PGPASSWORD", CANARY.into()), ("PGPASSFILE", passfile.into_os_string())] {
        let mut command = scene.command(&["backup"]);
        let refused = Output::of(command.env("SAFEMIGRATE_URL", &without).env(name, value)).code(1);
        assert!(refused.stderr.contains("does not let user boss in") && !tells(&refused.stderr), "{refused}");
    }
}

/// In the URL's query, where libpq takes it; and in an address that cannot be read.
#[test]
fn odd_places_in_the_url_are_not_printed_either() {
    let scene = Scene::new(SHOP);
    let (head, tail) = (format!("127.0.0.1:{}", scene.cluster.port), "c4nary%3AP%40ss%2Fw%25rd");
    let in_query = format!("postgresql://boss@{head}/shop?password={tail}&sslmode=prefer");
    let output = Output::of(scene.command(&["backup", "-v"]).env("SAFEMIGRATE_URL", in_query)).ok();
    assert!(!tells(&output.stdout) && !tells(&output.stderr), "{output}");
    for broken in [
        format!("postgresql://boss:{tail}@[::1/shop"),
        format!("postgresql://boss:{tail}@h:port/shop"),
        format!("postgresql://boss:{CANARY}@h/shop"),
        format!("mysql://boss:{tail}@h/shop"),
        format!("boss:{tail}@h/shop"),
        format!("postgresql://boss:{tail}@h/shop/{tail}"),
        format!("postgresql://boss:%ff{tail}@h/shop"),
        format!("postgresql://boss:{tail}@{head}/nowhere"),
        format!("postgresql://nobody:{tail}@{head}/shop"),
    ] {
        for more in [&["-v"][..], &["--json"]] {
            let mut command = scene.command(&[&["backup"], more].concat());
            let output = Output::of(command.env("SAFEMIGRATE_URL", &broken).env("RUST_BACKTRACE", "1"));
            assert!(output.code == 1 && !tells(&output.stdout) && !tells(&output.stderr), "{broken}{output}");
        }
    }
}

#[test]
fn tools_beside_us_are_not_run() {
    let scene = Scene::new(SHOP);
    let folder = scene.folder.path();
    for place in ["", "bin", "a:b"] {
        for program in ["pg_dump", "pg_restore", "sh", "kill"] {
            script(&folder.join(place), program, &format!("touch {}/trapped\nexit 1", folder.display()));
        }
    }
    let path = format!(":.:bin:./bin:{}", std::env::var("PATH").unwrap());
    let run = |arguments: &[&str]| Output::of(scene.command(arguments).env("PATH", &path)).ok();
    let said: Value = serde_json::from_str(&run(&["backup", "--json"]).stdout).unwrap();
    run(&["rollback", said["backups"][0]["id"].as_str().unwrap(), "--yes"]);
    assert!(!folder.join("trapped").exists());
}
