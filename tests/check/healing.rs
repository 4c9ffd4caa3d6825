//! A new backup is whole even where the store has gone bad.

use crate::scene::{SHOP, Scene};
use std::fs;
use std::path::{Path, PathBuf};

fn objects(store: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(store.join("objects")).into_iter().flatten();
    entries.filter(|e| e.file_type().is_file()).map(|e| e.into_path()).collect()
}

#[test]
fn a_backup_never_counts_on_a_damaged_object() {
    let scene = Scene::new(SHOP);
    let (before, _) = scene.backup();
    let whole: Vec<(PathBuf, Vec<u8>)> =
        objects(&scene.store()).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    assert!(whole.len() >= 3);
    for (path, content) in &whole {
        let mut flipped = content.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        fs::write(path, flipped).unwrap();
    }
    scene.run(&["check", &before]).code(13);
    // the same rows: they have the same names in the store, and must not be taken for there
    let (after, data) = scene.backup();
    for id in [&after, &data] {
        assert_eq!(scene.json(&["check", id])["ok"], true);
    }
    // what was a link or cut is written anew as well
    let tables: Vec<&PathBuf> = whole.iter().map(|(path, _)| path).filter(|path| path.exists()).collect();
    fs::write(tables[0], b"").unwrap();
    fs::remove_file(tables[1]).unwrap();
    std::os::unix::fs::symlink("/dev/null", tables[1]).unwrap();
    let (last, _) = scene.backup();
    assert_eq!(scene.json(&["check", &last])["ok"], true);
    scene.run(&["rollback", &last, "--yes", "--confirm", "shop"]).ok();
}
