//! The Prisma schema, one file or a folder of them: where it is, and what its `datasource` block says.

use crate::error::{Context, Error, ErrorKind, Result};
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Where Prisma looks when nothing says otherwise, in its order.
pub const DEFAULT_PLACES: [&str; 2] = ["schema.prisma", "prisma/schema.prisma"];

/// A value in the datasource block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `env("NAME")`
    Env(String),
    /// Written out, password and all.
    Literal(String),
}

/// What the `datasource` block says, and in which file it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datasource {
    pub file: PathBuf,
    pub provider: Option<String>,
    pub url: Option<Value>,
    pub direct_url: Option<Value>,
    pub shadow_url: Option<Value>,
}

/// Reads the datasource block of a schema file or folder; `None` where it has none.
///
/// # Errors
/// `Config` where the schema cannot be read or belongs to another kind of database.
pub fn datasource(schema: &Path) -> Result<Option<Datasource>> {
    for file in files(schema)? {
        let text = fs::read_to_string(&file).context(ErrorKind::Config, || unreadable(&file))?;
        let Some(found) = parse(&file, &text) else { continue };
        let foreign = found.provider.as_deref().filter(|p| !matches!(*p, "postgresql" | "postgres"));
        return match foreign {
            Some(provider) => Err(Error::new(
                ErrorKind::Config,
                format!(
                    "safemigrate is for PostgreSQL; the datasource of {} is {provider}. Nothing was changed",
                    file.display()
                ),
            )),
            None => Ok(Some(found)),
        };
    }
    Ok(None)
}

/// The files of a schema with their texts, in a fixed order.
///
/// # Errors
/// `Config` where one cannot be read.
pub fn texts(schema: &Path) -> Result<Vec<(PathBuf, String)>> {
    let read = |file: &PathBuf| fs::read_to_string(file).context(ErrorKind::Config, || unreadable(file));
    files(schema)?.into_iter().map(|file| Ok((file.clone(), read(&file)?))).collect()
}

/// A schema of the same database, but for its address, which is in a variable: the blocks `datasource` and `generator`
/// (which switches preview features on) of a schema, and nothing else.
///
/// # Errors
/// `Config` where the schema cannot be read.
pub fn leading_to(schema: &Path, variable: &str) -> Result<String> {
    let mut text = String::new();
    for (_, content) in texts(schema)? {
        let mut block: Option<String> = None;
        for line in content.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["datasource" | "generator", _, "{", ..] => {
                    let url = format!("\n  url = env(\"{variable}\")");
                    let is_datasource = words[0] == "datasource";
                    text.push_str(&format!("{line}{}\n", if is_datasource { &url } else { "" }));
                    block = Some(words[0].to_owned());
                }
                ["url" | "directUrl" | "shadowDatabaseUrl" | "relationMode", ..] if block.is_some() => {}
                ["}", ..] if block.take().is_some() => text.push_str("}\n"),
                _ if block.is_some() => text.push_str(&format!("{line}\n")),
                _ => {}
            }
        }
    }
    Ok(text)
}

/// The schema file itself, or every `*.prisma` below the folder, in a fixed order.
fn files(schema: &Path) -> Result<Vec<PathBuf>> {
    if !schema.is_dir() {
        return Ok(vec![schema.to_owned()]);
    }
    let entries = WalkDir::new(schema).follow_links(true).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|e| e.depth() == 0 || !matches!(e.file_name().to_str(), Some("node_modules")));
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.context(ErrorKind::Config, || unreadable(schema))?;
        if entry.file_type().is_file() && entry.path().extension().is_some_and(|e| e == "prisma") {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

fn unreadable(path: &Path) -> String {
    format!("The Prisma schema {} cannot be read. Nothing was changed", path.display())
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn parse(file: &Path, text: &str) -> Option<Datasource> {
    let tokens = tokens(text);
    let start = tokens
        .windows(3)
        .position(|w| matches!(w, [Token::Word(word), Token::Word(_), Token::Sign('{')] if word == "datasource"))?;
    let mut found = Datasource { file: file.to_owned(), provider: None, url: None, direct_url: None, shadow_url: None };
    let mut rest = &tokens[start + 3..];
    loop {
        rest = match rest {
            [] | [Token::Sign('}'), ..] => return Some(found),
            [Token::Word(key), Token::Sign('='), value @ ..] => {
                let (value, after) = value_of(value);
                match (key.as_str(), value) {
                    ("provider", Some(Value::Literal(provider))) => found.provider = Some(provider),
                    ("url", value) => found.url = value,
                    ("directUrl", value) => found.direct_url = value,
                    ("shadowDatabaseUrl", value) => found.shadow_url = value,
                    _ => {}
                }
                after
            }
            [_, after @ ..] => after,
        };
    }
}

fn value_of(tokens: &[Token]) -> (Option<Value>, &[Token]) {
    match tokens {
        [Token::Word(env), Token::Sign('('), Token::Text(name), Token::Sign(')'), after @ ..] if env == "env" => {
            (Some(Value::Env(name.clone())), after)
        }
        [Token::Text(text), after @ ..] => (Some(Value::Literal(text.clone())), after),
        other => (None, other),
    }
}

/// Words, texts and signs, without comments.
fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if chars.peek() == Some(&'*') => {
                let mut before = ' ';
                for c in chars.by_ref().skip(1) {
                    if before == '*' && c == '/' {
                        break;
                    }
                    before = c;
                }
            }
            '"' => found.push(Token::Text(string(&mut chars))),
            c if c.is_alphanumeric() || c == '_' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
                    word.push(c);
                }
                found.push(Token::Word(word));
            }
            c if c.is_whitespace() => {}
            sign => found.push(Token::Sign(sign)),
        }
    }
    found
}

/// The rest of a text after its opening quote; escapes are those of JSON.
fn string(chars: &mut impl Iterator<Item = char>) -> String {
    let mut raw = String::from('"');
    let mut escaped = false;
    for c in chars {
        if (c == '"' && !escaped) || c == '\n' {
            break;
        }
        escaped = c == '\\' && !escaped;
        raw.push(c);
    }
    raw.push('"');
    serde_json::from_str(&raw).unwrap_or_else(|_| raw.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn reads_the_datasource_between_comments_and_models() {
        let text = r#"
            // datasource no { url = "no" }
            /* datasource no { url = "no" } */
            model Datasource { url String @default("datasource x { url = 1 }") }
            datasource db {
              provider  = "postgresql" // url = "no"
              extensions = [pgcrypto, postgis(version: "3")]
              url       = env("DATABASE_URL")
              directUrl = "postgresql://u:p\"w@h/d"
            }"#;
        let found = parse(Path::new("s"), text).unwrap();
        assert_eq!(found.provider.as_deref(), Some("postgresql"));
        assert_eq!(found.url, Some(Value::Env("DATABASE_URL".into())));
        assert_eq!(found.direct_url, Some(Value::Literal("postgresql://u:p\"w@h/d".into())));
        assert_eq!(parse(Path::new("s"), "model A { id Int @id }"), None);
    }

    #[test]
    fn looks_through_a_folder() {
        let root = tempdir().unwrap();
        fs::create_dir(root.path().join("models")).unwrap();
        fs::write(root.path().join("models/user.prisma"), "model User { id Int @id }").unwrap();
        fs::write(root.path().join("zz.prisma"), "datasource db {\n provider = \"postgresql\"\n}").unwrap();
        fs::write(root.path().join("zz.txt"), "datasource db {\n provider = \"mysql\"\n}").unwrap();
        let found = datasource(root.path()).unwrap().unwrap();
        assert_eq!(found.file, root.path().join("zz.prisma"));
        assert_eq!(found.url, None);
    }

    #[test]
    fn the_address_is_another_and_nothing_else() {
        let root = tempdir().unwrap();
        let file = root.path().join("schema.prisma");
        let text = "generator client {\n  provider = \"x\"\n  previewFeatures = [\"multiSchema\"]\n}\ndatasource db {\n  provider = \"postgresql\"\n  url = \"postgresql://u:secret@h/d\"\n  directUrl = env(\"X\")\n  schemas = [\"a\", \"b\"]\n}\nmodel A {\n  url String @id\n}\n";
        fs::write(&file, text).unwrap();
        assert_eq!(
            leading_to(&file, "V").unwrap(),
            "generator client {\n  provider = \"x\"\n  previewFeatures = [\"multiSchema\"]\n}\ndatasource db {\n  url = env(\"V\")\n  provider = \"postgresql\"\n  schemas = [\"a\", \"b\"]\n}\n"
        );
    }

    #[test]
    fn refuses_other_databases() {
        let root = tempdir().unwrap();
        let file = root.path().join("schema.prisma");
        fs::write(&file, "datasource db {\n provider = \"mysql\"\n url = env(\"X\")\n}").unwrap();
        let error = datasource(&file).unwrap_err();
        assert!(error.kind == ErrorKind::Config && error.message.contains("mysql"), "{error}");
        assert_eq!(datasource(&root.path().join("gone.prisma")).unwrap_err().kind, ErrorKind::Config);
    }
}
