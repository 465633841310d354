//! Cross-origin requests: browsers send telemetry from the pages of other origins.
//!
//! The origin is reflected instead of answered with `*`, because browsers
//! refuse `*` together with credentials (Fetch standard, "CORS protocol").

use http::header::{self, HeaderMap, HeaderValue};

/// Which origins browsers may send from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cors {
    /// Origins such as `https://shop.example`, `*` for any, `https://*.example` for all below.
    pub(super) allowed_origins: Vec<String>,
}

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
        response.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cors = |p: &str| Cors { allowed_origins: vec![p.to_owned()] };
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
        assert!(Cors { allowed_origins: vec!["*".into()] }.preflight(&request, &mut response));
        assert_eq!(response[header::ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:3000");
        let mut response = HeaderMap::new();
        assert!(!Cors { allowed_origins: vec!["http://other".into()] }.preflight(&request, &mut response));
    }
}
