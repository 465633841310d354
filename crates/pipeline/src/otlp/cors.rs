//! Cross-origin requests: browsers send telemetry from the pages of other origins.
//!
//! The origin is reflected instead of answered with `*`, because browsers
//! refuse `*` together with credentials (Fetch standard, "CORS protocol").

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};

/// Which origins browsers may send from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// Origins such as `https://shop.example`, `*` for any, `https://*.example` for all below.
    pub allowed_origins: Vec<String>,
    /// Headers of answers that pages may read.
    pub exposed_headers: Vec<String>,
    /// How long browsers remember an answer.
    pub max_age: Duration,
}

impl Default for Cors {
    fn default() -> Self {
        Self { allowed_origins: Vec::new(), exposed_headers: Vec::new(), max_age: MAX_AGE }
    }
}

/// Browsers keep it no longer than two hours anyway.
const MAX_AGE: Duration = Duration::from_secs(7200);

impl Cors {
    fn allows(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|pattern| match pattern.split_once('*') {
            None => pattern.eq_ignore_ascii_case(origin),
            Some((before, after)) => {
                origin.len() >= before.len() + after.len() && origin.starts_with(before) && origin.ends_with(after)
            }
        })
    }

    /// Adds what a browser wants to see in the answer to a request with these headers.
    pub(super) fn answer(&self, request: &HeaderMap, response: &mut HeaderMap) {
        let Some(origin) = request.get(header::ORIGIN) else { return };
        response.append(header::VARY, HeaderValue::from_static("Origin"));
        if origin.to_str().is_ok_and(|o| self.allows(o)) {
            response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            response.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            if let (false, Ok(exposed)) =
                (self.exposed_headers.is_empty(), HeaderValue::from_str(&self.exposed_headers.join(", ")))
            {
                response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            }
        }
    }

    /// Adds the answer to a preflight; whether it is allowed.
    pub(super) fn preflight(&self, request: &HeaderMap, response: &mut HeaderMap) -> bool {
        self.answer(request, response);
        if !response.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            return false;
        }
        response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        // Telemetry SDKs add headers of the user's choice (tenant, key), so what is asked for is allowed.
        let headers = request
            .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
            .cloned()
            .unwrap_or_else(|| HeaderValue::from_static("content-type, content-encoding"));
        response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
        response.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age.as_secs()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cors = |p: &str| Cors { allowed_origins: vec![p.to_owned()], ..Cors::default() };
        assert!(cors("*").allows("http://localhost:3000"));
        assert!(cors("https://*.example").allows("https://shop.example"));
        assert!(!cors("https://*.example").allows("https://shop.example.evil"));
        assert!(!cors("http://localhost").allows("http://localhost:3000"));
    }

    #[test]
    fn a_preflight_reflects_the_origin() {
        let mut request = HeaderMap::new();
        request.insert(header::ORIGIN, HeaderValue::from_static("http://localhost:3000"));
        let mut response = HeaderMap::new();
        assert!(Cors { allowed_origins: vec!["*".into()], ..Cors::default() }.preflight(&request, &mut response));
        assert_eq!(response[header::ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:3000");
        let mut response = HeaderMap::new();
        assert!(
            !Cors { allowed_origins: vec!["http://other".into()], ..Cors::default() }
                .preflight(&request, &mut response)
        );
    }
}
