//! The loops that every byte of a database goes through, beside what memory and `wc -l` do with the same bytes.
//!
//! `cargo bench --bench hot_loops` prints the throughput of each (`-- counting`: one of the groups).

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use safemigrate::domain::rows::Counter;
use safemigrate::store::Store;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;

/// More than a processor's caches hold.
const BYTES: usize = 32 << 20;
/// As the reader of the database hands it on.
const PIECE: usize = 64 << 10;
/// What goes into one object of a large table.
const OBJECT: usize = 4 << 20;
const COLUMNS: usize = 6;

/// COPY text of orders in a shop: numbers, a NULL here and there, times, words that compress, and a hash that does not.
fn copy_text() -> String {
    let mut text = String::with_capacity(BYTES + 256);
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut row = 0_u64;
    while text.len() < BYTES {
        // xorshift: the same text on every machine
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        row += 1;
        let note = if row.is_multiple_of(3) { "\\N".to_owned() } else { format!("{noise:016x}") };
        let (minute, second, town) = (row / 60 % 60, row % 60, row % 500);
        writeln!(
            text,
            "{row}\t{}\t2026-01-01 00:{minute:02}:{second:02}+00\t{note}\tStreet {row}, Town {town}\tpaid",
            noise % 200_000
        )
        .expect("text can be written into memory");
    }
    text
}

fn counting(criterion: &mut Criterion) {
    let text = copy_text();
    let bytes = text.as_bytes();
    let mut group = criterion.benchmark_group("counting");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);

    let mut copy = vec![0; bytes.len()];
    group.bench_function("memcpy", |b| b.iter(|| copy.copy_from_slice(black_box(bytes))));
    group.bench_function("newlines (wc -l)", |b| b.iter(|| memchr::memchr_iter(b'\n', black_box(bytes)).count()));
    let counted = || {
        let mut counter = Counter::new(COLUMNS);
        bytes.chunks(PIECE).for_each(|piece| counter.feed(black_box(piece)));
        counter.finish().expect("every row has its columns")
    };
    assert_eq!(counted().rows, memchr::memchr_iter(b'\n', bytes).count() as u64);
    group.bench_function("rows, values and their digests", |b| b.iter(counted));
    group.finish();
}

fn storing(criterion: &mut Criterion) {
    let text = copy_text();
    let bytes = text.as_bytes();
    let mut group = criterion.benchmark_group("storing");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);

    let mut copy = vec![0; bytes.len()];
    group.bench_function("memcpy", |b| b.iter(|| copy.copy_from_slice(black_box(bytes))));
    group.bench_function("blake3 alone", |b| {
        b.iter(|| bytes.chunks(OBJECT).map(blake3::hash).fold(0, |sum, hash| sum ^ hash.as_bytes()[0]));
    });
    group.bench_function("zstd alone, level 1, thrown away", |b| {
        b.iter(|| {
            for object in bytes.chunks(OBJECT) {
                let mut encoder = zstd::Encoder::new(std::io::sink(), 1).expect("an encoder");
                encoder.write_all(object).expect("a sink takes all");
                encoder.finish().expect("a sink takes all");
            }
        });
    });
    let empty = || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&folder.path().join("store")).expect("a store");
        store.prepare().expect("a store");
        (folder, store)
    };
    group.bench_function("objects, made durable", |b| {
        b.iter_batched_ref(empty, |(_, store)| keep(store, bytes), BatchSize::PerIteration);
    });
    let (_folder, full) = empty();
    keep(&full, bytes);
    group.bench_function("objects that the store has", |b| b.iter(|| keep(&full, bytes)));
    group.finish();
}

/// What a checkpoint does with the rows of one connection.
fn keep(store: &Store, bytes: &[u8]) {
    let batch = store.batch();
    for object in bytes.chunks(OBJECT) {
        let mut writer = batch.writer().expect("an object begins");
        object.chunks(PIECE).for_each(|piece| writer.append(piece).expect("the disk takes it"));
        writer.finish().expect("an object ends");
    }
    batch.commit().expect("the objects are durable");
}

criterion_group!(hot_loops, counting, storing);
criterion_main!(hot_loops);
