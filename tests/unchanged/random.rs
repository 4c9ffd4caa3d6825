//! Random statements in several sessions, with backups in between, each held against one that reads everything. Backups
//! stand on backups that stand on others.

use crate::pair::{compared, kept};
use crate::scene::Scene;
use std::io::Write as _;

/// Rounds when nobody says how many.
const ROUNDS: u64 = 3;
const SESSIONS: usize = 4;
/// Statements between two backups, at most.
const MOST: u64 = 40;

/// Small and large ones, with long values, with an enum, in partitions, of a type that is never told.
const TABLES: &str = "
    CREATE TYPE mood AS ENUM ('a', 'b', 'c');
    CREATE TABLE small (id int PRIMARY KEY, v text, m mood, n int);
    INSERT INTO small SELECT n, 'v' || n, 'a', n FROM generate_series(1, 50) n;
    CREATE TABLE large (id int PRIMARY KEY, v text, m mood, n int);
    INSERT INTO large SELECT n, repeat(md5(n::text), 6), 'b', n FROM generate_series(1, 6000) n;
    CREATE TABLE long (id int PRIMARY KEY, v text, m mood[], n int); ALTER TABLE long ALTER v SET STORAGE EXTERNAL;
    INSERT INTO long SELECT n, repeat(md5(n::text), 90), '{a,b}', n FROM generate_series(1, 400) n;
    CREATE TABLE heap (id int, v text, m mood, n int) WITH (fillfactor = 60);
    INSERT INTO heap SELECT n, repeat('x', n % 100), 'c', n FROM generate_series(1, 4000) n;
    CREATE TABLE root (id int, v text, m mood, n int) PARTITION BY HASH (id);
    CREATE TABLE leaf0 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE leaf1 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO root SELECT n, repeat(md5(n::text), 3), 'c', n FROM generate_series(1, 4000) n;
    CREATE TABLE named (id int, v regclass, m mood, n int);
    INSERT INTO named SELECT n, 'small', 'c', n FROM generate_series(1, 100) n;
    VACUUM;";
const NAMES: [&str; 7] = ["small", "large", "long", "heap", "leaf0", "leaf1", "root"];

/// Xorshift: the same seed, the same run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn index(&mut self, of: usize) -> usize {
        usize::try_from(self.below(of as u64)).unwrap()
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.index(of.len())]
    }
}

/// What may stand in a transaction that is open during a backup.
fn change(dice: &mut Dice) -> String {
    let t = dice.one_of(&NAMES);
    let from = dice.below(6000);
    let to = from + dice.one_of(&["0", "1", "5", "40"]).parse::<u64>().unwrap();
    let new = 10_000 + dice.below(1_000_000);
    let m = if t == "long" { "'{c}'" } else { "'a'" };
    match dice.below(9) {
        0 => format!("INSERT INTO {t} VALUES ({new}, repeat('{new}', {}), {m}, 0) ON CONFLICT DO NOTHING", dice.below(300)),
        1 => format!("UPDATE {t} SET n = n + 1 WHERE id BETWEEN {from} AND {to}"),
        2 => format!("UPDATE {t} SET n = n WHERE id BETWEEN {from} AND {to}"),
        3 => format!("UPDATE {t} SET v = repeat('{new}', {}) WHERE id BETWEEN {from} AND {to}", dice.below(400)),
        4 => format!("DELETE FROM {t} WHERE id BETWEEN {from} AND {to}"),
        // as many as before
        5 | 6 => format!(
            "WITH gone AS (DELETE FROM {t} WHERE id BETWEEN {from} AND {to} RETURNING *) INSERT INTO {t} SELECT id + {new}, v, m, n FROM gone"
        ),
        // the same once more
        7 => format!(
            "CREATE TEMP TABLE IF NOT EXISTS x AS SELECT * FROM {t} LIMIT 0; DROP TABLE x; CREATE TEMP TABLE x AS SELECT * FROM {t} WHERE id BETWEEN {from} AND {to};
             DELETE FROM {t} WHERE id BETWEEN {from} AND {to}; INSERT INTO {t} SELECT * FROM x; DROP TABLE x"
        ),
        _ => format!("SELECT * FROM {t} WHERE id BETWEEN {from} AND {to} FOR UPDATE"),
    }
}

/// What stands alone: some of it cannot be in a transaction, and some would let a backup wait.
fn alone(dice: &mut Dice) -> String {
    let t = dice.one_of(&NAMES[..6]);
    let n = dice.below(1_000_000);
    match dice.below(17) {
        0..=3 => format!("VACUUM {t}"),
        4 => format!("VACUUM FREEZE {t}"),
        5 => format!("VACUUM FULL {t}"),
        6 => format!("BEGIN; CREATE TABLE again AS SELECT * FROM {t}; TRUNCATE {t}; INSERT INTO {t} SELECT * FROM again; DROP TABLE again; COMMIT"),
        7 => format!("BEGIN; CREATE TEMP TABLE again AS SELECT * FROM {t}; TRUNCATE {t}; ROLLBACK"),
        8 => format!("DELETE FROM {t} WHERE id > (SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY id) FROM {t}); VACUUM {t}"),
        9 => "ALTER TYPE mood RENAME VALUE 'a' TO 'x'; ALTER TYPE mood RENAME VALUE 'c' TO 'a'; ALTER TYPE mood RENAME VALUE 'x' TO 'c'".into(),
        10 => format!("ALTER TYPE mood ADD VALUE 'v{n}'"),
        11 => format!("ALTER TABLE {t} ADD COLUMN c{n} int DEFAULT {n}; ALTER TABLE {t} DROP COLUMN c{n}"),
        12 => "ALTER TABLE large RENAME TO x; ALTER TABLE heap RENAME TO large; ALTER TABLE x RENAME TO heap".into(),
        13 => "ALTER TABLE large RENAME v TO w; ALTER TABLE large RENAME w TO v; ALTER TABLE small ALTER n TYPE bigint; ALTER TABLE small ALTER n TYPE int".into(),
        14 => format!("INSERT INTO {t} SELECT n + {n}, repeat('y', 100), {}, n FROM generate_series(1, 500) n ON CONFLICT DO NOTHING", if t == "long" { "'{}'" } else { "'b'" }),
        15 => "CLUSTER large USING large_pkey; CLUSTER heap USING large_pkey".into(),
        _ => "ALTER TABLE root DETACH PARTITION leaf0; ALTER TABLE root ATTACH PARTITION leaf0 FOR VALUES WITH (MODULUS 2, REMAINDER 0)".into(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Open,
}

/// One of: begin, end, a savepoint and back, change, prepare.
fn step(dice: &mut Dice, state: &mut State, prepared: &mut Vec<u64>) -> String {
    match (*state, dice.below(10)) {
        (State::Idle, 0..=3) => {
            *state = State::Open;
            let more = if dice.below(2) == 0 { "; SELECT txid_current()" } else { "" };
            format!("BEGIN{}{more}", dice.one_of(&["", " ISOLATION LEVEL REPEATABLE READ"]))
        }
        (State::Idle, 4..=6) => alone(dice),
        (State::Open, 0) => {
            *state = State::Idle;
            "ROLLBACK".into()
        }
        (State::Open, 1 | 2) => {
            *state = State::Idle;
            "COMMIT".into()
        }
        (State::Open, 3) => format!("SAVEPOINT a; {}", change(dice)),
        (State::Open, 4) => format!("SAVEPOINT b; {}; ROLLBACK TO b", change(dice)),
        (State::Open, 5) if prepared.len() < 3 => {
            *state = State::Idle;
            let name = dice.below(u64::MAX);
            prepared.push(name);
            format!("PREPARE TRANSACTION '{name}'; ROLLBACK")
        }
        (State::Idle, 7) if !prepared.is_empty() => {
            let name = prepared.remove(dice.index(prepared.len()));
            format!("{} PREPARED '{name}'", dice.one_of(&["COMMIT", "ROLLBACK"]))
        }
        _ => change(dice),
    }
}

#[test]
fn random_statements() {
    let rounds = std::env::var("SAFEMIGRATE_TEST_UNCHANGED").map_or(ROUNDS, |n| n.parse().expect("a number"));
    let seed = std::env::var("SAFEMIGRATE_TEST_SEED").ok().and_then(|n| n.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos().into()
    });
    println!("SAFEMIGRATE_TEST_SEED={seed}");
    let mut dice = Dice(seed * 2 + 1);
    let mut scene = Scene::new(TABLES);
    let file = scene.cluster.data_folder().join("postgresql.conf");
    let settings = "max_prepared_transactions = 10\nfsync = off\nlock_timeout = 100ms\ndeadlock_timeout = 50ms\nautovacuum_naptime = 1s";
    writeln!(std::fs::File::options().append(true).open(file).unwrap(), "{settings}").unwrap();
    scene.cluster.restart();
    compared(&scene, "at first");
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| (scene.cluster.session("shop"), State::Idle)).collect();
    let (mut prepared, mut statements, mut whole, mut part, mut all) = (Vec::new(), 0, 0, 0, 0);
    let mut done = Vec::new();
    for round in 1..=rounds {
        done.clear();
        for _ in 0..=dice.below(MOST) {
            let n = dice.index(SESSIONS);
            let (session, state) = &mut sessions[n];
            let sql = step(&mut dice, state, &mut prepared);
            session.run(&sql);
            done.push(format!("{n}: {sql};"));
            statements += 1;
        }
        let after = format!("seed {seed}, round {round}:\n{}\n", done.join("\n"));
        let (of_whole, of_part) = kept(&compared(&scene, &after));
        (whole, part, all) = (whole + of_whole.len(), part + of_part.len(), all + 7);
    }
    println!(
        "{rounds} backups after {statements} statements: of {all} tables {whole} were proven whole, {part} in part"
    );
    assert!(whole > 0, "nothing was proven");
    scene.run(&["check", "latest"]).ok();
}
