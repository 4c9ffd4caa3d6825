//! Which databases the project's `.env.production*` files name.

use super::project::Project;
use crate::domain::guard::Address;
use percent_encoding::percent_decode_str;
use std::path::PathBuf;
use url::Url;

/// A database that a production file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub file: PathBuf,
    pub variable: String,
    pub address: Address,
}

/// Every PostgreSQL address in a `.env.production*` or `.env.prod*` file of the project. Pooler addresses count too:
/// they lead to the same database.
pub fn listed(project: &Project) -> Vec<Listed> {
    let production = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // .env.prod, .env.prod.local, .env.production — but not .env.product
        let kind = name.strip_prefix(".env.").unwrap_or_default().split(['.', '-', '_']).next().unwrap_or_default();
        matches!(kind, "production" | "prod" | "live")
    };
    let files = project.env_files().into_iter().filter(|(file, _)| production(file));
    let named =
        files.flat_map(|(file, variables)| variables.into_iter().map(move |(name, text)| (file.clone(), name, text)));
    named.filter_map(|(file, variable, text)| Some(Listed { file, variable, address: address(&text)? })).collect()
}

/// Where an URL leads. More lenient than `DatabaseUrl::parse`, which refuses what cannot be backed up.
fn address(text: &str) -> Option<Address> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"))?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let host = url.query_pairs().find(|(name, _)| name == "host").map(|(_, host)| host.into_owned());
    let host = host.unwrap_or_else(|| decode(url.host_str().unwrap_or("localhost")));
    let user = decode(url.username());
    let database = decode(url.path().trim_start_matches('/'));
    let database = if database.is_empty() { &user } else { &database };
    Some(Address::new(&host, url.port().unwrap_or(5432), database, &user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_and_nothing_else() {
        let expected = Address::new("db.example.com", 5432, "shop", "jo");
        assert_eq!(address("postgresql://jo:p%40w@db.example.com/shop?sslmode=require"), Some(expected));
        assert_eq!(address("postgres://jo@h:6543/"), Some(Address::new("h", 6543, "jo", "jo")));
        for text in ["", "redis://h/1", "https://example.com", "a word"] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
