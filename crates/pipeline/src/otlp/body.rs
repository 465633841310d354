//! Reads a request body within the limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use foundation::ErrorKind;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::compression::{self, Encoding};
use super::server::RequestLimit;
use crate::budget::Lease;
use crate::refusal::Refusal;

/// A body that has not arrived in this time is given up: its sender is gone, and it holds memory.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of a refused body is still read, so that the sender sees the answer and not a reset connection.
const DISCARD_BYTES_MAX: usize = 256 << 20;
/// And for how long.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the whole body, within `limit`. A body that is refused is read to its end and thrown away.
pub(super) async fn read(mut body: Incoming, limit: RequestLimit, lease: &mut Lease) -> Result<Bytes, Refusal> {
    let result = match tokio::time::timeout(BODY_TIMEOUT, read_all(&mut body, limit, lease)).await {
        Ok(result) => result,
        Err(_) => {
            let message = format!("the body did not arrive in {} s; send smaller batches", BODY_TIMEOUT.as_secs());
            return Err(Refusal::new(ErrorKind::Timeout, message));
        }
    };
    if result.is_err() {
        lease.release();
        discard(body).await;
    }
    result
}

async fn discard(mut body: Incoming) {
    let rest = async {
        let mut left = DISCARD_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(n) => left = n,
                None => return,
            }
        }
    };
    // A sender that does not stop is cut off.
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, rest).await;
}

async fn read_all(body: &mut Incoming, limit: RequestLimit, lease: &mut Lease) -> Result<Bytes, Refusal> {
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

/// Decompresses what was read, away from the threads that serve sockets.
pub(super) fn decompress(
    encoding: Encoding,
    body: Bytes,
    limit: RequestLimit,
    lease: &mut Lease,
) -> Result<Bytes, Refusal> {
    if encoding == Encoding::Identity {
        return Ok(body);
    }
    let plain = tokio::task::block_in_place(|| compression::decompress(encoding, &body, limit, lease))?;
    Ok(plain.into())
}
