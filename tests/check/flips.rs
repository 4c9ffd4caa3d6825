//! Thousands of single flipped bits, over every file of a small store.

use crate::small_store::SmallStore;
use safemigrate::domain::event::Quiet;
use safemigrate::operations::check::{Scope, check};
use safemigrate::operations::interrupt::Interrupt;
use safemigrate::store::Store;
use std::fs;
use std::io::Read;
use std::path::Path;

/// `FLIPS=100000 cargo nextest run --test check flipped` for more.
fn flips() -> u64 {
    std::env::var("FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(3000)
}

/// Always the same numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

fn is_whole(runtime: &tokio::runtime::Runtime, root: &Path) -> bool {
    let Ok(store) = Store::open(root) else { return false };
    let (_interrupter, interrupt) = Interrupt::new();
    runtime.block_on(check(&store, &Scope::All, &Quiet, &interrupt)).unwrap().is_whole()
}

/// Why a flip that nobody notices does no harm; panics when it may.
fn harmless(small: &SmallStore, file: &Path, before: &[u8], now: &[u8]) -> &'static str {
    let name = file.strip_prefix(small.store.root()).unwrap();
    match name.iter().next().unwrap().to_str().unwrap() {
        ".gitignore" => "no backup needs it",
        "lock" => "its content only tells others who holds the lock",
        "format" => {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().trim().to_owned();
            assert_eq!(text(before), text(now), "another layout was taken for ours");
            "the same number, other white space"
        }
        "objects" => {
            let mut inside = Vec::new();
            let id = name.file_name().unwrap().to_str().unwrap();
            small.store.object(id).unwrap().read_to_end(&mut inside).unwrap();
            assert_eq!(
                inside,
                zstd::decode_all(before).unwrap(),
                "{}: other content was taken for whole",
                name.display()
            );
            "zstd does not use that bit: what is inside is the same, byte for byte"
        }
        _ => panic!("a flipped bit in {} was not noticed", name.display()),
    }
}

#[test]
fn every_flipped_bit_is_noticed_or_does_no_harm() {
    let small = SmallStore::new();
    let (root, files) = (small.store.root(), small.files());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let is_whole = |root: &Path| is_whole(&runtime, root);
    assert!(is_whole(root), "no false alarm");
    let total: u64 = files.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    let (mut dice, mut noticed, mut unnoticed) = (Dice(4), 0_u64, std::collections::BTreeMap::<_, u64>::new());
    for n in 0..flips() {
        // half of them anywhere, half of them in a file by turns, so that the small ones get their share
        let mut at = dice.below(total);
        let mut files = files.iter();
        let (file, at) = if n % 2 == 0 {
            loop {
                let file = files.next().unwrap();
                let length = fs::metadata(file).unwrap().len();
                if at < length {
                    break (file, at);
                }
                at -= length;
            }
        } else {
            let place = usize::try_from(n).unwrap() / 2 % files.len();
            let file = files.as_slice().get(place).unwrap();
            (file, at % fs::metadata(file).unwrap().len().max(1))
        };
        let before = fs::read(file).unwrap();
        let mut flipped = before.clone();
        flipped[usize::try_from(at).unwrap()] ^= 1 << dice.below(8);
        fs::write(file, &flipped).unwrap();
        if is_whole(root) {
            *unnoticed.entry(harmless(&small, file, &before, &flipped)).or_default() += 1;
        } else {
            noticed += 1;
        }
        fs::write(file, &before).unwrap();
        if n % 100 == 0 {
            assert!(is_whole(root), "no false alarm after {n} flips");
        }
    }
    eprintln!("{noticed} noticed; harmless: {unnoticed:?}");
    assert!(noticed > flips() / 2 && is_whole(root));
}
