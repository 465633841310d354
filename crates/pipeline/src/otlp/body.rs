//! Reads a request body within the limits.

use bytes::{Bytes, BytesMut};
use foundation::ErrorKind;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::compression::{self, Encoding};
use super::server::RequestLimit;
use crate::budget::Lease;
use crate::refusal::Refusal;

/// Reads the whole body; within `limit`.
pub(super) async fn read(mut body: Incoming, limit: RequestLimit, lease: &mut Lease) -> Result<Bytes, Refusal> {
    let announced = body.size_hint().exact().unwrap_or(0);
    if announced > limit.bytes as u64 {
        return Err(limit.exceeded());
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut len = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Refusal::new(ErrorKind::InvalidInput, format!("the body ended early: {e}")))?;
        let Ok(chunk) = frame.into_data() else { continue };
        len += chunk.len();
        if len > limit.bytes {
            return Err(limit.exceeded());
        }
        lease.grow(chunk.len())?;
        // A body in one chunk is used where it lies.
        match first.take() {
            None if rest.is_empty() => first = Some(chunk),
            None => rest.extend_from_slice(&chunk),
            Some(one) => {
                rest.reserve((announced as usize).clamp(len, limit.bytes));
                rest.extend_from_slice(&one);
                rest.extend_from_slice(&chunk);
            }
        }
    }
    Ok(first.unwrap_or_else(|| rest.freeze()))
}

/// Decompresses what was read.
pub(super) fn decompress(
    encoding: Encoding,
    body: Bytes,
    limit: RequestLimit,
    lease: &mut Lease,
) -> Result<Bytes, Refusal> {
    if encoding == Encoding::Identity {
        return Ok(body);
    }
    let plain = compression::decompress(encoding, &body, limit)?;
    lease.grow(plain.len())?;
    Ok(plain.into())
}
