//! What is put into a crontab, and what is refused.

use crate::scene::script;
use crate::support::{Cluster, PASSWORD, Prisma};
use crate::tables::{Shop, Tables, as_cron};
use std::fs;

fn cluster() -> Cluster {
    let cluster = Cluster::start();
    cluster.create_db("shop");
    cluster
}

/// Not UTF-8, and with everything that could be taken for ours.
const THEIRS: &[u8] =
    b"SHELL=/bin/bash\nMAILTO=\"\"\n# caf\xe9\n*/5 * * * * echo 100\\% % input\n\n# safemigrate schedule run\n";

#[test]
fn goes_in_beside_the_others_and_out_again() {
    let (cluster, tables) = (cluster(), Tables::new());
    tables.set(THEIRS);
    let one = Shop::new(Prisma::V7, &cluster, "shop", &tables);
    let two = Shop::new(Prisma::V6, &cluster, "shop", &tables).called("it's 100% \\ \"my\" $HOME shop");

    one.run(&["schedule", "install", "--dry-run"]).ok().says("+++ crontab of jo").says("(--dry-run)");
    assert_eq!(tables.get().as_deref(), Some(THEIRS));
    assert!(!one.store().exists(), "nothing was written");
    one.run(&["schedule", "status"]).ok().says("No schedule is installed");

    one.run(&["schedule", "install"]).ok().says("Installed: a full backup every 1h by cron");
    let with_one = tables.get().unwrap();
    assert!(with_one.starts_with(THEIRS));
    one.run(&["schedule", "install"]).ok().says("Nothing to do");
    assert_eq!(tables.get().unwrap(), with_one, "twice is once");

    two.run(&["schedule", "install", "--every", "15m", "--kind", "both"]).ok().says("a both backup every 15m");
    let with_both = tables.get().unwrap();
    assert!(with_both.starts_with(&with_one), "side by side");
    assert_eq!(tables.lines().len(), 2);
    assert!(!tables.text().contains(PASSWORD) && !tables.text().contains("postgresql:"), "{}", tables.text());

    // in its place, with other times
    one.run(&["schedule", "install", "--every", "1d"]).ok();
    assert_eq!(tables.lines().len(), 2);
    assert!(tables.text().contains(" 12 * * * /usr/bin/env -i "), "{}", tables.text());
    one.run(&["schedule", "install"]).ok();
    assert_eq!(tables.get().unwrap(), with_both);

    // what stands there does what it should, whatever is in the folder's name and around it
    for (shop, count) in [(&one, 1), (&two, 2)] {
        let line = tables.lines().into_iter().nth(count - 1).unwrap();
        let ran = as_cron(&line, &shop.root).ok();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "cron would send it by mail");
        let listed = shop.json(&["list"]);
        let reasons: Vec<_> = listed["backups"].as_array().unwrap().iter().map(|b| b["reason"].clone()).collect();
        assert_eq!(reasons, vec!["scheduled"; count], "{listed}");
        shop.run(&["check", "--all"]).ok();
        shop.run(&["schedule", "status"]).ok().says("last attempt  done").says("the last good one is f-");
        shop.run(&["status"]).ok().says("Nothing is unfinished.").says("the last good one is f-");
        let kept: String = walkdir::WalkDir::new(shop.store().join("schedule"))
            .into_iter()
            .flatten()
            .filter_map(|entry| fs::read_to_string(entry.path()).ok())
            .collect();
        assert!(kept.contains("done") && !kept.contains(PASSWORD), "{kept}");
    }

    one.run(&["schedule", "uninstall", "--dry-run"]).ok().says("(--dry-run)");
    assert_eq!(tables.get().unwrap(), with_both);
    one.run(&["schedule", "uninstall"]).ok().says("Uninstalled");
    two.run(&["schedule", "uninstall"]).ok();
    assert_eq!(tables.get().as_deref(), Some(THEIRS), "to the byte");
    one.run(&["schedule", "uninstall"]).ok().says("Nothing to do");
    assert!(one.json(&["status"])["schedule"].is_null());
}

#[test]
fn where_there_was_no_crontab_there_is_none_afterwards() {
    let (cluster, tables) = (cluster(), Tables::new());
    let shop = Shop::new(Prisma::V6, &cluster, "shop", &tables);
    shop.run(&["schedule", "install"]).ok();
    assert!(tables.get().is_some());
    // somebody takes the line out by hand
    tables.set(b"");
    let said = shop.json(&["schedule", "status"]);
    assert_eq!(
        (&said["installed"], &said["problems"][0]),
        (&false.into(), &"cron knows nothing of it any more".into())
    );
    shop.run(&["schedule", "install"]).ok();
    assert_eq!(tables.lines().len(), 1);
    shop.run(&["schedule", "uninstall"]).ok();
    assert_eq!(tables.get(), None);
}

/// Each reads the crontab and writes it again; none may lose another's line.
#[test]
fn four_at_once() {
    let (cluster, tables) = (cluster(), Tables::new());
    tables.set(THEIRS);
    // the same home
    let shops: Vec<Shop> = (0..4)
        .map(|_| {
            let mut shop = Shop::new(Prisma::V6, &cluster, "shop", &tables);
            shop.project.env("HOME", tables.folder());
            shop
        })
        .collect();
    let all = |arguments: &[&str]| {
        std::thread::scope(|scope| {
            let running: Vec<_> = shops.iter().map(|shop| scope.spawn(|| shop.run(arguments).ok())).collect();
            running.into_iter().for_each(|one| drop(one.join().unwrap()));
        })
    };
    all(&["schedule", "install"]);
    assert_eq!(tables.lines().len(), 4, "{}", tables.text());
    all(&["schedule", "uninstall"]);
    assert_eq!(tables.get().as_deref(), Some(THEIRS));
}

/// cron has nothing of the shell: what would not work there is not installed.
#[test]
fn what_cron_would_not_have_is_refused() {
    let (mut cluster, tables) = (cluster(), Tables::new());
    cluster.create_db("other");
    let mut shop = Shop::new(Prisma::V7, &cluster, "shop", &tables);
    let url = cluster.url("shop");
    let refused = |shop: &Shop, arguments: &[&str], code: i32, says: &str| {
        let output =
            shop.run(&[&["schedule", "install"], arguments].concat()).code(code).says(says).says("Nothing was changed");
        assert!(!output.stderr.contains(PASSWORD), "{output}");
        assert_eq!(tables.get(), None);
        assert!(!shop.store().exists(), "{output}");
    };
    refused(&shop, &["--url", &url], 1, "no password goes into a crontab");
    shop.run(&["schedule", "install", "--every", "45m"]).code(2).says("it can do 1m 2m");
    let empty = tempfile::tempdir().unwrap();
    shop.project.env("SAFEMIGRATE_PG_BIN", empty.path());
    refused(&shop, &[], 12, "no working pg_dump is there");
    shop.project.env_remove("SAFEMIGRATE_PG_BIN");

    shop.project.env("DATABASE_URL", cluster.url("other"));
    refused(&shop, &[], 1, "This shell leads to other on 127.0.0.1");
    // the same as in .env is no harm
    shop.project.env("DATABASE_URL", &url);
    shop.run(&["schedule", "install", "--dry-run"]).ok();
    fs::remove_file(shop.root.join(".env")).unwrap();
    refused(&shop, &[], 1, "DATABASE_URL is set in this shell only");
    // a configuration that puts the URL together of what the shell has
    fs::write(
        shop.root.join("prisma.config.ts"),
        "import { defineConfig } from \"prisma/config\";\nexport default defineConfig({ schema: \"prisma/schema.prisma\", datasource: { url: `postgresql://postgres:${process.env.DB_PASSWORD}@${process.env.DB_HOST}/shop` } });\n",
    )
    .unwrap();
    shop.project
        .env_remove("DATABASE_URL")
        .env("DB_PASSWORD", PASSWORD)
        .env("DB_HOST", format!("127.0.0.1:{}", cluster.port));
    refused(&shop, &[], 1, "");
    cluster.stop();
    refused(&shop, &[], 1, "");
}

/// A node of the user's own, which is in no usual place.
#[test]
fn finds_the_node_of_the_shell() {
    let (cluster, tables) = (cluster(), Tables::new());
    let mut shop = Shop::new(Prisma::V7, &cluster, "shop", &tables);
    let own = tables.folder().join("own node's bin");
    let node = which::which("node").unwrap();
    script(
        &own,
        "node",
        &format!("echo x >>'{}'\nexec {} \"$@\"", tables.folder().join("asked").display(), node.display()),
    );
    let usual = std::env::var("PATH").unwrap();
    shop.project.env("PATH", format!("{}:{}:{usual}", own.display(), tables.folder().display()));
    shop.run(&["schedule", "install"]).ok();
    let asked = || fs::read_to_string(tables.folder().join("asked")).unwrap().len();
    let before = asked();
    as_cron(&tables.lines()[0], &shop.root).ok();
    assert!(asked() > before);
    // and is gone after an update
    fs::remove_dir_all(&own).unwrap();
    let gone = shop.root.join("safemigrate");
    tables.set(tables.text().replace(env!("CARGO_BIN_EXE_safemigrate"), gone.to_str().unwrap()).as_bytes());
    shop.run(&["schedule", "status"])
        .ok()
        .says("the program that it names is not there any more")
        .says("safemigrate schedule install");
}

#[test]
fn a_crontab_that_may_not_be_changed_is_an_error() {
    let (cluster, tables) = (cluster(), Tables::new());
    let shop = Shop::new(Prisma::V6, &cluster, "shop", &tables);
    let deny = "echo 'You (jo) are not allowed to use this program (crontab)' >&2; exit 1";
    script(tables.folder(), "crontab", deny);
    shop.run(&["schedule", "install"]).code(1).says("You (jo) are not allowed").says("Nothing was changed");
    // read, but not written
    script(tables.folder(), "crontab", &format!("case $1 in -l) exit 0;; esac\n{deny}"));
    shop.run(&["schedule", "install"]).code(1).says("You (jo) are not allowed").says("Nothing was changed");
    assert!(shop.json(&["status"])["schedule"].is_null(), "nothing of it is left");
    // written somewhere else
    script(tables.folder(), "crontab", "cat >/dev/null; exit 0");
    shop.run(&["schedule", "install"]).code(1).says("is not what was written");
    assert!(shop.json(&["status"])["schedule"].is_null());
}
