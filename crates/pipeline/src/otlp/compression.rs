//! Decompression of request bodies, with a cap on what comes out.

use foundation::ErrorKind;

use super::server::RequestLimit;
use crate::refusal::Refusal;

/// The encodings of OTLP/HTTP `content-encoding` and of gRPC `grpc-encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
    /// zlib, as RFC 9110 calls it `deflate`.
    Deflate,
}

/// What `accept-encoding` of a refusal says.
pub(super) const ACCEPTED: &str = "gzip, zstd, deflate, identity";

impl Encoding {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// Decompresses `body`; the result is within `limit`.
pub(super) fn decompress(encoding: Encoding, body: &[u8], limit: RequestLimit) -> Result<Vec<u8>, Refusal> {
    match encoding {
        Encoding::Identity => Ok(body.to_vec()),
        Encoding::Gzip => grow(body, limit, gzip_hint(body), "gzip", |d, out| d.gzip_decompress(body, out)),
        Encoding::Deflate => grow(body, limit, body.len() * 4, "deflate", |d, out| d.zlib_decompress(body, out)),
        Encoding::Zstd => zstd(body, limit),
    }
}

/// gzip ends with the length of the content modulo 2^32 (RFC 1952, ISIZE): a hint, sent by a stranger.
fn gzip_hint(body: &[u8]) -> usize {
    body.last_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n) as usize)
}

/// libdeflate wants the whole output at once: try the hint, then twice as much, up to the limit.
fn grow(
    body: &[u8],
    limit: RequestLimit,
    hint: usize,
    name: &str,
    mut run: impl FnMut(&mut libdeflater::Decompressor, &mut [u8]) -> Result<usize, libdeflater::DecompressionError>,
) -> Result<Vec<u8>, Refusal> {
    // Deflate expands at most 1032 times, so a larger hint is a lie.
    let possible = body.len().saturating_mul(1032).clamp(64, limit.bytes.max(64));
    let mut size = hint.clamp(64, possible);
    let mut decompressor = libdeflater::Decompressor::new();
    loop {
        let mut out = vec![0; size];
        match run(&mut decompressor, &mut out) {
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

fn zstd(body: &[u8], limit: RequestLimit) -> Result<Vec<u8>, Refusal> {
    use std::io::Read as _;
    let bad = |e: std::io::Error| {
        Refusal::new(
            ErrorKind::InvalidInput,
            format!("the body is not valid zstd, although content-encoding says so: {e}"),
        )
    };
    let mut decoder = zstd::stream::read::Decoder::new(body).map_err(bad)?;
    // A window above 8 MiB is more than RFC 8878 asks a decoder to support.
    decoder.window_log_max(27).map_err(bad)?;
    let mut out = Vec::new();
    decoder.take(limit.bytes as u64 + 1).read_to_end(&mut out).map_err(bad)?;
    if out.len() > limit.bytes { Err(limit.exceeded()) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut c = libdeflater::Compressor::new(libdeflater::CompressionLvl::fastest());
        let mut out = vec![0; c.gzip_compress_bound(data.len())];
        let n = c.gzip_compress(data, &mut out).unwrap();
        out.truncate(n);
        out
    }

    fn limit(bytes: usize) -> RequestLimit {
        RequestLimit { bytes, setting: "test" }
    }

    #[test]
    fn round_trips_and_caps() {
        let data = b"telemetry ".repeat(10_000);
        let gz = gzip(&data);
        let zs = zstd::bulk::compress(&data, 1).unwrap();
        for (encoding, body) in [(Encoding::Gzip, &gz), (Encoding::Zstd, &zs)] {
            assert_eq!(decompress(encoding, body, limit(1 << 20)).unwrap(), data);
            assert_eq!(decompress(encoding, body, limit(5000)).unwrap_err().kind, ErrorKind::TooLarge);
            assert_eq!(decompress(encoding, b"garbage", limit(5000)).unwrap_err().kind, ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_wrong_length_at_the_end_of_gzip_is_an_error() {
        let mut gz = gzip(b"telemetry");
        let at = gz.len() - 4;
        gz[at..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decompress(Encoding::Gzip, &gz, limit(1 << 20)).is_err());
    }
}
