//! Columns of signed 64-bit integers: one value, frame of reference, deltas, or a dictionary.
//!
//! Values are cut into frames of 128; each frame stores its smallest value
//! and the distances to it in as many bits as the largest needs, so that an
//! outlier costs one frame and not the block. Times from millisecond clocks
//! are divided by their common power of 1000 first.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::bytes::{Reader, put_signed, put_varint};
use super::{Damaged, codes};

/// Values per frame: 128 values of `w` bits fill `2 * w` words, so full frames stay aligned.
const FRAME: usize = 128;

const CONST: u8 = 0;
const FOR: u8 = 1;
const DELTA: u8 = 2;
const DICT: u8 = 3;

/// Entries of a dictionary: its codes are bytes.
const ENTRIES_MAX: usize = 256;
/// Frames of fewer bits a value leave nothing for a dictionary to save.
const DICT_BITS_MIN: usize = 3;

/// What values may be divided by, by its code on disk.
const SCALES: [i64; 3] = [1, 1_000, 1_000_000];

/// Appends `values` in the smallest of the encodings. The number of values is not stored.
pub(crate) fn encode(values: &[i64], out: &mut Vec<u8>) {
    let at = out.len();
    encode_frames(values, out);
    if (out.len() - at) * 8 > values.len() * DICT_BITS_MIN
        && let Some(bytes) = dictionary(values)
        && bytes.len() < out.len() - at
    {
        out.truncate(at);
        out.extend_from_slice(&bytes);
    }
}

/// Few distinct values: ports, status codes, line numbers.
fn dictionary(values: &[i64]) -> Option<Vec<u8>> {
    let max = ENTRIES_MAX.min(values.len() / 8);
    let mut index: HashMap<i64, u32, FxBuildHasher> = HashMap::default();
    let mut entries: Vec<i64> = Vec::new();
    let mut codes = Vec::with_capacity(values.len());
    for v in values {
        let code = *index.entry(*v).or_insert_with(|| {
            entries.push(*v);
            entries.len() as u32 - 1
        });
        if entries.len() > max {
            return None;
        }
        codes.push(code);
    }
    let mut out = vec![DICT];
    put_varint(&mut out, entries.len() as u64);
    encode_frames(&entries, &mut out);
    codes::encode(&codes, entries.len(), &mut out);
    Some(out)
}

/// As [`encode`], without a dictionary.
pub(crate) fn encode_frames(values: &[i64], out: &mut Vec<u8>) {
    let Some(&first) = values.first() else { return };
    if values.iter().all(|v| *v == first) {
        out.push(CONST);
        put_signed(out, first);
        return;
    }
    let code = (1..SCALES.len()).rev().find(|c| values.iter().all(|v| v % SCALES[*c] == 0)).unwrap_or(0);
    let scaled: Vec<i64>;
    let values = if code == 0 {
        values
    } else {
        scaled = values.iter().map(|v| v / SCALES[code]).collect();
        &scaled
    };
    let deltas: Vec<i64> = values.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
    if frames_bytes(&deltas) + 9 < frames_bytes(values) {
        out.extend([DELTA, code as u8]);
        put_signed(out, values[0]);
        put_frames(&deltas, out);
    } else {
        out.extend([FOR, code as u8]);
        put_frames(values, out);
    }
}

/// Reads `n` values.
pub(crate) fn decode(r: &mut Reader<'_>, n: usize) -> Result<Vec<i64>, Damaged> {
    if n == 0 {
        return Ok(Vec::new());
    }
    let kind = r.u8()?;
    match kind {
        CONST => return Ok(vec![r.signed()?; n]),
        DICT => return decode_dictionary(r, n),
        _ => {}
    }
    let scale = *SCALES.get(r.u8()? as usize).ok_or(Damaged("integer scale"))?;
    let mut values = match kind {
        FOR => {
            let mut values = Vec::with_capacity(n);
            read_frames(r, n, &mut values)?;
            values
        }
        DELTA => {
            let mut values = Vec::with_capacity(n);
            values.push(r.signed()?);
            read_frames(r, n - 1, &mut values)?;
            let mut at = 0i64;
            for v in &mut values {
                at = at.wrapping_add(*v);
                *v = at;
            }
            values
        }
        _ => return Err(Damaged("integer encoding")),
    };
    if scale != 1 {
        for v in &mut values {
            *v = v.wrapping_mul(scale);
        }
    }
    Ok(values)
}

fn decode_dictionary(r: &mut Reader<'_>, n: usize) -> Result<Vec<i64>, Damaged> {
    let count = r.count(ENTRIES_MAX.min(n))?;
    // Entries are frames: dictionaries do not nest.
    if r.0.first() == Some(&DICT) {
        return Err(Damaged("integer dictionary"));
    }
    let entries = decode(r, count)?;
    Ok(codes::decode(r, n, count)?.into_iter().map(|c| entries[c as usize]).collect())
}

fn bounds(frame: &[i64]) -> (i64, u32) {
    let (mut min, mut max) = (i64::MAX, i64::MIN);
    for v in frame {
        min = min.min(*v);
        max = max.max(*v);
    }
    (min, 64 - (max.wrapping_sub(min) as u64).leading_zeros())
}

fn frames_bytes(values: &[i64]) -> usize {
    values.chunks(FRAME).map(|f| 4 + (f.len() * bounds(f).1 as usize).div_ceil(64) * 8).sum()
}

fn put_frames(values: &[i64], out: &mut Vec<u8>) {
    for frame in values.chunks(FRAME) {
        let (min, width) = bounds(frame);
        put_signed(out, min);
        out.push(width as u8);
        pack(frame.iter().map(|v| v.wrapping_sub(min) as u64), width, out);
    }
}

fn read_frames(r: &mut Reader<'_>, n: usize, out: &mut Vec<i64>) -> Result<(), Damaged> {
    let mut left = n;
    while left > 0 {
        let take = left.min(FRAME);
        let min = r.signed()?;
        let width = u32::from(r.u8()?);
        let at = out.len();
        out.resize(at + take, 0);
        unpack(r, width, &mut out[at..], |v| min.wrapping_add(v as i64))?;
        left -= take;
    }
    Ok(())
}

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

/// Bits of a value that always lie in the eight bytes from that of its first bit on.
const WINDOW_BITS: u32 = 57;

/// Fills `out` with values of `width` bits as [`pack`] wrote them.
pub(crate) fn unpack<T>(
    r: &mut Reader<'_>,
    width: u32,
    out: &mut [T],
    mut make: impl FnMut(u64) -> T,
) -> Result<(), Damaged> {
    if width > 64 {
        return Err(Damaged("bit width"));
    }
    let width = width as usize;
    let bytes = r.take((out.len() * width).div_ceil(64) * 8)?;
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    if width <= WINDOW_BITS as usize {
        // No value waits for the one before it.
        for (i, to) in out.iter_mut().enumerate() {
            let bit = i * width;
            *to = make(window(bytes, bit / 8) >> (bit % 8) & mask);
        }
        return Ok(());
    }
    let mut words = bytes.chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().unwrap_or_default()));
    let (mut acc, mut bits) = (0u128, 0usize);
    for to in out {
        if bits < width {
            acc |= u128::from(words.next().unwrap_or_default()) << bits;
            bits += 64;
        }
        *to = make(acc as u64 & mask);
        acc >>= width;
        bits -= width;
    }
    Ok(())
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

    fn round_trip(values: &[i64]) -> usize {
        let mut out = Vec::new();
        encode(values, &mut out);
        let mut r = Reader(&out);
        assert_eq!(decode(&mut r, values.len()).unwrap(), values);
        assert!(r.0.is_empty());
        out.len()
    }

    #[test]
    fn sizes_fit_the_values() {
        assert_eq!(round_trip(&[7; 1000]), 2);
        // Millisecond clock in nanoseconds, rising by one: deltas of one value.
        let rising: Vec<i64> = (0..1000).map(|i| 1_700_000_000_000_000_000 + i * 1_000_000).collect();
        assert!(round_trip(&rising) < 50);
        // One outlier must not widen the other frames.
        let mut small: Vec<i64> = (0..1280).map(|i| i * 7919 % 16).collect();
        small[5] = i64::MAX;
        assert!(round_trip(&small) < 1024 + 10 * 70);
        // Two bits for each of three ports, however far they are apart.
        let ports: Vec<i64> = (0..1024).map(|i| [8080, 5432, 6379][i * 7 / 5 % 3]).collect();
        assert!(round_trip(&ports) < 256 + 30);
        round_trip(&[]);
        round_trip(&[i64::MIN, i64::MAX, 0, -1]);
    }

    proptest! {
        #[test]
        fn any_values_round_trip(values in prop::collection::vec(any::<i64>(), 0..400), shift in 0u32..64) {
            let values: Vec<i64> = values.into_iter().map(|v| v >> shift).collect();
            round_trip(&values);
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200), n in 0usize..300) {
            let _ = decode(&mut Reader(&bytes), n);
        }
    }
}
