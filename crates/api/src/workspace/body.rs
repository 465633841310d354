//! What all things that people save have in common.

use foundation::ErrorKind;
use metastore::{Documents, MetaError};

use crate::native::error::ApiError;
pub(crate) use crate::native::params::Body;

/// What the page of an address is: a path of this UI, nothing that leads elsewhere.
pub(super) fn check_url(url: &str) -> Result<(), ApiError> {
    const URL_BYTES_MAX: usize = 16 << 10;
    if url.len() > URL_BYTES_MAX {
        return Err(ApiError::invalid("url", format!("an address has {URL_BYTES_MAX} bytes at most")));
    }
    if !url.starts_with('/') || url.starts_with("//") || url.contains(|c: char| c.is_control() || c == '\\') {
        return Err(ApiError::invalid("url", format!("`{url}` is no address of this UI; it begins with one `/`")));
    }
    Ok(())
}

pub(super) fn check_name(parameter: &'static str, name: &str) -> Result<(), ApiError> {
    const NAME_BYTES_MAX: usize = 200;
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(ApiError::invalid(parameter, format!("a name has 1 to {NAME_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// Refuses one more when `count` is `max`.
pub(super) fn check_room(what: &str, count: usize, max: usize) -> Result<(), ApiError> {
    if count >= max {
        let message = format!("there are {count} {what}, which is the limit; delete one first");
        return Err(ApiError::new(ErrorKind::LimitExceeded, message));
    }
    Ok(())
}

/// Deletes a document that may be gone already.
pub(super) fn forget(documents: Documents<'_>, kind: &str, id: &str) -> Result<(), MetaError> {
    match documents.delete(kind, id, None) {
        Err(MetaError::NotFound { .. }) => Ok(()),
        other => other,
    }
}

/// FNV-1a, 64 bits: the same text has the same id.
pub(super) fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_nowhere_else() {
        for url in ["/", "/logs?q=a", "/traces/1#x"] {
            assert!(check_url(url).is_ok(), "{url}");
        }
        for url in ["", "logs", "//evil.example", "https://evil.example", "/\\evil", "/a\nb", "javascript:alert(1)"] {
            assert!(check_url(url).is_err(), "{url}");
        }
    }
}
