//! Parameters of the Prometheus API: repeated keys, times as seconds or RFC 3339, durations.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use query::metrics::params::{duration, duration_ms, time_ms};

use super::respond::PromError;

/// A form larger than this is refused.
const FORM_BYTES_MAX: usize = 1 << 20;

/// Key-value pairs of the query string and, for POST, of the form; the form comes first.
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = PromError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PromError> {
        let from_uri = request.uri().query().unwrap_or_default().to_owned();
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
        let mut pairs = Vec::new();
        if request.method() == Method::POST && is_form {
            let body = Bytes::from_request(request, state).await.map_err(|e| PromError::bad_data(e.to_string()))?;
            if body.len() > FORM_BYTES_MAX {
                return Err(PromError::bad_data(format!("the form is larger than {FORM_BYTES_MAX} bytes")));
            }
            pairs.extend(decode(&String::from_utf8_lossy(&body)));
        }
        pairs.extend(decode(&from_uri));
        let params = Self(pairs);
        if let Some(text) = params.get("query").or_else(|| params.get("match[]")) {
            crate::queries::about(text);
        }
        Ok(params)
    }
}

impl Params {
    /// Those of a query string.
    #[cfg(test)]
    pub(super) fn of(query: &str) -> Self {
        Self(decode(query))
    }

    /// The first value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// All values of `key`.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The text of a query; a missing one is empty, which does not parse.
    pub(super) fn query(&self) -> &str {
        self.get("query").unwrap_or_default()
    }

    /// A time in milliseconds.
    pub(super) fn time(&self, key: &'static str) -> Result<Option<i64>, PromError> {
        self.get(key).map(|text| Ok(time_ms(key, text)?)).transpose()
    }

    /// A time that must be given, in milliseconds.
    pub(super) fn required_time(&self, key: &'static str) -> Result<i64, PromError> {
        Ok(time_ms(key, self.get(key).unwrap_or_default())?)
    }

    /// A duration that must be given, in milliseconds.
    pub(super) fn required_duration(&self, key: &'static str) -> Result<i64, PromError> {
        Ok(duration_ms(key, self.get(key).unwrap_or_default())?)
    }

    /// A duration that is not negative.
    pub(super) fn duration(&self, key: &'static str) -> Result<Option<Duration>, PromError> {
        self.get(key).map(|text| Ok(duration(key, text)?)).transpose()
    }

    /// `start` and `end` in milliseconds, both inclusive; all of time when nothing is given.
    pub(super) fn range(&self) -> Result<(i64, i64), PromError> {
        let (start, end) = (self.time("start")?.unwrap_or(i64::MIN), self.time("end")?.unwrap_or(i64::MAX));
        if end < start {
            return Err(PromError::bad_data("end timestamp must not be before start timestamp"));
        }
        Ok((start, end))
    }

    /// How many elements an answer may have; 0 and nothing mean all.
    pub(super) fn limit(&self) -> Result<Option<usize>, PromError> {
        let Some(text) = self.get("limit") else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(n) if n < 0 => Err(PromError::parameter("limit", "limit must be non-negative")),
            Ok(n) => Ok(usize::try_from(n).ok().filter(|n| *n > 0)),
            Err(_) => Err(PromError::parameter("limit", format!("cannot parse {text:?} to a whole number"))),
        }
    }

    /// A whole number of those parameters where a negative one means no limit.
    pub(super) fn number(&self, key: &str) -> Result<Option<usize>, PromError> {
        let Some(text) = self.get(key) else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(n) => Ok(usize::try_from(n).ok()),
            Err(_) => Err(PromError::bad_data(format!("{key} must be a number"))),
        }
    }
}

/// `application/x-www-form-urlencoded` (WHATWG URL, 5.1).
fn decode(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(key), percent_decode(value))
        })
        .collect()
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        at += 1;
        let escaped = (*b == b'%').then(|| text.get(at..at + 2)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        match (b, escaped) {
            (b'+', _) => out.push(b' '),
            (_, Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (other, None) => out.push(*other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let pairs = decode("match[]=up%7Bjob%3D%22a%22%7D&match%5B%5D=b+c&bad=%zz&empty=");
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("match[]", "up{job=\"a\"}"), ("match[]", "b c"), ("bad", "%zz"), ("empty", "")]);
    }
}
