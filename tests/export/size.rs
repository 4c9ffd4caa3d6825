//! Memory does not grow with the backup. Small among the others; with `EXPORT_MB=1000` as large as it is said to be:
//!
//!     EXPORT_MB=1000 cargo test --release --test export size -- --nocapture

use super::place::Place;
use std::time::{Duration, Instant};

/// Plays a command that must succeed; gives its peak of memory in MB.
fn peak(place: &Place, arguments: &[&str]) -> u64 {
    let began = Instant::now();
    let mut child = place.command(arguments).stdout(std::process::Stdio::null()).spawn().unwrap();
    let (mut peak, file) = (0, format!("/proc/{}/status", child.id()));
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some(line) = status.lines().find(|line| line.starts_with("VmHWM")) {
            peak = line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success(), "{arguments:?}");
    println!("{:>6.1} s {peak:>4} MB  safemigrate {}", began.elapsed().as_secs_f64(), arguments.join(" "));
    peak
}

#[test]
fn memory_does_not_grow_with_the_backup() {
    let megabytes: u64 = std::env::var("EXPORT_MB").map_or(16, |text| text.parse().unwrap());
    let rows = megabytes * 1000;
    let place = Place::shop(&format!(
        "CREATE TABLE large (id integer PRIMARY KEY, text text);
         INSERT INTO large SELECT g, repeat(md5(g::text), 16) || repeat('x''y', 160) FROM generate_series(1, {rows}) g;
         SELECT lo_from_bytea(1, decode(repeat('00ff', 1000000), 'hex'))"
    ));
    let (full, data) = place.back_up();
    let mut peaks = Vec::new();
    for (id, format) in [(&full, "sql"), (&full, "inserts"), (&full, "archive"), (&data, "inserts"), (&data, "archive")]
    {
        let file = place.path(&format!("{}.{format}", &id[..1]));
        peaks.push(peak(&place, &["export", id, "--format", format, "-o", file.to_str().unwrap()]));
        println!("                  {} bytes", std::fs::metadata(&file).unwrap().len());
    }
    let imports: &[&str] = if megabytes > 100 { &["f.archive", "f.inserts"] } else { &["f.inserts"] };
    for file in imports {
        peaks.push(peak(&place, &["import", file]));
    }
    // a backup takes as much: it compresses with several threads
    let bound = 40 + peak(&place, &["backup"]);
    assert!(peaks.iter().all(|&peak| peak < bound), "{peaks:?}, allowed {bound}");
}
