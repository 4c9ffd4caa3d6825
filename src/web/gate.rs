//! Who may come in: this machine, this browser, from our own page. A web site that the user has open in another tab must
//! get no byte and change nothing, whatever name it has DNS give to 127.0.0.1.

use super::language::Language;
use super::{PATIENCE, Page, html};
use crate::error::{Error, ErrorKind, Result};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;
use std::sync::Arc;

/// What a form may weigh, in bytes.
const FORM: usize = 64 << 10;

/// Nothing is loaded from elsewhere, nothing inline runs, nobody frames us, no form leads away.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // not `no-referrer`: with that a browser does not tell where a form comes from
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The key to this one start of the page.
pub struct Gate {
    port: u16,
    key: String,
}

impl Gate {
    /// # Errors
    /// `Other` where the system has no randomness.
    pub fn new(port: u16) -> Result<Self> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)
            .map_err(|why| Error::new(ErrorKind::Other, "The system gives no random numbers").because(why))?;
        let mut key = String::with_capacity(64);
        random.iter().for_each(|byte| _ = write!(key, "{byte:02x}"));
        Ok(Self { port, key })
    }

    /// Where a browser gets its cookie.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/backups?key={}", self.port, self.key)
    }

    /// Cookies do not know ports: two projects at a time must not take each other's.
    fn cookie_name(&self) -> String {
        format!("safemigrate-{}", self.port)
    }

    fn cookie(&self) -> String {
        format!("{}={}; HttpOnly; SameSite=Strict; Path=/", self.cookie_name(), self.key)
    }

    /// In a time that does not tell how much of it is right.
    fn is_key(&self, given: &str) -> bool {
        blake3::hash(given.as_bytes()) == blake3::hash(self.key.as_bytes())
    }

    fn is_ours(&self, host: &str) -> bool {
        let port = self.port;
        [format!("127.0.0.1:{port}"), format!("localhost:{port}")].iter().any(|ours| ours == host)
    }

    /// Why a request has no business here, before its cookie is looked at.
    fn stranger(&self, method: &Method, headers: &HeaderMap) -> Option<StatusCode> {
        let one = |name: HeaderName| {
            let mut all = headers.get_all(name).iter();
            match (all.next(), all.next()) {
                (Some(one), None) => one.to_str().ok(),
                _ => None,
            }
        };
        let Some(host) = one(header::HOST).filter(|host| self.is_ours(host)) else {
            return Some(StatusCode::MISDIRECTED_REQUEST);
        };
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let read = matches!(*method, Method::GET | Method::HEAD);
        let comes_from_us = match site {
            Some(b"same-origin") => true,
            // typed, or opened by another program: it may look, and change nothing
            Some(b"none") | None => read || site.is_none(),
            Some(_) => false,
        };
        let origin = one(header::ORIGIN);
        let says_so = origin.is_some_and(|origin| origin == format!("http://{host}"));
        let fine = match *method {
            Method::GET | Method::HEAD => comes_from_us && (says_so || !headers.contains_key(header::ORIGIN)),
            Method::POST => comes_from_us && says_so,
            _ => return Some(StatusCode::METHOD_NOT_ALLOWED),
        };
        (!fine).then_some(StatusCode::FORBIDDEN)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        cookies(headers).any(|(name, value)| name == self.cookie_name() && self.is_key(value))
    }
}

/// The cookies of a request.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// Every request comes through here, and every answer goes out through here.
pub async fn guard(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let query = request.uri().query().map(str::to_owned);
    let language = Language::of(request.headers(), query.as_deref());
    let mut response = match page.gate.stranger(request.method(), request.headers()) {
        Some(status) => refusal(status, language),
        None => enter(&page.gate, request, next, language).await,
    };
    if let Some(chosen) = Language::chosen(query.as_deref())
        && let Ok(cookie) = HeaderValue::from_str(&chosen.cookie())
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn enter(gate: &Gate, request: Request, next: Next, language: Language) -> Response {
    if let Some(given) = key_in(request.uri().query()) {
        if *request.method() != Method::GET || !gate.is_key(given) {
            return refusal(StatusCode::FORBIDDEN, language);
        }
        // not a redirect: after one that began elsewhere browsers hold a strict cookie back
        let mut welcome = html::welcome(language).into_response();
        if let Ok(cookie) = HeaderValue::from_str(&gate.cookie()) {
            welcome.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        return welcome;
    }
    if !gate.has_cookie(request.headers()) {
        return refusal(StatusCode::FORBIDDEN, language);
    }
    let (parts, body) = request.into_parts();
    match read(body).await {
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(status) => refusal(status, language),
    }
}

/// All of a form, or nothing: one that is too large, or never ends, is not waited for.
async fn read(body: Body) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(PATIENCE, to_bytes(body, FORM)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn key_in(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("key="))
}

fn refusal(status: StatusCode, language: Language) -> Response {
    (status, html::refused(language)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn only_our_own_page_changes_anything() {
        let gate = Gate { port: 5656, key: "k".into() };
        let ours = ("host", "127.0.0.1:5656");
        let from_us = ("origin", "http://127.0.0.1:5656");
        let fine = |method: Method, pairs: &[(&'static str, &str)]| gate.stranger(&method, &headers(pairs)).is_none();
        assert!(fine(Method::GET, &[ours]));
        assert!(fine(Method::GET, &[ours, ("sec-fetch-site", "none")]));
        assert!(fine(Method::POST, &[ours, from_us, ("sec-fetch-site", "same-origin")]));
        assert!(fine(Method::POST, &[ours, from_us]));
        assert!(fine(Method::POST, &[("host", "localhost:5656"), ("origin", "http://localhost:5656")]));
        for method in [Method::GET, Method::POST] {
            for host in ["evil.example", "evil.example:5656", "127.0.0.1", "127.0.0.1:5657", "localhost.:5656", ""] {
                assert!(!fine(method.clone(), &[("host", host), from_us]), "{host}");
            }
            for site in ["cross-site", "same-site", "", "NONE"] {
                assert!(!fine(method.clone(), &[ours, from_us, ("sec-fetch-site", site)]), "{site}");
            }
            for origin in ["null", "http://evil.example", "http://localhost:5656", "https://127.0.0.1:5656", ""] {
                assert!(!fine(method.clone(), &[ours, ("origin", origin)]), "{origin}");
            }
        }
        assert!(!fine(Method::POST, &[ours]));
        assert!(!fine(Method::POST, &[ours, from_us, ("sec-fetch-site", "none")]));
        assert!(!fine(Method::PUT, &[ours, from_us]));
    }

    #[test]
    fn a_key_is_whole_and_this_starts() {
        let gate = Gate::new(5656).unwrap();
        assert_eq!(gate.key.len(), 64);
        assert_ne!(gate.key, Gate::new(5656).unwrap().key);
        let with = |value: &str| gate.has_cookie(&headers(&[("cookie", value)]));
        assert!(with(&format!("a=b; safemigrate-5656={}", gate.key)));
        assert!(!with(&format!("safemigrate-5657={}", gate.key)));
        assert!(!with(&format!("safemigrate-5656={}", &gate.key[1..])));
        assert!(!with("safemigrate-5656="));
    }
}
