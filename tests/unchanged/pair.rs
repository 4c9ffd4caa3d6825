//! A backup that proves what it can, and one that reads everything, of the same state.

use crate::scene::Scene;
use crate::support::Output;
use safemigrate::domain::manifest::{Manifest, TableData};
use safemigrate::domain::unchanged::Spared;
use safemigrate::store::Store;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

/// Where those are that read everything: no backup in the scene's own store ever stands on one of them.
fn truth(scene: &Scene) -> PathBuf {
    scene.folder.path().join("truth")
}

fn newest(output: &Output, store: &std::path::Path) -> Manifest {
    let said: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    Store::open(store).unwrap().manifest(said["backups"][0]["id"].as_str().unwrap()).unwrap()
}

/// Rows alone: nothing else matters here, and that is quick.
#[track_caller]
pub fn back_up(scene: &Scene) -> Manifest {
    newest(&scene.run(&["backup", "--kind", "data-only", "--json"]).ok(), &scene.store())
}

#[track_caller]
pub fn read_all(scene: &Scene) -> Manifest {
    let store = truth(scene);
    let arguments = ["backup", "--kind", "data-only", "--json", "--read-all", "--store", store.to_str().unwrap()];
    newest(&scene.run(&arguments).ok(), &store)
}

fn sorted_rows(store: &Store, data: &TableData) -> Vec<String> {
    let mut rows = Vec::new();
    for segment in &data.segments {
        let mut text = Vec::new();
        store.object(&segment.object).unwrap().read_to_end(&mut text).unwrap();
        assert_eq!(text.len() as u64, segment.bytes);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count() as u64, segment.rows, "{}", data.table.name);
        rows.extend(text.split_terminator('\n').map(str::to_owned));
    }
    rows.sort();
    rows
}

/// Takes both and holds one against the other, table by table and row by row. Gives the one that proves what it can.
#[track_caller]
pub fn compared(scene: &Scene, after: &str) -> Manifest {
    let (ours, all) = (back_up(scene), read_all(scene));
    held_against(scene, &ours, &all, after);
    ours
}

#[track_caller]
pub fn held_against(scene: &Scene, ours: &Manifest, all: &Manifest, after: &str) {
    assert_eq!(all.spared(), None, "{after}: everything was to be read");
    let names = |m: &Manifest| m.tables.iter().map(|data| data.table.clone()).collect::<Vec<_>>();
    assert_eq!(names(ours), names(all), "{after}");
    let (here, there) = (Store::open(&scene.store()).unwrap(), Store::open(&truth(scene)).unwrap());
    let mut wrong = BTreeMap::new();
    for (mine, theirs) in ours.tables.iter().zip(&all.tables) {
        if mine.stats != theirs.stats {
            wrong.insert(mine.table.name.to_string(), format!("{:?} and not {:?}", mine.stats, theirs.stats));
        } else if sorted_rows(&here, mine) != sorted_rows(&there, theirs) {
            wrong.insert(mine.table.name.to_string(), "other rows".to_owned());
        }
    }
    assert!(wrong.is_empty(), "{after}: {} tables are not as they are: {wrong:#?}", wrong.len());
}

/// Tables that were not read at all, and those of which a part was not.
pub fn kept(manifest: &Manifest) -> (Vec<String>, Vec<String>) {
    let (mut whole, mut part) = (Vec::new(), Vec::new());
    for data in &manifest.tables {
        let trace = &manifest.snapshot.as_ref().unwrap().tables[&data.table.oid];
        assert_eq!(trace.segments.len(), data.segments.len());
        match trace.kept {
            0 => {}
            kept if kept == data.segments.len() as u64 => whole.push(data.table.name.name.clone()),
            _ => part.push(data.table.name.name.clone()),
        }
    }
    (whole, part)
}

/// Nothing of it was read.
#[track_caller]
pub fn spares_all(manifest: &Manifest) {
    let Some(Spared { tables, of_tables, segments, of_segments, .. }) = manifest.spared() else {
        panic!("everything was read")
    };
    assert_eq!((tables, segments), (of_tables, of_segments));
}
