//! Damaged backups: named, and refused before the live database is touched.

use super::case::{Stage, case, text};
use crate::scene::copy;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const STORE: &str = "SAFEMIGRATE_STORE";

struct Damaged<'a> {
    stage: &'a Stage,
    store: PathBuf,
}

impl Damaged<'_> {
    fn manifest(&self, id: &str) -> PathBuf {
        self.store.join("backups").join(format!("{id}.json"))
    }

    fn edit(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut content = fs::read(path).unwrap();
        edit(&mut content);
        fs::write(path, content).unwrap();
    }

    fn objects(&self) -> impl Iterator<Item = walkdir::DirEntry> {
        let files = walkdir::WalkDir::new(self.store.join("objects")).into_iter().flatten();
        files.filter(|e| e.file_type().is_file())
    }

    /// Rows, not structure.
    fn largest_object(&self) -> PathBuf {
        self.objects().max_by_key(|e| e.metadata().unwrap().len()).unwrap().into_path()
    }

    /// Rows of the other table.
    fn smallest_object(&self) -> PathBuf {
        self.objects().min_by_key(|e| e.metadata().unwrap().len()).unwrap().into_path()
    }
}

type Damage = (&'static str, fn(&Damaged<'_>), &'static str);

fn fifo(path: &Path) {
    fs::remove_file(path).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

const MANIFESTS: &[Damage] = &[
    ("cut", |d| for_both(d, |d, path| d.edit(path, |text| text.truncate(text.len() / 2))), "its manifest is not whole"),
    ("emptied", |d| for_both(d, |d, path| d.edit(path, Vec::clear)), "its manifest is not whole"),
    (
        "edited",
        |d| for_both(d, |d, path| d.edit(path, |text| replace(text, "\"rows\":200", "\"rows\":199"))),
        "does not match its checksum",
    ),
    (
        "swapped",
        |d| {
            let (full, data) = (d.manifest(&d.stage.full), d.manifest(&d.stage.data));
            fs::rename(&full, d.store.join("aside")).unwrap();
            fs::rename(&data, &full).unwrap();
            fs::rename(d.store.join("aside"), &data).unwrap();
        },
        "belongs to another backup",
    ),
    (
        "of a newer format",
        |d| for_both(d, |d, path| d.edit(path, |text| replace(text, "{\"format\":1", "{\"format\":2"))),
        "was written by a newer safemigrate",
    ),
    ("a FIFO", |d| for_both(d, |_, path| fifo(path)), "not a regular file"),
    (
        "a link",
        |d| {
            for_both(d, |d, path| {
                let elsewhere = d.store.join(format!("elsewhere-{}", path.file_name().unwrap().display()));
                fs::rename(path, &elsewhere).unwrap();
                std::os::unix::fs::symlink(elsewhere, path).unwrap();
            })
        },
        "not a regular file",
    ),
    (
        "a folder",
        |d| {
            for_both(d, |_, path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            })
        },
        "not a regular file",
    ),
];

const OBJECTS: &[Damage] = &[
    ("missing", |d| fs::remove_file(d.largest_object()).unwrap(), "is missing"),
    ("cut", |d| d.edit(&d.largest_object(), |bytes| bytes.truncate(bytes.len() - 10)), "is cut off"),
    ("emptied", |d| d.edit(&d.largest_object(), Vec::clear), "is cut off"),
    ("flipped in the middle", |d| d.edit(&d.largest_object(), |bytes| flip(bytes, 2)), "is not what was written"),
    ("flipped near the end", |d| d.edit(&d.largest_object(), |bytes| flip(bytes, 1)), "is not what was written"),
    (
        "another's content",
        |d| {
            let good = zstd::encode_all(&b"1\tx\n"[..], 1).unwrap();
            fs::write(d.largest_object(), good).unwrap();
        },
        "does not match its hash",
    ),
    (
        "swapped",
        |d| {
            let (one, other, aside) = (d.largest_object(), d.smallest_object(), d.store.join("aside"));
            fs::rename(&one, &aside).unwrap();
            fs::rename(&other, &one).unwrap();
            fs::rename(&aside, &other).unwrap();
        },
        "does not match its hash",
    ),
    ("a FIFO", |d| fifo(&d.largest_object()), "is not a regular file"),
    (
        "a link",
        |d| {
            let path = d.largest_object();
            fs::rename(&path, d.store.join("aside")).unwrap();
            std::os::unix::fs::symlink(d.store.join("aside"), path).unwrap();
        },
        "is not a regular file",
    ),
    (
        "a folder",
        |d| {
            let path = d.largest_object();
            fs::remove_file(&path).unwrap();
            fs::create_dir(path).unwrap();
        },
        "is not a regular file",
    ),
];

fn for_both(damaged: &Damaged<'_>, damage: impl Fn(&Damaged<'_>, &Path)) {
    for id in [&damaged.stage.full, &damaged.stage.data] {
        damage(damaged, &damaged.manifest(id));
    }
}

/// `part` 2 is the middle, 1 the last byte but a few.
fn flip(bytes: &mut [u8], part: usize) {
    let at = if part == 1 { bytes.len() - 6 } else { bytes.len() / part };
    bytes[at] ^= 4;
}

fn replace(text: &mut Vec<u8>, from: &str, to: &str) {
    let before = String::from_utf8(text.clone()).unwrap();
    let after = before.replacen(from, to, 1);
    assert_ne!(before, after, "{from} is in the manifest");
    *text = after.into_bytes();
}

fn each(stage: &Stage, damages: &[Damage], mut then: impl FnMut(&Damaged<'_>, &str)) {
    for (name, damage, says) in damages {
        let store = stage.scene.folder.path().join(format!("damaged {name}"));
        let _ = fs::remove_dir_all(&store);
        copy(&stage.scene.store(), &store);
        let damaged = Damaged { stage, store };
        damage(&damaged);
        then(&damaged, says);
    }
}

#[test]
fn a_damaged_manifest_is_named() {
    let stage = Stage::new();
    each(&stage, MANIFESTS, |damaged, says| {
        let store = text(&damaged.store);
        let (full, data) = (stage.full.as_str(), stage.data.as_str());
        for (arguments, id) in [
            (&["show", full][..], full),
            (&["verify", full], full),
            (&["rollback", full, "--yes", "--confirm", "shop"], full),
            (&["rollback", "latest", "--yes", "--confirm", "shop"], full),
            (&["reinsert", data, "--yes"], data),
        ] {
            let says = &[id, "The backup ", says, "Nothing was changed", "safemigrate list"];
            stage.refuses(&case(arguments, 13, "damaged", says).with(STORE, &store));
        }
        // it is not hidden either, and nothing that it may need is swept
        let objects = || walkdir::WalkDir::new(damaged.store.join("objects")).into_iter().flatten().count();
        let before = objects();
        let list = crate::support::Output::of(stage.scene.command(&["list", "--json"]).env(STORE, &store)).ok();
        let said: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
        assert_eq!(
            (said["backups"].as_array().unwrap().len(), said["damaged"].as_array().unwrap().len()),
            (0, 2),
            "{list}"
        );
        crate::support::Output::of(stage.scene.command(&["prune"]).env(STORE, &store)).ok();
        assert_eq!(objects(), before, "a sweep takes nothing while a manifest cannot be read");
    });
}

#[test]
fn a_damaged_object_is_named() {
    let stage = Stage::new();
    // what is there differs from the backup, so that there would be something to do
    stage.scene.cluster.psql("shop", "DELETE FROM \"Order\"");
    let stage = stage.with_dump_of_now();
    each(&stage, OBJECTS, |damaged, says| {
        let store = text(&damaged.store);
        for arguments in [
            &["rollback", stage.full.as_str(), "--yes", "--confirm", "shop"][..],
            &["rollback", stage.full.as_str(), "--yes", "--confirm", "shop", "--strategy", "in-place"],
            &["reinsert", stage.data.as_str(), "--yes"],
            &["reinsert", stage.data.as_str(), "--dry-run"],
            &["verify", stage.full.as_str()],
        ] {
            let says = &["The backup is damaged: object", says, "safemigrate list"];
            stage.refuses(&case(arguments, 13, "damaged", says).with(STORE, &store));
        }
    });
}
