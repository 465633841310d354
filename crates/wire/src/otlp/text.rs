//! UTF-8 validation of many short texts.
//!
//! Nearly all of telemetry is short ASCII, where the call into a vectorised
//! validator costs more than the work: eight bytes at a time are tested inline,
//! and only texts that are not ASCII go to `simdutf8`.

use super::fault::{Fault, Refusal};
use super::limits::Limits;

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    // What does not fill a word is tested with a word that overlaps: that is one step instead of up to seven.
    let seen = match (bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(last), ..) => {
            let (words, _) = bytes.as_chunks::<8>();
            words.iter().fold(u64::from_le_bytes(*last), |seen, w| seen | u64::from_le_bytes(*w))
        }
        (None, Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first) | u32::from_le_bytes(*last)),
        _ => bytes.iter().fold(0, |seen, b| seen | u64::from(*b)),
    };
    seen & HIGH_BITS == 0
}

/// The bytes as text.
///
/// # Errors
/// [`Refusal::NotUtf8`].
#[inline]
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    if is_ascii(bytes) {
        // SAFETY: ASCII is UTF-8. Worth it: with the checked conversion a span of 650 bytes takes 620 instead of 320 ns.
        #[allow(unsafe_code)]
        return Ok(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    simdutf8::basic::from_utf8(bytes).map_err(|_| Refusal::NotUtf8.into())
}

/// The bytes as text of a limited size; `field` is its name on the wire.
#[inline]
pub(super) fn field<'a>(bytes: &'a [u8], limits: &Limits, field: &'static str) -> Result<&'a str, Fault> {
    limits.check_bytes(bytes.len()).and_then(|()| utf8(bytes)).map_err(|f| f.inside(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        let samples: [&[u8]; 7] = [
            b"",
            b"GET",
            b"0123456789abcdef",
            "z\u{fc}rich-eu-central".as_bytes(),
            b"0123456\xff",
            b"01234567\xc3",
            &[0xf0, 0x9f, 0x92, 0xa9],
        ];
        for s in samples {
            assert_eq!(utf8(s).ok(), std::str::from_utf8(s).ok(), "{s:?}");
        }
    }

    #[test]
    fn every_position_is_tested() {
        for len in 1..40 {
            for at in 0..len {
                let mut s = vec![b'a'; len];
                s[at] = 0x80;
                assert!(utf8(&s).is_err(), "{len} {at}");
            }
        }
    }
}
