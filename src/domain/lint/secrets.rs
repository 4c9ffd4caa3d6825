//! What must not be in a repository: backups, dumps, passwords.

use super::accept::Accept;
use super::kind::{Finding, Kind};
use std::collections::BTreeMap;

/// A new version of a file that is about to be pushed.
pub struct Blob<'a> {
    /// From the root of the repository.
    pub path: &'a str,
    /// Its beginning.
    pub head: &'a [u8],
    /// Bytes in all.
    pub size: u64,
}

/// What `pg_dump` and `pg_dumpall` write at the top.
const DUMP_TITLES: [&str; 2] = ["-- PostgreSQL database dump", "-- PostgreSQL database cluster dump"];

/// Names that make a `.env` file an example for others.
const EXAMPLES: [&str; 6] = ["example", "sample", "template", "dist", "defaults", "schema"];

/// A backup or a dump.
pub fn data_in(blob: &Blob<'_>) -> Option<Finding> {
    let (kind, message) = if is_store(blob) {
        (Kind::Backup, "A file of safemigrate's store, which holds backups of your database")
    } else if is_dump(blob) {
        (Kind::Dump, "A dump of a database, with its rows")
    } else {
        return None;
    };
    let remedy = format!("{}. Nothing else needs it in git", take_out(blob.path));
    Some(finding(blob.path, 1, kind, message.to_owned(), remedy))
}

/// A password in a `.env` file, of which `variables` are the names and values.
pub fn password_in(path: &str, text: &str, variables: &BTreeMap<String, String>) -> Option<Finding> {
    let accepted = text.lines().filter_map(|line| Accept::read(line.trim(), 1)).any(|a| a.what == Ok(Kind::Password));
    if accepted || !is_env_file(path) {
        return None;
    }
    let (name, _) = variables.iter().find(|(name, value)| is_password(name, value) || has_password(value))?;
    let line = text.lines().position(|line| line.contains(name.as_str())).map_or(1, |at| at + 1);
    let message = format!("{name} holds a password");
    let remedy = format!(
        "{}, list it in .gitignore, and change the password if it ever left this machine. If it opens nothing but a database of your own machine, write into the file: # safemigrate: accept password REASON",
        take_out(path)
    );
    Some(finding(path, line, Kind::Password, message, remedy))
}

/// `.env`, `.env.local`, `.env.production`; not `.env.example`.
pub fn is_env_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some(rest) = name.strip_prefix(".env").filter(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    else {
        return false;
    };
    !rest.split(['.', '-', '_']).any(|part| EXAMPLES.contains(&part.to_lowercase().as_str()))
}

fn is_store(blob: &Blob<'_>) -> bool {
    let parts: Vec<&str> = blob.path.split('/').collect();
    let inside = parts.iter().rev().skip(1).any(|part| *part == ".safemigrate");
    // a store somewhere else: objects/ab/abcd…, named by a hash
    let by_hash = match parts.as_slice() {
        [.., "objects", two, name] => {
            name.len() == 64 && name.starts_with(two) && name.bytes().all(|b| b.is_ascii_hexdigit())
        }
        _ => false,
    };
    let ignored = parts.last() == Some(&".gitignore");
    inside && !ignored || by_hash && blob.head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

fn is_dump(blob: &Blob<'_>) -> bool {
    const MAGIC: &[u8] = b"PGDMP";
    // the custom format, a directory's table of contents, and a tar that begins with it
    if blob.head.starts_with(MAGIC) || blob.head.get(512..).is_some_and(|rest| rest.starts_with(MAGIC)) {
        return true;
    }
    let top = String::from_utf8_lossy(&blob.head[..blob.head.len().min(4096)]);
    if !DUMP_TITLES.iter().any(|title| top.contains(title)) {
        return false;
    }
    // a schema alone is no data; of what is longer than what was read, nobody knows
    let text = String::from_utf8_lossy(blob.head);
    let has_rows = |line: &str| {
        line.starts_with("INSERT INTO ") || line.starts_with("COPY ") && line.trim_end().ends_with("FROM stdin;")
    };
    blob.size > blob.head.len() as u64 || text.lines().any(has_rows)
}

fn is_password(name: &str, value: &str) -> bool {
    let name = name.to_uppercase();
    let named = ["PASSWORD", "PASSWD"].iter().any(|end| name.ends_with(end));
    named && !value.is_empty() && !is_reference(value)
}

/// `scheme://user:password@host`
fn has_password(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // a password may hold a slash that nobody has encoded
    let user = authority
        .rsplit_once('@')
        .or_else(|| rest.rsplit_once('@').filter(|_| scheme.starts_with("postgres")))
        .map(|(user, _)| user);
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    scheme.chars().all(plain) && password.is_some_and(|password| !password.is_empty() && !is_reference(password))
}

/// The value stands somewhere else.
fn is_reference(value: &str) -> bool {
    value.starts_with("${") && value.ends_with('}') && value.matches("${").count() == 1
}

fn take_out(path: &str) -> String {
    let path = crate::domain::names::shell_word(path);
    format!(
        "Take it out of the commits that are pushed: git rm --cached {path} and git commit --amend (git rebase -i for older ones)"
    )
}

fn finding(path: &str, line: usize, kind: Kind, message: String, remedy: String) -> Finding {
    Finding { file: path.to_owned(), line, kind, severity: kind.severity(), message, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(path: &str, head: &[u8]) -> Option<Kind> {
        data_in(&Blob { path, head, size: head.len() as u64 }).map(|f| f.kind)
    }

    #[test]
    fn backups_and_dumps() {
        let hash = "ab".repeat(32);
        assert_eq!(data(".safemigrate/backups/f-1.json", b"{}"), Some(Kind::Backup));
        assert_eq!(data("apps/web/.safemigrate/runs/r-1.json", b"{}"), Some(Kind::Backup));
        assert_eq!(data(&format!("kept/objects/ab/{hash}"), b"\x28\xb5\x2f\xfd1"), Some(Kind::Backup));
        assert_eq!(data(&format!("kept/objects/ab/{hash}"), b"text"), None);
        assert_eq!(data(".safemigrate/.gitignore", b"*"), None);
        assert_eq!(data("docs/.safemigrate", b"x"), None);
        assert_eq!(data("x.bin", b"PGDMP\x01"), Some(Kind::Dump));
        let mut tar = b"toc.dat".to_vec();
        tar.resize(512, 0);
        tar.extend(b"PGDMP");
        assert_eq!(data("x.tar", &tar), Some(Kind::Dump));
        let title = "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE a (b int);\n";
        assert_eq!(data("structure.sql", title.as_bytes()), None, "a schema is no data");
        assert_eq!(data("all.sql", format!("{title}COPY a (b) FROM stdin;\n1\n\\.\n").as_bytes()), Some(Kind::Dump));
        assert_eq!(data("all.sql", format!("{title}INSERT INTO a VALUES (1);\r\n").as_bytes()), Some(Kind::Dump));
        let long = Blob { path: "x.sql", head: title.as_bytes(), size: 1 << 30 };
        assert_eq!(data_in(&long).map(|f| f.kind), Some(Kind::Dump));
        assert_eq!(data("a.sql", b"INSERT INTO a VALUES (1);"), None);
    }

    #[test]
    fn passwords_in_env_files() {
        let found = |path: &str, name: &str, value: &str| {
            let variables = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            password_in(path, &format!("# x\n{name}=\"{value}\"\n"), &variables).map(|f| (f.line, f.kind))
        };
        let some = Some((2, Kind::Password));
        for path in [".env", "a/b/.env.production", ".env.local"] {
            assert_eq!(found(path, "DATABASE_URL", "postgresql://me:secret@db/shop"), some, "{path}");
        }
        assert_eq!(found(".env", "POSTGRES_PASSWORD", "secret"), some);
        assert_eq!(found(".env", "URL", "postgres://me:a/b@db/shop"), some);
        for (name, value) in [
            ("DATABASE_URL", "postgresql://me@db/shop"),
            ("DATABASE_URL", "postgresql://me:${PW}@db/shop"),
            ("DATABASE_URL", "postgresql://me:@db/shop"),
            ("PASSWORD", ""),
            ("PASSWORD", "${OTHER}"),
            ("SITE", "https://example.com:443/a@b"),
            ("NAME", "a:b@c"),
        ] {
            assert_eq!(found(".env", name, value), None, "{name}={value}");
        }
        for path in [".env.example", ".env.local.sample", "env", ".environment", "x.env.ts"] {
            assert_eq!(found(path, "PASSWORD", "secret"), None, "{path}");
        }
        let text = "# safemigrate: accept password docker on localhost only\nPASSWORD=x\n";
        assert_eq!(password_in(".env", text, &BTreeMap::from([("PASSWORD".into(), "x".into())])), None);
    }
}
