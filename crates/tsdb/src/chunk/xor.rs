//! Values as XOR with the one before: the encoding for values that are not decimal.
//!
//! Pelkonen et al., "Gorilla", VLDB 2015, section 4.1.2: `0` same value; `10`
//! the differing bits lie in the last window; `11` a new window follows (5
//! bits of leading zeroes, 6 bits of length - 1, the bits).

use super::bits::{BitReader, BitWriter};
use super::samples::{Sample, ValueSlot};

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

/// How many bytes [`encode`] makes of it.
pub(super) fn encoded_len(samples: &[Sample]) -> usize {
    let (mut leading, mut len) = (64, 0);
    let differing = samples.windows(2).map(|pair| pair[0].v.to_bits() ^ pair[1].v.to_bits());
    let bits = differing.map(|x| {
        let (lead, trail) = (x.leading_zeros().min(31), x.trailing_zeros());
        if x == 0 {
            1
        } else if lead >= leading && trail >= 64 - leading - len {
            2 + len
        } else {
            (leading, len) = (lead, 64 - lead - trail);
            13 + len
        }
    });
    (64 * samples.len().min(1) + bits.sum::<u32>() as usize).div_ceil(8)
}

pub(super) fn decode<S: ValueSlot>(bytes: &[u8], slots: &mut [S]) -> Option<()> {
    let mut r = BitReader::new(bytes);
    let (first, rest) = slots.split_first_mut()?;
    let mut last = r.take(64)?;
    first.set(f64::from_bits(last));
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
        s.set(f64::from_bits(last));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_length_is_known_beforehand(odd in prop::collection::vec(any::<f64>(), 0..20), whole in prop::collection::vec(-9i32..9, 0..60)) {
            let values = odd.into_iter().chain(whole.into_iter().map(f64::from));
            let samples: Vec<Sample> = values.map(|v| Sample { t: 0, v }).collect();
            prop_assert_eq!(encoded_len(&samples), encode(&samples).len());
        }
    }
}
