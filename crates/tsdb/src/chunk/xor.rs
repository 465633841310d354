//! Values as XOR with the one before: the encoding for values that are not decimal.
//!
//! Pelkonen et al., "Gorilla", VLDB 2015, section 4.1.2: `0` same value; `10`
//! the differing bits lie in the last window; `11` a new window follows (5
//! bits of leading zeroes, 6 bits of length - 1, the bits).

use super::Sample;
use super::bits::{BitReader, BitWriter};

pub(super) fn encode(samples: &[Sample]) -> Vec<u8> {
    let mut w = BitWriter::default();
    let mut values = samples.iter().map(|s| s.v.to_bits());
    let Some(mut last) = values.next() else { return Vec::new() };
    w.put(last, 64);
    // A window that fits nothing, so that the first difference opens its own.
    let (mut leading, mut len) = (64, 0);
    for v in values {
        let x = v ^ last;
        last = v;
        if x == 0 {
            w.put(0, 1);
            continue;
        }
        let (lead, trail) = (x.leading_zeros().min(31), x.trailing_zeros());
        if lead >= leading && trail >= 64 - leading - len {
            w.put(0b10, 2);
            w.put(x >> (64 - leading - len), len);
        } else {
            (leading, len) = (lead, 64 - lead - trail);
            w.put(0b11, 2);
            w.put(u64::from(leading), 5);
            w.put(u64::from(len - 1), 6);
            w.put(x >> trail, len);
        }
    }
    w.finish()
}

pub(super) fn decode(bytes: &[u8], samples: &mut [Sample]) -> Option<()> {
    let mut r = BitReader::new(bytes);
    let (first, rest) = samples.split_first_mut()?;
    let mut last = r.take(64)?;
    first.v = f64::from_bits(last);
    let (mut leading, mut len) = (0u32, 0u32);
    for s in rest {
        if r.take(1)? == 1 {
            if r.take(1)? == 1 {
                leading = r.take(5)? as u32;
                len = r.take(6)? as u32 + 1;
            }
            let shift = 64u32.checked_sub(leading + len).filter(|n| *n < 64)?;
            last ^= r.take(len)? << shift;
        }
        s.v = f64::from_bits(last);
    }
    Some(())
}
