//! English or Russian: what the user chose, else what the browser asks for.

use super::gate::cookies;
use super::words::{ENGLISH, RUSSIAN, Words};
use axum::http::{HeaderMap, header};

/// The cookie that remembers a choice.
const COOKIE: &str = "safemigrate-language";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Russian,
}

impl Language {
    /// The choice in the address, else the one of before, else the browser's.
    pub fn of(headers: &HeaderMap, query: Option<&str>) -> Self {
        let remembered =
            || cookies(headers).find(|(name, _)| *name == COOKIE).and_then(|(_, code)| Self::of_code(code));
        let asked = || headers.get(header::ACCEPT_LANGUAGE).and_then(|wish| wish.to_str().ok());
        Self::chosen(query).or_else(remembered).unwrap_or_else(|| Self::preferred(asked().unwrap_or_default()))
    }

    /// What the address says: `?lang=ru`.
    pub fn chosen(query: Option<&str>) -> Option<Self> {
        query?.split('&').find_map(|pair| Self::of_code(pair.strip_prefix("lang=")?))
    }

    /// Remembers it for a year.
    pub fn cookie(self) -> String {
        format!("{COOKIE}={}; SameSite=Strict; Path=/; Max-Age=31536000", self.code())
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }

    pub fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Russian => &RUSSIAN,
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        [Self::English, Self::Russian].into_iter().find(|language| language.code() == code)
    }

    /// Of an `Accept-Language`; the first of the best wishes that we have.
    fn preferred(wish: &str) -> Self {
        let weighed = wish.split(',').filter_map(|part| {
            let mut pieces = part.split(';');
            let code = pieces.next()?.trim().split('-').next()?.to_ascii_lowercase();
            let weight = pieces.find_map(|piece| piece.trim().strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            Some((Self::of_code(&code)?, weight?))
        });
        let best = weighed.fold(None, |best: Option<(Self, f32)>, one| match best {
            Some(best) if best.1 >= one.1 => Some(best),
            _ if one.1 > 0.0 => Some(one),
            best => best,
        });
        best.map_or(Self::English, |(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_listened_to() {
        for (wish, language) in [
            ("", Language::English),
            ("ru-RU,ru;q=0.9,en;q=0.8", Language::Russian),
            ("en-US,en;q=0.9,ru;q=0.8", Language::English),
            ("de,ru;q=0.5", Language::Russian),
            ("de, RU ;q=0.3, en;q=0.7", Language::English),
            ("ru;q=0,en;q=0.1", Language::English),
            ("ru;q=x", Language::English),
        ] {
            assert_eq!(Language::preferred(wish), language, "{wish}");
        }
        assert_eq!(Language::chosen(Some("a=b&lang=ru")), Some(Language::Russian));
        assert_eq!(Language::chosen(Some("lang=rus")), None);
    }
}
