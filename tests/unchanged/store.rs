//! An earlier backup whose objects are damaged, or gone, is no backup to stand on.

use crate::pair::{back_up, compared, kept, spares_all};
use crate::scene::Scene;
use safemigrate::domain::manifest::Manifest;
use std::fs;
use std::path::PathBuf;

const ROWS: &str = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 2000) n;
    CREATE TABLE still AS SELECT * FROM t; VACUUM;";

fn object(scene: &Scene, manifest: &Manifest, segment: usize) -> PathBuf {
    let id = &manifest.tables.iter().find(|data| data.table.name.name == "t").unwrap().segments[segment].object;
    scene.store().join("objects").join(&id[..2]).join(id)
}

fn flip(path: &PathBuf) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_was_damaged_is_healed() {
    // the two tables share no object
    let scene = Scene::new(&format!("{ROWS} UPDATE still SET v = 'x' || v; VACUUM FULL still"));
    let first = compared(&scene, "at first");
    type Damage = fn(&PathBuf);
    let damages: [(&str, Damage); 3] = [
        ("a bit is flipped", flip),
        ("it is gone", |path| fs::remove_file(path).unwrap()),
        ("it is empty", |path| fs::write(path, "").unwrap()),
    ];
    for (how, damage) in damages {
        damage(&object(&scene, &first, 1));
        let (whole, part) = kept(&compared(&scene, how));
        assert_eq!((whole.as_slice(), part.len()), (["still".to_owned()].as_slice(), 0), "{how}");
        scene.run(&["check", "--all"]).ok();
        spares_all(&compared(&scene, "healed"));
    }
}

/// Also where only the figures of rows that are gone are asked of it.
#[test]
fn what_is_gone_must_be_whole_to_be_counted() {
    let scene = Scene::new(ROWS);
    let first = compared(&scene, "at first");
    flip(&object(&scene, &first, 0));
    scene.cluster.psql("shop", "UPDATE t SET v = 'changed' WHERE id = 5");
    let after = compared(&scene, "changed where it was damaged");
    assert_eq!(kept(&after).1, [""; 0], "the whole table was read");
    scene.run(&["check", &after.id]).ok();
}

/// A backup that others stand on can go: what they need of it stays.
#[test]
fn the_first_of_many_can_go() {
    let scene = Scene::new(ROWS);
    let first = compared(&scene, "at first");
    for n in 0..3 {
        scene.cluster.psql("shop", &format!("UPDATE t SET v = 'changed {n}' WHERE id = {n}"));
        compared(&scene, "changed");
    }
    scene.run(&["delete", &first.id, "--confirm", &first.id]).ok();
    let last = compared(&scene, "without the first");
    spares_all(&last);
    scene.run(&["prune", "--keep", "1"]).ok();
    scene.run(&["check", "--all"]).ok();
    assert_eq!(scene.listed(), [last.id.as_str()]);
}

/// The clock's backups read everything once a day.
#[test]
fn once_a_day_everything_is_read() {
    let scene = Scene::new(ROWS);
    back_up(&scene);
    let newest = || safemigrate::store::Store::open(&scene.store()).unwrap().manifests().unwrap().0.remove(0);
    let scheduled = || {
        scene.run(&["schedule", "run", "--kind", "data-only"]).ok();
        newest()
    };
    let second = scheduled();
    spares_all(&second);
    let days_ago = |by: &str| {
        // as if everything had been read then
        let mut manifest = newest();
        manifest.id = format!("d-old{by}");
        manifest.snapshot.as_mut().unwrap().read_all_at = format!("2026-{by}-01T00:00:00Z");
        safemigrate::store::Store::open(&scene.store()).unwrap().write_manifests(&[&manifest]).unwrap();
    };
    days_ago("01");
    assert_eq!(scheduled().spared(), None);
    days_ago("02");
    spares_all(&back_up(&scene));
}
