//! Words in host and database names.

use super::Verdict;

const PRODUCTION: [&str; 4] = ["prod", "production", "live", "prd"];
/// Shared with others, so that losing it hurts.
const SHARED: [&str; 7] = ["staging", "stage", "stg", "preprod", "nonprod", "uat", "qa"];
const DEVELOPMENT: [&str; 13] = [
    "dev",
    "devel",
    "develop",
    "development",
    "test",
    "tests",
    "testing",
    "local",
    "localdev",
    "ci",
    "e2e",
    "sandbox",
    "playground",
];
/// Before a word for production they take its meaning away.
const NOT: [&str; 4] = ["non", "not", "no", "pre"];

/// What the words of a name say, and the word that says it.
pub fn judge(name: &str) -> Option<(Verdict, String)> {
    let words = words(name);
    let mut found: Option<(Verdict, String)> = None;
    for (at, word) in words.iter().enumerate() {
        let negated = at > 0 && NOT.contains(&words[at - 1].as_str());
        let says = match word.as_str() {
            word if PRODUCTION.contains(&word) && negated => Verdict::Unknown,
            word if PRODUCTION.contains(&word) => Verdict::Production,
            word if SHARED.contains(&word) => Verdict::Unknown,
            word if DEVELOPMENT.contains(&word) => Verdict::Development,
            _ => continue,
        };
        if found.as_ref().is_none_or(|(before, _)| says > *before) {
            found = Some((says, word.clone()));
        }
    }
    found
}

/// `shopProd-01_eu` is shop, prod, eu: whole words between separators and capitals, without numbers behind them.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    // e2e ends in a letter and keeps its number; prod01 is prod
    let trimmed = words.iter().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned());
    trimmed.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        use Verdict::*;
        for (name, says) in [
            ("shop", None),
            ("shop_prod", Some(Production)),
            ("prod-db.internal", Some(Production)),
            ("db.production.example.com", Some(Production)),
            ("shopProd", Some(Production)),
            ("PROD01", Some(Production)),
            ("shop-live", Some(Production)),
            ("prd_eu", Some(Production)),
            ("products", None),
            ("production_line_dev", Some(Production)),
            ("alive", None),
            ("delivery", None),
            ("non-prod", Some(Unknown)),
            ("preprod", Some(Unknown)),
            ("shop_staging", Some(Unknown)),
            ("shop_dev", Some(Development)),
            ("app-test-2", Some(Development)),
            ("contest", None),
            ("", None),
        ] {
            assert_eq!(judge(name).map(|(says, _)| says), says, "{name}");
        }
    }
}
