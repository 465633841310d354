//! Bits and varints: what the chunk codecs are written with.
//!
//! Bits fill each byte from the most significant end, as in Prometheus' chunk
//! format, so that a stream can be read without knowing its width in advance.
//! Varints are LEB128 (protobuf's); signed numbers are zigzag-encoded.

/// Appends `v` as a varint: 7 bits per byte, least significant first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// Appends `v` as a zigzag varint.
pub(crate) fn put_signed(out: &mut Vec<u8>, v: i64) {
    put_varint(out, zigzag(v));
}

/// Maps numbers of small magnitude to small unsigned numbers.
pub(crate) const fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)) as u64
}

/// Undoes [`zigzag`].
pub(crate) const fn unzigzag(v: u64) -> i64 {
    (v >> 1) as i64 ^ -((v & 1) as i64)
}

/// How many bits hold every number up to `max`.
pub(crate) const fn width_of(max: u64) -> u32 {
    u64::BITS - max.leading_zeros()
}

/// Reads bytes from the front of a slice; `None` when they run out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByteReader<'a>(pub(crate) &'a [u8]);

impl<'a> ByteReader<'a> {
    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.bytes(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut v = 0u64;
        for shift in (0..70).step_by(7) {
            let b = self.u8()?;
            let part = u64::from(b & 0x7f);
            if shift == 63 && part > 1 {
                return None;
            }
            v |= part << shift;
            if b < 0x80 {
                return Some(v);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.varint().map(unzigzag)
    }

    /// A varint that is a length or count in memory.
    pub(crate) fn len(&mut self) -> Option<usize> {
        self.varint().and_then(|v| usize::try_from(v).ok())
    }

    /// A varint length and that many bytes.
    pub(crate) fn prefixed(&mut self) -> Option<&'a [u8]> {
        let n = self.len()?;
        self.bytes(n)
    }

    /// A varint length and that many bytes of UTF-8.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.prefixed()?).ok()
    }
}

/// Appends a varint length and the bytes.
pub(crate) fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes bits into bytes.
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    out: Vec<u8>,
    /// Bits not yet in `out`, at the least significant end.
    pending: u64,
    /// How many bits are pending; below 8 between calls.
    count: u32,
}

impl BitWriter {
    /// Writes the low `width` bits of `v`, `width <= 64`.
    pub(crate) fn put(&mut self, v: u64, width: u32) {
        if width > 32 {
            self.put_short(v >> 32, width - 32);
            self.put_short(v & 0xffff_ffff, 32);
        } else {
            self.put_short(v, width);
        }
    }

    fn put_short(&mut self, v: u64, width: u32) {
        self.pending = self.pending << width | (v & ((1u64 << width) - 1));
        self.count += width;
        while self.count >= 8 {
            self.count -= 8;
            self.out.push((self.pending >> self.count) as u8);
        }
    }

    /// The bytes, the last one filled up with zero bits.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.put_short(0, 8 - self.count);
        }
        self.out
    }
}

/// Reads bits from bytes; `None` when they run out.
#[derive(Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads `width <= 64` bits.
    #[inline]
    pub(crate) fn take(&mut self, width: u32) -> Option<u64> {
        if width > 32 {
            let high = self.take_short(width - 32)?;
            return Some(high << 32 | self.take_short(32)?);
        }
        self.take_short(width)
    }

    /// At most 32 bits lie within 5 bytes, so that one 8-byte load covers them.
    #[inline]
    fn take_short(&mut self, width: u32) -> Option<u64> {
        if width == 0 {
            return Some(0);
        }
        let end = self.at + width as usize;
        if end > self.bytes.len() * 8 {
            return None;
        }
        let first = self.at / 8;
        let tail = self.bytes.get(first..)?;
        let word = match tail.first_chunk::<8>() {
            Some(b) => u64::from_be_bytes(*b),
            None => {
                let mut b = [0u8; 8];
                b[..tail.len()].copy_from_slice(tail);
                u64::from_be_bytes(b)
            }
        };
        let v = word << (self.at % 8) >> (64 - width);
        self.at = end;
        Some(v)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_come_back(fields in prop::collection::vec((any::<u64>(), 0u32..=64), 0..200)) {
            let mut w = BitWriter::default();
            let mask = |v: u64, n: u32| if n == 64 { v } else { v & ((1u64 << n) - 1) };
            for (v, n) in &fields {
                w.put(*v, *n);
            }
            let bytes = w.finish();
            let mut r = BitReader::new(&bytes);
            for (v, n) in &fields {
                prop_assert_eq!(r.take(*n), Some(mask(*v, *n)));
            }
            prop_assert!(r.take(8).is_none());
        }

        #[test]
        fn varints_come_back(v in any::<i64>()) {
            let mut out = Vec::new();
            put_signed(&mut out, v);
            let mut r = ByteReader(&out);
            prop_assert_eq!(r.signed(), Some(v));
            prop_assert!(r.0.is_empty());
        }
    }

    #[test]
    fn an_endless_varint_is_refused() {
        assert_eq!(ByteReader(&[0xff; 11]).varint(), None);
        assert_eq!(ByteReader(&[0x80]).varint(), None);
    }
}
