//! Streams of bits as Prometheus's chunks have them.
//!
//! Sources: Prometheus, "Chunks disk format", and `tsdb/chunkenc/varbit.go` for the classes of whole numbers.

/// The widths of whole numbers; what fits none of them takes 64 bits.
const VARBIT_WIDTHS: [u32; 7] = [3, 6, 9, 12, 18, 25, 56];

/// Bits, the highest of a byte first.
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not written yet.
    free: u32,
}

impl Bits {
    /// Bits behind some whole bytes.
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, free: 0 }
    }

    /// All bytes; bits of the last one that were not written are 0.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The lowest `count` bits of `value`.
    pub(super) fn write(&mut self, value: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let taken = left.min(self.free);
            let bits = (value >> (left - taken)) as u8 & (0xff_u16 >> (8 - taken)) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bits << (self.free - taken);
            }
            self.free -= taken;
            left -= taken;
        }
    }

    pub(super) fn prefixed(&mut self, prefix: u64, prefix_bits: u32, value: u64, count: u32) {
        self.write(prefix, prefix_bits);
        self.write(value, count);
    }

    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.write(value & 0x7f | 0x80, 8);
            value >>= 7;
        }
        self.write(value, 8);
    }

    /// A whole number, near 0 in few bits.
    pub(super) fn varbit_int(&mut self, value: i64) {
        let fits = |bits: u32| (-(1i64 << (bits - 1)) + 1..=1i64 << (bits - 1)).contains(&value);
        self.varbit(value as u64, value == 0, fits);
    }

    /// A whole number from 0, small ones in few bits.
    pub(super) fn varbit_uint(&mut self, value: u64) {
        self.varbit(value, value == 0, |bits| value >> bits == 0);
    }

    fn varbit(&mut self, value: u64, zero: bool, fits: impl Fn(u32) -> bool) {
        if zero {
            return self.write(0, 1);
        }
        // As many ones as the class has number, and a zero unless it is the last.
        match VARBIT_WIDTHS.iter().zip(1u32..).find(|(width, _)| fits(**width)) {
            Some((width, ones)) => self.prefixed((1 << (ones + 1)) - 2, ones + 1, value, *width),
            None => self.prefixed(0xff, 8, value, 64),
        }
    }
}
