//! Ids as they were sent, also those that have a wrong length.

use std::fmt;

/// The id of a trace.
pub type TraceId = Id<16>;
/// The id of a span.
pub type SpanId = Id<8>;

/// An id of `N` bytes.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub enum Id<const N: usize> {
    /// None was sent.
    #[default]
    Missing,
    /// As it should be; all zeroes are no valid id.
    Set([u8; N]),
    /// Of another length; engines and back ends refuse it.
    Odd(Box<[u8]>),
}

impl<const N: usize> Id<N> {
    /// The id, if it has its length and is not all zeroes.
    pub fn valid(&self) -> Option<&[u8; N]> {
        match self {
            Self::Set(id) if *id != [0; N] => Some(id),
            _ => None,
        }
    }

    /// As it was sent.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Missing => &[],
            Self::Set(id) => id,
            Self::Odd(id) => id,
        }
    }

    /// In lower-case hex; a missing one is empty.
    pub fn to_hex(&self) -> String {
        use fmt::Write;
        let mut hex = String::with_capacity(2 * N);
        for b in self.as_bytes() {
            // Writing to a string does not fail.
            let _ = write!(hex, "{b:02x}");
        }
        hex
    }

    /// Reads hex of any case; the empty text is a missing id.
    pub fn from_hex(hex: &str) -> Option<Self> {
        if hex.len() != 2 * N {
            return hex.is_empty().then_some(Self::Missing);
        }
        let mut id = [0; N];
        for (byte, digits) in id.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self::Set(id))
    }
}

impl<const N: usize> From<&[u8]> for Id<N> {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        match bytes.try_into() {
            Ok(id) => Self::Set(id),
            Err(_) if bytes.is_empty() => Self::Missing,
            Err(_) => Self::Odd(bytes.into()),
        }
    }
}

impl<const N: usize> From<[u8; N]> for Id<N> {
    fn from(id: [u8; N]) -> Self {
        Self::Set(id)
    }
}

impl<const N: usize> fmt::Debug for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways_and_bad_hex_is_none() {
        let id = SpanId::from([0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff]);
        assert_eq!(id.to_hex(), "00010203fcfdfeff");
        assert_eq!(SpanId::from_hex("00010203FCfdfeff"), Some(id));
        assert_eq!(SpanId::from_hex(""), Some(Id::Missing));
        for bad in ["00", "00010203fcfdfefg", "+0010203fcfdfeff", "00010203fcfdfeff00"] {
            assert_eq!(SpanId::from_hex(bad), None, "{bad}");
        }
        assert!(SpanId::from([0; 8]).valid().is_none());
    }
}
