//! A name, a tunnel or a balancer leads to another server from one connection to the next: that one is left alone, and the
//! database that was meant is as before or as after.

mod scene;
mod support;

use scene::{SHOP, Scene, ended};
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::{Cluster, Proxy};

/// The other server has a database of the same name with the same tables, under the same role.
fn stranger(scene: &Scene) -> Cluster {
    let stranger = Cluster::stranger();
    stranger.create_db("shop");
    stranger.psql("shop", &format!("{SHOP} DELETE FROM \"Order\" WHERE id < 100"));
    let role = scene.cluster.psql("postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'boss'");
    stranger.psql("postgres", &format!("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '{role}'"));
    let system = |cluster: &Cluster| cluster.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
    assert_ne!(system(&stranger), system(&scene.cluster));
    stranger
}

/// Switches at each connection of the command in turn, until it no longer comes to that.
fn at_every_connection(command: impl Fn(&str, &str) -> Vec<String>) {
    let scene = Scene::new(SHOP);
    let (full, data) = scene.backup();
    let good = scene.dump();
    let stranger = stranger(&scene);
    let proxy = Proxy::before(&scene.cluster);
    let port = |port: u16| format!(":{port}/");
    let url = PathBuf::from(scene.url().replace(&port(scene.cluster.port), &port(proxy.port)));
    let through =
        |arguments: &[&str]| ended(scene.spawn(arguments, &BTreeMap::from([("SAFEMIGRATE_URL", url.clone())])));
    let command = command(&full, &data);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut named = 0;
    // the first connection decides who is meant
    for from in 2.. {
        scene.cluster.psql("shop", "DELETE FROM \"Order\" WHERE id > 900");
        let before = scene.dump();
        let theirs = stranger.dump("shop");
        proxy.lead_elsewhere(&stranger, from);
        let (code, _, stderr) = through(&command);
        let came_to_that = proxy.has_struck();
        assert_eq!(stranger.dump("shop"), theirs, "connection {from}: the other server was changed: {stderr}");
        let databases = stranger.psql("postgres", "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database");
        assert_eq!(databases, "postgres shop template0 template1", "connection {from}: {stderr}");
        proxy.let_all_through();
        through(&["recover"]);
        let now = scene.dump();
        assert!(now == before || now == good, "connection {from}: {stderr}");
        if !came_to_that {
            assert_eq!(code, 0, "{stderr}");
            break;
        }
        assert!(code != 0 || now == good, "connection {from} is called a success: {stderr}");
        named += usize::from(stderr.contains("Another server answers at"));
    }
    assert!(named > 0, "nobody said why");
}

#[test]
fn rollback_by_swap() {
    at_every_connection(|full, _| ["rollback", full, "--yes", "--strategy", "swap"].map(str::to_owned).to_vec());
}

#[test]
fn rollback_in_place() {
    at_every_connection(|full, _| ["rollback", full, "--yes", "--strategy", "in-place"].map(str::to_owned).to_vec());
}

#[test]
fn reinsert() {
    at_every_connection(|_, data| ["reinsert", data, "--yes"].map(str::to_owned).to_vec());
}
