//! Which pages of other origins may read answers. None may send credentials.
//!
//! Source: Prometheus, `web.cors.origin` and what its server sends.

use axum::http::{HeaderMap, HeaderValue, header};
use re2::Re2Error;
use regex::Regex;

/// The origins whose pages may read; none when nothing is said.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    allowed: Option<Regex>,
    all: bool,
}

impl Origins {
    /// Those that `pattern` matches as a whole; it has Go's syntax.
    ///
    /// # Errors
    /// It is not a regular expression.
    pub fn new(pattern: &str) -> Result<Self, Re2Error> {
        Ok(Self { allowed: Some(re2::compile_anchored(pattern)?), all: pattern == ".*" })
    }

    /// Tells browsers whether a page of the origin that asked may read the answer.
    pub(crate) fn answer(&self, asking: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let allows = |origin: &str| self.allowed.as_ref().is_some_and(|a| a.is_match(origin));
        let Some(origin) = asking.filter(|o| o.to_str().is_ok_and(allows)) else { return };
        let shown = if self.all { HeaderValue::from_static("*") } else { origin.clone() };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, shown);
        let mut says = |name, value| headers.insert(name, HeaderValue::from_static(value));
        says(header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin");
        says(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
        // Beside what an answer exposes of its own.
        headers.append(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Date"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(pattern: &str, origin: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        Origins::new(pattern).unwrap().answer(Some(&HeaderValue::from_static(origin)), &mut headers);
        assert_eq!(headers[header::VARY], "Origin");
        let shown = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN)?;
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, POST, OPTIONS");
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
        Some(shown.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_pattern_matches_whole_origins() {
        let two = r"https?://(shop|grafana)\.example";
        assert_eq!(allowed(two, "https://grafana.example").as_deref(), Some("https://grafana.example"));
        assert_eq!(allowed(two, "https://grafana.example.evil"), None);
        assert_eq!(allowed(two, "https://evil/https://grafana.example"), None);
        assert_eq!(allowed(".*", "https://any.example").as_deref(), Some("*"));
        assert_eq!(allowed("", "https://any.example"), None);
        assert!(Origins::new("(").is_err());
        let mut headers = HeaderMap::new();
        Origins::new(".*").unwrap().answer(None, &mut headers);
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
