//! A backup every hour costs what has changed, and no more.

mod scene;

mod support;

use scene::Scene;

/// 13 MB of text.
const ROWS: &str = r#"
    CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL, email text UNIQUE, about text, seen timestamptz DEFAULT '2026-01-01');
    CREATE TABLE item (id bigserial PRIMARY KEY, customer int NOT NULL REFERENCES customer, title text, note text);
    CREATE INDEX ON item (customer);
    INSERT INTO customer (name, email, about)
        SELECT 'Customer ' || n, 'c' || n || '@example.com', repeat(md5(n::text) || ' likes things. ', 4) FROM generate_series(1, 12000) n;
    INSERT INTO item (customer, title, note)
        SELECT 1 + n % 12000, 'Item ' || n, repeat(md5(n::text) || ' ' || md5((n * 7)::text), 8) FROM generate_series(1, 18000) n;
    CREATE TABLE file (id int PRIMARY KEY, content oid);
    INSERT INTO file SELECT n, lo_from_bytea(0, convert_to(repeat(md5(n::text), 3000), 'UTF8')) FROM generate_series(1, 10) n;
    VACUUM ANALYZE;
"#;

fn files(scene: &Scene) -> usize {
    walkdir::WalkDir::new(scene.store().join("objects"))
        .into_iter()
        .flatten()
        .filter(|e| e.file_type().is_file())
        .count()
}

fn store_bytes(scene: &Scene) -> u64 {
    let files = walkdir::WalkDir::new(scene.store()).into_iter().flatten().filter(|e| e.file_type().is_file());
    files.map(|file| file.metadata().unwrap().len()).sum()
}

/// Twenty-four hours: a night in which nothing happens, and a day with a few changed rows in each hour.
#[test]
fn a_day_of_backups_costs_little() {
    let scene = Scene::new("");
    std::fs::write(scene.folder.path().join("safemigrate.toml"), "[retention]\nkeep = 100\n").unwrap();
    scene.cluster.psql("shop", ROWS);
    let take = || scene.run(&["schedule", "run"]).ok();
    take();
    let objects = files(&scene);
    let first = scene.json(&["list"])["backups"][0].clone();
    let (size, mut before) = (first["bytes"].as_u64().unwrap(), store_bytes(&scene));
    let mut added = Vec::new();
    for hour in 1..24_u64 {
        if hour > 8 {
            let n = hour * 499;
            scene.cluster.psql(
                "shop",
                &format!(
                    "UPDATE customer SET about = 'changed in hour {hour}', seen = now() WHERE id = {n};
                 DELETE FROM item WHERE id = {n};
                 INSERT INTO item (customer, title) VALUES ({n}, 'new in hour {hour}')"
                ),
            );
        }
        take();
        if hour <= 8 {
            assert_eq!(files(&scene), objects, "neither rows nor structure nor large objects are stored again");
        }
        let now = store_bytes(&scene);
        added.push(now - before);
        before = now;
    }
    let most = added.iter().max().unwrap();
    eprintln!(
        "{size} bytes as read, {} stored by the first; each later one added at most {most}: {added:?}",
        first["stored_bytes"]
    );
    assert!(*most < size / 100, "{most} of {size}: {added:?}");
    assert!(added[..8].iter().all(|added| *added < size / 500), "nothing had changed: {added:?}");
    scene.run(&["check", "latest"]).ok();
}
