//! The bodies of fuzz/, driven by changed seeds instead of by libFuzzer: shortly with the others, and as long as one likes.
//!
//!     FUZZ_SECONDS=600 cargo test --release --test fuzz -- --nocapture

#[path = "../fuzz/bodies.rs"]
mod bodies;

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::time::{Duration, Instant};

/// Pieces that mean something to one parser or another.
const WORDS: &[&str] = &[
    "postgresql://",
    "postgres://",
    "u:p@h",
    "@",
    ":",
    "/",
    "//",
    "?",
    "&",
    "=",
    "#",
    "%",
    "%2F",
    "%00",
    "%41",
    "%ff",
    "..",
    ".",
    "[::1]",
    "host=",
    "port=",
    "schema=",
    "sslmode=",
    "require",
    "sslaccept=strict",
    "password=",
    "options=",
    "5432",
    "99999",
    "\"",
    "\"\"",
    "'",
    "`",
    "\\",
    "\\n",
    "\\N",
    "\\.",
    "\t",
    "\n",
    "\r\n",
    " ",
    "export ",
    "A=",
    "${A}",
    "${B}",
    "$A",
    "\\${A}",
    "#x",
    "\u{feff}",
    "é",
    "🦀",
    "\u{0}",
    "{",
    "}",
    "[",
    "]",
    ",",
    "null",
    "-1",
    "18446744073709551615",
    "1e400",
    "\"f-1\"",
    "Order",
    "public.",
    "\"a.b\"",
    "CASE WHEN 1=1 THEN 2 END",
    "--",
    "/*",
    "*/",
    "$$",
    "$a$",
    ";",
    "E'",
    "-- Name: t; Type: TABLE; Schema: s; Owner: o\n",
    "; Owner: ",
    "; Schema: ",
    "; Type: ",
    " OWNER TO ",
    "CREATE SCHEMA ",
    "SET default_x = 1;\n",
    "COMMIT;\n",
];

/// A number below `end`.
fn below(rng: &mut TestRng, end: usize) -> usize {
    usize::try_from(rng.next_u32()).unwrap() % end
}

fn change(seed: &[u8], rng: &mut TestRng) -> Vec<u8> {
    let mut text = seed.to_vec();
    for _ in 0..=below(rng, 7) {
        let at = below(rng, text.len() + 1);
        let end = (at + below(rng, 12)).min(text.len());
        let [byte, ..] = rng.next_u32().to_le_bytes();
        match below(rng, 6) {
            0 => drop(text.drain(at..end)),
            1 => text.insert(at, byte),
            2 if at < text.len() => text[at] ^= 1 << (byte % 8),
            3 => {
                let piece = text[at..end].to_vec();
                text.splice(at..at, piece);
            }
            _ => {
                let word = WORDS[below(rng, WORDS.len())];
                text.splice(at..at, word.bytes());
            }
        }
    }
    text
}

/// Plays changed seeds, and changes of those that were played, for `FUZZ_SECONDS` (a second as a rule).
fn drive(name: &str, body: fn(&[u8]), seeds: &[&[u8]]) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&std::process::id().to_le_bytes());
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut pool: Vec<Vec<u8>> = seeds.iter().map(|s| s.to_vec()).collect();
    let mut played = 0_u64;
    while Instant::now() < until {
        for _ in 0..200 {
            let n = below(&mut rng, pool.len());
            let input = change(&pool[n], &mut rng);
            let outcome = std::panic::catch_unwind(|| body(&input));
            if let Err(panic) = outcome {
                eprintln!("{name}: {:?}\n{:?}", String::from_utf8_lossy(&input), input);
                std::panic::resume_unwind(panic);
            }
            played += 1;
            // the pool drifts away from its seeds, which stay
            if input.len() < 2000 && below(&mut rng, 16) == 0 {
                let place = seeds.len() + below(&mut rng, 500);
                if place < pool.len() { pool[place] = input } else { pool.push(input) }
            }
        }
    }
    println!("{name}: {played} inputs in {seconds} s");
}

#[test]
fn url() {
    drive(
        "url",
        bodies::url,
        &[
            b"postgresql://jo%40x:p%2Fw@db.local:5433/shop?schema=app&connection_limit=3&sslmode=require",
            b"postgresql://jo@localhost/shop?host=/tmp/pg&sslmode=verify-full&sslrootcert=/a",
            b"postgres://a:secretsecret1@[::1]:1/d?options=endpoint%3Dx",
            b"mysql://u:secretsecret1@h/d",
        ],
    );
}

#[test]
fn manifest() {
    const WHOLE: &str = r#"{"id":"f-1","kind":"full","reason":"manual","created_at":"2026-01-01T00:00:00Z","database":{"name":"shop","server_version":150018,"encoding":"UTF8"},
        "structure":{"object":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","bytes":5,"pg_dump":"15.18"},"tables":[],"sequences":[],"schemas":["public"]}"#;
    let one_table = include_str!("../fuzz/seeds/manifest.json");
    bodies::manifest(WHOLE.as_bytes());
    // with its checksum right
    bodies::manifest(WHOLE.replace(&"a".repeat(64), "../../../etc/passwd").as_bytes());
    bodies::manifest(WHOLE.replace("\"bytes\":5", "\"bytes\":18446744073709551615").as_bytes());
    drive("manifest", bodies::manifest, &[WHOLE.as_bytes(), one_table.as_bytes(), b"{\"format\":1}"]);
}

#[test]
fn copy_text() {
    drive(
        "copy_text",
        bodies::copy_text,
        &[b"\x01\x02\x031\ta\n2\t\\N\n", b"\x03\x01\x01x\\ty\n", b"\x02\x00\x00\n\n", b"\x05\x05\x15a\tb\tc\td\te\n"],
    );
}

#[test]
fn dotenv() {
    drive(
        "dotenv",
        bodies::dotenv,
        &[
            b"DATABASE_URL=\"postgresql://u:p@h/d\"\nexport A='x'\nB=${A}${DATABASE_URL} # no\nC=`a\nb`\n",
            b"A=${B}${B}${B}\nB=${C}${C}${C}\nC=${A}${A}${A}\n",
        ],
    );
}

#[test]
fn maps() {
    drive(
        "maps",
        bodies::maps,
        &[
            b"app.\"odd=name\".old=new",
            b"Order = orders",
            b"User.level=CASE WHEN a = b THEN 1 END",
            b"Order.status:OLD=NEW",
            b"Order.status:\"a=b\"=c",
            b"public.\"User\"",
        ],
    );
}

#[test]
fn script() {
    drive("script", bodies::script, &[
        b"--\n-- Name: t; Type: TABLE; Schema: public; Owner: jo\n--\n\nCREATE TABLE public.t (x text DEFAULT E'a\\'b');\n\n\nALTER TABLE public.t OWNER TO \"j o\";\n\n",
        b"-- Name: f(); Type: FUNCTION; Schema: s; Owner: jo\n\nCREATE FUNCTION f() AS $_$\n-- Name: x; Type: TABLE; Schema: s; Owner: o\n$_$;\nSET default_tablespace = '';\n-- Name: c; Type: COMMENT; Schema: -; Owner: -\nCOMMENT ON x IS 'y';\n",
    ]);
}
