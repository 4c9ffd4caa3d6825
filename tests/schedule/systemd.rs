//! `--systemd`, with a `systemctl` that writes down what it is told.

use crate::scene::script;
use crate::support::{Cluster, PASSWORD, Prisma};
use crate::tables::{Shop, Tables};
use std::fs;
use std::path::PathBuf;

#[test]
fn a_timer_instead_of_a_line() {
    let cluster = Cluster::start();
    cluster.create_db("shop");
    let tables = Tables::new();
    let shop = Shop::new(Prisma::V6, &cluster, "shop", &tables).called("100% $my \"shop\"");
    let log = tables.folder().join("log");
    let broken = "echo 'Failed to connect to bus: No medium found' >&2; exit 1";
    script(tables.folder(), "systemctl", broken);
    shop.run(&["schedule", "install", "--systemd"])
        .code(12)
        .says("no systemd here")
        .says("No medium found")
        .says("Nothing was changed");
    assert!(!shop.store().exists());

    script(tables.folder(), "systemctl", &format!("echo \"$@\" >>{}", log.display()));
    shop.run(&["schedule", "install"]).ok();
    assert_eq!(tables.lines().len(), 1);
    shop.run(&["schedule", "install", "--systemd", "--every", "6h"])
        .ok()
        .says("a full backup every 6h by systemd")
        .says("enable-linger");
    assert_eq!(tables.get(), None, "one schedule for a store");
    let home = shop.root.parent().unwrap().join("home");
    let files = || -> Vec<PathBuf> {
        let entries = fs::read_dir(home.join(".config/systemd/user")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let (service, timer) = (files()[0].clone(), files()[1].clone());
    let (what, when) = (fs::read_to_string(&service).unwrap(), fs::read_to_string(&timer).unwrap());
    assert!(what.contains("100%% $$my \\\"shop\\\"/.safemigrate\" schedule run --kind full"), "{what}");
    assert!(
        !what.contains(PASSWORD) && when.contains("OnCalendar=*-*-* 00/6:") && when.contains("Persistent=true"),
        "{when}"
    );
    let name = timer.file_name().unwrap().to_str().unwrap();
    let told = fs::read_to_string(&log).unwrap();
    assert!(told.ends_with(&format!("--user daemon-reload\n--user enable {name}\n--user restart {name}\n")), "{told}");
    shop.run(&["schedule", "status"]).ok().says("by systemd").says("in systemd");
    shop.run(&["schedule", "install", "--systemd", "--every", "6h"]).ok().says("Nothing to do");

    // and back
    shop.run(&["schedule", "install"]).ok();
    assert_eq!((files().len(), tables.lines().len()), (0, 1));
    assert!(fs::read_to_string(&log).unwrap().contains(&format!("--user disable --now {name}\n")));
    shop.run(&["schedule", "install", "--systemd"]).ok();
    shop.run(&["schedule", "uninstall"]).ok();
    assert_eq!((files().len(), tables.get()), (0, None));
}
