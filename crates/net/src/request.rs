//! What is sent and what comes back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::Url;

use crate::error::{SendError, Step};

/// One request. The client adds what its configuration says: authorization, headers, user agent.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to; its path and query are never shown.
    pub url: Url,
    /// Headers of this request.
    pub headers: HeaderMap,
    /// The body, may be empty.
    pub body: Bytes,
}

impl Request {
    /// A request without a body.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A request with a body of the given type.
    pub fn post(url: Url, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
        Self { method: Method::POST, url, headers, body: body.into() }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, crate::secret::origin(&self.url), self.body.len())
    }
}

/// An answer, read whole or up to the limit of the client.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status; any status is an answer.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as far as it was read.
    pub body: Bytes,
    /// The body is longer than what was read.
    pub truncated: bool,
    /// From the start to the last byte read.
    pub took: Duration,
    /// Headers of the request that nobody may see: some services send back what they got.
    pub secrets: Vec<HeaderValue>,
}

impl Response {
    /// The seconds or the date of `Retry-After` (RFC 9110, 10.2.3), counted from `now`.
    pub fn retry_after(&self, now: foundation::UnixNanos) -> Option<Duration> {
        let text = self.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds).ok();
        }
        let at_s = http_date_s(text)?;
        Some(Duration::from_secs(u64::try_from(at_s - now.0.div_euclid(1_000_000_000)).unwrap_or(0)))
    }
}

/// Seconds since the epoch of an IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date_s(text: &str) -> Option<i64> {
    let mut words = text.split_once(", ")?.1.split([' ', ':']);
    let mut number = || words.next()?.parse::<i64>().ok();
    let day = number()?;
    let month = words.next()?;
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .iter()
        .position(|m| *m == month)? as i64
        + 1;
    let mut number = || words.next()?.parse::<i64>().ok();
    let (year, hour, minute, second) = (number()?, number()?, number()?, number()?);
    // Days from the civil calendar, with years that start in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// An answer whose body is still to be read.
pub struct Answer {
    pub(crate) response: reqwest::Response,
    pub(crate) origin: String,
    pub(crate) deadline: Duration,
    /// Headers of the request that nobody may see.
    pub(crate) secrets: Vec<HeaderValue>,
}

impl Answer {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece of the body, `None` at its end.
    ///
    /// # Errors
    /// The connection breaks, or the deadline of the request passes.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        self.response.chunk().await.map_err(|e| {
            let origin = self.origin.clone();
            if e.is_timeout() {
                SendError::Timeout { step: Step::Answer, origin, after: self.deadline }
            } else {
                SendError::Answer { origin, message: crate::failure::innermost(&e) }
            }
        })
    }

    /// Reads the body up to `bytes_max`; the flag says that there is more.
    ///
    /// # Errors
    /// The connection breaks, or the deadline of the request passes.
    pub async fn read(&mut self, bytes_max: usize) -> Result<(Bytes, bool), SendError> {
        let mut body: Vec<u8> = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            let room = bytes_max - body.len();
            if chunk.len() > room {
                body.extend_from_slice(&chunk[..room]);
                return Ok((body.into(), true));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((body.into(), false))
    }

    pub(crate) async fn into_response(mut self, bytes_max: usize, started: Instant) -> Result<Response, SendError> {
        let (body, truncated) = self.read(bytes_max).await?;
        let (status, headers) = (self.status(), self.headers().clone());
        let secrets = std::mem::take(&mut self.secrets);
        Ok(Response { status, headers, body, truncated, took: started.elapsed(), secrets })
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// The body is longer than `bytes_max`, the connection breaks, or the deadline of the request passes.
    pub async fn read_whole(&mut self, bytes_max: usize) -> Result<Bytes, SendError> {
        match self.read(bytes_max).await? {
            (body, false) => Ok(body),
            (_, true) => Err(SendError::TooLarge { origin: self.origin.clone(), bytes_max }),
        }
    }
}
