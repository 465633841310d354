//! Trace and span ids. All zeroes means "none" (W3C Trace Context 3.2.2.3).

use std::fmt;
use std::str::FromStr;

/// 16 bytes that name a trace; written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TraceId(pub [u8; 16]);

/// 8 bytes that name a span within its trace; written as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId(pub [u8; 8]);

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError {
    /// How many hex digits an id of this kind has.
    pub digits: usize,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id of this kind is {} hex digits", self.digits)
    }
}

impl std::error::Error for ParseIdError {}

macro_rules! id {
    ($name:ident, $len:literal) => {
        impl $name {
            /// No id.
            pub const ZERO: Self = Self([0; $len]);

            /// Whether this is no id.
            pub fn is_zero(&self) -> bool {
                self.0 == [0; $len]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let bad = ParseIdError { digits: $len * 2 };
                let t = text.as_bytes();
                if t.len() != $len * 2 {
                    return Err(bad);
                }
                let mut out = [0u8; $len];
                for (byte, pair) in out.iter_mut().zip(t.chunks_exact(2)) {
                    match (hex(pair[0]), hex(pair[1])) {
                        (Some(h), Some(l)) => *byte = h << 4 | l,
                        _ => return Err(bad),
                    }
                }
                Ok(Self(out))
            }
        }
    };
}

id!(TraceId, 16);
id!(SpanId, 8);

const fn hex(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_either_case_and_writes_lower() {
        let id: TraceId = "4BF92F3577B34DA6A3CE929D0E0E4736".parse().unwrap();
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!("4bf9".parse::<SpanId>().is_err());
        assert!("zzzzzzzzzzzzzzzz".parse::<SpanId>().is_err());
        assert!("0000000000000000".parse::<SpanId>().unwrap().is_zero());
    }
}
