//! Numbers of a few bits each, one after another: the innermost loop of reading a column.
//!
//! Eight values of `w` bits fill `w` bytes, so each group of eight begins at a byte, and with the width known to the
//! compiler every value of the group lies at a fixed place. Format: `docs/formats/segment.md`.

use super::Damaged;
use super::bytes::Reader;

/// Values that lie at fixed places of the bytes that they fill.
const GROUP: usize = 8;
/// Bits of a value that always lie in the eight bytes from that of its first bit on.
const WINDOW_BITS: usize = 57;

/// Appends values of `width` bits (0-64), lowest bits first, padded to a whole word.
pub(crate) fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut acc, mut bits) = (0u128, 0u32);
    for v in values {
        acc |= u128::from(v) << bits;
        bits += width;
        if bits >= 64 {
            out.extend_from_slice(&(acc as u64).to_le_bytes());
            acc >>= 64;
            bits -= 64;
        }
    }
    if bits > 0 {
        out.extend_from_slice(&(acc as u64).to_le_bytes());
    }
}

/// Bytes that `n` values of `width` bits take.
fn packed_bytes(n: usize, width: usize) -> usize {
    (n * width).div_ceil(64) * 8
}

fn mask(width: usize) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// Fills `out` with values of `width` bits as [`pack`] wrote them.
pub(crate) fn unpack<T>(r: &mut Reader<'_>, width: u32, out: &mut [T], make: impl Fn(u64) -> T) -> Result<(), Damaged> {
    let width = checked(width)?;
    // What follows the values may be read along with the last of them, and is cut off.
    let along = r.0;
    let bytes = r.take(packed_bytes(out.len(), width))?;
    macro_rules! of_width {
        ($($w:literal)*) => {
            match width {
                0 => return { out.iter_mut().for_each(|to| *to = make(0)); Ok(()) },
                $($w => groups::<$w, T>(along, out, &make),)*
                _ => 0,
            }
        };
    }
    let done = of_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35
        36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57);
    for (i, to) in out.iter_mut().enumerate().skip(done) {
        *to = make(value(bytes, width, i));
    }
    Ok(())
}

/// Fills the values that lie in groups whose bytes, and eight more, are there; how many that are.
fn groups<const W: usize, T>(bytes: &[u8], out: &mut [T], make: &impl Fn(u64) -> T) -> usize {
    let (groups, _) = out.as_chunks_mut::<GROUP>();
    let mut done = 0;
    for (group, at) in groups.iter_mut().zip((0..).step_by(W)) {
        let Some(bytes) = bytes.get(at..at + W + 8) else { break };
        for (i, to) in group.iter_mut().enumerate() {
            let bit = i * W;
            *to = make(window(bytes, bit / 8) >> (bit % 8) & mask(W));
        }
        done += GROUP;
    }
    done
}

/// The values at `at` (rising, below `n`) of `n` values of `width` bits.
pub(crate) fn pick<T>(
    r: &mut Reader<'_>,
    width: u32,
    n: usize,
    at: impl Iterator<Item = usize>,
    make: impl Fn(u64) -> T,
    out: &mut Vec<T>,
) -> Result<(), Damaged> {
    let width = checked(width)?;
    let bytes = r.take(packed_bytes(n, width))?;
    out.extend(at.map(|i| make(value(bytes, width, i))));
    Ok(())
}

fn checked(width: u32) -> Result<usize, Damaged> {
    if width > 64 { Err(Damaged("bit width")) } else { Ok(width as usize) }
}

/// Value `i`; zeros after the end.
fn value(bytes: &[u8], width: usize, i: usize) -> u64 {
    let bit = i * width;
    let (at, shift) = (bit / 8, bit % 8);
    let low = window(bytes, at) >> shift;
    if width <= WINDOW_BITS || shift == 0 {
        return low & mask(width);
    }
    (low | window(bytes, at + 8) << (64 - shift)) & mask(width)
}

/// The eight bytes from `at` on, zeros after the end.
#[inline]
fn window(bytes: &[u8], at: usize) -> u64 {
    if let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        return u64::from_le_bytes(eight);
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_width_reads_back(values in prop::collection::vec(any::<u64>(), 0..300), width in 0u32..65, after in 0usize..20) {
            let values: Vec<u64> = values.into_iter().map(|v| v & mask(width as usize)).collect();
            let mut bytes = Vec::new();
            pack(values.iter().copied(), width, &mut bytes);
            bytes.extend(std::iter::repeat_n(0xa5, after));
            let mut r = Reader(&bytes);
            let mut out = vec![0; values.len()];
            unpack(&mut r, width, &mut out, |v| v).unwrap();
            prop_assert_eq!((&out, r.0.len()), (&values, after));
            let mut picked = Vec::new();
            pick(&mut Reader(&bytes), width, values.len(), (0..values.len()).step_by(7), |v| v, &mut picked).unwrap();
            prop_assert_eq!(picked, values.iter().copied().step_by(7).collect::<Vec<_>>());
        }

        #[test]
        fn too_few_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..40), width in 0u32..80, n in 0usize..100) {
            let mut out = vec![0u64; n];
            let enough = width <= 64 && bytes.len() >= packed_bytes(n, width as usize);
            prop_assert_eq!(unpack(&mut Reader(&bytes), width, &mut out, |v| v).is_ok(), enough);
        }
    }
}
