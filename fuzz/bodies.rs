//! What must hold for any input whatever. Driven by cargo-fuzz (fuzz_targets/) and, on every machine, by tests/fuzz.rs.
#![allow(dead_code, reason = "each fuzz target uses its own body")]

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use safemigrate::domain::reinsert::fields::OnlyFields;
use safemigrate::domain::reinsert::names::Name;
use safemigrate::domain::reinsert::options::{parse_cast, parse_fill, parse_map, parse_map_value, parse_table};
use safemigrate::domain::rows::{Counter, RowSplitter, values};
use safemigrate::postgres::structure::{Entry, Splitter};
use safemigrate::postgres::url::{DatabaseUrl, Host, Tls};
use safemigrate::prisma::dotenv;
use safemigrate::store::understand_manifest;
use std::io::Read;

/// A URL that is read names the same place when it is written down again; no password is in a message.
pub fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match DatabaseUrl::parse(text) {
        Ok(url) => {
            let again = DatabaseUrl::parse(&written(&url)).unwrap_or_else(|e| panic!("{e}: {}", written(&url)));
            let again = DatabaseUrl { database_as_written: url.database_as_written.clone(), ..again };
            assert!(url == again, "{url:?} {again:?} {}", written(&url));
            let others = format!("{} {} {}", url.database, url.host, url.port);
            if let Some(secret) = url.password.as_ref().map(|p| p.reveal()).filter(|p| p.len() > 3) {
                let shown = format!("{url} {url:?}");
                assert!(
                    others.contains(secret) || "DatabaseUrl()".contains(secret) || !shown.contains(secret),
                    "{shown}"
                );
            }
        }
        Err(error) => {
            let said = format!("{error} {error:?} {}", error.hints.join(" "));
            let secret = text.split_once("://").and_then(|(_, rest)| rest.split_once(':')?.1.rsplit_once('@'));
            if let Some((secret, _)) = secret.filter(|(s, _)| s.len() > 12) {
                assert!(!said.contains(secret), "{said}");
            }
        }
    }
}

fn written(url: &DatabaseUrl) -> String {
    let text = |part: &str| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string();
    let password = url.password.as_ref().map_or(String::new(), |p| format!(":{}", text(p.reveal())));
    let host = match &url.host {
        Host::Tcp(host) => text(host),
        Host::Socket(folder) => text(&folder.display().to_string()),
    };
    let mode = match url.tls {
        Tls::Disable => "disable",
        Tls::Prefer => "prefer",
        Tls::Require => "require",
        Tls::VerifyCa => "verify-ca",
        Tls::VerifyFull => "verify-full",
    };
    let mut all = format!(
        "postgresql://{}{password}@h:{}/{}?sslmode={mode}&host={host}",
        text(&url.user),
        url.port,
        text(&url.database)
    );
    let certificate = url.root_certificate.as_ref().map(|file| file.display().to_string());
    for (name, value) in [("schema", &url.schema), ("sslrootcert", &certificate), ("options", &url.options)] {
        if let Some(value) = value {
            all.push_str(&format!("&{name}={}", text(value)));
        }
    }
    all
}

/// A manifest that is understood is the same when it is written and read again, and what is counted over it is finite.
pub fn manifest(data: &[u8]) {
    let _ = understand_manifest(data, "f-1");
    let Ok(raw) = std::str::from_utf8(data) else { return };
    let Ok(json) = serde_json::from_str::<serde_json::Value>(raw) else { return };
    let id = json["id"].as_str().unwrap_or_default();
    let Ok(manifest) = understand_manifest(&sealed(raw.trim()), id) else { return };
    for object in manifest.objects() {
        assert!(object.bytes().all(|b| b.is_ascii_hexdigit()), "an object's name is a path");
    }
    let (rows, bytes) = (manifest.rows(), manifest.bytes());
    let again = understand_manifest(&sealed(&serde_json::to_string(&manifest).unwrap()), id).unwrap();
    assert!(again == manifest && (again.rows(), again.bytes()) == (rows, bytes));
    // one byte of it, and it is not believed
    let mut flipped = sealed(raw.trim());
    let at = flipped.len() / 2;
    flipped[at] ^= 1;
    assert!(understand_manifest(&flipped, id).is_err() || flipped.len() < 100);
}

/// The file around a manifest.
fn sealed(raw: &str) -> Vec<u8> {
    format!("{{\"format\":1,\"blake3\":\"{}\",\"manifest\":{raw}}}", blake3::hash(raw.as_bytes()).to_hex()).into_bytes()
}

/// However COPY text is cut into pieces, its rows, values, figures and the fields that are kept are the same.
pub fn copy_text(data: &[u8]) {
    let [pieces, columns, keep, text @ ..] = data else { return };
    let (size, columns) = (usize::from(*pieces).max(1), usize::from(*columns % 6));
    let keep: Vec<bool> = (0..columns).map(|n| keep >> n & 1 == 1).collect();
    let rows = |size: usize| {
        let (mut splitter, mut rows) = (RowSplitter::default(), Vec::new());
        text.chunks(size).for_each(|piece| splitter.feed(piece, |row| rows.push(row.to_vec())));
        (rows, splitter.is_cut())
    };
    let (whole, cut) = rows(text.len().max(1));
    assert_eq!((whole.clone(), cut), rows(size));
    let mut expected: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    assert_eq!(cut, expected.pop().is_some_and(|rest| !rest.is_empty()));
    assert_eq!(whole, expected);
    for row in &whole {
        assert_eq!(values(row).collect::<Vec<_>>().join(&b'\t'), *row);
    }
    let count = |size: usize| {
        let mut counter = Counter::new(columns);
        text.chunks(size).for_each(|piece| counter.feed(piece));
        counter.finish()
    };
    let stats = count(text.len().max(1));
    assert_eq!(stats, count(size));
    let fits = |row: &Vec<u8>| if columns == 0 { row.is_empty() } else { values(row).count() == columns };
    assert_eq!(stats.is_some(), !cut && whole.iter().all(fits));
    let Some(stats) = stats else { return };
    assert_eq!(stats.rows, whole.len() as u64);
    for (n, column) in stats.columns.iter().enumerate() {
        let there = whole.iter().filter(|row| values(row).nth(n).is_some_and(|v| v != b"\\N"));
        assert_eq!(column.non_null, there.count() as u64);
    }
    let mut kept = Vec::new();
    OnlyFields::new(InPieces { text, size }, keep.clone()).read_to_end(&mut kept).unwrap();
    let mut expected = Vec::new();
    for row in &whole {
        let fields: Vec<&[u8]> = values(row).zip(&keep).filter(|(_, keep)| **keep).map(|(value, _)| value).collect();
        expected.extend(fields.join(&b'\t'));
        expected.push(b'\n');
    }
    assert_eq!(kept, expected);
}

struct InPieces<'a> {
    text: &'a [u8],
    size: usize,
}

impl Read for InPieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.size.min(self.text.len()).min(buffer.len());
        buffer[..n].copy_from_slice(&self.text[..n]);
        self.text = &self.text[n..];
        Ok(n)
    }
}

/// What a `.env` file says is the same when it is written plainly; expanding it ends.
pub fn dotenv(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let found = dotenv::parse(text);
    let mut plain = String::new();
    for (name, value) in &found {
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)), "{name:?}");
        let quote = ['\'', '`'].into_iter().find(|quote| !value.contains([*quote, '\\']));
        if let Some(quote) = quote.filter(|_| !value.contains('\r')) {
            plain.push_str(&format!("{name}={quote}{value}{quote}\n"));
        }
    }
    for (name, value) in dotenv::parse(&plain) {
        assert_eq!(Some(&value), found.get(&name), "{plain:?}");
    }
    let mut environment = dotenv::Variables::new();
    dotenv::load(&mut environment, text);
    assert!(environment.keys().eq(found.keys()));
    // the environment wins
    let mut again = environment.clone();
    dotenv::load(&mut again, "NEW=1");
    assert!(environment.iter().all(|(name, value)| name == "NEW" || again.get(name) == Some(value)));
}

fn quoted(name: &Name) -> String {
    name.0.iter().map(|part| format!("\"{}\"", part.text.replace('"', "\"\""))).collect::<Vec<_>>().join(".")
}

fn texts(name: &Name) -> Vec<&str> {
    name.0.iter().map(|part| part.text.as_str()).collect()
}

/// What `--map`, `--fill`, `--cast`, `--map-value` and `--table` mean is the same when the names are written in quotes.
pub fn maps(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(map) = parse_map(text) {
        let again = parse_map(&format!("{}={}", quoted(&map.from), quoted(&map.to))).unwrap();
        assert_eq!((texts(&map.from), texts(&map.to)), (texts(&again.from), texts(&again.to)));
    }
    for parse in [parse_fill, parse_cast] {
        if let Ok(fill) = parse(text) {
            assert!(
                !fill.sql.is_empty() && text.ends_with(fill.sql.as_str())
                    || text.trim_end().ends_with(fill.sql.as_str())
            );
            let again = parse(&format!("{}={}", quoted(&fill.column), fill.sql)).unwrap();
            assert_eq!((texts(&fill.column), &fill.sql), (texts(&again.column), &again.sql));
        }
    }
    if let Ok(map) = parse_map_value(text) {
        let from = map.from.replace('"', "\"\"");
        // an empty name cannot be quoted, an empty value need not be
        let from = if from.is_empty() { from } else { format!("\"{from}\"") };
        let again = parse_map_value(&format!("{}:{from}={}", quoted(&map.column), map.to)).unwrap();
        assert_eq!((texts(&map.column), &map.from, &map.to), (texts(&again.column), &again.from, &again.to));
    }
    if let Ok(name) = parse_table(text) {
        assert_eq!(texts(&name), texts(&parse_table(&quoted(&name)).unwrap()));
    }
}

/// A script that is cut at its entries holds the same lines, whole or in parts.
pub fn script(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let split = |mut splitter: Splitter| {
        let mut entries: Vec<Entry> = text.split_inclusive('\n').filter_map(|line| splitter.line(line)).collect();
        entries.extend(splitter.finish());
        entries
    };
    let whole = split(Splitter::whole());
    for entry in &whole {
        let (_, _, _) = (entry.label(), entry.given_to(), entry.schema_made());
        for line in entry.sql.split_inclusive('\n') {
            assert!(text.contains(line.trim_end_matches('\n')), "{line:?} was not there");
        }
    }
    let labels = |entries: &[Entry]| {
        let mut labels: Vec<String> = entries.iter().map(Entry::label).collect();
        labels.dedup();
        labels
    };
    let parts = split(Splitter::in_parts(16));
    assert!(labels(&whole).iter().all(|label| labels(&parts).contains(label)), "{whole:?} {parts:?}");
}
