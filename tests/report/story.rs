//! The HTML file in a real Chromium: `fixtures/browser/stories/report.mjs`.

use super::example::{fails, loses, lost, material};
use safemigrate::domain::report::{compose, html};
use std::path::Path;
use std::process::Command;

/// Looks at each of these files, light and dark, wide and narrow, printed; `pictures`: where those of the docs go.
#[track_caller]
pub fn look(files: &[&Path], pictures: Option<&Path>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/browser/stories/report.mjs");
    let mut command = Command::new("node");
    command.arg(script).args(files);
    pictures.map(|folder| command.env("PICTURES", folder));
    std::env::var_os("SAFEMIGRATE_LOOK").map(|folder| command.env("LOOK", folder));
    let said = command.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// `SAFEMIGRATE_PICTURES=docs/pictures` makes those of the docs anew, `SAFEMIGRATE_LOOK=folder` leaves everything that was seen.
#[test]
fn light_and_dark_wide_and_narrow_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [("lost", lost()), ("fails", fails()), ("loses", loses())];
    let files = runs.map(|(name, run)| {
        let path = folder.path().join(format!("report-{name}.html"));
        std::fs::write(&path, html(&compose(&material(&run)))).unwrap();
        path
    });
    let pictures = std::env::var("SAFEMIGRATE_PICTURES").ok().map(|folder| std::path::absolute(folder).unwrap());
    look(&files.each_ref().map(|path| path.as_path()), pictures.as_deref());
}
