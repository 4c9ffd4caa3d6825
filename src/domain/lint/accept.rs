//! `-- safemigrate: accept WHAT REASON`: a human says that it is meant.

use super::kind::Kind;

/// What begins such a comment.
const MARK: &str = "safemigrate:";

/// One comment that accepts something, or tries to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// From 1.
    pub line: usize,
    pub what: Result<Kind, Useless>,
    /// In its writer's words.
    pub reason: String,
}

/// Why a comment accepts nothing, whatever stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Useless {
    NoReason(Kind),
    /// No rule is called so.
    Unknown(String),
}

impl Accept {
    /// From a comment as it stands in the text, `--` included; `None` for one that says something else.
    pub fn read(comment: &str, line: usize) -> Option<Self> {
        let text = comment.trim_start_matches(['-', '#']).trim();
        let rest =
            text.get(..MARK.len()).filter(|mark| mark.eq_ignore_ascii_case(MARK)).map(|_| &text[MARK.len()..])?;
        let mut words = rest.split_whitespace();
        if !words.next()?.eq_ignore_ascii_case("accept") {
            let what = Err(Useless::Unknown(rest.trim().to_owned()));
            return Some(Self { line, what, reason: String::new() });
        }
        let word = words.next().unwrap_or_default();
        let reason = words.collect::<Vec<_>>().join(" ");
        let reason = reason.trim_start_matches([':', '-', ' ']).to_owned();
        // a dash or a colon alone is no reason
        let has_reason = reason.chars().any(char::is_alphanumeric);
        let what = match Kind::of_word(&word.trim_end_matches([':', ',']).to_lowercase()) {
            None => Err(Useless::Unknown(word.to_owned())),
            Some(kind) if has_reason => Ok(kind),
            Some(kind) => Err(Useless::NoReason(kind)),
        };
        Some(Self { line, what, reason })
    }

    /// What to write.
    pub fn comment(kind: Kind) -> String {
        format!("-- {MARK} accept {} REASON", kind.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_to_be_given() {
        let what = |comment: &str| Accept::read(comment, 1).map(|accept| accept.what);
        let dropped = Kind::DroppedColumn;
        for good in [
            "-- safemigrate: accept dropped-column empty since March",
            "--safemigrate: accept dropped-column: nobody reads it\r",
            "-- SafeMigrate: ACCEPT Dropped-Column #12",
            "# safemigrate: accept dropped-column local only",
        ] {
            assert_eq!(what(good), Some(Ok(dropped)), "{good}");
        }
        for bad in ["-- safemigrate: accept dropped-column", "-- safemigrate: accept dropped-column - --"] {
            assert_eq!(what(bad), Some(Err(Useless::NoReason(dropped))), "{bad}");
        }
        assert_eq!(what("-- safemigrate: accept everything yes"), Some(Err(Useless::Unknown("everything".into()))));
        assert_eq!(what("-- safemigrate: accept"), Some(Err(Useless::Unknown(String::new()))));
        for other in
            ["-- AlterTable", "-- safemigrate", "-- see safemigrate: accept x y", "--", "-- 日本語日本語日本語"]
        {
            assert_eq!(what(other), None, "{other}");
        }
    }
}
