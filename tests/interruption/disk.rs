//! A full disk: a small one, grown step by step until the backup fits.

use crate::scene::left_overs;
use crate::victim::Victim;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk of its own, gone with the test. `None` where we may not mount.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(place: &Path, size: &str) -> Option<SmallDisk> {
        std::fs::create_dir_all(place).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "safemigrate-test"]).arg(place);
        if mount.output().is_ok_and(|o| o.status.success()) {
            return Some(SmallDisk(place.to_owned()));
        }
        eprintln!("SKIPPED: a full disk needs root and mount(8): run this test as root");
        None
    }

    pub fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn until_it_fits() {
    let victim = Victim::big();
    let Some(disk) = SmallDisk::mount(&victim.scene.store(), "4k") else { return };
    let dump = victim.scene.dump();
    let mut failures = 0;
    for kilobytes in (0..).map(|n: u32| 4 + n * n * n * 8) {
        disk.grow(&format!("{kilobytes}k"));
        let output = victim.scene.run(&["backup", "--json"]);
        if output.code == 0 {
            break;
        }
        failures += 1;
        let output =
            output.code(1).says("\"kind\":\"store\"").says("cannot be written").says("The disk is full: make room");
        assert!(output.stdout.contains("othing was changed") || output.stdout.contains("is untouched"), "{output}");
        assert_eq!(victim.scene.listed(), Vec::<String>::new(), "{kilobytes} kB: no half backup is listed");
    }
    assert!(failures > 5, "{failures} sizes were too small");
    assert_eq!(victim.scene.listed().len(), 2);
    victim.scene.all_whole();
    assert_eq!(left_overs(&victim.scene.store()), Vec::<String>::new());
    assert!(victim.scene.dump() == dump, "the database is as it was");
    // the next ones fit too: they store nothing twice
    victim.scene.backup();
    assert_eq!(victim.scene.listed().len(), 4);
}
