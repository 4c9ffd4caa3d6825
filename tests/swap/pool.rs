//! People who are connected and come again, and do not write: the swap goes through them.

use crate::scene::ended;
use crate::stage::{Sampler, Stage, pool};
use std::time::Duration;

/// So many members; a cluster of ours lets in fifty.
const POOL: usize = 6;

#[test]
fn reconnecting_all_the_time() {
    let stage = Stage::new();
    let mut idle = stage.scene.cluster.session("shop");
    idle.run("SELECT 1");
    let mut open = stage.scene.cluster.session("shop");
    open.run("BEGIN; SELECT count(*) FROM customer");
    let (sampler, members) = (Sampler::start(&stage), pool(stage.options("shop"), POOL));
    for round in 0..2 {
        let (code, stdout, stderr) = ended(stage.start(&stage.arguments()));
        assert_eq!(code, 0, "round {round}: {stdout}{stderr}");
        assert!(stdout.contains("structure and data as they were, proven"), "{stdout}");
    }
    std::thread::sleep(Duration::from_millis(100));
    let (samples, seen) = sampler.stop();
    let mut answers = 0;
    for member in members.stop() {
        answers += member.answers;
        for code in member.errors.keys() {
            // closed for a moment, ended, or it had begun to enter the one that was renamed
            assert!(["55000", "57P01", "57P03", "3D000", ""].contains(&code.as_str()), "{member:?}");
        }
        assert_eq!(member.last.as_deref(), Some("1000"), "into the new state: {member:?}");
        assert!(member.longest < Duration::from_secs(5), "shut out for a moment only: {member:?}");
    }
    assert!(answers > 50 && samples > 100, "{answers} answers, {samples} samples");
    assert_eq!(
        seen[..4],
        ["shop", "shop shop_safemigrate_new_", "shop shop_safemigrate_old_", "shop"],
        "restored beside, exchanged at once, dropped"
    );
    stage.is_good("with a pool around it");
}
