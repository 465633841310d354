//! What a failure of reqwest is: the step, and the cause without the address.

use std::time::{Duration, Instant};

use reqwest::Url;

use crate::error::{SendError, Step};
use crate::tls::describe;

/// What a failure of reqwest is, without its address.
pub(crate) fn classify(
    error: &reqwest::Error,
    origin: String,
    url: &Url,
    deadline: Duration,
    connect_timeout: Duration,
    started: Instant,
) -> SendError {
    if let Some(tls) = find::<rustls::Error>(error) {
        return SendError::Tls { origin, message: describe(tls) };
    }
    if error.is_dns() {
        return SendError::Dns { host: url.host_str().unwrap_or("").to_owned(), message: innermost(error) };
    }
    if error.is_timeout() {
        let connecting = error.is_connect() || (started.elapsed() < connect_timeout && deadline > connect_timeout);
        return if connecting {
            SendError::Timeout { step: Step::Connect, origin, after: connect_timeout.min(deadline) }
        } else {
            SendError::Timeout { step: Step::Answer, origin, after: deadline }
        };
    }
    if error.is_connect() {
        return SendError::Connect { origin, message: innermost(error) };
    }
    if error.is_builder() {
        return SendError::Url(innermost(error));
    }
    SendError::Answer { origin, message: innermost(error) }
}

/// The last cause, which says most, and never an address.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::addr_eq(cause, error as &dyn std::error::Error) {
        // Without a cause, reqwest says its kind and the address: only the kind is taken.
        let kind = if error.is_redirect() { "redirect" } else { "request" };
        return format!("{kind} failed");
    }
    cause.to_string()
}

fn find<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        // `io::Error` hides what it wraps from `source` when it is a custom error.
        if let Some(inner) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
