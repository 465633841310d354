//! Decompression of request bodies, with a cap on what comes out.

use std::cell::RefCell;

use bytes::Bytes;
use foundation::ErrorKind;

use crate::body::RequestLimit;
use crate::body::TRAILER_BYTES;
use crate::budget::Lease;
use crate::refusal::Refusal;

/// The encodings of OTLP/HTTP `content-encoding` and of gRPC `grpc-encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
    /// zlib, as RFC 9110 calls it `deflate`.
    Deflate,
}

/// 128 MiB: a frame that says its content size has a window as large as its content.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// Memory for zstd is accounted in steps.
const ZSTD_STEP_BYTES: usize = 1 << 20;

/// What `accept-encoding` of a refusal says.
pub(crate) const ACCEPTED: &str = "gzip, zstd, deflate, identity";

impl Encoding {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// What comes out of so many bytes of zstd is usually done sooner than the thread's other work is handed to another; the worst that they
/// can swell to takes some 10 ms.
const AT_ONCE_BYTES: usize = 16 << 10;
/// So many bytes come out of deflate in some 300 us.
const AT_ONCE_PLAIN_BYTES: usize = 1 << 20;

thread_local! {
    /// Making one clears its tables, which costs as much as a small body.
    static DECOMPRESSOR: RefCell<libdeflater::Decompressor> = RefCell::new(libdeflater::Decompressor::new());
}

/// Decompresses what was read, what is large away from the threads that serve sockets; the result is within `limit` and accounted in
/// `lease`.
pub(crate) fn decompress(
    encoding: Encoding,
    body: Bytes,
    limit: RequestLimit,
    lease: &mut Lease,
) -> Result<Bytes, Refusal> {
    if encoding == Encoding::Identity {
        return Ok(body);
    }
    let mut decompress = || decompress_here(encoding, &body, limit, lease);
    let plain = if encoding == Encoding::Zstd && body.len() > AT_ONCE_BYTES {
        tokio::task::block_in_place(decompress)
    } else {
        decompress()
    };
    Ok(plain?.into())
}

fn decompress_here(
    encoding: Encoding,
    body: &[u8],
    limit: RequestLimit,
    lease: &mut Lease,
) -> Result<Vec<u8>, Refusal> {
    match encoding {
        Encoding::Identity => Ok(body.to_vec()),
        Encoding::Gzip => gzip(body, limit, lease),
        Encoding::Deflate => {
            grow(body, limit, lease, body.len().saturating_mul(4), "deflate", |d, out| d.zlib_decompress(body, out))
        }
        Encoding::Zstd => zstd(body, limit, lease),
    }
}

fn gzip(body: &[u8], limit: RequestLimit, lease: &mut Lease) -> Result<Vec<u8>, Refusal> {
    // gzip ends with the length of the content modulo 2^32 (RFC 1952, ISIZE): a hint, sent by a stranger.
    let length = body.last_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n) as usize);
    let out = grow(body, limit, lease, length, "gzip", |d, out| d.gzip_decompress(body, out))?;
    // libdeflate stops after the first member and says nothing of the rest.
    if out.len() as u32 as usize != length {
        let message = "the gzip body has several members, or bytes behind its end; send one member";
        return Err(Refusal::new(ErrorKind::InvalidInput, message));
    }
    Ok(out)
}

/// libdeflate wants the whole output at once: try the hint, then twice as much, up to the limit.
fn grow(
    body: &[u8],
    limit: RequestLimit,
    lease: &mut Lease,
    hint: usize,
    name: &str,
    mut run: impl FnMut(&mut libdeflater::Decompressor, &mut [u8]) -> Result<usize, libdeflater::DecompressionError>,
) -> Result<Vec<u8>, Refusal> {
    // Deflate expands at most 1032 times, so a larger hint is a lie.
    let possible = body.len().saturating_mul(1032).clamp(64, limit.bytes.max(64));
    let mut size = hint.clamp(64, possible);
    let mut charged = 0;
    loop {
        lease.grow(size - charged)?;
        charged = size;
        let mut out = vec![0; size + TRAILER_BYTES];
        let mut once = || DECOMPRESSOR.with_borrow_mut(|decompressor| run(decompressor, &mut out[..size]));
        match if size <= AT_ONCE_PLAIN_BYTES { once() } else { tokio::task::block_in_place(once) } {
            Ok(n) => {
                out.truncate(n);
                return Ok(out);
            }
            Err(libdeflater::DecompressionError::InsufficientSpace) if size < possible => {
                size = size.saturating_mul(2).min(possible);
            }
            Err(libdeflater::DecompressionError::InsufficientSpace) => return Err(limit.exceeded()),
            Err(libdeflater::DecompressionError::BadData) => {
                return Err(Refusal::new(
                    ErrorKind::InvalidInput,
                    format!("the body is not valid {name}, although content-encoding says so"),
                ));
            }
        }
    }
}

fn zstd(body: &[u8], limit: RequestLimit, lease: &mut Lease) -> Result<Vec<u8>, Refusal> {
    use std::io::Read as _;
    let bad = |e: std::io::Error| {
        let message = format!("the body is not valid zstd, although content-encoding says so: {e}");
        Refusal::new(ErrorKind::InvalidInput, message)
    };
    let mut decoder = zstd::stream::read::Decoder::new(body).map_err(bad)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(bad)?;
    let mut out = Vec::new();
    loop {
        lease.grow(ZSTD_STEP_BYTES)?;
        let n = (&mut decoder).take(ZSTD_STEP_BYTES as u64).read_to_end(&mut out).map_err(bad)?;
        if out.len() > limit.bytes {
            return Err(limit.exceeded());
        }
        if n < ZSTD_STEP_BYTES {
            return Ok(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    fn gzipped(data: &[u8]) -> Vec<u8> {
        let mut c = libdeflater::Compressor::new(libdeflater::CompressionLvl::fastest());
        let mut out = vec![0; c.gzip_compress_bound(data.len())];
        let n = c.gzip_compress(data, &mut out).unwrap();
        out.truncate(n);
        out
    }

    fn decompress(encoding: Encoding, body: &[u8], limit: RequestLimit) -> Result<Vec<u8>, Refusal> {
        super::decompress_here(encoding, body, limit, &mut Budget::new(usize::MAX).lease())
    }

    fn limit(bytes: usize) -> RequestLimit {
        RequestLimit { bytes, setting: "test" }
    }

    #[test]
    fn any_bytes_are_survived_within_the_limit() {
        let any = |bytes: &[u8]| {
            for encoding in [Encoding::Gzip, Encoding::Zstd] {
                if let Ok(plain) = decompress(encoding, bytes, limit(4096)) {
                    assert!(plain.len() <= 4096);
                }
            }
        };
        let data = b"telemetry ".repeat(100);
        wire::mutation::run(any, &[gzipped(&data), zstd::bulk::compress(&data, 1).unwrap()], 8000);
    }

    #[test]
    fn round_trips_and_caps() {
        let data = b"telemetry ".repeat(10_000);
        let gz = gzipped(&data);
        let zs = zstd::bulk::compress(&data, 1).unwrap();
        for (encoding, body) in [(Encoding::Gzip, &gz), (Encoding::Zstd, &zs)] {
            assert_eq!(decompress(encoding, body, limit(1 << 20)).unwrap(), data);
            assert_eq!(decompress(encoding, body, limit(5000)).unwrap_err().kind, ErrorKind::TooLarge);
            assert_eq!(decompress(encoding, b"garbage", limit(5000)).unwrap_err().kind, ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_wrong_length_at_the_end_of_gzip_is_an_error() {
        let mut gz = gzipped(b"telemetry");
        let at = gz.len() - 4;
        gz[at..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decompress(Encoding::Gzip, &gz, limit(1 << 20)).is_err());
    }

    #[test]
    fn a_second_gzip_member_is_refused_not_dropped() {
        let two = [gzipped(b"one, which is long"), gzipped(b"two")].concat();
        let e = decompress(Encoding::Gzip, &two, limit(1 << 20)).unwrap_err();
        assert!(e.message.contains("several members"), "{e}");
    }
}
