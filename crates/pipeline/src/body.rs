//! Reads a request body within the limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use foundation::ErrorKind;
use http_body_util::BodyExt as _;
use hyper::body::Body;

use crate::budget::Lease;
use crate::refusal::Refusal;

/// A body that has not arrived in this time is given up: its sender is gone, and it holds memory.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Room behind a body for what a log adds to it, so that it is not copied for that.
pub(crate) const TRAILER_BYTES: usize = 128;
/// How much of a refused body is still read, so that the sender sees the answer and not a reset connection.
const DISCARD_BYTES_MAX: usize = 256 << 20;
/// And for how long.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);

/// A limit on one request, and the setting that changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimit {
    /// Bytes, compressed or not.
    pub bytes: usize,
    /// What to change when it is too small; part of the refusal.
    pub setting: &'static str,
}

impl RequestLimit {
    pub(crate) fn exceeded(&self) -> Refusal {
        let message =
            format!("the request is larger than {} bytes (`{}`); send smaller batches", self.bytes, self.setting);
        Refusal::new(ErrorKind::TooLarge, message)
    }
}

/// Reads the whole body, within `limit`. A body that is refused is read to its end and thrown away.
pub(crate) async fn read<B>(body: B, limit: RequestLimit, lease: &mut Lease) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes, Error: std::fmt::Display>,
{
    read_within(BODY_TIMEOUT, body, limit, lease).await
}

/// [`read`], with a time in which the body has to arrive.
pub(crate) async fn read_within<B>(
    time: Duration,
    body: B,
    limit: RequestLimit,
    lease: &mut Lease,
) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes, Error: std::fmt::Display>,
{
    let mut body = std::pin::pin!(body);
    let result = match tokio::time::timeout(time, read_all(&mut body, limit, lease)).await {
        Ok(result) => result,
        Err(_) => {
            let message = format!("the body did not arrive in {time:?}; send smaller batches");
            return Err(Refusal::new(ErrorKind::Timeout, message));
        }
    };
    if result.is_err() {
        lease.release();
        discard(body).await;
    }
    result
}

async fn discard<B: Body<Data = Bytes> + Unpin>(mut body: B) {
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

async fn read_all<B>(body: &mut B, limit: RequestLimit, lease: &mut Lease) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes, Error: std::fmt::Display> + Unpin,
{
    let announced = body.size_hint().exact().unwrap_or(0);
    if announced > limit.bytes as u64 {
        return Err(limit.exceeded());
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Refusal::new(ErrorKind::InvalidInput, format!("the body ended early: {e}")))?;
        let Ok(chunk) = frame.into_data() else { continue };
        let len = whole.len() + chunk.len();
        if len > limit.bytes {
            return Err(limit.exceeded());
        }
        lease.grow(chunk.len())?;
        // A chunk is a piece of the connection's buffer: where it is kept, the connection needs another one, and all of this one
        // stays in memory with it.
        if whole.is_empty() {
            whole.reserve((announced as usize).clamp(len, limit.bytes) + TRAILER_BYTES);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}
